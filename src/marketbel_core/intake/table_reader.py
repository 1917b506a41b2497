"""One table to rows: every line with a name or a price is accepted, priceless, or rejected.

Titles of sections become the category of what follows; headers, blank lines and footers are
neither items nor errors. One bad row never costs a good one.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain
from typing import Final

from marketbel_core.intake.columns import body_of
from marketbel_core.intake.grid import Cell
from marketbel_core.intake.layout import Role
from marketbel_core.intake.lines import LineJudge, Sections, is_total
from marketbel_core.intake.made_skus import MadeSkus, RowKeys, row_key
from marketbel_core.intake.refining import facts_of
from marketbel_core.intake.row_prices import ReadPrice, RefusedPrice, RowPrices
from marketbel_core.intake.row_values import RowValues
from marketbel_core.intake.rows import AcceptedRow, RowEvent, RowRejection, UnpricedRow
from marketbel_core.intake.tables import NumberedRows, Table, begins_table, taken_ahead
from marketbel_core.intake.text import cell_text

__all__ = ["Following", "SheetState", "TableReader"]

type Following = tuple[NumberedRows, Table | None]
"""The rows that are still to be read, and the table that they belong to if it is another one."""

_NAME_LENGTH_MAX: Final = 500
_SKU_LENGTH_MAX: Final = 255
_TABLES_MAX: Final = 50
"""Lines that may begin a table of their own: looking ahead of each costs time."""


@dataclass(slots=True)
class SheetState:
    """What the tables of a sheet amount to so far, and what they have in common.

    Attributes:
        follows_headers: Whether a header of other columns further down begins another table.
        currency: What a line outside the tables, or the sheet's title, says that prices are in.
        begun: The rows, from 1, in which another table began.
        tried: How many rows looked as if one began there.
    """

    name: str
    is_pdf: bool
    takes_all: bool
    follows_headers: bool
    currency: str | None = None
    items: int = 0
    rejected: int = 0
    no_price: int = 0
    price_sum: Decimal = Decimal(0)
    sections: Sections = field(default_factory=Sections)
    skus: MadeSkus = field(default_factory=MadeSkus)
    keys: RowKeys = field(default_factory=RowKeys)
    begun: list[int] = field(default_factory=list)
    tried: int = 0


class TableReader:
    """Reads rows by the layout of one table."""

    def __init__(self, table: Table, sheet: SheetState) -> None:
        layout, sample = table.layout, table.sample
        self._sheet = sheet
        self._layout = layout
        self._facts = facts_of(sample, layout)
        sheet.currency = self._facts.currency or sheet.currency
        self._name = layout.columns[Role.NAME]
        sku = layout.columns.get(Role.SKU)
        # Where it is a characteristic as well, the same ones stand there again and again.
        self._sku = None if sku in layout.characteristic_columns else sku
        self._price = layout.columns[Role.PRICE]
        self._judge = LineJudge(layout, self._facts)
        self._values = RowValues(layout, takes_all=sheet.takes_all)
        self._prices = RowPrices(
            layout,
            body_of(sample, layout.data_start_row - 1),
            title=sheet.currency,
            spills=sheet.is_pdf,
        )
        self._labels = _labels(layout.headers)
        self._has_kinds = bool(layout.price_columns)
        self._last_name = ""

    @property
    def lacks_skus(self) -> bool:
        """Whether the article numbers are to be made from the names."""
        return self._sku is None

    def go_under_title_above(self, rows: Sequence[Sequence[Cell]]) -> None:
        """Begin under the title of a section that stands above the header, if one does."""
        for row in reversed(rows[: max(0, self._layout.header_row - 1)]):
            texts = [cell_text(cell) for cell in row]
            if not self._layout.header_words.isdisjoint(filter(None, texts)):
                continue
            title = self._judge.labelled_title(texts)
            if title is not None:
                self._sheet.sections.add(*title)
            return

    def look_through(
        self, rows: NumberedRows, keys: RowKeys, *, comparing: bool
    ) -> Following | None:
        """Tell `keys` of every row that needs an article number; `None` when all were seen."""
        name = ""
        for number, row in rows:
            price = self._values.text(row, self._price)
            if not price[:1].isdigit() and self._may_begin(row):
                return self._following(number, row, rows)
            own = self._values.text(row, self._name)
            name = own or (name if self._facts.inherits_names else "")
            if not name or not price or self._sku is not None:
                continue
            key = self._key(name, row)
            if comparing:
                keys.compare(key, self._tellers(row))
            else:
                keys.see(key)
        return None

    def events(self, rows: NumberedRows) -> Generator[RowEvent, None, Following | None]:
        """Yield every line that is an item or should be one; return what follows the table."""
        sheet, sections = self._sheet, self._sheet.sections
        name_at, sku_at = self._name, self._sku
        values, prices = self._values, self._prices
        for number, row in rows:
            name = values.own_text(row, name_at)
            price = prices.main(row)
            if (
                not name
                or not isinstance(price, ReadPrice)
                or name.isdigit()  # the numbers of the columns, below the header of a form
                or len(name) == 1  # their letters
                or is_total(name)
            ):
                following = self._following(number, row, rows) if self._may_begin(row) else None
                if following is None or following[1] is None:
                    yield from self._odd_line(number, row, price)
                if following is None:
                    continue
                return following
            sku = values.own_text(row, sku_at)
            if len(name) > _NAME_LENGTH_MAX or len(sku) > _SKU_LENGTH_MAX:
                yield self._too_long(number, row, name)
                continue
            if sections.are_pending:
                sections.confirm()
            self._last_name = name
            sheet.items += 1
            sheet.price_sum += price.exact
            yield self._accepted(number, row, name, price, sku)
        return None

    def _may_begin(self, row: Sequence[Cell]) -> bool:
        return (
            self._sheet.follows_headers
            and self._sheet.tried < _TABLES_MAX
            and begins_table([cell_text(cell) for cell in row], self._layout)
        )

    def _following(self, number: int, row: Sequence[Cell], rows: NumberedRows) -> Following:
        """Return the rows after a line that looks like a header, and the table it begins."""
        self._sheet.tried += 1
        ahead, table = taken_ahead(row, rows)
        if table is not None:
            self._sheet.begun.append(number)
            ahead = ahead[table.layout.data_start_row - 2 :]
        return chain(ahead, rows), table

    def _accepted(
        self, number: int, row: Sequence[Cell], name: str, price: ReadPrice, sku: str
    ) -> AcceptedRow:
        said = self._values.characteristics(row, self._sheet.sections.category)
        money = price.money
        if self._has_kinds:
            said |= self._prices.by_kind(row, money)
        return AcceptedRow(
            sheet=self._sheet.name,
            row_number=number,
            sku=sku or self._made_sku(name, row, money.amount),
            name=name,
            price=money,
            characteristics=said,
        )

    def _odd_line(
        self, number: int, row: Sequence[Cell], price: ReadPrice | RefusedPrice
    ) -> Iterator[RowEvent]:
        """Yield what becomes of a line that is no plain product; most often nothing does."""
        texts = [cell_text(cell) for cell in row]
        if self._judge.is_no_line(texts):
            return
        title = None if isinstance(price, ReadPrice) else self._judge.title(texts)
        if title is not None:
            self._sheet.sections.add(*title)
            return
        name = self._values.text(row, self._name)
        if not name and not self._is_priced(row, price):
            return
        self._sheet.sections.confirm()
        if not name and self._facts.inherits_names:
            name = self._last_name
        sku = self._values.text(row, self._sku)
        if not name:
            self._sheet.rejected += 1
            yield self._rejection(
                number, row, (self._name, "name", "row.name_blank", "the name is blank")
            )
        elif len(name) > _NAME_LENGTH_MAX or len(sku) > _SKU_LENGTH_MAX:
            yield self._too_long(number, row, name)
        elif isinstance(price, ReadPrice):
            self._sheet.items += 1
            self._sheet.price_sum += price.exact
            yield self._accepted(number, row, name, price, sku)
        elif price.refusal.code != "row.no_price":
            why = price.refusal
            self._sheet.rejected += 1
            yield self._rejection(number, row, (price.column, price.label, why.code, why.message))
        else:
            self._last_name = name
            self._sheet.no_price += 1
            yield UnpricedRow(
                sheet=self._sheet.name,
                row_number=number,
                sku=sku or self._made_sku(name, row, None),
                name=name,
                value=self._values.text(row, self._price),
                message=price.refusal.message,
                characteristics=self._values.characteristics(row, self._sheet.sections.category),
                cells=self._cells(row),
            )

    def _is_priced(self, row: Sequence[Cell], price: ReadPrice | RefusedPrice) -> bool:
        """Tell whether there is a figure at all in the price's cell: a signature has none."""
        if isinstance(price, ReadPrice) or price.refusal.code != "row.no_price":
            return True
        return any(map(str.isdigit, self._values.text(row, self._price)))

    def _too_long(self, number: int, row: Sequence[Cell], name: str) -> RowRejection:
        self._sheet.rejected += 1
        if len(name) > _NAME_LENGTH_MAX:
            why = f"the name is longer than {_NAME_LENGTH_MAX} characters"
            return self._rejection(number, row, (self._name, "name", "row.name_too_long", why))
        why = f"the sku is longer than {_SKU_LENGTH_MAX} characters"
        return self._rejection(number, row, (self._sku, "sku", "row.sku_too_long", why))

    def _key(self, name: str, row: Sequence[Cell]) -> str:
        return row_key(name, (self._values.text(row, column) for column in self._facts.variants))

    def _tellers(self, row: Sequence[Cell]) -> list[str]:
        return [self._values.text(row, column).casefold() for column in self._facts.tellers]

    def _made_sku(self, name: str, row: Sequence[Cell], price: Decimal | None) -> str:
        key = self._key(name, row)
        if self._sheet.keys.are_repeated:
            key = self._sheet.keys.key(key, self._tellers(row))
        return self._sheet.skus.make(key, price)

    def _rejection(
        self, number: int, row: Sequence[Cell], fault: tuple[int | None, str, str, str]
    ) -> RowRejection:
        column, label, code, message = fault
        return RowRejection(
            sheet=self._sheet.name,
            row_number=number,
            column=label,
            value=self._values.text(row, column),
            code=code,
            message=message,
            cells=self._cells(row),
        )

    def _cells(self, row: Sequence[Cell]) -> dict[str, object]:
        return {
            self._labels.get(index) or f"column_{index + 1}": text
            for index, cell in enumerate(row)
            if (text := cell_text(cell))
        }


def _labels(headers: Mapping[int, str]) -> dict[int, str]:
    """Return the headers by column; one that is repeated has its column's number, too."""
    labels: dict[int, str] = {}
    for column, text in sorted(headers.items()):
        labels[column] = f"{text} ({column + 1})" if text in labels.values() else text
    return labels
