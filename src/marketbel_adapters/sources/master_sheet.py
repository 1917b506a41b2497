"""The master sheet, fetched like any price list, and opened where workbooks may do no harm."""

import asyncio
import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any, Final

from marketbel_adapters.sources.checks.sniffing import HEAD_BYTES, Form, sniffed
from marketbel_adapters.sources.confining import (
    ChildDiedError,
    ChildEnd,
    ChildLimits,
    run_confined,
)
from marketbel_adapters.sources.delimited import delimited_grid
from marketbel_adapters.sources.handles import spooled
from marketbel_core.catalog import SourceRef, SourceType
from marketbel_core.errors import RefusedError
from marketbel_core.intake.master_sheet import (
    DEFAULT_MASTER_SHEET_NAME,
    MasterSheetRows,
    SkippedRow,
    SupplierRow,
    read_master_sheet,
)
from marketbel_core.ports import FileSource, MasterSheet

__all__ = ["FetchedMasterSheet"]

_CHILD: Final = "marketbel_adapters.sources.master_sheet_child"
_LIMITS: Final = ChildLimits(cpu_seconds_max=60, wall_seconds_max=90.0)
_WORKBOOKS: Final = frozenset({Form.ZIP, Form.OLE, Form.BIFF})
_DEATHS: Final = {
    ChildEnd.MEMORY: (
        "xlsx.sheet_too_large",
        (
            "the master sheet needs more memory than a list of suppliers may: delete empty rows "
            "and columns"
        ),
    ),
    ChildEnd.FAULT: (
        "xlsx.corrupt",
        "the master sheet cannot be opened; save it again as xlsx",
    ),
}
_TOO_LONG: Final = (
    "file.too_complex",
    (
        "the master sheet takes more time to read than a list of suppliers may: save it again "
        "without unused sheets and formatting"
    ),
)


class FetchedMasterSheet(MasterSheet):
    """Reads a Google Sheet, a workbook or a csv file, whichever the location leads to."""

    def __init__(self, sources: FileSource, *, size_bytes_max: int) -> None:
        """Fetch from `sources`, at most so many bytes."""
        self._sources = sources
        self._size_bytes_max = size_bytes_max

    async def read(self, location: str, *, sheet_name: str | None = None) -> MasterSheetRows:
        content = await self._fetched(location)
        if sniffed(content[:HEAD_BYTES]).form in _WORKBOOKS:
            return await _out_of_workbook(content, sheet_name or DEFAULT_MASTER_SHEET_NAME)
        if content.lstrip()[:1] == b"<":
            raise RefusedError(
                "file.type_mismatch",
                "the master sheet looks like a web page: check the address, it may ask to log in",
            )
        return await asyncio.to_thread(_out_of_text, content)

    async def _fetched(self, location: str) -> bytes:
        # An address of a Google Sheet is known by itself; anything else is what it turns out.
        source = SourceRef(type=SourceType.EXCEL, location=location)
        content = bytearray()
        async with self._sources.open(source, size_bytes_max=self._size_bytes_max) as incoming:
            async for chunk in incoming.chunks:
                content += chunk
        return bytes(content)


def _out_of_text(content: bytes) -> MasterSheetRows:
    return read_master_sheet(delimited_grid(BytesIO(content)))


async def _out_of_workbook(content: bytes, name: str) -> MasterSheetRows:
    is_usual = name.strip().casefold() == DEFAULT_MASTER_SHEET_NAME.casefold()
    arguments = (name, "or-first") if is_usual else (name,)
    try:
        with await asyncio.to_thread(spooled, content) as file:
            output = await run_confined(_CHILD, *arguments, stdin=file, limits=_LIMITS)
    except ChildDiedError as death:
        raise RefusedError(*_DEATHS.get(death.end, _TOO_LONG)) from death
    return await asyncio.to_thread(_decoded, output)


def _decoded(output: bytes) -> MasterSheetRows:
    told: Mapping[str, Any] = json.loads(output)
    if "refused" in told:
        raise RefusedError(told["refused"], told["message"])
    rows = (
        SupplierRow(**{**row, "source_type": SourceType(row["source_type"])})
        for row in told["rows"]
    )
    return MasterSheetRows(
        rows=tuple(rows), skipped=tuple(SkippedRow(**row) for row in told["skipped"])
    )
