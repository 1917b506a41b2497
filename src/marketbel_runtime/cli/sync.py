"""`marketbel sync`: bring the suppliers in line with the master sheet, or see how it stands."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from marketbel_core.errors import MarketbelError
from marketbel_core.ports import AtOnce, SyncRun, SyncView
from marketbel_core.use_cases import SyncReport, SyncRequest
from marketbel_runtime.cli.at_desk import AsJson, at_desk
from marketbel_runtime.cli.choices import settings_of
from marketbel_runtime.cli.output import console, print_lines, write_json
from marketbel_runtime.container import Container
from marketbel_runtime.settings import Settings
from marketbel_runtime.sync_results import plan_result, run_result, sync_result

__all__ = ["sync"]

_VARIABLES: Final = (
    *("DATABASE_URL", "QUEUE_NAME", "REDIS_HOST", "REDIS_PASSWORD", "REDIS_PORT", "REDIS_URL"),
    *("FETCH_ALLOWED_HOSTS", "FETCH_ALLOWED_PORTS", "FETCH_ALLOW_NETWORKS"),
    *("GOOGLE_CREDENTIALS_PATH", "JOB_TIMEOUT", "MASTER_SHEET_URL", "MAX_FILE_SIZE_MB"),
    *("SYNC_INTERVAL_HOURS", "SYNC_MISSING_PERCENT_MAX", "UPLOADS_DIR", "USE_ML_PROCESSING"),
)
_RUNS_SHOWN: Final = 5
_NAMES_SHOWN: Final = 50
_CURE: Final = "if the sheet is right, apply it with --accept-missing"

sync = typer.Typer(
    name="sync",
    help="Bring the suppliers in line with the master sheet.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@sync.command()
def run(
    *,
    plan: Annotated[
        bool, typer.Option("--plan", help="Show what would change; change nothing.")
    ] = False,
    sheet: Annotated[
        str | None,
        typer.Option(help="The sheet's address, or any file's path; instead of the chosen one."),
    ] = None,
    sheet_name: Annotated[str | None, typer.Option(help="The sheet inside a workbook.")] = None,
    accept_missing: Annotated[
        bool,
        typer.Option(
            "--accept-missing", help="Apply it although many active suppliers are missing."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read the master sheet, bring the suppliers in line, and start a job for each active one.

    One sync runs at a time: while a worker is at it, nothing is done. Exit status 1 when the sync
    did not run, was held back, or something went wrong in it.
    """
    settings = settings_of(*_VARIABLES)
    place = str(Path(sheet).absolute()) if sheet and "://" not in sheet else sheet
    ok, result, lines = asyncio.run(
        _run(
            settings,
            location=place,
            sheet_name=sheet_name,
            plan=plan,
            accept_missing=accept_missing,
        )
    )
    print_lines(console(as_json=as_json), lines)
    if as_json:
        write_json({"ok": ok, **result})
    if not ok:
        raise typer.Exit(1)


@sync.command()
def status(*, as_json: AsJson = False) -> None:
    """Tell whether a sync runs, when the next one is due, and what the last ones did."""
    interval = settings_of(*_VARIABLES).sync_interval

    async def look(container: Container) -> tuple[SyncView, list[SyncRun]]:
        view = await container.board().view()
        async with container.catalog().unit() as unit:
            return view, await unit.syncs.latest(limit=_RUNS_SHOWN)

    view, runs = at_desk(look)
    next_at = view.last_run + interval if view.last_run else None
    lines = [
        f"{view.state} {view.holder or ''}".rstrip()
        + (f" ({view.progress_current} of {view.progress_total})" if view.progress_total else ""),
        f"last run {_shown(view.last_run, 'never')}, next due {_shown(next_at, 'now')}",
        f"{view.completed} completed, {view.skipped} skipped while another one ran",
        *(_run_line(one) for one in runs),
    ]
    print_lines(console(as_json=as_json), lines)
    if as_json:
        write_json(
            {
                "ok": True,
                "state": view.state.value,
                "task_id": view.holder,
                "progress_current": view.progress_current,
                "progress_total": view.progress_total,
                "last_run": view.last_run.isoformat() if view.last_run else None,
                "next_due": next_at.isoformat() if next_at else None,
                "completed": view.completed,
                "skipped": view.skipped,
                "runs": [run_result(one) for one in runs],
            }
        )


