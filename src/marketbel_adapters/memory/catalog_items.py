"""The suppliers' items of the memory catalogue; a sku is unique within its supplier."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from marketbel_adapters.catalog_values import (
    candidates_as_json,
    later_sku,
    merge_figures,
    refusal_of,
    storable_score,
)
from marketbel_adapters.memory.catalog_products import insert_product
from marketbel_adapters.memory.catalog_state import State, StoredItem, conflict
from marketbel_adapters.memory.staging import MemoryStagedList
from marketbel_core.catalog import (
    MatchStatus,
    Offer,
    Product,
    SupplierItem,
    alike_as_one,
    is_in_stock,
)
from marketbel_core.ids import ProductId, SupplierId
from marketbel_core.intake.plan import MissingPolicy
from marketbel_core.intake.rows import AcceptedRow
from marketbel_core.matching import (
    Drafted,
    ForReview,
    Linked,
    MatchOutcome,
    ReviewRow,
)
from marketbel_core.matching.review import ScoredCandidate
from marketbel_core.ports import IdSource, ImportFigures, SupplierItems

__all__ = ["MemorySupplierItems"]

_FULL_SCORE = Decimal("100.00")
_NO_LIMIT = Decimal(0)


class MemorySupplierItems(SupplierItems):
    """The items, on a unit's draft."""

    def __init__(self, draft: State, ids: IdSource) -> None:
        self._draft = draft
        self._ids = ids

    async def merge(
        self, supplier_id: SupplierId, rows: Sequence[AcceptedRow], *, at: datetime
    ) -> ImportFigures:
        staged = MemoryStagedList(self._draft, self._ids, supplier_id)
        refused = await staged.add(rows)
        if refused:
            raise refusal_of(refused[0])
        figures = await staged.compare(price_move_max_percent=_NO_LIMIT)
        await staged.apply(None, missing=MissingPolicy.KEEP, at=at)
        return merge_figures(figures)

    async def claim_unmatched(
        self, supplier_id: SupplierId | None, *, limit: int
    ) -> list[SupplierItem]:
        waiting = self._unmatched(supplier_id)
        return sorted(waiting, key=lambda item: (item.created_at, item.id))[:limit]

    async def count_unmatched(self, supplier_id: SupplierId | None) -> int:
        return len(self._unmatched(supplier_id))

    async def record_matches(
        self,
        outcomes: Sequence[MatchOutcome],
        *,
        at: datetime,  # noqa: ARG002  # memory keeps no instant of change for items
    ) -> None:
        for outcome in outcomes:
            stored = self._draft.items.get(outcome.item.id)
            if stored is not None and _waits(stored.item):
                self._record(stored, outcome)

    async def products_of(self, supplier_id: SupplierId) -> list[ProductId]:
        linked = {
            stored.item.product_id
            for stored in self._draft.items.values()
            if stored.item.supplier_id == supplier_id
        }
        return sorted(product_id for product_id in linked if product_id is not None)

    async def offers_of(self, product_ids: Sequence[ProductId]) -> list[Offer]:
        wanted = set(product_ids)
        return alike_as_one(
            Offer(
                product_id=item.product_id,
                price=item.price,
                in_stock=is_in_stock(item.characteristics),
                supplier_active=self._draft.suppliers[item.supplier_id].is_active,
            )
            for item in (stored.item for stored in self._draft.items.values())
            if item.product_id is not None and item.product_id in wanted
        )

    def _unmatched(self, supplier_id: SupplierId | None) -> list[SupplierItem]:
        return [
            stored.item
            for stored in self._draft.items.values()
            if _waits(stored.item) and supplier_id in {None, stored.item.supplier_id}
        ]

    def _record(self, stored: StoredItem, outcome: MatchOutcome) -> None:
        match outcome:
            case Linked(product_id=product_id, score=score, candidates=candidates):
                if product_id not in self._draft.products:
                    raise conflict(f"product {product_id} is gone")
                self._link(stored, product_id, storable_score(score), candidates)
            case ForReview(score=score, task=task):
                item = replace(stored.item, match_status=MatchStatus.POTENTIAL_MATCH)
                self._draft.items[item.id] = replace(
                    stored,
                    item=item,
                    match_score=storable_score(score),
                    match_candidates=tuple(candidates_as_json(task.candidates)),
                )
                self._draft.reviews[item.id] = ReviewRow(
                    status=task.status,
                    candidates=tuple(candidates_as_json(task.candidates)),
                    created_at=task.created_at,
                    expires_at=task.expires_at,
                )
            case Drafted(product=product):
                self._found(stored, product)
                self._link(stored, product.id, _FULL_SCORE, ())

    def _link(
        self,
        stored: StoredItem,
        product_id: ProductId,
        score: Decimal,
        candidates: Sequence[ScoredCandidate],
    ) -> None:
        item = replace(stored.item, product_id=product_id, match_status=MatchStatus.AUTO_MATCHED)
        self._draft.items[item.id] = replace(
            stored,
            item=item,
            match_score=score,
            match_candidates=tuple(candidates_as_json(candidates)),
        )
        self._draft.known_links[item.id] = product_id

    def _found(self, stored: StoredItem, product: Product) -> None:
        """Store a draft product under an article number that is free."""
        founder = stored.item.supplier_id
        known = self._draft.products.get(product.id)
        if known is not None:
            drafted = replace(known.product, drafted_for=known.product.drafted_for or founder)
            self._draft.products[product.id] = replace(known, product=drafted)
            return
        sku = product.internal_sku
        while sku in self._draft.skus:
            sku = later_sku(sku)
        insert_product(self._draft, replace(product, internal_sku=sku, drafted_for=founder))
        self._draft.drafts.append(product.id)


def _waits(item: SupplierItem) -> bool:
    return item.product_id is None and item.match_status is MatchStatus.UNMATCHED
