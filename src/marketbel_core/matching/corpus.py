"""What the catalogue's names teach: which tokens tell products apart, and how well.

The rarer a token, the more it tells (inverse document frequency, Spärck Jones 1972). Names that
differ in a single token teach which words stand for each other: a tray for a box, teak for pine.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Final

from marketbel_core.matching.features import Features, Kind
from marketbel_core.matching.letters import Letters

__all__ = ["Corpus", "grams_of"]

_UNKNOWN_WORD: Final = 0.35
"""A word that no product has is a supplier's own talk: a third of what a rare word weighs."""

_UNKNOWN_CODE: Final = 0.5
"""A code, number or quantity that no product has may be of a product that is not there."""

_KIND_WEIGHT: Final[dict[Kind, float]] = {
    Kind.WORD: 1.0,
    Kind.CODE: 1.3,  # made to identify
    Kind.NUMBER: 0.9,
    Kind.QUANTITY: 1.0,
    Kind.COLOUR: 0.7,  # often left out
    Kind.EDITION: 1.0,
    Kind.SUBSTITUTE: 1.0,
}

_GRAM_UNKNOWN: Final = 0.3
"""Three letters in a row that no product has count as little as a supplier's own words."""

_NAMES_LEARNT_MAX: Final = 50_000
"""Names from which siblings are learnt: a trade's substitutes return early, and each name costs
about 1 KB while it is looked at."""

_STALE_SHARE: Final = 0.001
"""Weights of letters are counted anew when so much of the catalogue came or went: they are
logarithms of shares, and counting them costs as much as comparing a hundred names."""

_SUMS_KEPT_MAX: Final = 20_000
_WEIGHTS_KEPT_MAX: Final = 50_000

_GROUP_MAX: Final = 8
"""More names that differ in one token are a list of figures, not substitutes of each other."""

_SIBLING_MIN: Final = 2
"""A word that told products apart once may be a slip of the pen."""

_BRAND_MIN: Final = 2
"""Two names that begin with the same word: it is a brand or a kind of thing."""


def grams_of(text: str) -> frozenset[str]:
    """Return the runs of three characters of a text, its ends marked by blanks."""
    padded = f" {text} "
    return frozenset(map("".join, zip(padded, padded[1:], padded[2:], strict=False)))


class _GramWeights(dict[str, float]):
    """How much each run of three letters tells: counted when it is first asked for."""

    def __init__(self, holders: Mapping[str, int]) -> None:
        super().__init__()
        self.size = 0
        self._holders = holders

    def __missing__(self, gram: str) -> float:
        holders = self._holders.get(gram, 0)
        rare = math.log1p((self.size + 1) / (holders + 0.5)) ** 2
        weight = self[gram] = rare if holders else rare * _GRAM_UNKNOWN
        return weight


