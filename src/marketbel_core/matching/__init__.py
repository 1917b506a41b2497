"""Record linkage, read top-down: features, blocking, comparison, decision, linking, review."""

from marketbel_core.matching.blocking import (
    Blocks,
    keys_of,
    whole_name_key,
    worth_a_look,
    worth_comparing,
)
from marketbel_core.matching.candidates import Candidate, Wanted
from marketbel_core.matching.certainty import Certainty
from marketbel_core.matching.clerical import (
    approved,
    candidate_id,
    expired,
    linked_to,
    precedents_of,
    reconciled,
    redrafted,
    rejected,
    reset,
    ruled_out,
    unlinked,
    unsure,
)
from marketbel_core.matching.columns import (
    CATEGORY_KEY,
    Columns,
    ItemKeys,
    SharedKeys,
    beside,
    columns_of,
    item_features,
    keys_of_item,
    offered_features,
)
from marketbel_core.matching.comparison import Comparison, compare
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
from marketbel_core.matching.verdicts import (
    API,
    Action,
    ItemReview,
    MatchState,
    PairVerdict,
    ReviewDecision,
    Reviewer,
    ReviewRow,
    Verdict,
)

__all__ = [
    "API",
    "CATEGORY_KEY",
    "DEFAULT_THRESHOLDS",
    "NOTHING_KNOWN",
    "Action",
    "Blocks",
    "Candidate",
    "Certainty",
    "Columns",
    "Comparison",
    "Conflict",
    "Corpus",
    "Decision",
    "Drafted",
    "Features",
    "ForReview",
    "ItemKeys",
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
    "SharedKeys",
    "Thresholds",
    "Verdict",
    "Wanted",
    "approved",
    "beside",
    "candidate_id",
    "columns_of",
    "compare",
    "described",
    "detail_of",
    "draft_for",
    "expired",
    "features_of",
    "item_features",
    "keys_of",
    "keys_of_item",
    "link",
    "linked_to",
    "offered_features",
    "precedents_of",
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
