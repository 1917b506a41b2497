"""What people decide about matches: each decision in one transaction, with what it costs."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from marketbel_core.catalog import Product, ProductStatus, draft_id, internal_sku
from marketbel_core.errors import ProductNotFoundError, RefusedError
from marketbel_core.ids import ProductId, SupplierId, SupplierItemId
from marketbel_core.matching import (
    Action,
    ItemReview,
    MatchState,
    ReviewDecision,
    Reviewer,
    ReviewStatus,
    approved,
    expired,
    linked_to,
    rejected,
    reset,
    ruled_out,
    unlinked,
    unsure,
)
from marketbel_core.ports import Catalog, CatalogUnit, Clock, IdSource
from marketbel_core.use_cases._link_keeper import LinkKeeper, Reconciled

__all__ = [
    "ExpireReviews",
    "ReconcileLinks",
    "ReviewMatches",
    "ReviewRequest",
    "UndoReview",
]

_CHUNK: Final = 500
_NAME_LENGTH_MAX: Final = 500
_SWEEP: Final = Reviewer(name="marketbel")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRequest:
    """What somebody wants done to an item's match.

    Attributes:
        product_id: Needed to link and to approve.
        new_product_name: What a rejected item's product is called; `None` means as the item is.
        decision_id: The same decision asked again is done once; `None` means a new one.
    """

    item_id: SupplierItemId
    action: Action
    by: Reviewer
    product_id: ProductId | None = None
    new_product_name: str | None = None
    decision_id: UUID | None = None


class ReviewMatches:
    """Does what a person decided: item, queue, verdicts, products and aggregates, or nothing."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        links: LinkKeeper,
        clock: Clock,
        ids: IdSource,
        review_for: timedelta,
    ) -> None:
        self._catalog = catalog
        self._links = links
        self._clock = clock
        self._ids = ids
        self._review_for = review_for

    async def __call__(self, request: ReviewRequest) -> ReviewDecision:
        """Return the decision; one that changes nothing is not kept.

        What a neighbour has done to the item's link meanwhile is understood first.

        Raises:
            ItemNotFoundError: there is no such item.
            ProductNotFoundError: there is no such product.
            RefusedError: the decision does not apply (`review.…`), or the product is archived.
            UnavailableError: the catalogue cannot be reached; nothing was done.
        """
        now = self._clock.now()
        async with self._catalog.unit() as unit:
            if request.decision_id is not None:
                done = await unit.reviews.decision(request.decision_id)
                if done is not None:
                    return done
            review = await unit.reviews.open(request.item_id)
            drift = self._links.understood(review, at=now)
            if drift is not None:
                await unit.reviews.record([drift])
                review = replace(review, state=drift.after)
            decision = await self._decide(unit, review, request, at=now)
            if decision.after != review.state:
                await unit.reviews.record([decision])
                await unit.keys.record([self._links.keys_of(review.item)])
            touched = decision.touched | (drift.touched if drift else frozenset())
            await self._links.follow(unit, touched, at=now)
        return decision

    async def _decide(
        self, unit: CatalogUnit, review: ItemReview, request: ReviewRequest, *, at: datetime
    ) -> ReviewDecision:
        founded = None
        if request.action is Action.REJECT:
            founded = await self._new_product(unit, review, request.new_product_name, at=at)
        elif request.product_id is not None and request.action is not Action.UNLINK:
            await _require_live(unit, request.product_id)
        named = founded.id if founded else request.product_id
        after = self._after(review.state, request, named, at=at)
        return ReviewDecision(
            id=request.decision_id or self._ids.new_id(),
            item_id=review.item.id,
            action=request.action,
            by=request.by,
            at=at,
            before=review.state,
            after=after,
            product_id=named or review.state.product_id,
            founded=founded,
        )

    def _after(
        self, state: MatchState, request: ReviewRequest, named: ProductId | None, *, at: datetime
    ) -> MatchState:
        """Return the state after what was asked for.

        Raises:
            RefusedError: it does not apply.
        """
        by = request.by
        match request.action:
            case Action.APPROVE:
                return approved(state, _required(named), by=by, at=at)
            case Action.LINK:
                return linked_to(state, _required(named), by=by, at=at)
            case Action.REJECT:
                return rejected(state, _required(named), by=by, at=at)
            case Action.UNLINK:
                return unlinked(state, by=by, at=at)
            case Action.RESET:
                return reset(state, by=by, at=at)
            case Action.UNSURE:
                return unsure(state, named, by=by, at=at, review_for=self._review_for)
            case Action.EXPIRE | Action.API_LINK | Action.API_UNLINK:
                raise RefusedError(
                    "review.unknown_action", f"{request.action} is for nobody to ask"
                )

    async def _new_product(
        self, unit: CatalogUnit, review: ItemReview, name: str | None, *, at: datetime
    ) -> Product:
        """Return the draft that a rejected item founds; not stored yet."""
        product_id = draft_id(review.item.id)
        is_ruled = product_id in ruled_out(review.state.verdicts)
        if is_ruled or await unit.reviews.product(product_id) is not None:
            product_id = ProductId(self._ids.new_id())
        wanted = (name or "").strip() or review.item.name
        if len(wanted) > _NAME_LENGTH_MAX:
            raise RefusedError(
                "review.bad_name", f"a product's name has at most {_NAME_LENGTH_MAX} characters"
            )
        return Product(
            id=product_id,
            internal_sku=internal_sku(product_id, at=at),
            name=wanted,
            status=ProductStatus.DRAFT,
            created_at=at,
            drafted_for=review.item.supplier_id,
        )


