"""The sync of suppliers: where the sheet is, whose turn it is, what is left to be started."""

from abc import abstractmethod
from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable

from marketbel_core.ids import JobId, SupplierId
from marketbel_core.intake.master_sheet import MasterSheetRows

__all__ = [
    "AtOnce",
    "ChosenSheet",
    "MasterSheet",
    "Outbox",
    "OutboxEntry",
    "SyncBoard",
    "SyncBusy",
    "SyncFigures",
    "SyncNotDue",
    "SyncRun",
    "SyncRuns",
    "SyncState",
    "SyncTurn",
    "SyncTurns",
    "SyncView",
    "SyncWish",
    "WhenDue",
]


@runtime_checkable
class MasterSheet(Protocol):
    """Reads the sheet that lists the suppliers. Contract: `…testing.master_sheet`."""

    @abstractmethod
    async def read(self, location: str, *, sheet_name: str | None = None) -> MasterSheetRows:
        """Return what the master sheet at `location` says.

        Args:
            location: An http(s) address, a Google Sheet's included, or the path of a local file.
            sheet_name: Of a workbook; `None` takes the usual one, or else the first.

        Raises:
            RefusedError: it cannot be had, is no workbook and no csv, or is no master sheet
                (`source.*`, `sheets.*`, `http.*`, `file.*`, `xlsx.*`, `csv.*`, `sheet.columns`).
            UnavailableError: it may be had later.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenSheet:
    """What was chosen in the admin interface; `None` for what was not."""

    location: str | None = None
    sheet_name: str | None = None


class SyncState(StrEnum):
    """What the sync is doing, in the words of the admin interface."""

    IDLE = "idle"
    SYNCING_MASTER = "syncing_master"  # the sheet is read and applied
    PROCESSING_SUPPLIERS = "processing_suppliers"  # jobs are started, one a due supplier


@dataclass(frozen=True, slots=True, kw_only=True)
class WhenDue:
    """A wish for a sync if the last successful one is `every` ago, or there was none."""

    every: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class AtOnce:
    """A wish for a sync now.

    Attributes:
        task_id: What it is called in the admin interface.
        key: What it is for: the same after a crash, another one for another wish.
    """

    task_id: str
    key: str


type SyncWish = AtOnce | WhenDue


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncTurn:
    """The right to sync.

    Attributes:
        key: Of the wish; a due sync that was broken off has the same one when it comes again.
        era: Of the board; a board that lost its memory begins a new one.
        token: Fencing token: higher than that of every earlier turn of the era, from 1.
        started_at: By the board's clock (aware, UTC).
    """

    task_id: str
    key: str
    era: str
    token: int
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncBusy:
    """Somebody else syncs, under this task id."""

    task_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncNotDue:
    """The next sync is due at this instant (aware, UTC)."""

    next_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncView:
    """What is known of syncs.

    Attributes:
        holder: The task id of whoever has the turn.
        last_run: When the last successful sync ended.
        completed: How many syncs have succeeded in this era.
        skipped: How many were due while another one ran, and were not needed therefore.
    """

    state: SyncState = SyncState.IDLE
    holder: str | None = None
    progress_current: int = 0
    progress_total: int = 0
    last_run: datetime | None = None
    completed: int = 0
    skipped: int = 0


@runtime_checkable
class SyncBoard(Protocol):
    """Grants the turn to sync to one at a time, and shows what the admin interface reads.

    Contract: `…testing.sync_board`. Time is the adapter's own (the server's, where there is one).
    A holder that is heard of no more leaves nothing that says it runs. Every method may raise
    `UnavailableError`.
    """

    @abstractmethod
    async def claim(
        self, wish: SyncWish, *, duration: timedelta
    ) -> SyncTurn | SyncBusy | SyncNotDue:
        """Return the turn, held for `duration`, or why it is not to be had now.

        A due sync that finds another one running is counted as skipped, once.
        """

    @abstractmethod
    async def renew(self, turn: SyncTurn, *, duration: timedelta) -> bool:
        """Prolong the turn to `duration` from now; return whether it was still held."""

    @abstractmethod
    async def tell(
        self, turn: SyncTurn, state: SyncState, *, current: int = 0, total: int = 0
    ) -> bool:
        """Show what the turn's holder does; return whether it still holds it."""

    @abstractmethod
    async def finish(self, turn: SyncTurn, *, succeeded: bool) -> bool:
        """Give the turn back; return whether it was still held.

        Args:
            turn: As it was granted.
            succeeded: Whether the next sync is due an interval from now, and this one is shown
                as the last. For the wish that succeeded last already nothing changes.
        """

    @abstractmethod
    async def view(self) -> SyncView:
        """Return what is shown, and the counts; what a dead holder has left to show is put right.

        A turn is shown for a second after its holder was heard of last, and is held for longer.
        """

    @abstractmethod
    async def chosen_sheet(self) -> ChosenSheet:
        """Return what was chosen in the admin interface."""


