"""Sheets to rows: every line with a name or a price is accepted, or rejected with the reason.

Titles of sections become the category of what follows; headers, blank lines and footers are
neither items nor errors. One bad row never costs a good one.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import md5
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from marketbel_core.catalog import AMOUNT_MAX, FileType, GivenLayout, Money
from marketbel_core.errors import RefusedError
from marketbel_core.intake.characteristics import barcode_of, json_value, stock_of
from marketbel_core.intake.following import MissingColumns, follow_layout
from marketbel_core.intake.grid import Cell, Grid
from marketbel_core.intake.layout import Layout, Role, header_meaning, layout_of
from marketbel_core.intake.parser_configs import DEFAULT_SHEET_NAME
from marketbel_core.intake.remembered import RememberedLayout, change_since
from marketbel_core.intake.row_prices import RefusedPrice, RowPrices
from marketbel_core.intake.rows import (
    AcceptedRow,
    ReadRows,
    RowEvent,
    RowRejection,
    SheetSummary,
    UnpricedRow,
)
from marketbel_core.intake.sample import SheetSample, sample_of
from marketbel_core.intake.text import cell_text

__all__ = ["gathered", "read_rows", "stream_rows"]

_NAME_LENGTH_MAX: Final = 500
_SKU_LENGTH_MAX: Final = 255
_MADE_SKU_DIGITS: Final = 8
_SECTION_LENGTH_MAX: Final = 200
_CONTACTS: Final = re.compile(
    r"\bтел(?:ефон\w*|\.|:|/)|\bт/ф|e-?mail|@|https?://|\bwww\.|\bг\.\s|\bул\.\s|\bадрес\b|\bинн\b|\bунп\b"
)
_TOTALS: Final = re.compile(r"(?:итого|всего|разом|усяго|sub-?total|grand total|total)\b.{0,20}")
_NAMED_KEYS: Final = (
    (Role.UNIT, "unit"),
    (Role.BRAND, "brand"),
    (Role.LINK, "link"),
    (Role.DESCRIPTION, "description"),
)


class _Row(BaseModel):
    """A row as a stranger typed it: the last gate before it is called an item."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sku: Annotated[str, Field(min_length=1, max_length=_SKU_LENGTH_MAX)]
    name: Annotated[str, Field(min_length=1, max_length=_NAME_LENGTH_MAX)]
    price: Annotated[Decimal, Field(gt=0, le=AMOUNT_MAX, max_digits=10, decimal_places=2)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


_CODES: Final = {
    "name": ("row.name_too_long", f"the name is longer than {_NAME_LENGTH_MAX} characters"),
    "sku": ("row.sku_too_long", f"the sku is longer than {_SKU_LENGTH_MAX} characters"),
    "price": ("row.price_unreadable", "the price is out of range"),
    "currency": ("row.currency_unknown", "the currency is no ISO code"),
}


def stream_rows(
    grids: Sequence[Grid],
    *,
    sheet_name: str | None = None,
    layout: GivenLayout | None = None,
    file_type: FileType = FileType.EXCEL,
    remembered: Mapping[str, RememberedLayout] | None = None,
) -> Iterator[RowEvent]:
    """Yield the rows of every sheet, in the order of the file; each sheet ends with its summary.

    A sheet is gone through twice and never held: first for the sample that its layout is found
    by, then row by row.

    Args:
        grids: The sheets of one file.
        sheet_name: The only sheet to read, compared without regard to case; `None` means all.
            Where no sheet is called `DEFAULT_SHEET_NAME`, that name means the first.
        layout: What was said about the columns and rows. A sheet to which it does not apply is
            passed over, unless it applies to none.
        file_type: What the grids come from; the codes of refusals say it.
        remembered: The layouts of the supplier's last file, by sheet; what differs from them is
            told in the summaries.

    Raises:
        RefusedError: no sheet is called `sheet_name` (`xlsx.sheet_missing`); no sheet has the
            columns that `layout` names (`xlsx.header`, `csv.header`), or it names one for what no
            column is for (`job.invalid`).
    """
    skus = _MadeSkus()
    for grid, sample, found in _laid_out(_wanted(grids, sheet_name), layout, file_type):
        if found is None:
            yield SheetSummary(name=grid.name, is_price_list=False)
            continue
        former = (remembered or {}).get(grid.name)
        yield from _SheetReader(grid, sample, found, skus).events(file_type, former)


def read_rows(
    grids: Sequence[Grid],
    *,
    sheet_name: str | None = None,
    layout: GivenLayout | None = None,
    file_type: FileType = FileType.EXCEL,
    remembered: Mapping[str, RememberedLayout] | None = None,
) -> ReadRows:
    """Return all that `stream_rows` yields; for lists that fit the memory."""
    return gathered(
        stream_rows(
            grids,
            sheet_name=sheet_name,
            layout=layout,
            file_type=file_type,
            remembered=remembered,
        )
    )


def gathered(events: Iterable[RowEvent]) -> ReadRows:
    """Return the events sorted by what they are, each kind in its order."""
    accepted: list[AcceptedRow] = []
    rejected: list[RowRejection] = []
    unpriced: list[UnpricedRow] = []
    sheets: list[SheetSummary] = []
    for event in events:
        match event:
            case AcceptedRow():
                accepted.append(event)
            case RowRejection():
                rejected.append(event)
            case UnpricedRow():
                unpriced.append(event)
            case SheetSummary():
                sheets.append(event)
    return ReadRows(
        accepted=tuple(accepted),
        rejected=tuple(rejected),
        unpriced=tuple(unpriced),
        sheets=tuple(sheets),
    )


def _wanted(grids: Sequence[Grid], sheet_name: str | None) -> Sequence[Grid]:
    if sheet_name is None:
        return grids
    folded = sheet_name.strip().casefold()
    wanted = [grid for grid in grids if grid.name.strip().casefold() == folded]
    if not wanted and folded == DEFAULT_SHEET_NAME.casefold():
        return grids[:1]
    if not wanted:
        there = ", ".join(repr(grid.name) for grid in grids)
        raise RefusedError(
            "xlsx.sheet_missing", f"no sheet is called {sheet_name!r}; there are: {there}"
        )
    return wanted


def _laid_out(
    grids: Sequence[Grid], given: GivenLayout | None, file_type: FileType
) -> list[tuple[Grid, SheetSample, Layout | None]]:
    """Return the sheets, each with its layout if it is a price list."""
    found: list[tuple[Grid, SheetSample, Layout | None]] = []
    lacking: list[MissingColumns] = []
    for grid in grids:
        sample = sample_of(grid)
        layout = layout_of(sample) if given is None else follow_layout(sample, given)
        if isinstance(layout, MissingColumns):
            lacking.append(layout)
            layout = None
        found.append((grid, sample, layout))
    if lacking and all(layout is None for _, _, layout in found):
        family = "csv" if file_type is FileType.CSV else "xlsx"
        nearest = min(lacking, key=lambda missing: missing.distance)
        raise RefusedError(f"{family}.header", nearest.sentence)
    return found


class _MadeSkus:
    """Makes article numbers from names: the same file gives the same ones, no two are alike."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._seen: dict[str, int] = {}

    def make(self, name: str) -> str:
        """Return `AUTO-` and 8 digits of the folded name's md5, more when two names collide."""
        folded = name.casefold()
        digest = md5(folded.encode(), usedforsecurity=False).hexdigest().upper()
        length = _MADE_SKU_DIGITS
        while self._names.setdefault(digest[:length], folded) != folded:
            length += _MADE_SKU_DIGITS
        count = self._seen[folded] = self._seen.get(folded, 0) + 1
        sku = f"AUTO-{digest[:length]}"
        return sku if count == 1 else f"{sku}-{count}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One row of the sheet, its cells also as texts."""

    number: int
    cells: Sequence[Cell]
    texts: tuple[str, ...]

    def text(self, column: int | None) -> str:
        return self.texts[column] if column is not None and column < len(self.texts) else ""

    def cell(self, column: int) -> Cell:
        return self.cells[column] if column < len(self.cells) else None


class _SheetReader:
    """Reads one sheet by its layout, top to bottom, remembering the section it is in."""

    def __init__(self, grid: Grid, sample: SheetSample, layout: Layout, skus: _MadeSkus) -> None:
        self._grid = grid
        self._layout = layout
        self._skus = skus
        self._name = layout.columns[Role.NAME]
        self._price = layout.columns[Role.PRICE]
        body = (*sample.rows[layout.data_start_row - 1 :], *sample.further)
        self._prices = RowPrices(layout, body)
        self._sections: tuple[str, ...] = ()
        self._section_rows = 0

    def events(self, file_type: FileType, former: RememberedLayout | None) -> Iterator[RowEvent]:
        """Yield every line that is an item or should be one, then what they amount to."""
        items = rejected = no_price = 0
        price_sum = Decimal(0)
        for row in self._rows():
            yield row
            match row:
                case AcceptedRow():
                    items += 1
                    price_sum += row.price.amount
                case RowRejection():
                    rejected += 1
                case UnpricedRow():
                    no_price += 1
        layout = self._layout
        now = RememberedLayout(
            header_row=layout.header_row,
            columns={role.value: column for role, column in layout.columns.items()},
            headers=layout.headers,
        )
        yield SheetSummary(
            name=self._grid.name,
            is_price_list=True,
            header_row=None if file_type is FileType.PDF else layout.header_row,
            columns={role.value: column for role, column in layout.columns.items()},
            items=items,
            sections=self._section_rows,
            rejected=rejected,
            no_price=no_price,
            price_sum=price_sum,
            confidence=layout.confidence,
            reasons=layout.reasons,
            layout=now,
            change=change_since(former, now) if former else None,
        )

    def _lines(self) -> Iterator[_Line]:
        start = self._layout.data_start_row
        for number, row in enumerate(self._grid.rows, start=1):
            if number >= start:
                yield _Line(number=number, cells=row, texts=tuple(map(cell_text, row)))

    def _rows(self) -> Iterator[AcceptedRow | RowRejection | UnpricedRow]:
        after_section = False
        for line in self._lines():
            if not any(line.texts) or self._is_header(line):
                continue
            title = self._section_title(line)
            if title is not None:
                if title and not _CONTACTS.search(title.casefold()):
                    # Titles in a row are levels of one path; a lone one replaces the last path.
                    self._sections = (*self._sections, title) if after_section else (title,)
                    self._section_rows += 1
                    after_section = True
                continue
            if not self._is_item(line):
                continue
            after_section = False
            yield self._row(line)

    def _is_header(self, line: _Line) -> bool:
        """Tell whether the line repeats the header: words of headers where a price should be."""
        text = line.text(self._price)
        if not text or any(character.isdigit() for character in text):
            return False
        if text == self._layout.headers.get(self._price):
            return True
        meaning = header_meaning(text)
        return meaning is not None and meaning.role is Role.PRICE

    def _section_title(self, line: _Line) -> str | None:
        """Return the title in a line with one filled cell that is no price, else `None`."""
        filled = [index for index, text in enumerate(line.texts) if text]
        if len(set(line.texts) - {""}) != 1 or filled[0] >= self._price:
            return None
        title = line.text(filled[0])
        return title if len(title) <= _SECTION_LENGTH_MAX else ""

    def _is_item(self, line: _Line) -> bool:
        name, price = line.text(self._name), line.text(self._price)
        if _TOTALS.fullmatch(name.casefold()):
            return False
        return bool(name or price)

    def _row(self, line: _Line) -> AcceptedRow | RowRejection | UnpricedRow:
        name = line.text(self._name)
        price = self._prices.main(line.cells)
        if not name:
            return self._rejection(line, self._name, "name", "row.name_blank", "the name is blank")
        if isinstance(price, RefusedPrice):
            why = price.refusal
            if why.code == "row.no_price" and len(name) <= _NAME_LENGTH_MAX:
                return self._unpriced(line, name, why.message)
            return self._rejection(line, price.column, price.label, why.code, why.message)
        given = line.text(self._layout.columns.get(Role.SKU))
        too_long = len(name) > _NAME_LENGTH_MAX
        try:
            row = _Row(
                sku=given or ("-" if too_long else self._skus.make(name)),
                name=name,
                price=price.amount,
                currency=price.currency,
            )
        except ValidationError as error:
            field = str(error.errors()[0]["loc"][0])
            column = {"name": self._name, "sku": self._layout.columns.get(Role.SKU)}.get(
                field, self._price
            )
            return self._rejection(line, column, field, *_CODES[field])
        return AcceptedRow(
            sheet=self._grid.name,
            row_number=line.number,
            sku=row.sku,
            name=row.name,
            price=Money(row.price, row.currency),
            characteristics=self._characteristics(line) | self._prices.by_kind(line.cells, price),
        )

    def _unpriced(self, line: _Line, name: str, message: str) -> UnpricedRow:
        given = line.text(self._layout.columns.get(Role.SKU))
        return UnpricedRow(
            sheet=self._grid.name,
            row_number=line.number,
            sku=(given or self._skus.make(name))[:_SKU_LENGTH_MAX],
            name=name,
            value=line.text(self._price),
            message=message,
            characteristics=self._characteristics(line),
            cells=self._cells(line),
        )

    def _rejection(
        self, line: _Line, column: int | None, label: str, code: str, message: str
    ) -> RowRejection:
        return RowRejection(
            sheet=self._grid.name,
            row_number=line.number,
            column=label,
            value=line.text(column),
            code=code,
            message=message,
            cells=self._cells(line),
        )

    def _cells(self, line: _Line) -> dict[str, object]:
        return {
            self._layout.headers.get(index) or f"column_{index + 1}": text
            for index, text in enumerate(line.texts)
            if text
        }

    def _characteristics(self, line: _Line) -> dict[str, object]:
        found = dict(self._other_columns(line))
        for role, key in _NAMED_KEYS:
            if text := line.text(self._layout.columns.get(role)):
                found[key] = text
        path = (*self._sections, line.text(self._layout.columns.get(Role.CATEGORY)))
        if category := " / ".join(part for part in path if part):
            found["_category"] = category
        stock = self._layout.columns.get(Role.STOCK)
        if stock is not None:
            found |= stock_of(line.cell(stock))
        found |= barcode_of(line.text(self._layout.columns.get(Role.BARCODE)))
        return found

    def _other_columns(self, line: _Line) -> Iterator[tuple[str, object]]:
        for column, key in self._layout.characteristic_columns.items():
            if line.text(column):
                yield key, json_value(line.cell(column))
