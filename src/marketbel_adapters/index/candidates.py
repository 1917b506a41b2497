"""Candidates from tantivy, in threads: the loop never waits for a look-up or a commit."""

import asyncio
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import nlargest
from itertools import batched
from operator import itemgetter
from typing import Final

from marketbel_adapters.candidate_lookup import ThreadLookup
from marketbel_adapters.index.fresh import Fresh
from marketbel_adapters.index.rows import packed, unpacked
from marketbel_adapters.index.segments import Segments
from marketbel_adapters.index.shelves import Shelves
from marketbel_core.catalog import Product
from marketbel_core.ids import ProductId
from marketbel_core.matching import (
    Candidate,
    Corpus,
    Features,
    Letters,
    Wanted,
    features_of,
    keys_of,
    whole_name_key,
    worth_a_look,
    worth_comparing,
)
from marketbel_core.ports import CandidateIndex, CandidateLookup, ProductChanges

__all__ = ["TantivyCandidateIndex"]

_FRESH_MAX: Final = 500
"""More that is fresh is committed: counting it by hand would cost more than the commit."""

_TOGETHER: Final = 100
"""Products taken in at once: look-ups and small changes get in between."""

_COMMIT_EVERY: Final = 100_000
_LEARNT_MAX: Final = 50_000
"""The corpus learns siblings from so many names at most."""

_UNPACKED_MAX: Final = 20_000
_NAMESAKES_MAX: Final = 200

type Entry = tuple[int, int, int, Collection[str]]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TICK: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class _Read:
    """A product made ready outside of the lock."""

    product: Product
    features: Features
    row: bytes
    keys: list[str]


