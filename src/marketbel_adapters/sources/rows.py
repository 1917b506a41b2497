"""Price lists read on the spot: stored bytes to cells, cells to rows."""

import asyncio
from typing import Final

from marketbel_adapters.sources.delimited import read_delimited
from marketbel_adapters.sources.workbooks import read_workbook
from marketbel_core.catalog import FileType
from marketbel_core.errors import RefusedError
from marketbel_core.ids import FileKey
from marketbel_core.intake import Grid, ReadRows, read_rows
from marketbel_core.ports import FileStore, RowReader

__all__ = ["LocalRowReader"]

_ZIP_MAGIC: Final = b"PK\x03\x04"
_OLE_MAGIC: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BIFF_MAGICS: Final = (b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00")
"""The first bytes of .xls files older than the OLE container (Excel 2 to 4)."""

_MARKUP: Final = (b"<!doctype html", b"<html", b"<?xml")


class LocalRowReader(RowReader):
    """Reads csv files and workbooks from the file store; a PDF is refused."""

    def __init__(self, files: FileStore) -> None:
        self._files = files

    async def read(
        self, key: FileKey, *, file_type: FileType, sheet_name: str | None = None
    ) -> ReadRows:
        content = await self._files.read(key)
        grids, asked = await _grids(content, file_type=file_type, sheet_name=sheet_name)
        rows = await asyncio.to_thread(read_rows, grids, sheet_name=asked)
        if not rows.accepted and not rows.rejected:
            raise RefusedError(
                "file.no_price_list",
                "no sheet has both a column of names and a column of prices; name the columns "
                "in a header row, for example 'Наименование' and 'Цена'",
            )
        return rows


async def _grids(
    content: bytes, *, file_type: FileType, sheet_name: str | None
) -> tuple[tuple[Grid, ...], str | None]:
    """Return the file's sheets, and the sheet asked for where the file has sheets at all."""
    if not content.strip():
        raise RefusedError("file.empty", "the file is empty; send the price list again")
    if content.startswith(b"%PDF-") or file_type is FileType.PDF:
        raise RefusedError(
            "pdf.not_supported", "a PDF is not read here; send the list as xlsx or csv"
        )
    if content.startswith((_ZIP_MAGIC, _OLE_MAGIC, *_BIFF_MAGICS)):
        return await read_workbook(content, sheet_name=sheet_name), sheet_name
    if content[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_MARKUP):
        raise RefusedError(
            "file.type_mismatch",
            "the file is a web page and not a price list; check the address, it may ask to log in",
        )
    # Suppliers call csv files .xls as often as the other way round: what is inside decides.
    return (await read_delimited(content),), None
