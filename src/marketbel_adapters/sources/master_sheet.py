"""The master sheet, fetched like any price list, and opened where workbooks may do no harm."""

import asyncio
from typing import Final

from marketbel_adapters.sources.checks.sniffing import HEAD_BYTES, Form, sniffed
from marketbel_adapters.sources.delimited import read_delimited
from marketbel_adapters.sources.workbooks import read_workbook
from marketbel_core.catalog import SourceRef, SourceType
from marketbel_core.errors import RefusedError
from marketbel_core.intake import Grid
from marketbel_core.intake.master_sheet import (
    DEFAULT_MASTER_SHEET_NAME,
    MasterSheetRows,
    read_master_sheet,
)
from marketbel_core.ports import FileSource, MasterSheet

__all__ = ["FetchedMasterSheet"]

_WORKBOOKS: Final = frozenset({Form.ZIP, Form.OLE, Form.BIFF})


class FetchedMasterSheet(MasterSheet):
    """Reads a Google Sheet, a workbook or a csv file, whichever the location leads to."""

    def __init__(self, sources: FileSource, *, size_bytes_max: int) -> None:
        """Fetch from `sources`, at most so many bytes."""
        self._sources = sources
        self._size_bytes_max = size_bytes_max

    async def read(self, location: str, *, sheet_name: str | None = None) -> MasterSheetRows:
        content = await self._fetched(location)
        if sniffed(content[:HEAD_BYTES]).form in _WORKBOOKS:
            grids = await read_workbook(
                content,
                sheet_name=sheet_name or DEFAULT_MASTER_SHEET_NAME,
                or_first=sheet_name is None or _is_usual(sheet_name),
            )
            grid = grids[0]
        else:
            grid = await _delimited(content)
        return await asyncio.to_thread(read_master_sheet, grid)

    async def _fetched(self, location: str) -> bytes:
        # An address of a Google Sheet is known by itself; anything else is what it turns out.
        source = SourceRef(type=SourceType.EXCEL, location=location)
        content = bytearray()
        async with self._sources.open(source, size_bytes_max=self._size_bytes_max) as incoming:
            async for chunk in incoming.chunks:
                content += chunk
        return bytes(content)


def _is_usual(sheet_name: str) -> bool:
    return sheet_name.strip().casefold() == DEFAULT_MASTER_SHEET_NAME.casefold()


async def _delimited(content: bytes) -> Grid:
    if content.lstrip()[:1] == b"<":
        raise RefusedError(
            "file.type_mismatch",
            "the master sheet looks like a web page: check the address, it may ask to log in",
        )
    return await read_delimited(content)
