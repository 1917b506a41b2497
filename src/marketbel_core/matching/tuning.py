"""What people's verdicts say about the thresholds: measured, with how sure one can be.

Verdicts come mostly from what was sent to review, so that they say little about what is linked
without asking; the intervals show how little. Nothing here changes a threshold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

from marketbel_core.matching.decision import MatchScore
from marketbel_core.matching.verdicts import PairVerdict, Verdict

__all__ = ["Interval", "ThresholdFigures", "figures_at", "proposed", "wilson"]

_Z: Final = 1.959963984540054
"""The normal quantile of an interval that holds the truth in 95 cases of 100."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A share with the interval that holds the true one in 95 cases of 100; 0.0 to 1.0 each."""

    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdFigures:
    """What linking from a score on would have done to the pairs that people judged.

    Attributes:
        threshold: 0 to 100, inclusive from below.
        linked: Judged pairs at or above it.
        right: Those of them that are the same.
        precision: `right` of `linked`; `None` without any.
        recall: `right` of all pairs that are the same; `None` without any.
        waiting: Items that wait for a person with at least this score: what would be linked
            without one.
    """

    threshold: MatchScore
    linked: int
    right: int
    precision: Interval | None
    recall: Interval | None
    waiting: int


def wilson(right: int, total: int) -> Interval | None:
    """Return the share with Wilson's interval, which stays honest near 0 and 1 and for few.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference (1927).
    `None` when there is nothing to take a share of.
    """
    if total == 0:
        return None
    share, spread = right / total, _Z * _Z / total
    middle = (share + spread / 2) / (1 + spread)
    half = _Z * sqrt(share * (1 - share) / total + spread / (4 * total)) / (1 + spread)
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return Interval(share=share, low=min(low, share), high=max(high, share))


def figures_at(
    thresholds: Sequence[MatchScore],
    verdicts: Sequence[PairVerdict],
    *,
    waiting: Sequence[MatchScore],
) -> list[ThresholdFigures]:
    """Return the figures at each threshold.

    Args:
        thresholds: Where to look.
        verdicts: Those without a score and those that are unsure say nothing and are left out.
        waiting: The scores of items that wait for a person.
    """
    judged = [
        (one.score, one.verdict is Verdict.SAME)
        for one in verdicts
        if one.score is not None and one.verdict is not Verdict.UNSURE
    ]
    same = sum(is_same for _, is_same in judged)
    figures = []
    for threshold in thresholds:
        above = [is_same for score, is_same in judged if score >= threshold]
        right = sum(above)
        figures.append(
            ThresholdFigures(
                threshold=threshold,
                linked=len(above),
                right=right,
                precision=wilson(right, len(above)),
                recall=wilson(right, same),
                waiting=sum(score >= threshold for score in waiting),
            )
        )
    return figures


def proposed(
    figures: Sequence[ThresholdFigures], *, precision_min: float
) -> ThresholdFigures | None:
    """Return the lowest threshold that is safe from it on, or `None` when none is shown to be.

    Safe means that the precision is at least `precision_min` even at the low end of its interval.
    """
    found: ThresholdFigures | None = None
    for one in sorted(figures, key=lambda figure: figure.threshold, reverse=True):
        if one.precision is None:
            continue
        if one.precision.low < precision_min:
            break
        found = one
    return found
