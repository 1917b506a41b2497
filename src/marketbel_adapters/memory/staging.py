"""A supplier's list on its way into the memory catalogue."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

from marketbel_adapters.catalog_values import (
    UNAVAILABLE_TOLD,
    StorableRow,
    check_refused,
    staged_rows,
    told_when_missing,
)
from marketbel_adapters.memory.catalog_state import (
    ItemChange,
    Missing,
    PriceRecord,
    State,
    StoredItem,
    comparable,
    content_of,
)
from marketbel_core.catalog import MatchStatus, Money, SupplierItem
from marketbel_core.errors import SupplierNotFoundError
from marketbel_core.ids import ImportId, SupplierId, SupplierItemId
from marketbel_core.intake.plan import (
    Difference,
    DifferenceKind,
    ImportFigures,
    MissingPolicy,
    is_moved,
    version_of,
)
from marketbel_core.intake.rows import AcceptedRow, RowRejection
from marketbel_core.ports import IdSource, ListedRow, StagedList

__all__ = ["MemoryStagedList"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """A known item before and after; `kind` says what the list told of it."""

    kind: DifferenceKind
    before: StoredItem
    after: StoredItem
    is_moved: bool = False

    @property
    def is_repriced(self) -> bool:
        return self.before.item.price != self.after.item.price


class MemoryStagedList(StagedList):
    """The list in a dict, beside a unit's draft."""

    def __init__(self, draft: State, ids: IdSource, supplier_id: SupplierId) -> None:
        if supplier_id not in draft.suppliers:
            raise SupplierNotFoundError(supplier_id)
        self._draft = draft
        self._ids = ids
        self._supplier_id = supplier_id
        self._refused = 0
        self._rows: dict[str, tuple[StorableRow, AcceptedRow]] = {}
        self._unpriced: set[str] = set()
        self._merged = 0
        self._changes: list[_Change] = []
        self._new: list[tuple[StorableRow, AcceptedRow]] = []
        self._missing: list[StoredItem] = []

    async def add(self, rows: Sequence[ListedRow]) -> list[RowRejection]:
        kept = staged_rows(rows)
        for row, source in zip(kept.rows, kept.sources, strict=True):
            self._merged += self._rows.pop(row.sku, None) is not None
            self._rows[row.sku] = (row, source)
        self._unpriced.update(kept.unpriced)
        self._refused += len(kept.refused)
        check_refused(self._refused)
        return list(kept.refused)

    async def compare(self, *, price_move_max_percent: Decimal) -> ImportFigures:
        known = self._known()
        self._missing = [
            stored
            for sku, stored in known.items()
            if sku not in self._rows and sku not in self._unpriced
        ]
        self._new = [pair for sku, pair in self._rows.items() if sku not in known]
        updated = [
            self._change(known[sku], row, source, price_move_max_percent)
            for sku, (row, source) in self._rows.items()
            if sku in known and _says_more(known[sku], row, source)
        ]
        told = [
            _with(known[sku], UNAVAILABLE_TOLD, DifferenceKind.UNAVAILABLE)
            for sku in sorted(self._unpriced - self._rows.keys())
            if sku in known and not _has(known[sku], UNAVAILABLE_TOLD)
        ]
        self._changes = [*updated, *told]
        return ImportFigures(
            inserted=len(self._new),
            updated=len(updated),
            unchanged=len(self._rows) - len(self._new) - len(updated),
            merged=self._merged,
            repriced=sum(change.is_repriced for change in updated),
            moved=sum(change.is_moved for change in updated),
            unavailable=len(told),
            missing=len(self._missing),
        )

    async def differences(self, *, limit: int) -> list[Difference]:
        changed = sorted(
            self._changes,
            key=lambda each: (not each.is_moved, not each.is_repriced, each.before.item.sku),
        )
        return [
            *(_difference(change) for change in changed[:limit]),
            *(
                Difference(
                    kind=DifferenceKind.INSERTED, sku=row.sku, name=row.name, after=source.price
                )
                for row, source in self._new[:limit]
            ),
            *(
                Difference(
                    kind=DifferenceKind.MISSING,
                    sku=stored.item.sku,
                    name=stored.item.name,
                    before=stored.item.price,
                )
                for stored in sorted(self._missing, key=lambda each: each.item.sku)[:limit]
            ),
        ]

    async def version(self) -> str:
        told = sorted(
            repr((stored.item.id, sku, content_of(stored)))
            for sku, stored in self._known().items()
        )
        imports = [
            f"{record.id}{record.state}"
            for record in self._draft.imports.values()
            if record.supplier_id == self._supplier_id
        ]
        items = hashlib.sha256(json.dumps(told).encode()).hexdigest()
        return version_of(items, imports[-1] if imports else "")

    async def apply(
        self, import_id: ImportId | None, *, missing: MissingPolicy, at: datetime
    ) -> None:
        changes = [*self._changes]
        if import_id is not None:
            changes += self._left_out(missing)
        kept: list[ItemChange] = []
        for change in changes:
            after = replace(change.after, last_ingested_at=at)
            self._draft.items[after.item.id] = after
            record = self._priced(after, at) if change.is_repriced else None
            kept.append(ItemChange(before=change.before, after=after, price=record))
        for row, source in self._new:
            kept.append(ItemChange(before=None, after=self._insert(row, source, at), price=None))
        if import_id is not None:
            self._draft.changes[import_id] = tuple(kept)
            self._note_missing(import_id)

    def _known(self) -> dict[str, StoredItem]:
        return {
            sku: self._draft.items[item_id]
            for (owner, sku), item_id in self._draft.item_ids.items()
            if owner == self._supplier_id
        }

    def _change(
        self, stored: StoredItem, row: StorableRow, source: AcceptedRow, max_percent: Decimal
    ) -> _Change:
        item = replace(
            stored.item,
            name=row.name,
            price=source.price,
            characteristics=MappingProxyType(json.loads(row.characteristics)),
        )
        after = replace(
            stored,
            item=item,
            characteristics=comparable(row.characteristics),
            price_opt=row.price_opt,
            price_rrc=row.price_rrc,
        )
        moved = is_moved(stored.item.price, source.price, max_percent=max_percent)
        return _Change(kind=DifferenceKind.UPDATED, before=stored, after=after, is_moved=moved)

    def _left_out(self, policy: MissingPolicy) -> list[_Change]:
        """Return what becomes of items that are missing from this list and were not before."""
        told = told_when_missing(policy)
        return [
            _with(stored, told, DifferenceKind.MISSING)
            for stored in self._missing
            if told and not _has(stored, told) and not self._draft.is_missing(stored.item.id)
        ]

    def _insert(self, row: StorableRow, source: AcceptedRow, at: datetime) -> StoredItem:
        item = SupplierItem(
            id=SupplierItemId(self._ids.new_id()),
            supplier_id=self._supplier_id,
            sku=row.sku,
            name=row.name,
            price=source.price,
            characteristics=MappingProxyType(json.loads(row.characteristics)),
            product_id=None,
            match_status=MatchStatus.UNMATCHED,
            created_at=at,
        )
        stored = StoredItem(
            item=item,
            characteristics=comparable(row.characteristics),
            last_ingested_at=at,
            price_opt=row.price_opt,
            price_rrc=row.price_rrc,
        )
        self._draft.item_ids[self._supplier_id, row.sku] = item.id
        self._draft.items[item.id] = stored
        self._priced(stored, at)
        return stored

    def _priced(self, stored: StoredItem, at: datetime) -> PriceRecord:
        record = PriceRecord(item_id=stored.item.id, price=stored.item.price, recorded_at=at)
        self._draft.prices.append(record)
        return record

    def _note_missing(self, import_id: ImportId) -> None:
        left_out = {stored.item.id for stored in self._missing}
        for place, line in enumerate(self._draft.missing):
            mine = line.supplier_id == self._supplier_id and line.until is None
            if mine and line.item_id not in left_out:
                self._draft.missing[place] = replace(line, until=import_id)
        for stored in self._missing:
            if not self._draft.is_missing(stored.item.id):
                self._draft.missing.append(
                    Missing(item_id=stored.item.id, supplier_id=self._supplier_id, since=import_id)
                )


def _says_more(stored: StoredItem, row: StorableRow, source: AcceptedRow) -> bool:
    said = (
        row.name,
        source.price,
        comparable(row.characteristics),
        row.price_opt,
        row.price_rrc,
    )
    return content_of(stored) != said


def _has(stored: StoredItem, told: Mapping[str, object]) -> bool:
    """Tell whether the characteristics say this already: 0 is not false, as in JSON."""
    said = stored.item.characteristics
    return all(key in said and said[key] is value for key, value in told.items())


def _with(stored: StoredItem, told: Mapping[str, object], kind: DifferenceKind) -> _Change:
    characteristics = {**stored.item.characteristics, **told}
    after = replace(
        stored,
        item=replace(stored.item, characteristics=MappingProxyType(characteristics)),
        characteristics=comparable(json.dumps(characteristics)),
    )
    return _Change(kind=kind, before=stored, after=after)


def _difference(change: _Change) -> Difference:
    item = change.before.item
    kind = DifferenceKind.REPRICED if change.is_repriced else change.kind
    after: Money | None = change.after.item.price
    return Difference(
        kind=kind,
        sku=item.sku,
        name=change.after.item.name,
        before=item.price,
        after=None if change.kind is DifferenceKind.UNAVAILABLE else after,
    )
