"""Record linkage, read top-down: features, blocking, comparison, decision, linking, review."""

from marketbel_core.matching.blocking import Blocks
from marketbel_core.matching.comparison import Comparison, compare
from marketbel_core.matching.decision import (
    DEFAULT_THRESHOLDS,
    Decision,
    MatchScore,
    Thresholds,
)
from marketbel_core.matching.features import Features, features_of
from marketbel_core.matching.linking import (
    Drafted,
    ForReview,
    Linked,
    MatchOutcome,
    draft_for,
    link,
)
from marketbel_core.matching.review import ReviewStatus, ReviewTask, ScoredCandidate

__all__ = [
    "DEFAULT_THRESHOLDS",
    "Blocks",
    "Comparison",
    "Decision",
    "Drafted",
    "Features",
    "ForReview",
    "Linked",
    "MatchOutcome",
    "MatchScore",
    "ReviewStatus",
    "ReviewTask",
    "ScoredCandidate",
    "Thresholds",
    "compare",
    "draft_for",
    "features_of",
    "link",
]
