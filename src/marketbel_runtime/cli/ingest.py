"""`marketbel ingest`: what a list would change in the catalogue, and the change itself."""

import asyncio
from dataclasses import dataclass, field
from typing import Annotated, Final

import typer

from marketbel_core.ports import Import, ImportState
from marketbel_core.use_cases import ApplyImport, ImportPlan, PlanImport
from marketbel_runtime.cli.choices import settings_of
from marketbel_runtime.cli.import_views import (
    figure_line,
    import_told,
    plan_lines,
    plan_told,
    reason_lines,
)
from marketbel_runtime.cli.output import console, print_lines, write_json
from marketbel_runtime.cli.waiting import Bar
from marketbel_runtime.settings import Settings

__all__ = ["ingest"]

_VARIABLES: Final = (
    *("DATABASE_URL", "FETCH_ALLOWED_HOSTS", "FETCH_ALLOWED_PORTS", "FETCH_ALLOW_NETWORKS"),
    *("GOOGLE_CREDENTIALS_PATH", "IMPORT_KNOWN_MIN_PERCENT", "IMPORT_MOVED_ROWS_MAX_PERCENT"),
    *("IMPORT_PRICE_MOVE_MAX_PERCENT", "IMPORT_ROWS_MIN_PERCENT"),
    *("JOB_TIMEOUT", "MAX_FILE_SIZE_MB", "MISSING_ITEMS"),
    "XLSX_MACROS",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What the command line said."""

    location: str
    supplier: str
    sheet: str | None
    apply: bool
    version: str | None
    waived: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What is told: `told` to programs, `lines` to people."""

    ok: bool
    told: dict[str, object]
    lines: list[str] = field(default_factory=list)


def ingest(
    location: Annotated[
        str, typer.Argument(metavar="FILE|URL", help="A file of this machine, or an address.")
    ],
    *,
    supplier: Annotated[str, typer.Option(help="Whose list it is; made if the name is new.")],
    plan: Annotated[
        bool, typer.Option("--plan", help="Show what would change; the default.")
    ] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Change it.")] = False,
    version: Annotated[
        str | None,
        typer.Option(help="With --apply: only if nothing changed since the plan of this version."),
    ] = None,
    waive_limits: Annotated[
        bool, typer.Option("--waive-limits", help="With --apply: even beyond the safety limits.")
    ] = False,
    sheet: Annotated[str | None, typer.Option(help="The only sheet to read.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Import a price list into the configured database, or show what that would change.

    Nothing is seen of a list before all of it is there, and Ctrl-C leaves nothing of it. Exit
    status 1 when the list is refused, or when its import is held by the safety limits.
    """
    if plan and apply:
        raise typer.BadParameter("--plan and --apply exclude each other")
    wish = _Wish(
        location=location,
        supplier=supplier,
        sheet=sheet,
        apply=apply,
        version=version,
        waived=waive_limits,
    )
    answer = asyncio.run(_ingest(settings_of(*_VARIABLES), wish))
    print_lines(console(as_json=as_json), answer.lines)
    if as_json:
        write_json({"ok": answer.ok, **answer.told})
    if not answer.ok:
        raise typer.Exit(1)


async def _ingest(settings: Settings, wish: _Wish) -> _Answer:
    from marketbel_runtime.importing import importer_of, list_at, open_catalog  # noqa: PLC0415

    with Bar(wish.location) as bar:
        read = 0

        def progress(rows: int) -> None:
            nonlocal read
            bar.advance(rows - read)
            read = rows

        async with (
            list_at(
                settings, wish.location, supplier_name=wish.supplier, sheet_name=wish.sheet
            ) as (path, wanted),
            open_catalog(settings) as catalog,
        ):
            importer = importer_of(settings, catalog, path)
            if not wish.apply:
                planned = await PlanImport(importer=importer)(wanted, progress=progress)
                return _of_plan(planned)
            record = await ApplyImport(importer=importer)(
                wanted, version=wish.version, waived=wish.waived, progress=progress
            )
            return _of_import(record)


def _of_plan(plan: ImportPlan) -> _Answer:
    lines = plan_lines(plan)
    if plan.repeats is None:
        how = "--apply --waive-limits" if plan.is_held else "--apply"
        lines.append(f"nothing was changed; `{how} --version {plan.version}` applies exactly this")
    return _Answer(ok=True, told={"plan": plan_told(plan)}, lines=lines)


def _of_import(record: Import) -> _Answer:
    told: dict[str, object] = {"import": import_told(record)}
    if record.state is ImportState.HELD:
        why = "; ".join(reason.message for reason in record.reasons)
        cure = "nothing was changed; with `--waive-limits` it is applied all the same"
        refusal = {"code": "import.held", "message": f"{why}: {cure}"}
        lines = [
            f"it would be: {figure_line(record.figures)}",
            *reason_lines(record.reasons),
            cure,
        ]
        return _Answer(ok=False, told=refusal | told, lines=lines)
    if record.state is ImportState.REPEATED:
        line = "the same file was applied before: nothing to do"
        return _Answer(ok=True, told=told, lines=[line])
    lines = [
        f"applied: {figure_line(record.figures)}",
        f"import {record.id}; `marketbel imports undo {record.id}` takes it back",
        "a worker matches its items and computes lowest prices: `marketbel worker`, if none runs",
    ]
    return _Answer(ok=True, told=told, lines=lines)