@runtime_checkable
class SyncTurns(Protocol):
    """Holds the turn to sync for as long as a sync works."""

    @abstractmethod
    def take(
        self, wish: SyncWish
    ) -> AbstractAsyncContextManager[SyncTurn | SyncBusy | SyncNotDue]:
        """Return the turn, kept alive while the block runs, or why it is not to be had.

        It is given back, without success, when the block has not finished it.

        Raises:
            StaleSyncError: somebody else has taken the turn meanwhile; the block is broken off.
            UnavailableError: the board cannot be reached.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxEntry:
    """A job that is to be started.

    Attributes:
        run_key: The sync that asked for it.
    """

    job_id: JobId
    supplier_id: SupplierId
    run_key: str


@runtime_checkable
class Outbox(Protocol):
    """Jobs that are to be started, written with what they follow from, inside a unit of work."""

    @abstractmethod
    async def put(self, entries: Sequence[OutboxEntry], *, at: datetime) -> int:
        """Keep the entries, one a supplier: a supplier that has one gets no second; return how
        many were kept.
        """

    @abstractmethod
    async def suppliers(self) -> frozenset[SupplierId]:
        """Return the suppliers that have an entry."""

    @abstractmethod
    async def oldest(self, *, limit: int) -> list[OutboxEntry]:
        """Return up to `limit` entries, in the order in which they were kept."""

    @abstractmethod
    async def done(self, job_ids: Collection[JobId]) -> None:
        """Forget the entries of these jobs, which are started; twice is no error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncFigures:
    """What a sync did, in suppliers and rows.

    Attributes:
        parsed: Rows of the sheet that could be used.
        skipped: Rows of the sheet that could not.
        missing: Active suppliers that the sheet did not name.
        queued: Jobs that were asked for; `waiting` suppliers had one on its way already.
        held: Whether the changes were held back, since too many suppliers are missing.
        errors: One sentence each.
    """

    parsed: int = 0
    created: int = 0
    updated: int = 0
    deactivated: int = 0
    unchanged: int = 0
    skipped: int = 0
    missing: int = 0
    queued: int = 0
    waiting: int = 0
    held: bool = False
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRun:
    """A sync that was applied.

    Attributes:
        key: What it was for; each is applied once.
        triggered_by: `schedule`, `manual`, `supplier_created` or what else a caller said.
        served: Digests of the triggers that it was for.
        applied_at: When its changes were committed (aware, UTC).
    """

    key: str
    task_id: str
    triggered_by: str
    era: str
    token: int
    applied_at: datetime
    served: tuple[str, ...] = ()
    figures: SyncFigures = SyncFigures()


@runtime_checkable
class SyncRuns(Protocol):
    """The syncs that were applied, inside a unit of work."""

    @abstractmethod
    async def begin(self, turn: SyncTurn) -> SyncRun | None:
        """Let no other unit apply a sync until this one ends; return the run of this turn's key
        when it was applied already.

        Raises:
            StaleSyncError: a later turn of the same era has applied its own.
        """

    @abstractmethod
    async def record(self, run: SyncRun) -> None:
        """Note that the run was applied."""

    @abstractmethod
    async def latest(self, *, limit: int) -> list[SyncRun]:
        """Return up to `limit` runs, the newest first."""