async def _run(
    settings: Settings,
    *,
    location: str | None,
    sheet_name: str | None,
    plan: bool,
    accept_missing: bool,
) -> tuple[bool, dict[str, object], list[str]]:
    # Imported here: `marketbel --help` needs none of these packages.
    from marketbel_adapters.sources.master_sheet import FetchedMasterSheet  # noqa: PLC0415
    from marketbel_runtime.fetching import open_sources  # noqa: PLC0415
    from marketbel_runtime.lifespan import production  # noqa: PLC0415
    from marketbel_runtime.logs import configure_logging  # noqa: PLC0415

    configure_logging(settings.model_copy(update={"log_level": "WARNING"}))
    # A person at the command line may name any file; a setting may not.
    roots = [Path("/")] if location else [settings.require_uploads_dir()]
    async with production(settings) as container, open_sources(settings, local_roots=roots) as own:
        limit = settings.file_size_bytes_max
        syncing = container.sync_suppliers(sheet=FetchedMasterSheet(own, size_bytes_max=limit))
        task_id = f"sync-cli-{container.ids().new_id()}"
        request = SyncRequest(
            wish=AtOnce(task_id=task_id, key=f"task:{task_id}"),
            location=location,
            sheet_name=sheet_name,
            accept_missing=accept_missing,
        )
        try:
            if plan:
                planned = await syncing.plan(request)
                result = plan_result(planned, held=syncing.is_held(planned))
                return True, result, _plan_lines(result)
            outcome = await syncing(request)
        except MarketbelError as error:
            return (
                False,
                {"code": error.code, "error": str(error)},
                [f"not synced: {error} ({error.code})"],
            )
    result = sync_result(outcome)
    if not isinstance(outcome, SyncReport):
        return False, result, [f"not synced: {result.get('error')}"]
    ok = result["status"] == "success"
    lines = [_run_line(outcome.run), *(f"error: {each}" for each in _list(result))]
    if outcome.run.figures.held:
        lines.append(f"nothing of the sheet was applied; {_CURE}")
    return ok, result, lines


def _shown(instant: datetime | None, otherwise: str) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC" if instant else otherwise


def _list(result: dict[str, object]) -> list[object]:
    errors = result["errors"]
    return errors if isinstance(errors, list) else []


def _run_line(run: SyncRun) -> str:
    figures = run.figures
    held = ", HELD BACK: too many active suppliers are missing" if figures.held else ""
    return (
        f"{run.applied_at:%Y-%m-%d %H:%M:%S} {run.task_id}: {figures.created} created, "
        f"{figures.updated} updated, {figures.deactivated} deactivated, "
        f"{figures.unchanged} unchanged, {figures.skipped} rows skipped, {figures.queued} jobs "
        f"started, {figures.waiting} on their way{held}"
    )


def _plan_lines(result: dict[str, object]) -> list[str]:
    lines: list[str] = []
    for verb in ("create", "update", "deactivate", "skip"):
        entries = result[verb]
        if not isinstance(entries, list):
            continue
        lines.append(f"{verb}: {len(entries)}")
        lines += [
            f"  {entry['name'] or 'row ' + str(entry.get('row'))}"
            + (f": {', '.join(entry['changed'])}" if "changed" in entry else "")
            + (f": row {entry['row']}, {entry['reason']}" if "reason" in entry else "")
            for entry in entries[:_NAMES_SHOWN]
        ]
        if len(entries) > _NAMES_SHOWN:
            lines.append(f"  and {len(entries) - _NAMES_SHOWN} more")
    lines.append(f"unchanged: {result['unchanged']}")
    if result["held"]:
        lines.append(f"it would be held back: too many active suppliers are missing; {_CURE}")
    return lines
