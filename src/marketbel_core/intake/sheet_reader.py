"""One sheet to rows: every line with a name or a price is accepted, priceless, or rejected.

Titles of sections become the category of what follows; headers, blank lines and footers are
neither items nor errors. One bad row never costs a good one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Final

from marketbel_core.catalog import FileType
from marketbel_core.intake.columns import body_of
from marketbel_core.intake.grid import Cell, Grid
from marketbel_core.intake.layout import Layout, Role
from marketbel_core.intake.lines import LineJudge, Sections, is_total
from marketbel_core.intake.made_skus import MadeSkus, RowKeys, row_key
from marketbel_core.intake.refining import facts_of
from marketbel_core.intake.remembered import RememberedLayout, change_since
from marketbel_core.intake.row_prices import ReadPrice, RefusedPrice, RowPrices
from marketbel_core.intake.row_values import RowValues
from marketbel_core.intake.rows import (
    AcceptedRow,
    RowEvent,
    RowRejection,
    SheetSummary,
    UnpricedRow,
)
from marketbel_core.intake.sample import SheetSample
from marketbel_core.intake.text import cell_text

__all__ = ["SheetReader"]

_NAME_LENGTH_MAX: Final = 500
_SKU_LENGTH_MAX: Final = 255


@dataclass(slots=True)
class _Figures:
    """What a sheet amounts to so far."""

    items: int = 0
    rejected: int = 0
    no_price: int = 0
    price_sum: Decimal = Decimal(0)


class SheetReader:
    """Reads one sheet by its layout, top to bottom, remembering the section it is in."""

    def __init__(
        self,
        grid: Grid,
        sample: SheetSample,
        layout: Layout,
        *,
        file_type: FileType,
        takes_all: bool = True,
    ) -> None:
        self._grid = grid
        self._layout = layout
        self._is_pdf = file_type is FileType.PDF
        self._facts = facts_of(sample, layout)
        self._name = layout.columns[Role.NAME]
        sku = layout.columns.get(Role.SKU)
        # Where it is a characteristic as well, the same ones stand there again and again.
        self._sku = None if sku in layout.characteristic_columns else sku
        self._price = layout.columns[Role.PRICE]
        self._judge = LineJudge(layout, self._facts)
        self._values = RowValues(layout, takes_all=takes_all)
        self._prices = RowPrices(
            layout,
            body_of(sample, layout.data_start_row - 1),
            title=self._facts.currency,
            spills=self._is_pdf,
        )
        self._sections = Sections()
        self._go_under_title_above(sample)
        self._skus, self._keys = MadeSkus(), RowKeys()
        self._figures = _Figures()
        self._has_kinds = bool(layout.price_columns)
        self._last_name = ""

    def _go_under_title_above(self, sample: SheetSample) -> None:
        """Begin under the title of a section that stands above the header."""
        for row in reversed(sample.rows[: max(0, self._layout.header_row - 1)]):
            texts = [cell_text(cell) for cell in row]
            if not self._layout.header_words.isdisjoint(filter(None, texts)):
                continue
            title = self._judge.labelled_title(texts)
            if title is not None:
                self._sections.add(*title)
            return

    @property
    def lacks_skus(self) -> bool:
        """Whether the article numbers are to be made from the names."""
        return self._sku is None

    def look_through(self, keys: RowKeys, *, comparing: bool) -> None:
        """Tell `keys` of every row that needs an article number, before the rows are read."""
        name = ""
        for _, row in self._rows():
            own = self._values.text(row, self._name)
            name = own or (name if self._facts.inherits_names else "")
            if not name or not self._values.text(row, self._price):
                continue
            key = self._key(name, row)
            if comparing:
                keys.compare(key, self._tellers(row))
            else:
                keys.see(key)

    def events(
        self, skus: MadeSkus, keys: RowKeys, former: RememberedLayout | None
    ) -> Iterator[RowEvent]:
        """Yield every line that is an item or should be one, then what they amount to."""
        self._skus, self._keys = skus, keys
        figures = self._figures
        name_at, sku_at = self._name, self._sku
        values, prices, sections = self._values, self._prices, self._sections
        for number, row in self._rows():
            name = values.own_text(row, name_at)
            price = prices.main(row)
            if (
                not name
                or not isinstance(price, ReadPrice)
                or name.isdigit()  # the numbers of the columns, below the header of a form
                or is_total(name)
            ):
                yield from self._odd_line(number, row, price)
                continue
            sku = values.own_text(row, sku_at)
            if len(name) > _NAME_LENGTH_MAX or len(sku) > _SKU_LENGTH_MAX:
                yield self._too_long(number, row, name)
                continue
            if sections.are_pending:
                sections.confirm()
            self._last_name = name
            figures.items += 1
            figures.price_sum += price.exact
            yield self._accepted(number, row, name, price, sku)
        yield self._summary(former)

    def _accepted(
        self, number: int, row: Sequence[Cell], name: str, price: ReadPrice, sku: str
    ) -> AcceptedRow:
        said = self._values.characteristics(row, self._sections.category)
        money = price.money
        if self._has_kinds:
            said |= self._prices.by_kind(row, money)
        return AcceptedRow(
            sheet=self._grid.name,
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
            self._sections.add(*title)
            return
        name = self._values.text(row, self._name)
        if not name and not self._is_priced(row, price):
            return
        self._sections.confirm()
        if not name and self._facts.inherits_names:
            name = self._last_name
        sku = self._values.text(row, self._sku)
        if not name:
            self._figures.rejected += 1
            yield self._rejection(
                number, row, (self._name, "name", "row.name_blank", "the name is blank")
            )
        elif len(name) > _NAME_LENGTH_MAX or len(sku) > _SKU_LENGTH_MAX:
            yield self._too_long(number, row, name)
        elif isinstance(price, ReadPrice):
            self._figures.items += 1
            self._figures.price_sum += price.exact
            yield self._accepted(number, row, name, price, sku)
        elif price.refusal.code != "row.no_price":
            why = price.refusal
            self._figures.rejected += 1
            yield self._rejection(number, row, (price.column, price.label, why.code, why.message))
        else:
            self._last_name = name
            self._figures.no_price += 1
            yield UnpricedRow(
                sheet=self._grid.name,
                row_number=number,
                sku=sku or self._made_sku(name, row, None),
                name=name,
                value=self._values.text(row, self._price),
                message=price.refusal.message,
                characteristics=self._values.characteristics(row, self._sections.category),
                cells=self._cells(row),
            )

    def _is_priced(self, row: Sequence[Cell], price: ReadPrice | RefusedPrice) -> bool:
        """Tell whether there is a figure at all in the price's cell: a signature has none."""
        if isinstance(price, ReadPrice) or price.refusal.code != "row.no_price":
            return True
        return any(map(str.isdigit, self._values.text(row, self._price)))

    def _too_long(self, number: int, row: Sequence[Cell], name: str) -> RowRejection:
        self._figures.rejected += 1
        if len(name) > _NAME_LENGTH_MAX:
            why = f"the name is longer than {_NAME_LENGTH_MAX} characters"
            return self._rejection(number, row, (self._name, "name", "row.name_too_long", why))
        why = f"the sku is longer than {_SKU_LENGTH_MAX} characters"
        return self._rejection(number, row, (self._sku, "sku", "row.sku_too_long", why))

    def _rows(self) -> Iterator[tuple[int, Sequence[Cell]]]:
        start = self._layout.data_start_row
        return enumerate(islice(self._grid.rows, start - 1, None), start)

    def _key(self, name: str, row: Sequence[Cell]) -> str:
        return row_key(name, (self._values.text(row, column) for column in self._facts.variants))

    def _tellers(self, row: Sequence[Cell]) -> list[str]:
        return [self._values.text(row, column).casefold() for column in self._facts.tellers]

    def _made_sku(self, name: str, row: Sequence[Cell], price: Decimal | None) -> str:
        key = self._key(name, row)
        if self._keys.are_repeated:
            key = self._keys.key(key, self._tellers(row))
        return self._skus.make(key, price)

    def _rejection(
        self, number: int, row: Sequence[Cell], fault: tuple[int | None, str, str, str]
    ) -> RowRejection:
        column, label, code, message = fault
        return RowRejection(
            sheet=self._grid.name,
            row_number=number,
            column=label,
            value=self._values.text(row, column),
            code=code,
            message=message,
            cells=self._cells(row),
        )

    def _cells(self, row: Sequence[Cell]) -> dict[str, object]:
        return {
            self._layout.headers.get(index) or f"column_{index + 1}": text
            for index, cell in enumerate(row)
            if (text := cell_text(cell))
        }

    def _summary(self, former: RememberedLayout | None) -> SheetSummary:
        layout, figures = self._layout, self._figures
        prices = {f"price:{kind}": column for kind, column in layout.price_columns.items()}
        columns = {role.value: column for role, column in layout.columns.items()} | prices
        now = RememberedLayout(
            header_row=layout.header_row, columns=columns, headers=layout.headers
        )
        return SheetSummary(
            name=self._grid.name,
            is_price_list=True,
            header_row=None if self._is_pdf else layout.header_row,
            columns=columns,
            items=figures.items,
            sections=self._sections.count,
            rejected=figures.rejected,
            no_price=figures.no_price,
            price_sum=figures.price_sum,
            confidence=layout.confidence,
            reasons=layout.reasons,
            layout=now,
            change=change_since(former, now) if former else None,
        )