class TantivyCandidateIndex(CandidateIndex):
    """Products on slots: a slot is never used again, so that a stale hit finds nothing.

    What is new is counted by hand until there is enough of it for a commit.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # of everything but the segments
        self._committing = threading.Lock()
        self._rows: list[bytes | None] = []
        self._texts: list[str] = []
        self._shelves = Shelves()
        self._slots: dict[bytes, int] = {}
        self._segments = Segments()
        self._fresh = Fresh()
        self._dropped: list[int] = []
        self._unpacked: dict[int, Candidate] = {}
        self._corpus = Corpus()
        self._mark: str | None = None

    @property
    def mark(self) -> str | None:
        return self._mark

    @property
    def size(self) -> int:
        return len(self._slots)

    @property
    def corpus(self) -> Corpus:
        """The counts over the products that are in."""
        return self._corpus

    async def refresh(self, changes: ProductChanges) -> None:
        await self.put(changes.products)
        await self.forget(changes.gone)
        self._mark = changes.mark

    async def put(self, products: Sequence[Product]) -> None:
        await asyncio.to_thread(self.put_now, tuple(products))

    async def forget(self, product_ids: Sequence[ProductId]) -> None:
        await asyncio.to_thread(self.forget_now, tuple(product_ids))

    async def keep_only(self, product_ids: frozenset[ProductId]) -> frozenset[ProductId]:
        return await asyncio.to_thread(self._keep_only, product_ids)

    async def consult[T](self, judge: Callable[[CandidateLookup], T]) -> T:
        lookup = ThreadLookup(self)
        try:
            return await asyncio.to_thread(judge, lookup)
        except BaseException:
            lookup.close()
            raise

    def put_now(self, products: Sequence[Product]) -> None:
        """Take the products in, here and now; a thread's own affair."""
        learnt: list[Features] = []
        straight = len(products) > _FRESH_MAX
        for at, together in enumerate(batched(products, _TOGETHER)):
            taken_in = [self._read(product) for product in together]
            with self._lock:
                slots = [self._take_in(one, is_fresh=not straight) for one in taken_in]
            placed = zip(slots, taken_in, strict=True)
            new = [(slot, one) for slot, one in placed if slot is not None]
            if straight:
                self._segments.write([self._entry(slot, one) for slot, one in new], ())
                if (at + 1) * _TOGETHER % _COMMIT_EVERY == 0:
                    self._segments.commit()
            if len(learnt) < _LEARNT_MAX:
                learnt += [one.features for _, one in new]
        self._corpus.learn(learnt)
        if straight or len(self._fresh) > _FRESH_MAX:
            self._commit()

    def forget_now(self, product_ids: Iterable[ProductId]) -> None:
        """Take the products out, here and now."""
        for together in batched(product_ids, _TOGETHER):
            with self._lock:
                for product_id in together:
                    self._drop(product_id.bytes)

    def nearest_now(self, wanted: Wanted, *, limit: int) -> list[Candidate]:
        """Return what `CandidateLookup.nearest` promises."""
        name = _name_key(wanted.name, wanted.features)
        keys = sorted({*keys_of(wanted.features), name})
        shelves = self._shelves.of(wanted.categories)
        committed = self._committed(keys, shelves, limit)
        with self._lock:
            hits = self._hits(keys, committed, shelves, limit)
            if len(hits) >= limit > 0 and self._texts[hits[-1][0]] == wanted.features.text:
                found = self._namesakes(name, shelves, limit)
            else:
                found = self._worth(hits, self._corpus.letters(wanted.features.text))
            seen = {candidate.product.id for candidate in found[:limit]}
            known = [self._slots.get(one.bytes) for one in wanted.known if one not in seen]
            return [*found[:limit], *(self._candidate(slot) for slot in known if slot is not None)]

    def looked_at_now(self, wanted: Wanted, *, limit: int) -> list[ProductId]:
        """Return the products, of at most `limit`, of which the nearest are picked."""
        keys = sorted(keys_of(wanted.features))
        shelves = self._shelves.of(wanted.categories)
        committed = self._committed(keys, shelves, limit)
        with self._lock:
            hits = self._hits(keys, committed, shelves, limit)
            looked_at = hits[: worth_a_look([score for _, score in hits])]
            return [self._candidate(slot).product.id for slot, _ in looked_at]

    def _committed(
        self, keys: list[str], shelves: Collection[int] | None, limit: int
    ) -> list[tuple[int, float]]:
        if limit < 1:
            return []
        return self._segments.search(keys, shelves=self._shelves.sought(shelves), limit=limit)

    def _hits(
        self,
        keys: list[str],
        committed: list[tuple[int, float]],
        shelves: Collection[int] | None,
        limit: int,
    ) -> list[tuple[int, float]]:
        """Return what is found among all, the fresh ones included, most shared first."""
        scores = self._fresh.scores(keys, held_by=self._corpus.holders, size=len(self._slots))
        hits = [hit for hit in committed if self._may_be(hit[0], shelves)]
        if scores:
            hits = [hit for hit in hits if hit[0] not in self._fresh]
            hits += [hit for hit in scores.items() if self._may_be(hit[0], shelves)]
        return nlargest(limit, hits, itemgetter(1)) if scores else hits

    def _worth(self, hits: list[tuple[int, float]], letters: Letters) -> list[Candidate]:
        """Return those of the hits that are worth a comparison, most alike first."""
        hits = hits[: worth_a_look([score for _, score in hits])]
        scores, texts = [score for _, score in hits], [self._texts[slot] for slot, _ in hits]
        worth = worth_comparing(scores, texts, letters)
        found = [(-hits[at][1], self._candidate(hits[at][0])) for at in worth]
        found.sort(key=lambda pair: (pair[0], _age(pair[1])))
        return [candidate for _, candidate in found]

    def _may_be(self, slot: int, shelves: Collection[int] | None) -> bool:
        return self._rows[slot] is not None and (shelves is None or self._shelves[slot] in shelves)

    def _namesakes(
        self, name: str, shelves: Collection[int] | None, limit: int
    ) -> list[Candidate]:
        """Return products of the very name, the oldest first."""
        slots = {*self._segments.oldest(name, limit=_NAMESAKES_MAX), *self._fresh.holders(name)}
        found = [self._candidate(slot) for slot in slots if self._may_be(slot, shelves)]
        return sorted(found, key=_age)[:limit]

    def _candidate(self, slot: int) -> Candidate:
        candidate = self._unpacked.get(slot)
        if candidate is None:
            candidate = self._unpacked[slot] = unpacked(self._rows[slot] or b"", self._texts[slot])
            if len(self._unpacked) > _UNPACKED_MAX:
                del self._unpacked[next(iter(self._unpacked))]
        return candidate

    def _read(self, product: Product) -> _Read:
        features = features_of(product.name)
        keys = [*keys_of(features), _name_key(product.name, features)]
        return _Read(product, features, packed(product, features), keys)

    def _take_in(self, read: _Read, *, is_fresh: bool) -> int | None:
        """Return the product's slot, or `None` when it is in just so."""
        ident = read.product.id.bytes
        known = self._slots.get(ident)
        if known is not None and self._rows[known] == read.row:
            return None
        self._drop(ident)
        slot = len(self._rows)
        self._rows.append(read.row)
        self._texts.append(read.features.text)
        self._shelves.put_next(read.product.category_id)
        self._slots[ident] = slot
        self._corpus.add(read.features)
        if is_fresh:
            self._fresh.add(slot, read.keys)
        return slot

    def _drop(self, ident: bytes) -> None:
        slot = self._slots.get(ident)
        if slot is None:
            return
        self._corpus.remove(self._candidate(slot).features)
        del self._slots[ident]
        self._unpacked.pop(slot, None)
        self._rows[slot] = None
        self._texts[slot] = ""
        self._shelves.drop(slot)
        if slot in self._fresh:
            self._fresh.discard([slot])
        self._dropped.append(slot)

    def _keep_only(self, product_ids: frozenset[ProductId]) -> frozenset[ProductId]:
        kept = {product_id.bytes for product_id in product_ids}
        gone = [ident for ident in list(self._slots) if ident not in kept]
        for together in batched(gone, _TOGETHER):
            with self._lock:
                for ident in together:
                    self._drop(ident)
        return frozenset(one for one in product_ids if one.bytes not in self._slots)

    def _entry(self, slot: int, read: _Read) -> Entry:
        return self._entry_of(slot, read.product, read.keys)

    def _entry_of(self, slot: int, product: Product, keys: Collection[str]) -> Entry:
        return slot, (product.created_at - _EPOCH) // _TICK, self._shelves[slot], keys

    def _commit(self) -> None:
        """Move what is fresh into the segments; searched meanwhile as before."""
        if not self._committing.acquire(blocking=False):
            return  # the one who commits now leaves what came meanwhile to the next
        try:
            with self._lock:
                fresh = self._fresh.keys_by_slot()
                entries = [
                    self._entry_of(slot, self._candidate(slot).product, keys)
                    for slot, keys in fresh.items()
                ]
                dropped, self._dropped = self._dropped, []
            self._segments.write(entries, dropped)
            self._segments.commit()
            with self._lock:
                self._fresh.discard(fresh)
        finally:
            self._committing.release()


def _age(candidate: Candidate) -> tuple[datetime, ProductId]:
    return candidate.product.created_at, candidate.product.id


def _name_key(name: str, features: Features) -> str:
    """Return a short key for all that a name says; of this process alone."""
    return f"\N{SECTION SIGN}{hash(whole_name_key(name, features)):x}"
