"""What a sync says of itself in the row log, for the admin interface to show."""

from collections.abc import Sequence
from typing import Final

from marketbel_core.catalog import Supplier
from marketbel_core.errors import MarketbelError
from marketbel_core.intake.supplier_plan import SupplierPlan
from marketbel_core.ports import LogEntry, LogLevel, SyncRun, SyncTurn

__all__ = ["no_source", "plan_lines", "summary"]

_LINES_MAX: Final = 1_000
"""Of one kind: more than that nobody reads."""


def no_source(turn: SyncTurn, suppliers: Sequence[Supplier]) -> list[LogEntry]:
    """Return what is said of suppliers of which nobody knows where their list rests."""
    return [
        LogEntry(
            task_id=turn.task_id,
            level=LogLevel.WARNING,
            message=f"supplier {supplier.name!r} has no source_url: nothing is fetched",
            key=f"no_source:{supplier.id}",
        )
        for supplier in suppliers[:_LINES_MAX]
    ]


def plan_lines(turn: SyncTurn, plan: SupplierPlan) -> list[LogEntry]:
    """Return what is said of rows and suppliers that a person should look at."""
    skipped = [
        LogEntry(
            task_id=turn.task_id,
            level=LogLevel.WARNING,
            message=f"row {row.row_number} of the master sheet is skipped: {row.message}",
            key=f"row:{row.row_number}",
            row_number=row.row_number,
            details={"code": row.code, "supplier_name": row.name},
        )
        for row in plan.skipped[:_LINES_MAX]
    ]
    spared = [
        LogEntry(
            task_id=turn.task_id,
            level=LogLevel.WARNING,
            message=f"the master sheet does not name the new supplier {name!r}: put it in, or "
            "the next sync deactivates it",
            key=f"spared:{name}",
        )
        for name in plan.spared
    ]
    return [*skipped, *spared]


def summary(run: SyncRun, trouble: MarketbelError | None) -> list[LogEntry]:
    """Return what is said of the whole sync: well, badly, or held back."""
    figures = run.figures
    level, message = (
        LogLevel.SUCCESS,
        (
            f"suppliers: {figures.created} created, {figures.updated} updated, "
            f"{figures.deactivated} deactivated, {figures.unchanged} unchanged; rows skipped: "
            f"{figures.skipped}; jobs: {figures.queued} asked for, {figures.waiting} on their way"
        ),
    )
    if figures.held:
        level = LogLevel.ERROR
        message = (
            f"held back: the master sheet lacks {figures.missing} of the active suppliers, and "
            "nothing of it was applied; look at it, then run `marketbel sync run "
            "--accept-missing` or raise SYNC_MISSING_PERCENT_MAX"
        )
    if trouble is not None:
        level = LogLevel.ERROR
        message = f"the master sheet was not read, suppliers stay as they are: {trouble}"
    return [
        LogEntry(
            task_id=run.task_id,
            level=level,
            message=message,
            key="sync",
            details={"triggered_by": run.triggered_by, "jobs": figures.queued},
        )
    ]
