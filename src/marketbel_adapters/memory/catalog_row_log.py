"""The row log of the memory catalogue; an entry is known by its task and key."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from marketbel_adapters.catalog_values import log_entry
from marketbel_adapters.memory.catalog_state import ImportRecord, State, StoredLogEntry
from marketbel_core.errors import SupplierNotFoundError
from marketbel_core.ids import JobId, SupplierId
from marketbel_core.ports import ImportFigures, LogEntry, RowLog

__all__ = ["MemoryRowLog"]


class MemoryRowLog(RowLog):
    """The row log, on a unit's draft."""

    def __init__(self, draft: State) -> None:
        self._draft = draft

    async def record(self, entries: Sequence[LogEntry], *, at: datetime) -> int:
        written = 0
        for entry in map(log_entry, entries):
            key = (entry.task_id, entry.key)
            if key in self._draft.log:
                continue
            known = entry.supplier_id in self._draft.suppliers
            kept = entry if known else replace(entry, supplier_id=None)
            self._draft.log[key] = StoredLogEntry(entry=kept, created_at=at)
            written += 1
        return written

    async def record_import(
        self,
        job_id: JobId,
        *,
        attempt: int,
        supplier_id: SupplierId,
        figures: ImportFigures,
        rejected: int,
        at: datetime,
    ) -> None:
        if (job_id, attempt) in self._draft.imports:
            return
        if supplier_id not in self._draft.suppliers:
            raise SupplierNotFoundError(supplier_id)
        self._draft.imports[job_id, attempt] = ImportRecord(
            job_id=job_id,
            attempt=attempt,
            supplier_id=supplier_id,
            figures=figures,
            rejected=rejected,
            applied_at=at,
        )
