"""What the memory catalogue keeps of syncs, and the jobs that they have left to be started."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from marketbel_adapters.memory.catalog_state import State
from marketbel_core.errors import StaleSyncError
from marketbel_core.ids import JobId, SupplierId
from marketbel_core.ports import Outbox, OutboxEntry, SyncRun, SyncRuns, SyncTurn

__all__ = ["MemoryOutbox", "MemorySyncRuns"]


class MemoryOutbox(Outbox):
    """The outbox, on a unit's draft; the entries of a supplier that is gone go with it."""

    def __init__(self, draft: State) -> None:
        self._draft = draft

    async def put(self, entries: Sequence[OutboxEntry], *, at: datetime) -> int:
        del at  # dicts keep the order
        kept = 0
        for entry in entries:
            if entry.supplier_id in self._draft.suppliers:
                kept += entry.supplier_id not in self._draft.outbox
                self._draft.outbox.setdefault(entry.supplier_id, entry)
        return kept

    async def suppliers(self) -> frozenset[SupplierId]:
        return frozenset(self._draft.outbox)

    async def oldest(self, *, limit: int) -> list[OutboxEntry]:
        return list(self._draft.outbox.values())[: max(limit, 0)]

    async def done(self, job_ids: Collection[JobId]) -> None:
        for entry in list(self._draft.outbox.values()):
            if entry.job_id in job_ids:
                del self._draft.outbox[entry.supplier_id]


class MemorySyncRuns(SyncRuns):
    """The syncs that were applied, on a unit's draft."""

    def __init__(self, draft: State) -> None:
        self._draft = draft

    async def begin(self, turn: SyncTurn) -> SyncRun | None:
        known = self._draft.syncs.get(turn.key)
        if known is not None:
            return known
        later = [run.token for run in self._draft.syncs.values() if run.era == turn.era]
        if max(later, default=0) > turn.token:
            raise StaleSyncError(turn.task_id)
        return None

    async def record(self, run: SyncRun) -> None:
        self._draft.syncs[run.key] = replace(run)

    async def latest(self, *, limit: int) -> list[SyncRun]:
        newest = sorted(self._draft.syncs.values(), key=lambda run: run.applied_at)
        return newest[::-1][: max(limit, 0)]