class Corpus:
    """Counts over the products that may be candidates. Products come and go; no I/O.

    What siblings teach is learnt from names that come together, and stays.
    """

    def __init__(self, names: Iterable[Features] = ()) -> None:
        self._size = 0
        self._holders: Counter[str] = Counter()
        self._gram_holders: Counter[str] = Counter()
        self._firsts: Counter[str] = Counter()
        self._siblings: Counter[str] = Counter()
        self._substitutes: set[tuple[str, str]] = set()
        self._gram_weights = _GramWeights(self._gram_holders)
        self._gram_sums: dict[str, float] = {}
        self._weights: dict[tuple[str, Kind], float] = {}
        self._letters: Letters | None = None
        known = list(names)
        for features in known:
            self.add(features)
        self.learn(known)

    def __len__(self) -> int:
        return self._size

    def add(self, features: Features) -> None:
        """Count a product in."""
        self._count(features, 1)

    def remove(self, features: Features) -> None:
        """Count a product out that was counted in."""
        self._count(features, -1)

    def holders(self, token: str) -> int:
        """Return how many products have the token."""
        return self._holders.get(token, 0)

    def is_brand(self, token: str) -> bool:
        """Tell whether names of several products begin with the token."""
        return self._firsts.get(token, 0) >= _BRAND_MIN

    def tells_siblings_apart(self, token: str) -> bool:
        """Tell whether products differ from each other in this token alone."""
        return self._siblings.get(token, 0) >= _SIBLING_MIN

    def are_substitutes(self, one: str, other: str) -> bool:
        """Tell whether two products differ only in having one token or the other."""
        return (one, other) in self._substitutes

    def weight(self, token: str, kind: Kind) -> float:
        """Return how much a token tells, in nats times the weight of its kind; above 0."""
        known = self._weights.get((token, kind))
        if known is None:
            if len(self._weights) >= _WEIGHTS_KEPT_MAX:
                self._weights.clear()
            known = self._weights[token, kind] = self._weight(token, kind)
        return known

    def _weight(self, token: str, kind: Kind) -> float:
        holders = self._holders.get(token, 0)
        if holders > 0:
            return math.log1p((self._size + 1) / holders) * _KIND_WEIGHT[kind]
        most = math.log1p(self._size + 1)
        if kind in _FIGURED:
            return most * _UNKNOWN_CODE * _KIND_WEIGHT[kind]
        return most * _UNKNOWN_WORD * _KIND_WEIGHT[kind]

    def cosine(self, one: str, other: str) -> float:
        """Return how alike two texts are in their runs of three letters: 0.0 to 1.0."""
        return self.letters(one).cosine(other)

    def letters(self, text: str) -> Letters:
        """Return the text's runs of three letters with how much they tell now."""
        letters = self._letters
        if letters is not None and letters.text == text:
            return letters
        weights = [(gram, self._gram_weights[gram]) for gram in grams_of(text)]
        known = [weight for gram, weight in weights if gram in self._gram_holders]
        mean = math.fsum(known) / len(known) if known else 1.0
        letters = self._letters = Letters(text, weights, mean=mean, sum_of=self._gram_sum)
        return letters

    def _gram_sum(self, text: str) -> float:
        found = self._gram_sums.get(text)
        if found is None:
            if len(self._gram_sums) >= _SUMS_KEPT_MAX:
                self._gram_sums.clear()
            found = math.fsum(map(self._gram_weights.__getitem__, grams_of(text)))
            self._gram_sums[text] = found
        return found

    def _count(self, features: Features, by: int) -> None:
        self._size += by
        self._weights.clear()
        for token in features.tokens:
            self._holders[token] += by
        for gram in grams_of(features.text):
            self._gram_holders[gram] += by
        first = next(iter(features.tokens), None)
        if first is not None:
            self._firsts[first] += by
        weights = self._gram_weights
        if abs(self._size - weights.size) > self._size * _STALE_SHARE:
            weights.clear()
            self._gram_sums.clear()
            self._letters = None
        if not weights:
            weights.size = self._size

    def learn(self, names: Iterable[Features]) -> None:
        """Learn which tokens tell siblings apart, from names that differ in one token alone.

        Such names are found by the sum of their tokens' hashes less one of them.
        """
        whole: set[int] = set()
        lacking: dict[int, set[str]] = {}
        for features in islice(names, _NAMES_LEARNT_MAX):
            total = sum(map(hash, features.tokens))
            if total in whole:
                continue
            whole.add(total)
            for token in features.tokens:
                lacking.setdefault(total - hash(token), set()).add(token)
        for rest, tokens in lacking.items():
            if len(tokens) > 1 or rest in whole:
                self._siblings.update(tokens)
            if len(tokens) <= _GROUP_MAX:
                self._substitutes.update(
                    (one, other) for one in tokens for other in tokens if one != other
                )


_FIGURED: Final = frozenset({Kind.CODE, Kind.NUMBER, Kind.QUANTITY})
