"""`marketbel imports`: what became of imports, and what a person may do about one."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Final

import typer

from marketbel_core.errors import (
    IllegalTransitionError,
    JobNotFoundError,
    RefusedError,
    UnavailableError,
)
from marketbel_core.ids import ImportId, JobId, SupplierId, parse_import_id
from marketbel_core.ports import Catalog, Import, ImportState, LogEntry
from marketbel_runtime.cli.at_desk import AsJson, at_desk
from marketbel_runtime.cli.at_review_desk import at_review_desk
from marketbel_runtime.cli.choices import settings_of
from marketbel_runtime.cli.import_views import (
    IMPORT_HEADS,
    difference_lines,
    difference_told,
    import_cells,
    import_lines,
    import_told,
    undo_line,
)
from marketbel_runtime.cli.output import console, print_lines, print_table, write_json
from marketbel_runtime.cli.waiting import Bar
from marketbel_runtime.container import Container
from marketbel_runtime.settings import SettingsError

__all__ = ["imports"]

_CHANGES_SHOWN: Final = 20
_PAGE: Final = 5_000

imports = typer.Typer(
    help="Look at imports, approve one that is held, undo one.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_Id = Annotated[str, typer.Argument(metavar="ID", help="The import's whole id.")]


@imports.command()
def ls(
    *,
    supplier: Annotated[str | None, typer.Option(help="Only those of this supplier.")] = None,
    state: Annotated[ImportState | None, typer.Option(help="Only those in this state.")] = None,
    limit: Annotated[int, typer.Option(help="Imports shown.", min=1, max=10_000)] = 20,
    as_json: AsJson = False,
) -> None:
    """List imports, the latest first."""
    found = _with_catalog(lambda catalog: _recent(catalog, supplier, state, limit))
    out = console(as_json=as_json)
    if found:
        print_table(
            out,
            IMPORT_HEADS,
            [import_cells(record, supplier_name=name) for record, name in found],
        )
    print_lines(out, [f"{len(found)} imports"])
    if as_json:
        told = [import_told(record) | {"supplier": name} for record, name in found]
        write_json({"ok": True, "imports": told})


@imports.command()
def show(import_id: _Id, *, as_json: AsJson = False) -> None:
    """Show an import: its figures, why it is held, and what it changed first."""
    wanted = parse_import_id(import_id)

    async def look(catalog: Catalog) -> tuple[Import, dict[str, object], list[str]]:
        async with catalog.unit() as unit:
            record = await unit.imports.get(wanted)
            changes = await unit.imports.changes(wanted, limit=_CHANGES_SHOWN)
        told: dict[str, object] = {"changes": [difference_told(each) for each in changes]}
        return record, told, difference_lines(changes)

    record, told, lines = _with_catalog(look)
    print_lines(console(as_json=as_json), [*import_lines(record), *lines])
    if as_json:
        write_json({"ok": True, "import": import_told(record), **told})


@imports.command()
def approve(
    import_id: _Id,
    *,
    by: Annotated[
        str | None, typer.Option(help="Who says so; by default the user of this machine.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Waive the limits for the file of a held import, and let its job apply it.

    Another file is judged anew, even if the same supplier sends it. Only the job needs Redis: the
    approval stands without it, and the same file is applied whoever brings it next.
    """
    wanted, name = parse_import_id(import_id), by or getpass.getuser()
    record = at_review_desk(lambda desk: desk.approve_import()(wanted, by=name))
    line = _what_goes_on(record)
    print_lines(console(as_json=as_json), [f"approved by {record.approved_by}: {line}"])
    if as_json:
        write_json({"ok": True, "import": import_told(record), "message": line})


@imports.command()
def undo(import_id: _Id, *, as_json: AsJson = False) -> None:
    """Take an applied import back, except for what changed, or was judged by somebody, since.

    What the matcher alone made of the items that it brought goes with them. Lowest prices are put
    right at once; nothing but the database is needed.
    """
    wanted = parse_import_id(import_id)
    with Bar("undo", unit=None):
        outcome = at_review_desk(lambda desk: desk.undo_import()(wanted))
    print_lines(console(as_json=as_json), [undo_line(outcome)])
    if as_json:
        write_json(
            {
                "ok": True,
                "reversed": outcome.reversed,
                "kept": outcome.kept,
                "failed": outcome.failed,
                "kept_skus": list(outcome.kept_skus),
                "drafts": outcome.drafts,
                "products": len(outcome.product_ids),
            }
        )


@imports.command()
def rejected(
    import_id: _Id,
    *,
    out: Annotated[Path, typer.Option(help="The xlsx file to write; none is ever replaced.")],
    as_json: AsJson = False,
) -> None:
    """Write the rows that gave no item into a workbook, each with the reason."""
    wanted = parse_import_id(import_id)
    if out.exists() or out.is_symlink():
        raise RefusedError("storage.exists", f"{out} is there already: name another place")
    if not out.absolute().parent.is_dir():
        raise RefusedError("storage.missing", f"there is no folder {out.absolute().parent}")
    from marketbel_adapters.sources.rejected_rows import write_rejected  # noqa: PLC0415

    with Bar("rejected rows") as bar:
        entries = _with_catalog(lambda catalog: _rejections(catalog, wanted, bar))
        write_rejected(out, entries)
    print_lines(console(as_json=as_json), [f"{len(entries)} rows in {out}"])
    if as_json:
        write_json({"ok": True, "rows": len(entries), "file": str(out)})


def _with_catalog[T](body: Callable[[Catalog], Awaitable[T]]) -> T:
    """Return what `body` returns on the configured catalogue; Redis is not needed."""
    from marketbel_runtime.importing import open_catalog  # noqa: PLC0415 - slow to import

    settings = settings_of("DATABASE_URL")

    async def run() -> T:
        async with open_catalog(settings) as catalog:
            return await body(catalog)

    return asyncio.run(run())


async def _recent(
    catalog: Catalog, supplier: str | None, state: ImportState | None, limit: int
) -> list[tuple[Import, str]]:
    async with catalog.unit() as unit:
        supplier_id: SupplierId | None = None
        if supplier is not None:
            known = await unit.suppliers.find(supplier)
            if known is None:
                raise RefusedError("supplier.not_found", f"there is no supplier {supplier!r}")
            supplier_id = known.id
        records = await unit.imports.recent(supplier_id, limit=limit, state=state)
        names = {
            each: (await unit.suppliers.get(each)).name
            for each in {record.supplier_id for record in records}
        }
    return [(record, names[record.supplier_id]) for record in records]


def _what_goes_on(record: Import) -> str:
    """Give the job of an approved import a further attempt; return what becomes of it."""
    job_id = record.job_id
    if job_id is None:
        return "import the same file again and it is applied"
    try:
        return at_desk(lambda desk: _tried_again(desk, job_id))
    except (SettingsError, UnavailableError) as error:
        return f"its job was not told ({error}); `marketbel jobs retry {job_id}` does that"


async def _tried_again(container: Container, job_id: JobId) -> str:
    try:
        job = await container.retry_job()(job_id)
    except IllegalTransitionError:
        job = await container.replay_job()(job_id)
    except JobNotFoundError:
        return "its job is forgotten: the same file is applied when it is sent again"
    return f"job {job.id} goes on with attempt {job.attempt}"


async def _rejections(catalog: Catalog, import_id: ImportId, bar: Bar) -> list[LogEntry]:
    found: list[LogEntry] = []
    async with catalog.unit() as unit:
        record = await unit.imports.get(import_id)
        while page := await unit.log.rejections(record.task_id, skip=len(found), limit=_PAGE):
            found += page
            bar.advance(len(page))
    return found
