"""The row log of the memory catalogue; an entry is known by its task and key."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from marketbel_adapters.catalog_values import log_entry
from marketbel_adapters.memory.catalog_state import State, StoredLogEntry
from marketbel_core.ports import LogEntry, LogLevel, RowLog

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

    async def rejections(self, task_id: str, *, skip: int, limit: int) -> list[LogEntry]:
        found = [
            stored.entry
            for stored in self._draft.log.values()
            if stored.entry.task_id == task_id and stored.entry.level is LogLevel.ROW
        ]
        found.sort(key=lambda entry: (entry.row_number or 0, entry.key))
        return found[skip : skip + limit]
