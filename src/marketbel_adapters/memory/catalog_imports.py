"""The imports of the memory catalogue: their records, what they changed, and the way back."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from marketbel_adapters.memory.catalog_state import ItemChange, State, StoredItem, content_of
from marketbel_adapters.memory.staging import MemoryStagedList
from marketbel_core.catalog import MatchStatus, ProductStatus, SupplierItem, draft_id
from marketbel_core.errors import ImportNotFoundError, SupplierNotFoundError
from marketbel_core.ids import ImportId, ProductId, SupplierId
from marketbel_core.intake.plan import Difference, DifferenceKind
from marketbel_core.matching import Action, ReviewStatus, candidate_id
from marketbel_core.ports import IdSource, Import, Imports, ImportState, UndoOutcome

__all__ = ["MemoryImports"]

_KEPT_TOLD_MAX: Final = 100
_WAITING: Final = frozenset({MatchStatus.UNMATCHED, MatchStatus.POTENTIAL_MATCH})
_REVIEWED: Final = frozenset({ReviewStatus.APPROVED, ReviewStatus.REJECTED})


class MemoryImports(Imports):
    """The imports, on a unit's draft."""

    def __init__(self, draft: State, ids: IdSource) -> None:
        self._draft = draft
        self._ids = ids

    async def stage(self, supplier_id: SupplierId) -> MemoryStagedList:
        return MemoryStagedList(self._draft, self._ids, supplier_id)

    async def note(self, record: Import) -> None:
        if record.supplier_id not in self._draft.suppliers:
            raise SupplierNotFoundError(record.supplier_id)
        self._draft.imports.setdefault(record.id, record)

    async def get(self, import_id: ImportId) -> Import:
        try:
            return self._draft.imports[import_id]
        except KeyError as error:
            raise ImportNotFoundError(import_id) from error

    async def recent(
        self,
        supplier_id: SupplierId | None,
        *,
        limit: int,
        state: ImportState | None = None,
        content_key: str | None = None,
    ) -> list[Import]:
        found = [
            record
            for record in reversed(self._draft.imports.values())
            if supplier_id in {None, record.supplier_id}
            and state in {None, record.state}
            and content_key in {None, record.content_key}
        ]
        return found[:limit]

    async def approve(self, import_id: ImportId, *, by: str, at: datetime) -> None:
        record = await self.get(import_id)
        if record.approved_at is None:
            self._draft.imports[import_id] = replace(record, approved_by=by, approved_at=at)

    async def to_follow(self, *, limit: int) -> list[Import]:
        waiting = [
            record
            for record in self._draft.imports.values()
            if record.job_id is None
            and record.state is ImportState.APPLIED
            and record.id not in self._draft.followed
        ]
        return waiting[:limit]

    async def followed(
        self,
        import_ids: Sequence[ImportId],
        *,
        at: datetime,  # noqa: ARG002  # memory only knows that it was done
    ) -> None:
        self._draft.followed.update(import_ids)

    async def changes(self, import_id: ImportId, *, limit: int) -> list[Difference]:
        changes = self._draft.changes.get(import_id, ())
        changed = [change for change in changes if change.before is not None]
        inserted = [
            Difference(
                kind=DifferenceKind.INSERTED,
                sku=change.after.item.sku,
                name=change.after.item.name,
                after=change.after.item.price,
            )
            for change in changes
            if change.before is None and change.after.item.id in self._draft.items
        ]
        ordered = sorted(changed, key=lambda each: (each.price is None, each.after.item.sku))
        return [*(_difference(change) for change in ordered[:limit]), *inserted[:limit]]

    async def undo(self, import_id: ImportId, *, at: datetime) -> UndoOutcome:
        record = await self.get(import_id)
        if record.state is not ImportState.APPLIED:
            return UndoOutcome()
        self._draft.imports[import_id] = replace(record, state=ImportState.UNDONE, undone_at=at)
        later = self._changed_after(record)
        changes = self._draft.changes.get(import_id, ())
        untouched = [change for change in changes if self._is_untouched(change, later)]
        gone = [change for change in changes if change.after.item.id not in self._draft.items]
        kept = [
            change.after.item.sku
            for change in changes
            if change not in untouched and change not in gone
        ]
        founded = self._drafts_of(untouched)
        products = self._take_back(untouched)
        orphans = {each for each in founded if not self._is_spoken_of(each)}
        for product_id in orphans:
            stored = self._draft.products.pop(product_id)
            self._draft.skus.discard(stored.product.internal_sku)
        self._forget_missing(import_id)
        failed = sum(change.before is not None for change in gone)
        return UndoOutcome(
            reversed=len(untouched) + len(gone) - failed,
            kept=len(kept),
            failed=failed,
            kept_skus=tuple(sorted(kept)[:_KEPT_TOLD_MAX]),
            drafts=len(orphans),
            product_ids=tuple(sorted(products & self._draft.products.keys())),
        )

    def _changed_after(self, record: Import) -> set[object]:
        """Return the items that imports after this one have changed."""
        order = list(self._draft.imports)
        since = order[order.index(record.id) + 1 :]
        return {
            change.after.item.id
            for later in since
            if self._draft.imports[later].state is ImportState.APPLIED
            for change in self._draft.changes.get(later, ())
            if change.before is not None
        }

    def _is_untouched(self, change: ItemChange, later: set[object]) -> bool:
        stored = self._draft.items.get(change.after.item.id)
        if stored is None or stored.item.id in later:
            return False
        if content_of(stored) != content_of(change.after):
            return False
        return change.before is not None or self._is_nobodys(stored.item)

    def _is_nobodys(self, item: SupplierItem) -> bool:
        """Tell whether nobody but the matcher has said anything of an item that was brought."""
        row = self._draft.reviews.get(item.id)
        founded = self._draft.products.get(draft_id(item.id))
        is_waiting = item.product_id is None and item.match_status in _WAITING
        is_linked_by_us = (
            item.match_status is MatchStatus.AUTO_MATCHED
            and item.product_id is not None
            and item.product_id == self._draft.known_links.get(item.id)
        )
        return (
            (is_waiting or is_linked_by_us)
            and not self._draft.verdicts.get(item.id)
            and all(
                each.item_id != item.id or each.action is Action.EXPIRE
                for each in self._draft.decisions.values()
            )
            and (row is None or row.status not in _REVIEWED)
            and (founded is None or founded.product.status is not ProductStatus.ACTIVE)
        )

    def _drafts_of(self, changes: Sequence[ItemChange]) -> set[ProductId]:
        """Return the drafts, still no more than that, of items that are to be deleted."""
        named = {draft_id(change.after.item.id) for change in changes if change.before is None}
        return {
            product_id
            for product_id in named & self._draft.products.keys()
            if self._draft.products[product_id].product.status is ProductStatus.DRAFT
        }

    def _is_spoken_of(self, product_id: ProductId) -> bool:
        """Tell whether an item, a verdict, a decision or a review names the product."""
        draft = self._draft
        return (
            any(stored.item.product_id == product_id for stored in draft.items.values())
            or any(product_id in said for said in draft.verdicts.values())
            or any(each.product_id == product_id for each in draft.decisions.values())
            or any(
                candidate_id(candidate) == product_id
                for row in draft.reviews.values()
                for candidate in row.candidates
            )
        )

    def _take_back(self, changes: Sequence[ItemChange]) -> set[ProductId]:
        products: set[ProductId] = set()
        for change in changes:
            stored = self._draft.items[change.after.item.id]
            if stored.item.product_id is not None:
                products.add(stored.item.product_id)
            if change.before is None:
                self._delete(stored)
                continue
            self._draft.items[stored.item.id] = _restored(stored, change.before)
            if change.price is not None:
                self._draft.forget_price(change.price)
        return products

    def _delete(self, stored: StoredItem) -> None:
        item = stored.item
        del self._draft.items[item.id]
        del self._draft.item_ids[item.supplier_id, item.sku]
        for kept in (self._draft.reviews, self._draft.known_links, self._draft.verdicts):
            kept.pop(item.id, None)
        self._draft.prices = [line for line in self._draft.prices if line.item_id != item.id]

    def _forget_missing(self, import_id: ImportId) -> None:
        self._draft.missing = [
            replace(line, until=None) if line.until == import_id else line
            for line in self._draft.missing
            if line.since != import_id
        ]


def _restored(stored: StoredItem, before: StoredItem) -> StoredItem:
    """Return the item as it was before, with the links and scores that it has now."""
    return replace(
        stored,
        item=replace(
            stored.item,
            name=before.item.name,
            price=before.item.price,
            characteristics=before.item.characteristics,
        ),
        characteristics=before.characteristics,
        price_opt=before.price_opt,
        price_rrc=before.price_rrc,
        last_ingested_at=before.last_ingested_at,
    )


def _difference(change: ItemChange) -> Difference:
    before = change.before or change.after
    return Difference(
        kind=DifferenceKind.UPDATED if change.price is None else DifferenceKind.REPRICED,
        sku=before.item.sku,
        name=before.item.name,
        before=before.item.price,
        after=change.after.item.price,
    )
