"""One item beside one candidate: how alike they are, and what speaks against it.

The score is evidence on a scale of 0 to 100. A conflict (another code, quantity or number) keeps
it below the line from which items are linked without a person, however alike the letters are.
"""

from dataclasses import dataclass
from typing import Final

from rapidfuzz import fuzz

from marketbel_core.matching.features import Features

__all__ = ["Comparison", "compare"]

_CONFLICT_FACTOR: Final = 0.8
"""A name that agrees in all but a figure lands at 80: shown to a person, never linked."""

_SILENT_FACTOR: Final = 0.93
"""One side names a code or a quantity and the other is silent: at best 93, a person decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How one pair compares.

    Attributes:
        score: 0.0 to 100.0, two decimals.
        conflicts: Features that both sides name and disagree in: `code`, `quantity`, `number`.
        silent: Features that only one side names.
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
    return Comparison(score=round(alike, 2), conflicts=tuple(conflicts), silent=tuple(silent))
