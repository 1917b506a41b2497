"""The cheap rule that picks what is compared at all: products that share rare tokens with a name.

An inverted index: each token points to the products that have it. A shared token counts the more
the fewer products have it (inverse document frequency, Spärck Jones 1972).
"""

import math
from collections import defaultdict
from collections.abc import Iterable
from heapq import nlargest
from typing import Final

from marketbel_core.catalog import Product
from marketbel_core.ids import ProductId
from marketbel_core.matching.features import Features, features_of

__all__ = ["Blocks"]

_COMMON_SHARE: Final = 0.2
_COMMON_MIN: Final = 1_000
"""A token that more than a fifth and more than 1,000 products have tells nothing apart."""

_GRAM_LENGTH: Final = 4


class Blocks:
    """Products by the tokens of their names. Not thread-safe; no I/O.

    Inside, a product goes by a small number: hashing ids would cost more than all the rest.
    """

    def __init__(self) -> None:
        self._slots: dict[ProductId, int] = {}
        self._products: dict[int, Product] = {}
        self._tokens: dict[int, frozenset[str]] = {}
        self._holders: defaultdict[str, set[int]] = defaultdict(set)
        self._slots_given = 0

    def __len__(self) -> int:
        return len(self._products)

    def put(self, products: Iterable[Product]) -> None:
        """Take products in; a known id is replaced."""
        for product in products:
            known = self._slots.get(product.id)
            if known is not None and self._products[known] == product:
                continue
            self._forget(product.id)
            self._take_in(product)

    def keep_only(self, product_ids: frozenset[ProductId]) -> None:
        """Forget every product that is not named."""
        for product_id in self._slots.keys() - product_ids:
            self._forget(product_id)

    def nearest(self, name: str, *, limit: int) -> list[Product]:
        """Return up to `limit` products that share a telling token, most shared weight first."""
        weights = self._weights(_tokens(features_of(name)))
        if not weights or limit < 1:
            return []
        least = nlargest(limit, weights.values())[-1]
        found = [
            (-weight, self._products[slot]) for slot, weight in weights.items() if weight >= least
        ]
        found.sort(key=lambda pair: (pair[0], pair[1].created_at, pair[1].id))
        return [product for _, product in found[:limit]]

    def _weights(self, tokens: frozenset[str]) -> dict[int, float]:
        common = max(_COMMON_MIN, int(len(self._products) * _COMMON_SHARE))
        weights: defaultdict[int, float] = defaultdict(float)
        for token in sorted(tokens):  # sums of floats depend on the order
            holders = self._holders.get(token, ())
            if not holders or len(holders) > common:
                continue
            weight = math.log1p(len(self._products) / len(holders))
            for slot in holders:
                weights[slot] += weight
        return weights

    def _take_in(self, product: Product) -> None:
        slot = self._slots_given
        self._slots_given += 1
        tokens = _tokens(features_of(product.name))
        self._slots[product.id] = slot
        self._products[slot] = product
        self._tokens[slot] = tokens
        for token in tokens:
            self._holders[token].add(slot)

    def _forget(self, product_id: ProductId) -> None:
        slot = self._slots.pop(product_id, None)
        if slot is None:
            return
        del self._products[slot]
        for token in self._tokens.pop(slot):
            holders = self._holders[token]
            holders.discard(slot)
            if not holders:
                del self._holders[token]


def _tokens(features: Features) -> frozenset[str]:
    """Return the keys of a name: words and codes whole, long ones also by their beginning."""
    whole = features.words.union(features.codes, features.numbers)
    starts = {f"{word[:_GRAM_LENGTH]}~" for word in whole if len(word) > _GRAM_LENGTH}
    amounts = {f"{amount:f}{unit}" for amount, unit in features.quantities}
    return frozenset(whole | starts | amounts)
