"""Two numbers that decide: link, ask a person, or make a new product."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["DEFAULT_THRESHOLDS", "Decision", "MatchScore", "Thresholds"]

type MatchScore = float
"""0.0 to 100.0, higher is more alike."""

_SCORE_MAX: Final = 100.0


class Decision(StrEnum):
    """What follows from the best score."""

    LINK = "link"  # safe to link without a person
    REVIEW = "review"  # worth a person's look
    NEW_PRODUCT = "new_product"  # nothing in the catalogue is like it


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The two cut-offs, in percent, both inclusive from below."""

    link_min: MatchScore
    review_min: MatchScore

    def __post_init__(self) -> None:
        if not 0.0 <= self.review_min <= self.link_min <= _SCORE_MAX:
            raise ValueError(
                "thresholds must be 0 <= review_min <= link_min <= 100, "
                f"got {self.review_min} and {self.link_min}"
            )

    def decide(self, score: MatchScore | None) -> Decision:
        """Return the decision for the best score, or for `None` when nothing was a candidate."""
        if score is None or score < self.review_min:
            return Decision.NEW_PRODUCT
        return Decision.LINK if score >= self.link_min else Decision.REVIEW


DEFAULT_THRESHOLDS: Final = Thresholds(link_min=95.0, review_min=70.0)
