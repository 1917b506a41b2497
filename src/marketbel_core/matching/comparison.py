"""One item beside one candidate: how alike they are, and what speaks against it.

The score is evidence on a scale of 0 to 100. A conflict (another code, quantity or number) keeps
it below the line from which items are linked without a person, however alike the letters are.
"""

from dataclasses import dataclass
from typing import Final

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from marketbel_core.matching.features import Features

__all__ = ["Comparison", "compare"]

_CONFLICT_FACTOR: Final = 0.8
"""A name that agrees in all but a figure lands at 80: shown to a person, never linked."""

_SILENT_FACTOR: Final = 0.93
"""One side names a code or a quantity and the other is silent: at best 93, a person decides."""

_WORDS_CAP: Final = 93.0
"""A word that one side alone has may be an edition (Plus), a colour or an accessory's "for"."""

_TYPO_LENGTH_MIN: Final = 6
"""In shorter words one letter is a meaning: AA and AAA, XL and XXL, Lite and Elite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How one pair compares.

    Attributes:
        score: 0.0 to 100.0, two decimals.
        conflicts: Features that both sides name and disagree in: `code`, `quantity`, `number`,
            `word`.
        silent: Features that only one side names, and `word` when one has words of its own.
    """

    score: float
    conflicts: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()


def compare(item: Features, product: Features) -> Comparison:
    """Return the comparison of an item's features with a product's; symmetric.

    The letters' part is RapidFuzz's token_sort_ratio (order of words aside) averaged with its
    token_set_ratio (additional words cost little).
    """
    if item.text == product.text:
        return Comparison(score=100.0 if item.text else 0.0)
    conflicts = []
    silent = []
    for kind, mine, theirs in (
        ("code", item.codes, product.codes),
        ("quantity", item.quantities, product.quantities),
        ("number", item.numbers, product.numbers),
    ):
        if mine == theirs:
            continue
        if mine and theirs:
            conflicts.append(kind)
        else:
            silent.append(kind)
    alike = (
        fuzz.token_sort_ratio(item.text, product.text)
        + fuzz.token_set_ratio(item.text, product.text)
    ) / 2
    if conflicts:
        alike *= _CONFLICT_FACTOR
    elif silent:
        alike *= _SILENT_FACTOR
    mine_only, theirs_only = _words_apart(item.words, product.words)
    if mine_only or theirs_only:
        alike = min(alike, _WORDS_CAP)
        (conflicts if mine_only and theirs_only else silent).append("word")
    return Comparison(score=round(alike, 2), conflicts=tuple(conflicts), silent=tuple(silent))


def _words_apart(mine: frozenset[str], theirs: frozenset[str]) -> tuple[set[str], set[str]]:
    """Return the words that each side has alone; a pair of look-alikes is no difference."""
    alone = set(mine - theirs), set(theirs - mine)
    one, other = sorted(alone, key=sorted)  # pairs are the same from either side
    for word in sorted(one):
        twin = next((twin for twin in sorted(other) if _is_typo(word, twin)), None)
        if twin is not None:
            one.discard(word)
            other.discard(twin)
    return alone


def _is_typo(one: str, other: str) -> bool:
    """Tell whether two long words differ in one letter, and not in the first.

    One edit of the optimal string alignment distance; a first letter more may be a prefix that
    turns the meaning round.
    """
    if min(len(one), len(other)) < _TYPO_LENGTH_MIN or one[0] != other[0]:
        return False
    return OSA.distance(one, other, score_cutoff=1) <= 1
