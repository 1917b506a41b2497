"""`marketbel fetch`: try what a worker would do with an address, and keep the file if wanted."""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from marketbel_core.catalog import FileType, SourceRef, SourceType
from marketbel_core.errors import MarketbelError, RefusedError, UnavailableError
from marketbel_core.ids import FileKey
from marketbel_core.intake.parser_configs import guessed_parser_type
from marketbel_core.intake.stored_file import file_type_of, original_filename, sanitised
from marketbel_core.ports import IncomingFile
from marketbel_runtime.cli.choices import settings_of
from marketbel_runtime.cli.output import console, write_json
from marketbel_runtime.settings import Settings

__all__ = ["fetch"]

_VARIABLES: Final = (
    "FETCH_ALLOWED_HOSTS",
    "FETCH_ALLOWED_PORTS",
    "FETCH_ALLOW_NETWORKS",
    "GOOGLE_CREDENTIALS_PATH",
    "JOB_TIMEOUT",
    "MAX_FILE_SIZE_MB",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Report:
    ok: bool
    code: str | None = None
    message: str
    type: str | None = None
    size_bytes: int | None = None
    sha256: str | None = None
    final_url: str | None = None


def fetch(
    location: Annotated[
        str, typer.Argument(metavar="URL", help="An address, a Google Sheet's, or a path.")
    ],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Download and check; keep nothing.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="The file or the folder to keep it in; by default the current folder."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Fetch a price list as the worker would, under the same rules, and say what came of it.

    The file is put into the current folder under its own name; no file is ever replaced. Unlike a
    job's, a path may lead anywhere. Exit status 1 when the list is refused or does not come.
    """
    settings = settings_of(*_VARIABLES)
    try:
        report = asyncio.run(_fetched(settings, location, out=out, dry_run=dry_run))
    except MarketbelError as error:
        report = _Report(ok=False, code=error.code, message=str(error))
    console(as_json=as_json).print(_sentence(report), markup=False, soft_wrap=True)
    if as_json:
        write_json(asdict(report))
    if not report.ok:
        raise typer.Exit(1)


async def _fetched(
    settings: Settings, location: str, *, out: Path | None, dry_run: bool
) -> _Report:
    from marketbel_adapters.disk import DiskFileStore  # noqa: PLC0415
    from marketbel_runtime.fetching import open_sources  # noqa: PLC0415 - needs [http]

    source = _source(location)
    limit = settings.file_size_bytes_max
    async with (
        open_sources(settings, local_roots=[Path("/")]) as sources,
        sources.open(source, size_bytes_max=limit) as incoming,
    ):
        announced = incoming.filename
        name = sanitised(
            announced or original_filename(source, announced=None, supplier_name="sheet")
        )
        target = None if dry_run else _target(out, name)
        # Beside the target, so that the finished file is put there in one move.
        with _folder(target) as folder:
            stored = await DiskFileStore(folder).store(
                FileKey(name), incoming.chunks, size_bytes_max=limit
            )
            kind = await _checked(folder / name, incoming=incoming, source=source)
            if target is not None:
                _keep(folder / name, target)
    kept = "nothing was kept" if target is None else f"kept as {target}"
    return _Report(
        ok=True,
        message=f"fetched; {kept}",
        type=kind,
        size_bytes=stored.size_bytes,
        sha256=stored.sha256,
        final_url=incoming.final_url,
    )


async def _checked(file: Path, *, incoming: IncomingFile, source: SourceRef) -> FileType:
    """Return what kind of price list `file` is: the one place where content is looked at."""
    return file_type_of(file.name, mime_type=incoming.mime_type, source_type=source.type)


def _source(location: str) -> SourceRef:
    from marketbel_adapters.sources.routing import is_path  # noqa: PLC0415 - needs [http]

    if not location.strip():
        raise RefusedError("source.malformed", "the address is empty: name one")
    if is_path(location):
        location = str(Path(location).absolute())
    kind = SourceType(guessed_parser_type({"source_url": location}).value)
    return SourceRef(type=kind, location=location)


def _target(out: Path | None, name: str) -> Path:
    """Return where the file is to rest.

    Raises:
        RefusedError: something is there already (`storage.exists`), or no folder to put it in
            (`storage.missing`).
    """
    target = (out / name if out.is_dir() else out) if out is not None else Path(name)
    target = target.absolute()
    if not target.parent.is_dir():
        raise RefusedError("storage.missing", f"there is no folder {target.parent}: make it first")
    if target.exists() or target.is_symlink():
        raise _taken(target)
    return target


@contextmanager
def _folder(target: Path | None) -> Iterator[Path]:
    """Yield a folder for unfinished work, gone afterwards with whatever is in it.

    Raises:
        UnavailableError: it cannot be made (`storage.unavailable`).
    """
    beside = None if target is None else target.parent
    try:
        made = tempfile.TemporaryDirectory(prefix=".marketbel-", dir=beside)
    except OSError as error:
        raise UnavailableError(
            f"nothing can be written to {beside or tempfile.gettempdir()}: {error.strerror}",
            code="storage.unavailable",
        ) from error
    with made as name:
        yield Path(name)


def _keep(file: Path, target: Path) -> None:
    try:
        os.link(file, target)  # unlike a rename, it never replaces what came there meanwhile
    except FileExistsError as error:
        raise _taken(target) from error
    except OSError:  # a file system without links
        file.rename(target)


def _taken(target: Path) -> RefusedError:
    return RefusedError(
        "storage.exists", f"{target} is there already: name another place with --out"
    )


def _sentence(report: _Report) -> str:
    if not report.ok:
        return f"not fetched: {report.message} ({report.code})"
    place = f" from {report.final_url}" if report.final_url else ""
    return f"{report.type}, {report.size_bytes} bytes{place}: {report.message}"
