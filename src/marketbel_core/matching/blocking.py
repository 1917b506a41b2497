"""The cheap rule that picks what is compared at all: products that share rare tokens with a name.

An inverted index: each token points to the products that have it. A shared token counts the more
the fewer products have it (inverse document frequency, Spärck Jones 1972).
"""

import math
from collections import defaultdict
from collections.abc import Iterable
from heapq import nsmallest
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
    """Products by the tokens of their names. Not thread-safe; no I/O."""

    def __init__(self) -> None:
        self._products: dict[ProductId, Product] = {}
        self._tokens: dict[ProductId, frozenset[str]] = {}
        self._holders: defaultdict[str, set[ProductId]] = defaultdict(set)

    def __len__(self) -> int:
        return len(self._products)

    def put(self, products: Iterable[Product]) -> None:
        """Take products in; a known id is replaced."""
        for product in products:
            if self._products.get(product.id) == product:
                continue
            self._forget(product.id)
            tokens = _tokens(features_of(product.name))
            self._products[product.id] = product
            self._tokens[product.id] = tokens
            for token in tokens:
                self._holders[token].add(product.id)

    def keep_only(self, product_ids: frozenset[ProductId]) -> None:
        """Forget every product that is not named."""
        for product_id in self._products.keys() - product_ids:
            self._forget(product_id)

    def nearest(self, name: str, *, limit: int) -> list[Product]:
        """Return up to `limit` products that share a telling token, most shared weight first."""
        common = max(_COMMON_MIN, int(len(self._products) * _COMMON_SHARE))
        weights: defaultdict[ProductId, float] = defaultdict(float)
        for token in _tokens(features_of(name)):
            holders = self._holders.get(token, ())
            if not holders or len(holders) > common:
                continue
            weight = math.log1p(len(self._products) / len(holders))
            for product_id in holders:
                weights[product_id] += weight
        best = nsmallest(limit, weights, key=lambda found: self._rank(found, weights[found]))
        return [self._products[product_id] for product_id in best]

    def _rank(self, product_id: ProductId, weight: float) -> tuple[float, object, object]:
        return -round(weight, 9), self._products[product_id].created_at, product_id

    def _forget(self, product_id: ProductId) -> None:
        if self._products.pop(product_id, None) is None:
            return
        for token in self._tokens.pop(product_id):
            holders = self._holders[token]
            holders.discard(product_id)
            if not holders:
                del self._holders[token]


def _tokens(features: Features) -> frozenset[str]:
    """Return the keys of a name: words and codes whole, long ones also by their beginning."""
    whole = features.words.union(features.codes, features.numbers)
    starts = {f"{word[:_GRAM_LENGTH]}~" for word in whole if len(word) > _GRAM_LENGTH}
    amounts = {f"{amount:f}{unit}" for amount, unit in features.quantities}
    return frozenset(whole | starts | amounts)
