"""Record linkage, read top-down: features, blocking, comparison, decision, linking, review."""

from marketbel_core.matching.blocking import Blocks
from marketbel_core.matching.comparison import Certainty, Comparison, compare
from marketbel_core.matching.conflicts import Conflict
from marketbel_core.matching.corpus import Corpus
from marketbel_core.matching.decision import (
    DEFAULT_THRESHOLDS,
    Decision,
    MatchScore,
    Thresholds,
)
from marketbel_core.matching.explanation import detail_of, why, why_not
from marketbel_core.matching.features import Features, described, features_of
from marketbel_core.matching.ladder import NOTHING_KNOWN, Precedents, Rung
from marketbel_core.matching.linking import (
    Drafted,
    ForReview,
    Linked,
    MatchOutcome,
    draft_for,
    link,
)
from marketbel_core.matching.ranking import Ranked, rank
from marketbel_core.matching.review import ReviewStatus, ReviewTask, ScoredCandidate

__all__ = [
    "DEFAULT_THRESHOLDS",
    "NOTHING_KNOWN",
    "Blocks",
    "Certainty",
    "Comparison",
    "Conflict",
    "Corpus",
    "Decision",
    "Drafted",
    "Features",
    "ForReview",
    "Linked",
    "MatchOutcome",
    "MatchScore",
    "Precedents",
    "Ranked",
    "ReviewStatus",
    "ReviewTask",
    "Rung",
    "ScoredCandidate",
    "Thresholds",
    "compare",
    "described",
    "detail_of",
    "draft_for",
    "features_of",
    "link",
    "rank",
    "why",
    "why_not",
]
