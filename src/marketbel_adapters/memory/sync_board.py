"""The turn to sync, and what is shown of it, by a clock that is handed in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from marketbel_core.ports import (
    AtOnce,
    ChosenSheet,
    Clock,
    SyncBoard,
    SyncBusy,
    SyncNotDue,
    SyncState,
    SyncTurn,
    SyncView,
    SyncWish,
    WhenDue,
)

__all__ = ["MemorySyncBoard"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class MemorySyncBoard(SyncBoard):
    """Grants the turn within one process; no method awaits anything, so each is atomic.

    Attributes:
        chosen: What the admin interface has chosen; set it as the interface does.
    """

    def __init__(self, clock: Clock) -> None:
        self.chosen = ChosenSheet()
        self._clock = clock
        self._era: datetime | None = None
        self._tokens = 0
        self._turn: SyncTurn | None = None
        self._until = _EPOCH
        self._counted: datetime | None = None
        self._last_key: str | None = None
        self._view = SyncView()

    async def claim(
        self, wish: SyncWish, *, duration: timedelta
    ) -> SyncTurn | SyncBusy | SyncNotDue:
        if duration <= timedelta():
            raise ValueError(f"a turn must last some time, got {duration}")
        now = self._clock.now()
        self._era = self._era or now
        due = self._due(wish, self._era)
        holder = self._holder()
        if holder is not None:
            if due is not None and now >= due and self._counted != due:
                self._counted = due
                self._view = replace(self._view, skipped=self._view.skipped + 1)
            return SyncBusy(task_id=holder.task_id)
        if due is not None and now < due:
            return SyncNotDue(next_at=due)
        if isinstance(wish, AtOnce):
            task_id, key = wish.task_id, wish.key
        else:
            slot = due or now
            task_id = f"sync-scheduled-{int(slot.timestamp())}"
            key = f"scheduled:{_ms(slot)}"
        self._tokens += 1
        self._turn = SyncTurn(
            task_id=task_id, key=key, era=_ms(self._era), token=self._tokens, started_at=now
        )
        self._until = now + duration
        self._show(SyncState.SYNCING_MASTER)
        return self._turn

    async def renew(self, turn: SyncTurn, *, duration: timedelta) -> bool:
        if not self._is_held(turn):
            return False
        self._until = self._clock.now() + duration
        return True

    async def tell(
        self, turn: SyncTurn, state: SyncState, *, current: int = 0, total: int = 0
    ) -> bool:
        if not self._is_held(turn):
            return False
        self._show(state, current=current, total=total)
        return True

    async def finish(self, turn: SyncTurn, *, succeeded: bool) -> bool:
        if not self._is_held(turn):
            return False
        self._turn = None
        if succeeded and turn.key != self._last_key:
            self._last_key = turn.key
            self._view = replace(
                self._view, last_run=self._clock.now(), completed=self._view.completed + 1
            )
        return True

    async def view(self) -> SyncView:
        holder = self._holder()
        if holder is None:
            return SyncView(
                last_run=self._view.last_run,
                completed=self._view.completed,
                skipped=self._view.skipped,
            )
        return replace(self._view, holder=holder.task_id)

    async def chosen_sheet(self) -> ChosenSheet:
        return self.chosen

    def _holder(self) -> SyncTurn | None:
        return self._turn if self._until > self._clock.now() else None

    def _is_held(self, turn: SyncTurn) -> bool:
        holder = self._holder()
        return holder is not None and holder.token == turn.token

    def _due(self, wish: SyncWish, era: datetime) -> datetime | None:
        if not isinstance(wish, WhenDue):
            return None
        return era if self._view.last_run is None else self._view.last_run + wish.every

    def _show(self, state: SyncState, *, current: int = 0, total: int = 0) -> None:
        self._view = replace(
            self._view, state=state, progress_current=current, progress_total=total
        )


def _ms(instant: datetime) -> str:
    return str((instant - _EPOCH) // _MILLISECOND)