class UndoReview:
    """Takes a decision back, while nothing has changed since."""

    def __init__(self, *, catalog: Catalog, links: LinkKeeper, clock: Clock) -> None:
        self._catalog = catalog
        self._links = links
        self._clock = clock

    async def __call__(
        self, item_id: SupplierItemId, *, by: Reviewer, decision_id: UUID | None = None
    ) -> ReviewDecision:
        """Put item, queue, candidates and verdicts back as they were; return what was undone.

        A product that the decision founded goes, unless it is more than a draft by now.

        Args:
            item_id: Whose decision.
            by: Who undoes it.
            decision_id: Which one; `None` means the latest that was not undone.

        Raises:
            ItemNotFoundError: there is no such item.
            RefusedError: there is nothing to undo (`review.nothing_to_undo`), or the item was
                changed since (`review.changed_since`), or the product that it was linked to is
                gone (`review.product_gone`).
        """
        now = self._clock.now()
        async with self._catalog.unit() as unit:
            review = await unit.reviews.open(item_id)
            decision = await _to_undo(unit, item_id, decision_id)
            if review.state != decision.after:
                raise RefusedError(
                    "review.changed_since", "the item was changed after this decision"
                )
            before = decision.before.product_id
            if before is not None and await unit.reviews.product(before) is None:
                raise RefusedError(
                    "review.product_gone", f"product {before}, which it was linked to, is gone"
                )
            await unit.reviews.take_back(decision, by=by.name, at=now)
            await self._links.follow(unit, decision.touched, at=now)
        return replace(decision, undone_at=now)


class ExpireReviews:
    """Gives items that nobody looked at in time back to the matcher."""

    def __init__(self, *, catalog: Catalog, clock: Clock, ids: IdSource) -> None:
        self._catalog = catalog
        self._clock = clock
        self._ids = ids

    async def __call__(self) -> int:
        """Return how many lines of the queue expired."""
        total = 0
        while count := await self._expire_chunk():
            total += count
        return total

    async def _expire_chunk(self) -> int:
        now = self._clock.now()
        async with self._catalog.unit() as unit:
            found = await unit.reviews.overdue(at=now, limit=_CHUNK)
            late = [review for review in found if _is_late(review.state, now)]
            await unit.reviews.record(
                [
                    ReviewDecision(
                        id=self._ids.new_id(),
                        item_id=review.item.id,
                        action=Action.EXPIRE,
                        by=_SWEEP,
                        at=now,
                        before=review.state,
                        after=expired(review.state),
                    )
                    for review in late
                ]
            )
        return len(late)


class ReconcileLinks:
    """Understands what neighbours did to links and offers past us. Safe to run at any time."""

    def __init__(self, *, links: LinkKeeper) -> None:
        self._links = links

    async def __call__(self, *, supplier_id: SupplierId | None = None) -> Reconciled:
        """Return what was found; `None` means every supplier's items."""
        return await self._links.reconcile(supplier_id)


def _is_late(state: MatchState, now: datetime) -> bool:
    row = state.row
    return row is not None and row.status is ReviewStatus.PENDING and row.expires_at < now


def _required(product_id: ProductId | None) -> ProductId:
    if product_id is None:
        raise RefusedError("review.no_product", "say which product: `product_id` is missing")
    return product_id


async def _require_live(unit: CatalogUnit, product_id: ProductId) -> None:
    product = await unit.reviews.product(product_id)
    if product is None:
        raise ProductNotFoundError(product_id)
    if product.status is ProductStatus.ARCHIVED:
        raise RefusedError(
            "review.archived", f"product {product.internal_sku} is archived: link another one"
        )


async def _to_undo(
    unit: CatalogUnit, item_id: SupplierItemId, decision_id: UUID | None
) -> ReviewDecision:
    """Return the decision that is meant.

    Raises:
        RefusedError: there is none, or it was undone before.
    """
    if decision_id is not None:
        decision = await unit.reviews.decision(decision_id)
        wanted = [] if decision is None or decision.item_id != item_id else [decision]
    else:
        wanted = await unit.reviews.decisions(item_id, limit=_CHUNK)
    for decision in wanted:
        if decision.undone_at is None:
            return decision
    raise RefusedError("review.nothing_to_undo", "there is no decision to undo")
