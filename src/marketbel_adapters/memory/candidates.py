"""Candidates from the core's own blocks, and from a table of names for namesakes."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from marketbel_adapters.candidate_lookup import ThreadLookup
from marketbel_core.catalog import Product
from marketbel_core.ids import ProductId
from marketbel_core.matching import Blocks, Candidate, Corpus, Wanted, features_of, whole_name_key
from marketbel_core.ports import CandidateIndex, CandidateLookup, ProductChanges

__all__ = ["MemoryCandidateIndex"]


class MemoryCandidateIndex(CandidateIndex):
    """Looks up in `Blocks`, and by whole name what blocks may drop.

    Blocks pass over tokens that nearly every product has, and rank a longer name that contains
    the sought one equal to it; the table of names keeps namesakes first.
    """

    def __init__(self) -> None:
        # Look-ups take milliseconds a name and run in threads; the lock keeps a change apart
        # from them also when the task that wanted it is cancelled half-way.
        self._lock = threading.Lock()
        self._blocks = Blocks()
        self._products: dict[ProductId, Product] = {}
        self._namesakes: defaultdict[str, set[ProductId]] = defaultdict(set)
        self._mark: str | None = None

    @property
    def mark(self) -> str | None:
        return self._mark

    @property
    def size(self) -> int:
        return len(self._products)

    @property
    def corpus(self) -> Corpus:
        """The counts over the products that are in."""
        return self._blocks.corpus

    async def refresh(self, changes: ProductChanges) -> None:
        await self.put(changes.products)
        await self.forget(changes.gone)
        self._mark = changes.mark

    async def put(self, products: Sequence[Product]) -> None:
        await asyncio.to_thread(self.put_now, tuple(products))

    async def forget(self, product_ids: Sequence[ProductId]) -> None:
        await asyncio.to_thread(self.forget_now, tuple(product_ids))

    async def keep_only(self, product_ids: frozenset[ProductId]) -> frozenset[ProductId]:
        await asyncio.to_thread(self.forget_now, self._products.keys() - product_ids)
        return product_ids - self._products.keys()

    async def consult[T](self, judge: Callable[[CandidateLookup], T]) -> T:
        lookup = ThreadLookup(self)
        try:
            return await asyncio.to_thread(judge, lookup)
        except BaseException:
            lookup.close()
            raise

    def put_now(self, products: Sequence[Product]) -> None:
        """Take the products in, here and now."""
        with self._lock:
            self._blocks.put(products)
            for product in products:
                self._forget(product.id)
                self._products[product.id] = product
                self._namesakes[_folded(product.name)].add(product.id)

    def forget_now(self, product_ids: Iterable[ProductId]) -> None:
        """Take the products out, here and now."""
        with self._lock:
            for product_id in product_ids:
                self._forget(product_id)
            self._blocks.keep_only(frozenset(self._products))

    def nearest_now(self, wanted: Wanted, *, limit: int) -> list[Candidate]:
        """Return what `CandidateLookup.nearest` promises."""
        with self._lock:
            found = self._nearest_to(wanted, limit)
            seen = {product.id for product in found}
            found += [
                self._products[one] for one in sorted(wanted.known - seen) if one in self._products
            ]
        return [
            Candidate(product=product, features=features_of(product.name)) for product in found
        ]

    def _nearest_to(self, wanted: Wanted, limit: int) -> list[Product]:
        name = whole_name_key(wanted.name, wanted.features)
        named = [self._products[found] for found in self._namesakes.get(name, ())]
        named.sort(key=lambda product: (product.created_at, product.id))
        seen = {product.id for product in named}
        every = limit + len(named) if wanted.categories is None else len(self._products)
        others = self._blocks.nearest(wanted.name, limit=every)
        found = [*named, *(other for other in others if other.id not in seen)]
        return [product for product in found if _is_inside(product, wanted)][:limit]

    def _forget(self, product_id: ProductId) -> None:
        known = self._products.pop(product_id, None)
        if known is None:
            return
        name = _folded(known.name)
        self._namesakes[name].discard(product_id)
        if not self._namesakes[name]:
            del self._namesakes[name]


def _is_inside(product: Product, wanted: Wanted) -> bool:
    return (
        wanted.categories is None
        or product.category_id is None
        or product.category_id in wanted.categories
    )


def _folded(name: str) -> str:
    return whole_name_key(name, features_of(name))
