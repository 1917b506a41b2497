"""What a master sheet would change: planned first, shown or applied then.

Metadata are merged key by key: what the sheet does not speak of stays as the neighbours left it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from marketbel_core.catalog import SourceType, Supplier
from marketbel_core.ids import SupplierId
from marketbel_core.intake.master_sheet import (
    MasterSheetRows,
    SkippedRow,
    SupplierRow,
    folded_name,
)

__all__ = [
    "SupplierPlan",
    "SupplierUpdate",
    "after_updates",
    "due_suppliers",
    "entry_of",
    "plan_suppliers",
    "source_of_entry",
]

_SOURCE: Final = "source_url"
_ACTIVE: Final = "is_active"
_NOTES: Final = "notes"

_MISSING_NEVER_HELD: Final = 2
"""So many suppliers a person takes out of a sheet by hand, however few there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierUpdate:
    """A change of one stored supplier.

    Attributes:
        source_type: As it shall be.
        metadata: The keys that change, with their new values; all others stay.
        changed: What changes, for people: `source_type` and keys of the metadata.
    """

    supplier_id: SupplierId
    name: str
    source_type: SourceType
    metadata: Mapping[str, object]
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierPlan:
    """What a master sheet would change.

    Attributes:
        creations: Suppliers that are not known yet.
        deactivations: Active suppliers that the sheet does not name.
        unchanged: How many suppliers are as the sheet says.
        skipped: Rows that are of no use; whom they name stays as it is.
        spared: Active suppliers that the sheet does not name and that stay active this time.
        active: How many suppliers were active before.
        named: How many suppliers the sheet names.
    """

    creations: tuple[SupplierRow, ...] = ()
    updates: tuple[SupplierUpdate, ...] = ()
    deactivations: tuple[SupplierUpdate, ...] = ()
    unchanged: int = 0
    skipped: tuple[SkippedRow, ...] = ()
    spared: tuple[str, ...] = ()
    active: int = 0
    named: int = 0

    def is_held(self, *, missing_share_max: float) -> bool:
        """Tell whether so many active suppliers are missing that a person should look first.

        Args:
            missing_share_max: 0.0 to 1.0; more than this share is too many. One or two missing
                suppliers are never too many, unless the sheet names nobody at all.
        """
        missing = len(self.deactivations)
        few = missing <= _MISSING_NEVER_HELD and self.named > 0
        return not few and missing > missing_share_max * self.active


def plan_suppliers(
    sheet: MasterSheetRows,
    known: Sequence[Supplier],
    *,
    spared: Collection[SupplierId] = (),
) -> SupplierPlan:
    """Return what brings `known` in line with the sheet.

    Args:
        sheet: As it was read.
        known: Every stored supplier, oldest first: of those with one name the oldest is meant.
        spared: Suppliers that are not deactivated although the sheet does not name them.
    """
    by_name: dict[str, Supplier] = {}
    for supplier in known:
        by_name.setdefault(folded_name(supplier.name), supplier)
    creations = [row for row in sheet.rows if folded_name(row.name) not in by_name]
    meant = [
        (by_name[folded_name(row.name)], row)
        for row in sheet.rows
        if folded_name(row.name) in by_name
    ]
    updates = [update for supplier, row in meant if (update := _update(supplier, row))]
    names = {folded_name(row.name) for row in sheet.rows}
    names |= {folded_name(row.name) for row in sheet.skipped if row.name}
    missing = [one for one in known if one.is_active and folded_name(one.name) not in names]
    return SupplierPlan(
        creations=tuple(creations),
        updates=tuple(updates),
        deactivations=tuple(_deactivation(one) for one in missing if one.id not in spared),
        unchanged=len(meant) - len(updates),
        skipped=sheet.skipped,
        spared=tuple(one.name for one in missing if one.id in spared),
        active=sum(one.is_active for one in known),
        named=len(names),
    )


def after_updates(known: Iterable[Supplier], updates: Iterable[SupplierUpdate]) -> list[Supplier]:
    """Return the suppliers as they are once the updates are written."""
    changes = {update.supplier_id: update for update in updates}
    return [_updated(one, changes[one.id]) if one.id in changes else one for one in known]


def entry_of(row: SupplierRow) -> dict[str, object]:
    """Return the metadata of a supplier that the sheet has brought."""
    return {_SOURCE: row.location, _ACTIVE: row.is_active, _NOTES: row.notes}


def source_of_entry(supplier: Supplier) -> str:
    """Return where the supplier's own entry says that its list rests; empty when it does not."""
    return str(supplier.metadata.get(_SOURCE) or "").strip()


def due_suppliers(suppliers: Iterable[Supplier]) -> tuple[list[Supplier], list[Supplier]]:
    """Return the active suppliers by name: those with a source, and those without."""
    active = sorted((one for one in suppliers if one.is_active), key=lambda one: one.name)
    with_source = [one for one in active if source_of_entry(one)]
    return with_source, [one for one in active if not source_of_entry(one)]


def _update(supplier: Supplier, row: SupplierRow) -> SupplierUpdate | None:
    changes: dict[str, object] = {}
    if source_of_entry(supplier) != row.location:
        changes[_SOURCE] = row.location
    if supplier.is_active != row.is_active:
        changes[_ACTIVE] = row.is_active
    if row.has_notes and supplier.metadata.get(_NOTES) != row.notes:
        changes[_NOTES] = row.notes
    of_type = ("source_type",) if supplier.source_type is not row.source_type else ()
    if not changes and not of_type:
        return None
    return SupplierUpdate(
        supplier_id=supplier.id,
        name=supplier.name,
        source_type=row.source_type,
        metadata=MappingProxyType(changes),
        changed=(*of_type, *changes),
    )


def _deactivation(supplier: Supplier) -> SupplierUpdate:
    return SupplierUpdate(
        supplier_id=supplier.id,
        name=supplier.name,
        source_type=supplier.source_type,
        metadata=MappingProxyType({_ACTIVE: False}),
        changed=(_ACTIVE,),
    )


def _updated(supplier: Supplier, update: SupplierUpdate) -> Supplier:
    metadata = {**supplier.metadata, **update.metadata}
    return replace(
        supplier,
        source_type=update.source_type,
        is_active=bool(update.metadata.get(_ACTIVE, supplier.is_active)),
        metadata=MappingProxyType(metadata),
    )
