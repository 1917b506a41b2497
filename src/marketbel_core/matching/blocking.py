"""The cheap rule that picks what is compared at all: products that share rare tokens with a name.

An inverted index: each token points to the products that have it. A shared token counts the more
the fewer products have it (inverse document frequency, Spärck Jones 1972).
"""

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from heapq import nlargest
from itertools import pairwise
from typing import Final

from marketbel_core.catalog import Product
from marketbel_core.ids import ProductId
from marketbel_core.matching.alignment import bare
from marketbel_core.matching.corpus import Corpus
from marketbel_core.matching.features import Features, features_of
from marketbel_core.matching.letters import Letters

__all__ = ["Blocks", "keys_of", "whole_name_key", "worth_a_look", "worth_comparing"]

_COMMON_SHARE: Final = 0.2
_COMMON_MIN: Final = 1_000
"""A token that more than a fifth and more than 1,000 products have tells nothing apart."""

_GRAM_LENGTH: Final = 4
_CODE_START_LENGTH: Final = 6
"""A model's suffix of region or colour comes after so many characters."""

_JOINED_MAX: Final = 24

_COMPARED_MIN: Final = 8
_COMPARED_MAX: Final = 20
_WORTH_SHARE: Final = 0.4
"""Who shares less than four tenths of what the first shares with a name is hardly ever its
product: of 50 that were found some 25 are left, and the right one in 998 of 1,000 searches."""

_SHARED_IN_A_LOOK: Final = 0.5
_WORTH_COMPARING: Final = 0.7
"""At a first look what is shared counts half as much as the letters, and 7 tenths of the best are
enough: some 10 of 20 are left, and not one of 1,000 lines of other shops is linked otherwise."""

_RUNS: Final = re.compile(r"\d+|\D+")
_RUN_LENGTH_MIN: Final = 2


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
        self._corpus = Corpus()

    @property
    def corpus(self) -> Corpus:
        """The counts of the products' names; it changes as they do."""
        return self._corpus

    def __len__(self) -> int:
        return len(self._products)

    def put(self, products: Iterable[Product]) -> None:
        """Take products in; a known id is replaced."""
        taken_in = []
        for product in products:
            known = self._slots.get(product.id)
            if known is not None and self._products[known] == product:
                continue
            self._forget(product.id)
            self._take_in(product)
            taken_in.append(features_of(product.name))
        self._corpus.learn(taken_in)

    def keep_only(self, product_ids: frozenset[ProductId]) -> None:
        """Forget every product that is not named."""
        for product_id in self._slots.keys() - product_ids:
            self._forget(product_id)

    def nearest(self, name: str, *, limit: int) -> list[Product]:
        """Return up to `limit` products that share a telling token, most shared weight first."""
        weights = self._weights(_keys(features_of(name)))
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
        features = features_of(product.name)
        self._corpus.add(features)
        tokens = _keys(features)
        self._slots[product.id] = slot
        self._products[slot] = product
        self._tokens[slot] = tokens
        for token in tokens:
            self._holders[token].add(slot)

    def _forget(self, product_id: ProductId) -> None:
        slot = self._slots.pop(product_id, None)
        if slot is None:
            return
        self._corpus.remove(features_of(self._products.pop(slot).name))
        for token in self._tokens.pop(slot):
            holders = self._holders[token]
            holders.discard(slot)
            if not holders:
                del self._holders[token]


def _keys(features: Features) -> frozenset[str]:
    """Return the keys of a name: its tokens, the beginnings of long ones, codes spelt as one."""
    order = [bare(token) for token in features.tokens]
    keys = set(order)
    for one, other in pairwise(order):
        joined = one + other
        if len(joined) <= _JOINED_MAX and any(map(str.isdecimal, joined)):
            keys.add(joined)
    starts = set()
    for key in keys:
        if len(key) > _GRAM_LENGTH:
            starts.add(f"{key[:_GRAM_LENGTH]}~")
        if len(key) > _CODE_START_LENGTH and not key.isalpha():
            starts.add(f"{key[:_CODE_START_LENGTH]}~")
    return frozenset(keys | starts)


def keys_of(features: Features) -> set[str]:
    """Return the keys by which an index finds a name: without blanks, some 20 a name.

    Its tokens, neighbours that may be one code, the beginnings of long ones, and the parts of
    codes, for one shop writes `UE49NU7500` where another writes `49 NU7500`.
    """
    order = [bare(token) for token in features.tokens if token]
    keys = set(order)
    for one, other in pairwise(order):
        joined = one + other
        if len(joined) <= _JOINED_MAX and any(map(str.isdecimal, joined)):
            keys.add(joined)
    starts = {f"{key[:_GRAM_LENGTH]}~" for key in keys if len(key) > _GRAM_LENGTH}
    return keys | starts | set(_parts(order))


def _parts(order: Iterable[str]) -> Iterator[str]:
    """Return letters and figures of codes apart, and neighbouring runs of them together."""
    for token in order:
        if token.isalpha():
            continue
        runs = _RUNS.findall(token)
        yield from (f"={run}" for run in runs if len(run) >= _RUN_LENGTH_MIN)
        yield from (f"={one}{other}" for one, other in pairwise(runs))


def whole_name_key(name: str, features: Features) -> str:
    """Return a text that two names share when they say the same; a name of signs is itself."""
    return features.text or unicodedata.normalize("NFKC", name).casefold().strip()


def worth_a_look(scores: Sequence[float]) -> int:
    """Return how many of those found, best first, are worth a look at their letters."""
    if not scores:
        return 0
    least = scores[0] * _WORTH_SHARE
    worth = next((at for at, score in enumerate(scores) if score < least), len(scores))
    return max(worth, min(_COMPARED_MIN, len(scores)))


def worth_comparing(scores: Sequence[float], texts: Sequence[str], letters: Letters) -> list[int]:
    """Return by place which of those looked at are worth a comparison in full, in their order.

    What they share with the name, and how alike their letters are, tells. Namesakes always are.

    Args:
        scores: How much each shares with the name, the highest first, above 0.
        texts: What each says, as `Features.text` has it.
        letters: Of the name that they were found for.
    """
    every = range(len(scores))
    if len(scores) <= _COMPARED_MIN:
        return list(every)
    looks = [
        _SHARED_IN_A_LOOK * score / scores[0] + letters.likeness(text)
        for score, text in zip(scores, texts, strict=True)
    ]
    order = sorted(every, key=lambda at: (-looks[at], at))[:_COMPARED_MAX]
    enough = looks[order[0]] * _WORTH_COMPARING
    kept = {at for place, at in enumerate(order) if place < _COMPARED_MIN or looks[at] >= enough}
    return [at for at in every if at in kept or texts[at] == letters.text]
