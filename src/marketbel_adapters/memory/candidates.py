"""Candidates from the core's own blocks, and from a table of names for namesakes."""

import asyncio
import threading
import unicodedata
from collections import defaultdict
from collections.abc import Sequence

from marketbel_core.catalog import Product
from marketbel_core.ids import ProductId
from marketbel_core.matching import Blocks, Corpus, features_of
from marketbel_core.ports import CandidateIndex

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

    async def put(self, products: Sequence[Product]) -> None:
        await asyncio.to_thread(self._put, tuple(products))

    async def keep_only(self, product_ids: frozenset[ProductId]) -> None:
        await asyncio.to_thread(self._keep_only, product_ids)

    async def nearest(self, names: Sequence[str], *, limit: int) -> list[list[Product]]:
        return await asyncio.to_thread(self._nearest, tuple(names), limit)

    async def corpus(self) -> Corpus:
        return self._blocks.corpus

    def _put(self, products: Sequence[Product]) -> None:
        with self._lock:
            self._blocks.put(products)
            for product in products:
                self._forget(product.id)
                self._products[product.id] = product
                self._namesakes[_folded(product.name)].add(product.id)

    def _keep_only(self, product_ids: frozenset[ProductId]) -> None:
        with self._lock:
            self._blocks.keep_only(product_ids)
            for product_id in self._products.keys() - product_ids:
                self._forget(product_id)

    def _nearest(self, names: Sequence[str], limit: int) -> list[list[Product]]:
        with self._lock:
            return [self._nearest_to(name, limit) for name in names]

    def _nearest_to(self, name: str, limit: int) -> list[Product]:
        named = [self._products[found] for found in self._namesakes.get(_folded(name), ())]
        named.sort(key=lambda product: (product.created_at, product.id))
        seen = {product.id for product in named}
        others = self._blocks.nearest(name, limit=limit + len(named))
        return [*named, *(other for other in others if other.id not in seen)][:limit]

    def _forget(self, product_id: ProductId) -> None:
        known = self._products.pop(product_id, None)
        if known is None:
            return
        name = _folded(known.name)
        self._namesakes[name].discard(product_id)
        if not self._namesakes[name]:
            del self._namesakes[name]


def _folded(name: str) -> str:
    """Return the name's features as one text; a name of signs alone stands for itself."""
    return features_of(name).text or unicodedata.normalize("NFKC", name).casefold().strip()
