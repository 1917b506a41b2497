"""Record linkage, read top-down: features, blocking, comparison, decision, linking, review."""

from marketbel_core.matching.blocking import (
    Blocks,
    keys_of,
    whole_name_key,
    worth_a_look,
    worth_comparing,
)
from marketbel_core.matching.candidates import Candidate, Wanted
from marketbel_core.matching.clerical import (
    API,
    Action,
    ItemReview,
    MatchState,
    PairVerdict,
    ReviewDecision,
    Reviewer,
    ReviewRow,
    Verdict,
    approved,
    candidate_id,
    expired,
    linked_to,
    reconciled,
    redrafted,
    rejected,
    reset,
    ruled_out,
    unlinked,
    unsure,
)
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
from marketbel_core.matching.letters import Letters
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
    "API",
    "DEFAULT_THRESHOLDS",
    "NOTHING_KNOWN",
    "Action",
    "Blocks",
    "Candidate",
    "Certainty",
    "Comparison",
    "Conflict",
    "Corpus",
    "Decision",
    "Drafted",
    "Features",
    "ForReview",
    "ItemReview",
    "Letters",
    "Linked",
    "MatchOutcome",
    "MatchScore",
    "MatchState",
    "PairVerdict",
    "Precedents",
    "Ranked",
    "ReviewDecision",
    "ReviewRow",
    "ReviewStatus",
    "ReviewTask",
    "Reviewer",
    "Rung",
    "ScoredCandidate",
    "Thresholds",
    "Verdict",
    "Wanted",
    "approved",
    "candidate_id",
    "compare",
    "described",
    "detail_of",
    "draft_for",
    "expired",
    "features_of",
    "keys_of",
    "link",
    "linked_to",
    "rank",
    "reconciled",
    "redrafted",
    "rejected",
    "reset",
    "ruled_out",
    "unlinked",
    "unsure",
    "whole_name_key",
    "why",
    "why_not",
    "worth_a_look",
    "worth_comparing",
]
