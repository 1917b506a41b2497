"""Price lists read on the spot: stored bytes to cells, cells to rows."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from itertools import batched
from typing import Final

from marketbel_adapters.sources.checks.sniffing import HEAD_BYTES, Form, sniffed
from marketbel_adapters.sources.confining import ChildLimits
from marketbel_adapters.sources.delimited import read_delimited
from marketbel_adapters.sources.workbooks import read_workbook
from marketbel_core.catalog import FileType, GivenLayout
from marketbel_core.errors import RefusedError
from marketbel_core.ids import FileKey
from marketbel_core.intake import DEFAULT_SHEET_NAME, RememberedLayout, read_rows
from marketbel_core.ports import FileStore, RowBatch, RowReader

__all__ = ["LocalRowReader"]

_BATCH_EVENTS: Final = 2_000
_PATIENCE: Final = 1.15
"""How much longer than its processor time a reading may last: on a busy machine it waits, too."""

_ANY_SHEET: Final = DEFAULT_SHEET_NAME.casefold()
_WORKBOOKS: Final = frozenset({Form.ZIP, Form.OLE, Form.BIFF})


class LocalRowReader(RowReader):
    """Reads csv files and workbooks from the file store; a PDF is refused."""

    def __init__(self, files: FileStore, *, cpu_seconds_max: int = 240) -> None:
        """Read the files of `files`, each within `cpu_seconds_max` of processor time."""
        self._files = files
        self._limits = ChildLimits(
            cpu_seconds_max=cpu_seconds_max, wall_seconds_max=cpu_seconds_max * _PATIENCE
        )

    async def read(
        self,
        key: FileKey,
        *,
        file_type: FileType,
        sheet_name: str | None = None,
        layout: GivenLayout | None = None,
        remembered: Mapping[str, RememberedLayout] | None = None,
    ) -> AsyncIterator[RowBatch]:
        content = await self._files.read(key)
        if _is_workbook(content, file_type):
            is_wish = sheet_name is not None and sheet_name.strip().casefold() == _ANY_SHEET
            grids = await read_workbook(
                content, sheet_name=sheet_name, or_first=is_wish, limits=self._limits
            )
            rows = await asyncio.to_thread(
                read_rows,
                grids,
                sheet_name=sheet_name,
                layout=layout,
                file_type=FileType.EXCEL,
                remembered=remembered,
            )
        else:
            grid = await read_delimited(
                content,
                delimiter=layout.delimiter if layout else None,
                encoding=layout.encoding if layout else None,
            )
            rows = await asyncio.to_thread(
                read_rows,
                [grid],
                layout=layout,
                file_type=FileType.CSV,
                remembered=remembered,
            )
        if not any(sheet.is_price_list for sheet in rows.sheets):
            raise RefusedError(
                "file.no_price_list",
                "no sheet has both a column of names and a column of prices; name the columns "
                "in a header row, for example 'Наименование' and 'Цена'",
            )
        for batch in batched(rows.events, _BATCH_EVENTS):
            yield RowBatch(events=batch)


def _is_workbook(content: bytes, file_type: FileType) -> bool:
    """Tell a workbook from a delimited text by what is inside: names are wrong either way round.

    Raises:
        RefusedError: it is neither.
    """
    if not content.strip():
        raise RefusedError("file.empty", "the file is empty; send the price list again")
    found = sniffed(content[:HEAD_BYTES])
    if found.form is Form.PDF or file_type is FileType.PDF:
        raise RefusedError(
            "pdf.not_supported", "a PDF is not read here; send the list as xlsx or csv"
        )
    if found.form in _WORKBOOKS:
        return True
    if found.form is Form.MARKUP:
        raise RefusedError(
            "file.type_mismatch",
            f"the file looks like {found.name} and not like a price list; check the address, it "
            "may ask to log in",
        )
    return False
