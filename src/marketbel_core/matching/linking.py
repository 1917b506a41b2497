"""From scores to outcomes: an item is linked, waits for a person, or founds a product."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from marketbel_core.catalog import Product, ProductStatus, SupplierItem, draft_id, internal_sku
from marketbel_core.ids import ProductId
from marketbel_core.matching.comparison import compare
from marketbel_core.matching.decision import Decision, Thresholds
from marketbel_core.matching.features import features_of
from marketbel_core.matching.review import ReviewTask, ScoredCandidate

__all__ = ["Drafted", "ForReview", "Linked", "MatchOutcome", "draft_for", "link"]

_MARGIN_MIN: Final = 1.0
"""Points by which the best must lead a different product, or a person decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """The item is the product.

    Attributes:
        score: The match score, 0.0 to 100.0.
        candidates: What was compared, best first, the product itself included.
    """

    item: SupplierItem
    product_id: ProductId
    score: float
    candidates: tuple[ScoredCandidate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForReview:
    """The item may be one of the candidates; a person decides."""

    item: SupplierItem
    score: float
    task: ReviewTask


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """Nothing is like the item: it founds a draft product and is linked to it."""

    item: SupplierItem
    product: Product


type MatchOutcome = Linked | ForReview | Drafted


def link(
    item: SupplierItem,
    candidates: Sequence[Product],
    *,
    thresholds: Thresholds,
    candidates_max: int,
    now: datetime,
    review_for: timedelta,
) -> MatchOutcome:
    """Return what becomes of `item` beside the products that blocking let through.

    Of equally scored products the oldest wins. A draft made for an item of the same supplier is
    no candidate: two lines of one list are rarely one product.

    Args:
        item: An unmatched item.
        candidates: In any order.
        thresholds: Where linking and review begin.
        candidates_max: How many candidates are kept with the outcome, at least 1.
        now: The instant of the decision (aware, UTC).
        review_for: How long a review task waits for a person.
    """
    scored = _scored(item, candidates)
    best = scored[0] if scored else None
    decision = thresholds.decide(best.score if best else None)
    if decision is Decision.LINK and not _leads(scored):
        decision = Decision.REVIEW
    if best is None or decision is Decision.NEW_PRODUCT:
        return Drafted(item=item, product=draft_for(item, now=now))
    kept = tuple(scored[:candidates_max])
    if decision is Decision.LINK:
        return Linked(item=item, product_id=best.product_id, score=best.score, candidates=kept)
    task = ReviewTask(
        item_id=item.id, candidates=kept, created_at=now, expires_at=now + review_for
    )
    return ForReview(item=item, score=best.score, task=task)


def draft_for(item: SupplierItem, *, now: datetime) -> Product:
    """Return the draft product that `item` founds: the same id at every run."""
    product_id = draft_id(item.id)
    return Product(
        id=product_id,
        internal_sku=internal_sku(product_id, at=now),
        name=item.name,
        status=ProductStatus.DRAFT,
        created_at=now,
        drafted_for=item.supplier_id,
    )


def _scored(item: SupplierItem, candidates: Sequence[Product]) -> list[ScoredCandidate]:
    features = features_of(item.name)
    eligible = [
        product
        for product in candidates
        if product.status is not ProductStatus.DRAFT or product.drafted_for != item.supplier_id
    ]
    scored = [
        (compare(features, features_of(product.name)).score, product) for product in eligible
    ]
    scored.sort(key=lambda pair: (-pair[0], pair[1].created_at, pair[1].id))
    return [
        ScoredCandidate(
            product_id=product.id,
            product_name=product.name,
            score=score,
            category_id=product.category_id,
        )
        for score, product in scored
    ]


def _leads(scored: Sequence[ScoredCandidate]) -> bool:
    """Tell whether the best is clearly ahead of the first product of another name."""
    best = scored[0]
    others = [other for other in scored[1:] if other.product_name != best.product_name]
    return not others or best.score - others[0].score >= _MARGIN_MIN
