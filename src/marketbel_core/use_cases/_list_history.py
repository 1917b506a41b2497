"""What a supplier's earlier imports say about a list that is to be imported now."""

from typing import Final

from marketbel_core.ids import SupplierId
from marketbel_core.intake.remembered import RememberedLayout
from marketbel_core.ports import CatalogUnit, Import, ImportState
from marketbel_core.use_cases._list_to_import import ListToImport

__all__ = ["held_already", "is_approved", "is_same", "last_applied", "remembered_layouts"]

_APPROVALS_LOOKED_AT: Final = 20


def remembered_layouts(last: Import | None, wanted: ListToImport) -> dict[str, RememberedLayout]:
    """Return where the columns of the last list were; nothing where a person has said so."""
    found: dict[str, RememberedLayout] = {}
    if last is None or wanted.layout is not None:
        return found
    for sheet, layout in last.layouts.items():
        try:
            found[sheet] = RememberedLayout.from_json(layout)
        except ValueError:
            continue  # of another version: the list is read as one is that nobody knows
    return found


async def last_applied(unit: CatalogUnit, supplier_id: SupplierId) -> Import | None:
    """Return the supplier's last applied import, if there is one."""
    found = await unit.imports.recent(supplier_id, limit=1, state=ImportState.APPLIED)
    return found[0] if found else None


def is_same(last: Import, wanted: ListToImport) -> bool:
    """Tell whether these are the bytes of that import, read in the same way."""
    return bool(last.content_key) and last.content_key == wanted.content_key


async def is_approved(unit: CatalogUnit, supplier_id: SupplierId, wanted: ListToImport) -> bool:
    """Tell whether a person has waived the limits for these bytes."""
    if not wanted.content_key:
        return False
    held = await unit.imports.recent(
        supplier_id,
        limit=_APPROVALS_LOOKED_AT,
        state=ImportState.HELD,
        content_key=wanted.content_key,
    )
    return any(record.approved_at is not None for record in held)


async def held_already(unit: CatalogUnit, record: Import) -> Import | None:
    """Return the record of the same attempt, held before: its step was delivered again."""
    if record.state is not ImportState.HELD or record.job_id is None:
        return None
    held = await unit.imports.recent(record.supplier_id, limit=1, state=ImportState.HELD)
    same = (
        each for each in held if (each.job_id, each.attempt) == (record.job_id, record.attempt)
    )
    return next(same, None)
