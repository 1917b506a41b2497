"""What becomes of an item beside its candidates: linked, sent to review, or a draft's founder.

Before the names are compared a ladder asks what is known for certain: an earlier verdict of a
person, a number of the world-wide register, the maker's article under its brand, what this
supplier's item was linked to before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from marketbel_core.catalog import Product, ProductStatus, SupplierItem, draft_id, internal_sku
from marketbel_core.ids import ProductId
from marketbel_core.matching.corpus import Corpus
from marketbel_core.matching.decision import Decision, Thresholds
from marketbel_core.matching.explanation import detail_of
from marketbel_core.matching.features import Features, features_of
from marketbel_core.matching.ladder import NOTHING_KNOWN, Precedents
from marketbel_core.matching.ranking import rank
from marketbel_core.matching.review import ReviewTask, ScoredCandidate

__all__ = ["Drafted", "ForReview", "Linked", "MatchOutcome", "draft_for", "link"]


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
    corpus: Corpus,
    thresholds: Thresholds,
    candidates_max: int,
    now: datetime,
    review_for: timedelta,
    precedents: Precedents = NOTHING_KNOWN,
    said: Features | None = None,
    read: Mapping[ProductId, Features] = MappingProxyType({}),
) -> MatchOutcome:
    """Return what becomes of `item` beside the products that blocking let through.

    Of equally scored products the oldest wins. A draft made for an item of the same supplier is
    no candidate, unless a person said that it is the product: two lines of one list are rarely
    one product.

    Args:
        item: An unmatched item.
        candidates: In any order.
        corpus: The counts of the products that may be candidates.
        thresholds: Where linking and review begin.
        candidates_max: How many candidates are kept with the outcome, at least 1.
        now: The instant of the decision (aware, UTC).
        review_for: How long a review task waits for a person.
        precedents: What is known of the item from before.
        said: What the item says, where that has been read before; else its name alone.
        read: What the candidates say, likewise.
    """
    features = said or features_of(item.name)
    eligible = [one for one in candidates if _may_be(one, item, precedents)]
    scored = _scored(features, eligible, corpus, precedents, read, places=candidates_max)
    best = scored[0] if scored else None
    decision = thresholds.decide(best.score if best else None)
    if best is None or decision is Decision.NEW_PRODUCT:
        return Drafted(item=item, product=draft_for(item, now=now))
    kept = tuple(scored)
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


def _may_be(product: Product, item: SupplierItem, precedents: Precedents) -> bool:
    if product.id in precedents.different:
        return False
    is_own = product.status is ProductStatus.DRAFT and product.drafted_for == item.supplier_id
    return not is_own or product.id == precedents.same


def _scored(
    item: Features,
    candidates: Sequence[Product],
    corpus: Corpus,
    precedents: Precedents,
    read: Mapping[ProductId, Features],
    *,
    places: int,
) -> list[ScoredCandidate]:
    eligible = sorted(candidates, key=lambda product: (product.created_at, product.id))
    ranked = rank(
        item,
        [read.get(product.id) or features_of(product.name) for product in eligible],
        corpus,
        places=places,
        known=precedents.known_among([product.id for product in eligible]),
    )
    return [
        ScoredCandidate(
            product_id=eligible[place.index].id,
            product_name=eligible[place.index].name,
            score=place.score,
            category_id=eligible[place.index].category_id,
            detail=detail_of(place),
        )
        for place in ranked
    ]
