"""The suppliers' items of the memory catalogue; a sku is unique within its supplier."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

from marketbel_adapters.catalog_values import (
    StorableRow,
    candidates_as_json,
    later_sku,
    storable_rows,
    storable_score,
)
from marketbel_adapters.memory.catalog_products import insert_product
from marketbel_adapters.memory.catalog_state import PriceRecord, State, StoredItem, conflict
from marketbel_core.catalog import (
    MatchStatus,
    Offer,
    Product,
    SupplierItem,
    alike_as_one,
    is_in_stock,
)
from marketbel_core.errors import SupplierNotFoundError
from marketbel_core.ids import ProductId, SupplierId, SupplierItemId
from marketbel_core.intake.rows import AcceptedRow
from marketbel_core.matching import (
    Drafted,
    ForReview,
    Linked,
    MatchOutcome,
    ReviewRow,
    ReviewStatus,
)
from marketbel_core.matching.review import ScoredCandidate
from marketbel_core.ports import IdSource, ImportFigures, SupplierItems

__all__ = ["MemorySupplierItems", "comparable"]

_FULL_SCORE = Decimal("100.00")


class MemorySupplierItems(SupplierItems):
    """The items, on a unit's draft."""

    def __init__(self, draft: State, ids: IdSource) -> None:
        self._draft = draft
        self._ids = ids

    async def merge(
        self, supplier_id: SupplierId, rows: Sequence[AcceptedRow], *, at: datetime
    ) -> ImportFigures:
        kept = storable_rows(rows)
        if supplier_id not in self._draft.suppliers:
            raise SupplierNotFoundError(supplier_id)
        inserted = updated = 0
        prices_before = len(self._draft.prices)
        for row in kept:
            item_id = self._draft.item_ids.get((supplier_id, row.sku))
            if item_id is None:
                self._insert(supplier_id, row, at)
                inserted += 1
            else:
                updated += self._update(self._draft.items[item_id], row, at)
        return ImportFigures(
            inserted=inserted,
            updated=updated,
            unchanged=len(kept) - inserted - updated,
            merged=len(rows) - len(kept),
            repriced=len(self._draft.prices) - prices_before - inserted,
        )

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

    def _insert(self, supplier_id: SupplierId, row: StorableRow, at: datetime) -> None:
        item = SupplierItem(
            id=SupplierItemId(self._ids.new_id()),
            supplier_id=supplier_id,
            sku=row.sku,
            name=row.name,
            price=row.price,
            characteristics=MappingProxyType(json.loads(row.characteristics)),
            product_id=None,
            match_status=MatchStatus.UNMATCHED,
            created_at=at,
        )
        self._draft.item_ids[supplier_id, row.sku] = item.id
        self._draft.items[item.id] = StoredItem(
            item=item,
            characteristics=comparable(row.characteristics),
            last_ingested_at=at,
            price_opt=row.price_opt,
            price_rrc=row.price_rrc,
        )
        self._draft.prices.append(PriceRecord(item_id=item.id, price=row.price, recorded_at=at))

    def _update(self, stored: StoredItem, row: StorableRow, at: datetime) -> bool:
        """Bring one item up to its row; tell whether anything changed."""
        item, characteristics = stored.item, comparable(row.characteristics)
        if (item.name, item.price, stored.characteristics) == (
            row.name,
            row.price,
            characteristics,
        ):
            return False
        if item.price != row.price:
            record = PriceRecord(item_id=item.id, price=row.price, recorded_at=at)
            self._draft.prices.append(record)
        self._draft.items[item.id] = replace(
            stored,
            item=replace(
                item,
                name=row.name,
                price=row.price,
                characteristics=MappingProxyType(json.loads(row.characteristics)),
            ),
            characteristics=characteristics,
            last_ingested_at=at,
            price_opt=row.price_opt,
            price_rrc=row.price_rrc,
        )
        return True

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
                    status=ReviewStatus.PENDING,
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


def _waits(item: SupplierItem) -> bool:
    return item.product_id is None and item.match_status is MatchStatus.UNMATCHED


def comparable(characteristics: str) -> str:
    """Return the JSON so that what JSONB holds equal is equal: 1.0 is 1, but 1 is not true."""
    return json.dumps(json.loads(characteristics, parse_float=_number), sort_keys=True)


def _number(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() else number
