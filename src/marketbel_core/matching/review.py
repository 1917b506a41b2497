"""Clerical review: doubtful pairs that wait for a person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from marketbel_core.ids import CategoryId, ProductId, SupplierItemId

__all__ = ["ReviewStatus", "ReviewTask", "ScoredCandidate"]


class ReviewStatus(StrEnum):
    """Where a review task stands; the values of the database's enum."""

    PENDING = "pending"  # waits for a person
    APPROVED = "approved"  # the person chose a product
    REJECTED = "rejected"  # none of the candidates was right
    EXPIRED = "expired"  # nobody looked in time
    NEEDS_CATEGORY = "needs_category"  # cannot be matched before it has a category


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredCandidate:
    """A product beside an item.

    Attributes:
        score: The match score, 0.0 to 100.0.
        detail: What the score is made of, as JSON values; empty when it is not known.
    """

    product_id: ProductId
    product_name: str
    score: float
    category_id: CategoryId | None = None
    detail: Mapping[str, object] = field(default_factory=dict, hash=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewTask:
    """One item with the products that it may be, best first.

    Attributes:
        status: `PENDING`, or `NEEDS_CATEGORY` where nothing was compared for want of one.
    """

    item_id: SupplierItemId
    candidates: tuple[ScoredCandidate, ...]
    created_at: datetime
    expires_at: datetime
    status: ReviewStatus = ReviewStatus.PENDING
