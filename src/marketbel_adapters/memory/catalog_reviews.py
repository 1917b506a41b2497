"""What people decide, in the memory catalogue."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from marketbel_adapters.catalog_values import later_sku, storable_score
from marketbel_adapters.match_states import on_known_products
from marketbel_adapters.memory.catalog_products import insert_product
from marketbel_adapters.memory.catalog_state import State, StoredItem, conflict
from marketbel_core.catalog import DEFAULT_CURRENCY, Product, ProductStatus, is_in_stock
from marketbel_core.errors import ItemNotFoundError
from marketbel_core.ids import ProductId, SupplierItemId
from marketbel_core.matching import (
    ItemReview,
    MatchState,
    ReviewDecision,
    ReviewStatus,
    Verdict,
    candidate_id,
)
from marketbel_core.ports import ReviewQueue, Reviews, WaitingReview

__all__ = ["MemoryReviews", "review_of"]


class MemoryReviews(Reviews):
    """Items as people decide about them, on a unit's draft."""

    def __init__(self, draft: State) -> None:
        self._draft = draft

    async def open(self, item_id: SupplierItemId) -> ItemReview:
        try:
            return review_of(self._draft, self._draft.items[item_id])
        except KeyError as error:
            raise ItemNotFoundError(item_id) from error

    async def record(self, decisions: Sequence[ReviewDecision]) -> None:
        for decision in decisions:
            if decision.founded is not None:
                self._found(decision.founded)
            after = on_known_products(decision.after, self._draft.products)
            self._write(decision.item_id, after)
            self._draft.decisions[decision.id] = replace(decision, after=after)

    async def decisions(
        self, item_id: SupplierItemId | None = None, *, limit: int
    ) -> list[ReviewDecision]:
        latest = reversed(self._draft.decisions.values())
        return [one for one in latest if item_id in {None, one.item_id}][:limit]

    async def decision(self, decision_id: UUID) -> ReviewDecision | None:
        return self._draft.decisions.get(decision_id)

    async def take_back(
        self,
        decision: ReviewDecision,
        *,
        by: str,  # noqa: ARG002  # memory keeps no names of those who undo
        at: datetime,
    ) -> None:
        before = on_known_products(decision.before, self._draft.products)
        self._write(decision.item_id, before)
        self._draft.decisions[decision.id] = replace(decision, undone_at=at)
        if decision.founded is not None:
            self._discard(decision.founded.id)

    async def waiting(self, *, limit: int) -> ReviewQueue:
        rows = self._draft.reviews
        found = [
            self._waiting(self._draft.items[item_id])
            for item_id, row in rows.items()
            if row.status is ReviewStatus.PENDING
        ]
        return ReviewQueue(
            waiting=tuple(sorted(found, key=_impact)[:limit]),
            counts=Counter(row.status.value for row in rows.values()),
        )

    async def overdue(self, *, at: datetime, limit: int) -> list[ItemReview]:
        late = [
            (row.expires_at, item_id)
            for item_id, row in self._draft.reviews.items()
            if row.status is ReviewStatus.PENDING and row.expires_at < at
        ]
        items = [self._draft.items[item_id] for _, item_id in sorted(late)[:limit]]
        return [review_of(self._draft, stored) for stored in items]

    async def product(self, product_id: ProductId) -> Product | None:
        stored = self._draft.products.get(product_id)
        return None if stored is None else stored.product

    def _write(self, item_id: SupplierItemId, state: MatchState) -> None:
        stored = self._draft.items[item_id]
        if state.product_id is not None and state.product_id not in self._draft.products:
            raise conflict(f"product {state.product_id} is gone")
        self._draft.items[item_id] = replace(
            stored,
            item=replace(stored.item, product_id=state.product_id, match_status=state.status),
            match_score=None if state.score is None else storable_score(state.score),
            match_candidates=state.candidates,
        )
        if state.row is None:
            self._draft.reviews.pop(item_id, None)
        else:
            self._draft.reviews[item_id] = state.row
        self._draft.verdicts[item_id] = {one.product_id: one for one in state.verdicts}
        if state.product_id is None:
            self._draft.known_links.pop(item_id, None)
        else:
            self._draft.known_links[item_id] = state.product_id

    def _found(self, product: Product) -> None:
        while product.id not in self._draft.products and product.internal_sku in self._draft.skus:
            product = replace(product, internal_sku=later_sku(product.internal_sku))
        insert_product(self._draft, product)

    def _discard(self, product_id: ProductId) -> None:
        stored = self._draft.products.get(product_id)
        is_linked = any(one.item.product_id == product_id for one in self._draft.items.values())
        if stored is None or is_linked or stored.product.status is not ProductStatus.DRAFT:
            return
        del self._draft.products[product_id]
        self._draft.skus.discard(stored.product.internal_sku)
        for said in self._draft.verdicts.values():
            said.pop(product_id, None)

    def _waiting(self, stored: StoredItem) -> WaitingReview:
        review = review_of(self._draft, stored)
        row = review.state.row
        best = candidate_id(row.candidates[0]) if row and row.candidates else None
        product = self._draft.products.get(best) if best else None
        price = stored.item.price
        lowest = product.aggregates.min_price if product else None
        return WaitingReview(
            review=review,
            supplier_name=self._draft.suppliers[stored.item.supplier_id].name,
            in_stock=is_in_stock(stored.item.characteristics),
            lowers_price=product is not None
            and price.currency == DEFAULT_CURRENCY
            and (lowest is None or price.amount < lowest),
        )


def review_of(draft: State, stored: StoredItem) -> ItemReview:
    """Return where a stored item's match stands."""
    item = stored.item
    known = draft.known_links.get(item.id)
    said = draft.verdicts.get(item.id, {})
    return ItemReview(
        item=item,
        state=MatchState(
            product_id=item.product_id,
            status=item.match_status,
            score=None if stored.match_score is None else float(stored.match_score),
            candidates=stored.match_candidates,
            row=draft.reviews.get(item.id),
            verdicts=tuple(said[product_id] for product_id in sorted(said)),
        ),
        known_product_id=known,
        known_product_exists=known is None or known in draft.products,
    )


def _impact(waiting: WaitingReview) -> tuple[object, ...]:
    review = waiting.review
    row = review.state.row
    is_unsure = any(one.verdict is Verdict.UNSURE for one in review.state.verdicts)
    return (
        is_unsure,
        not waiting.in_stock,
        not waiting.lowers_price,
        -Decimal(str(review.state.score or 0)),
        row and row.created_at,
        review.item.id,
    )
