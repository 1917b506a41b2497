"""What a person's decision about a match is made of: who, what was said, and what it changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from marketbel_core.catalog import MatchStatus, Product, SupplierItem
from marketbel_core.ids import ProductId, SupplierItemId
from marketbel_core.matching.review import ReviewStatus

__all__ = [
    "API",
    "Action",
    "ItemReview",
    "MatchState",
    "PairVerdict",
    "ReviewDecision",
    "ReviewRow",
    "Reviewer",
    "Verdict",
]


class Verdict(StrEnum):
    """What a person said of one item beside one product."""

    SAME = "same"  # one thing
    DIFFERENT = "different"  # never offered to each other again
    UNSURE = "unsure"  # looked at, and left for later


class Action(StrEnum):
    """What was done to an item's match; the first five are the words of the neighbours' events."""

    LINK = "link"  # to a product that a person named
    UNLINK = "unlink"  # from its product, which it is not
    RESET = "reset_match"  # given back to the matcher
    APPROVE = "approve_match"  # a candidate was chosen
    REJECT = "reject_match"  # no candidate was right: a new product
    UNSURE = "unsure"  # somebody looked and could not tell
    EXPIRE = "expire"  # nobody looked in time
    API_LINK = "api_link"  # a neighbour linked it, past us
    API_UNLINK = "api_unlink"  # a neighbour took its link, past us


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewer:
    """Who decides.

    Attributes:
        name: For people, 1 to 255 characters.
        user_id: The admin interface's user, where it is known.
    """

    name: str
    user_id: UUID | None = None


API: Final = Reviewer(name="api")
"""The admin interface, which links and unlinks in the table itself and does not say who."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairVerdict:
    """The latest verdict on an item, the owner of the state, and one product.

    Attributes:
        by: The reviewer's name.
        score: The match score that the pair had then, 0 to 100; `None` where it had none.
    """

    product_id: ProductId
    verdict: Verdict
    by: str
    at: datetime
    score: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRow:
    """An item's line in the review queue.

    Attributes:
        candidates: As the queue holds them, best first.
        reviewed_by: The user who decided; not compared, for users may be deleted.
    """

    status: ReviewStatus
    candidates: tuple[Mapping[str, object], ...]
    created_at: datetime
    expires_at: datetime
    reviewed_at: datetime | None = None
    reviewed_by: UUID | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchState:
    """All that a decision may change about an item.

    Attributes:
        score: 0 to 100, two decimals.
        candidates: As the item's row holds them, best first; `None` before a match.
        verdicts: One a product, sorted by product.
    """

    product_id: ProductId | None
    status: MatchStatus
    score: float | None = None
    candidates: tuple[Mapping[str, object], ...] | None = None
    row: ReviewRow | None = None
    verdicts: tuple[PairVerdict, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemReview:
    """An item and where its match stands.

    Attributes:
        known_product_id: The link that the item had when we last wrote one; another one in
            `state` was made by a neighbour.
        known_product_exists: Whether that product is still there.
    """

    item: SupplierItem
    state: MatchState
    known_product_id: ProductId | None = None
    known_product_exists: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewDecision:
    """One decision, with what it changed.

    Attributes:
        product_id: The product that it was about, or that the item was linked to by it.
        founded: The product that was made by it.
        undone_at: When it was taken back.
    """

    id: UUID
    item_id: SupplierItemId
    action: Action
    by: Reviewer
    at: datetime
    before: MatchState
    after: MatchState
    product_id: ProductId | None = None
    founded: Product | None = None
    undone_at: datetime | None = None

    @property
    def touched(self) -> frozenset[ProductId]:
        """The products whose aggregates it may have changed."""
        both = {self.before.product_id, self.after.product_id}
        return frozenset(product_id for product_id in both if product_id is not None)
