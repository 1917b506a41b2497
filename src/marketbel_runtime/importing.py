"""A list of this machine, or behind an address, imported by hand: the database is all it needs."""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from marketbel_adapters.sources.checking import check_path
from marketbel_adapters.sources.reading import Wish
from marketbel_adapters.sources.routing import is_path
from marketbel_adapters.sources.rows import read_path, reading_limits
from marketbel_core.catalog import FileType, GivenLayout, SourceRef, SourceType, Supplier
from marketbel_core.errors import RefusedError
from marketbel_core.ids import FileKey, SupplierId
from marketbel_core.intake.parser_configs import guessed_parser_type
from marketbel_core.intake.remembered import RememberedLayout
from marketbel_core.intake.stored_file import original_filename, sanitised
from marketbel_core.ports import Catalog, RowBatch, RowReader
from marketbel_core.use_cases import ListImporter, ListToImport
from marketbel_runtime.settings import Settings

__all__ = ["importer_of", "list_at", "open_catalog"]

_SOURCE_TYPES: Final = {FileType.CSV: SourceType.CSV, FileType.PDF: SourceType.CSV}


class _PathReader(RowReader):
    """Reads one file of this machine, wherever it lies."""

    def __init__(self, path: Path, *, cpu_seconds_max: int) -> None:
        self._path = path
        self._limits = reading_limits(cpu_seconds_max)

    async def read(
        self,
        key: FileKey,  # noqa: ARG002 - there is but one file
        *,
        file_type: FileType,  # noqa: ARG002 - names are wrong; what is inside is not
        sheet_name: str | None = None,
        layout: GivenLayout | None = None,
        remembered: Mapping[str, RememberedLayout] | None = None,
    ) -> AsyncIterator[RowBatch]:
        wish = Wish(sheet_name=sheet_name, layout=layout, remembered=remembered or {})
        async for batch in read_path(self._path, wish=wish, limits=self._limits):
            yield batch


@asynccontextmanager
async def open_catalog(settings: Settings) -> AsyncGenerator[Catalog]:
    """Yield the configured catalogue.

    Raises:
        SettingsError: DATABASE_URL is missing.
        PortError: the database is unsuitable, not migrated, or cannot be reached.
    """
    from marketbel_adapters import postgres  # noqa: PLC0415 - slow to import

    engine = postgres.create_engine(settings.require_database_url())
    try:
        await postgres.check_database(engine)
        await postgres.check_migrated(engine)
        yield postgres.PostgresCatalog(engine)
    finally:
        await engine.dispose()


def importer_of(settings: Settings, catalog: Catalog, path: Path) -> ListImporter:
    """Return what imports the file at `path`, and no other."""
    from marketbel_adapters import system  # noqa: PLC0415

    return ListImporter(
        reader=_PathReader(path, cpu_seconds_max=settings.reading_cpu_seconds_max),
        catalog=catalog,
        clock=system.SystemClock(),
        ids=system.TimeOrderedIdSource(),
        rules=settings.import_rules,
    )


@asynccontextmanager
async def list_at(
    settings: Settings, location: str, *, supplier_name: str, sheet_name: str | None
) -> AsyncGenerator[tuple[Path, ListToImport]]:
    """Yield the list at a path or an address, judged as the courier would, and where it lies.

    A list that was fetched is gone when the block ends.

    Raises:
        RefusedError: it is refused.
        UnavailableError: it cannot be fetched now.
    """
    async with _at_hand(settings, location) as (path, name):
        facts = await check_path(path, macros_refused=settings.macros_refused)
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        yield (
            path,
            ListToImport(
                supplier=_supplier(supplier_name, facts.file_type),
                key=FileKey(path.name),
                file_type=facts.file_type,
                source_name=name,
                sha256=sha256,
                sheet_name=sheet_name,
            ),
        )


@asynccontextmanager
async def _at_hand(settings: Settings, location: str) -> AsyncGenerator[tuple[Path, str]]:
    from marketbel_adapters.disk import DiskFileStore  # noqa: PLC0415
    from marketbel_runtime.fetching import open_sources  # noqa: PLC0415

    if is_path(location):
        path = Path(location)
        _must_be_there(path, settings.file_size_bytes_max)
        yield path, path.name
        return
    kind = SourceType(guessed_parser_type({"source_url": location}).value)
    source = SourceRef(type=kind, location=location)
    limit = settings.file_size_bytes_max
    with TemporaryDirectory(prefix="marketbel-") as folder:
        async with (
            open_sources(settings, local_roots=[]) as sources,
            sources.open(source, size_bytes_max=limit) as incoming,
        ):
            announced = incoming.filename
            name = announced or original_filename(source, announced=None, supplier_name="list")
            key = FileKey(sanitised(name))
            await DiskFileStore(Path(folder)).store(key, incoming.chunks, size_bytes_max=limit)
        yield Path(folder) / key, name


def _must_be_there(path: Path, size_bytes_max: int) -> None:
    """Refuse a path without a file, or with too large a one.

    Raises:
        RefusedError: `source.missing`, `file.too_large`.
    """
    if not path.is_file():
        raise RefusedError("source.missing", f"there is no file {path}")
    if path.stat().st_size > size_bytes_max:
        raise RefusedError(
            "file.too_large",
            f"the file has more than {size_bytes_max} bytes; split it, or raise MAX_FILE_SIZE_MB",
        )


def _supplier(name: str, file_type: FileType) -> Supplier:
    """Return the supplier to be found by its name, or to be stored under it."""
    from marketbel_adapters import system  # noqa: PLC0415

    try:
        return Supplier(
            id=SupplierId(system.TimeOrderedIdSource().new_id()),
            name=name.strip(),
            source_type=_SOURCE_TYPES.get(file_type, SourceType.EXCEL),
        )
    except ValueError as error:
        raise RefusedError("job.invalid", f"--supplier: {error}") from error
