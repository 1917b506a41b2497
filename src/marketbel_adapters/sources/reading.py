"""One file as the events of its rows, whatever kind of file it is: what is inside decides."""

import json
from collections.abc import Iterator, Mapping, Sequence, Sized
from dataclasses import asdict, dataclass, field, replace
from typing import Any, BinaryIO, Final, Self

from marketbel_adapters.sources.checks.refusals import RefusalError
from marketbel_adapters.sources.checks.sniffing import HEAD_BYTES, Form, sniffed
from marketbel_core.catalog import FileType, GivenLayout
from marketbel_core.errors import RefusedError
from marketbel_core.intake import (
    DEFAULT_SHEET_NAME,
    Grid,
    RememberedLayout,
    RowEvent,
    SheetSummary,
    stream_rows,
)

__all__ = ["Opened", "Wish", "open_list"]

_ANY_SHEET: Final = DEFAULT_SHEET_NAME.casefold()
_WORKBOOKS: Final = frozenset({Form.ZIP, Form.OLE, Form.BIFF})
_HIDDEN: Final = "the sheet is hidden: it is read only when it is asked for by name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How a file is to be read.

    Attributes:
        sheet_name: The only sheet to read; `None` means all. A file with one table has no sheets
            to choose from: there it says nothing.
        layout: What was said about columns and rows.
        remembered: The layouts of the supplier's last file, by sheet.
    """

    sheet_name: str | None = None
    layout: GivenLayout | None = None
    remembered: Mapping[str, RememberedLayout] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """Return the wish for another process."""
        told = {
            "sheet_name": self.sheet_name,
            "layout": None if self.layout is None else asdict(self.layout),
            "remembered": {name: kept.to_json() for name, kept in self.remembered.items()},
        }
        return json.dumps(told).encode()

    @classmethod
    def from_json(cls, told: bytes) -> Self:
        """Return the wish that `to_json` gave."""
        wish = json.loads(told)
        return cls(
            sheet_name=wish["sheet_name"],
            layout=None if wish["layout"] is None else _layout(wish["layout"]),
            remembered={
                name: RememberedLayout.from_json(kept) for name, kept in wish["remembered"].items()
            },
        )


def _layout(told: dict[str, Any]) -> GivenLayout:
    columns = told["characteristic_columns"]
    return GivenLayout(
        **told | {"characteristic_columns": None if columns is None else tuple(columns)}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A file whose rows can be read.

    Attributes:
        rows_max: How many rows its sheets have, blank ones too; `None` where only reading tells.
        events: What its rows say; each sheet ends with its summary.
    """

    rows_max: int | None
    events: Iterator[RowEvent]


def open_list(file: BinaryIO, wish: Wish) -> Opened:
    """Return the rows of a file that is open for reading; it must stay open while they are read.

    Raises:
        RefusedError: as `RowReader.read` does; so does reading the events.
    """
    try:
        file.seek(0)
        form = sniffed(file.read(HEAD_BYTES))
        file.seek(0)
        match form.form:
            case Form.ZIP | Form.OLE | Form.BIFF:
                return _workbook(file, wish)
            case Form.PDF:
                return _pdf(file, wish)
            case Form.MARKUP:
                raise RefusedError(
                    "file.type_mismatch",
                    f"the file looks like {form.name} and not like a price list; check the "
                    "address, it may ask to log in",
                )
            case _:
                return _text(file, wish)
    except RefusalError as refusal:
        raise RefusedError(refusal.code, refusal.message) from refusal


def _workbook(file: BinaryIO, wish: Wish) -> Opened:
    from marketbel_adapters.sources.workbook_grids import workbook_grids  # noqa: PLC0415

    name = wish.sheet_name
    is_any = name is not None and name.strip().casefold() == _ANY_SHEET
    grids, hidden = workbook_grids(file, sheet_name=name, or_first=is_any)
    return Opened(
        rows_max=sum(len(rows) for grid in grids if isinstance(rows := grid.rows, Sized)),
        events=_events(grids, wish, FileType.EXCEL, sheet_name=name, hidden=hidden),
    )


def _pdf(file: BinaryIO, wish: Wish) -> Opened:
    from marketbel_adapters.sources.pdf.tables import read_tables  # noqa: PLC0415

    grids = [Grid(name=table.name, rows=table.rows) for table in read_tables(file)]
    return Opened(
        rows_max=sum(len(rows) for grid in grids if isinstance(rows := grid.rows, Sized)),
        events=_events(grids, wish, FileType.PDF),
    )


def _text(file: BinaryIO, wish: Wish) -> Opened:
    from marketbel_adapters.sources.delimited import delimited_grid  # noqa: PLC0415

    said = wish.layout
    grid = delimited_grid(
        file,
        delimiter=said.delimiter if said else None,
        encoding=said.encoding if said else None,
    )
    return Opened(rows_max=None, events=_events([grid], wish, FileType.CSV))


def _events(
    grids: Sequence[Grid],
    wish: Wish,
    file_type: FileType,
    *,
    sheet_name: str | None = None,
    hidden: Sequence[str] = (),
) -> Iterator[RowEvent]:
    """Yield the events of the grids.

    Raises:
        RefusedError: `file.no_price_list`; what `stream_rows` raises.
    """
    is_list = False
    for event in stream_rows(
        grids,
        sheet_name=sheet_name,
        layout=wish.layout,
        file_type=file_type,
        remembered=wish.remembered,
    ):
        if event.__class__ is SheetSummary:
            is_list = is_list or event.is_price_list
            yield _explained(event, wish, sheet_name)
        else:
            is_list = True
            yield event
    for name in hidden:
        yield SheetSummary(name=name, is_price_list=False, reasons=(_HIDDEN,))
    if not is_list:
        raise RefusedError(
            "file.no_price_list",
            "no sheet has both a column of names and a column of prices; name the columns "
            "in a header row, for example 'Наименование' and 'Цена'",
        )


def _explained(event: SheetSummary, wish: Wish, sheet_name: str | None) -> SheetSummary:
    """Return a summary with the reason why a sheet's name that was said made no difference."""
    if wish.sheet_name is None or sheet_name is not None:
        return event
    why = f"sheet {wish.sheet_name!r} was asked for: this kind of file has no sheets"
    return replace(event, reasons=(*event.reasons, why))
