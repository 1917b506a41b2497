"""The prices of a row: each understood by its cell, its column and the row, or refused.

A price keeps the currency that is named nearest to it: by its cell, by the row's column of
currencies, by its header, by a line outside the table. Where none is named it is the catalogue's
own.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from marketbel_core.catalog import Money, price_currency_key, price_key
from marketbel_core.intake.column_marks import marks_of
from marketbel_core.intake.grid import Cell
from marketbel_core.intake.layout import Layout, Role
from marketbel_core.intake.money_words import (
    UNKNOWN_CURRENCY,
    currency_in_cell,
    currency_in_header,
    is_scaled,
    settled_currency,
)
from marketbel_core.intake.text import (
    ParsedPrice,
    PriceRefusal,
    cell_text,
    currency_refusal,
    parse_price,
)

__all__ = ["ReadPrice", "RefusedPrice", "RowPrices"]

_KEPT_MAX: Final = 50_000
"""Prices that are understood once and looked up afterwards; a bound for the memory."""

_SPILLED: Final = re.compile(r"[^0-9]{1,40}?(?<![0-9.,])(?P<price>[0-9]{1,6}[.,][0-9]{2})")


@dataclass(frozen=True, slots=True)
class ReadPrice:
    """A main price that was understood, and what the list says before rounding to the cent."""

    money: Money
    exact: Decimal


@dataclass(frozen=True, slots=True)
class RefusedPrice:
    """A main price that was not understood.

    Attributes:
        column: Index of the column at fault, from 0.
        label: What was wrong: `price` or `currency`.
    """

    column: int
    label: str
    refusal: PriceRefusal


class RowPrices:
    """Reads the prices of a sheet's rows by its layout."""

    def __init__(
        self,
        layout: Layout,
        rows: Sequence[Sequence[Cell]],
        *,
        title: str | None = None,
        spills: bool = False,
    ) -> None:
        """Read by `layout`.

        Args:
            layout: Which column is what.
            rows: Rows by which the decimal mark of each column is decided.
            title: The currency that a line outside the table names.
            spills: Whether the end of a name may stand before a price, as in PDFs.
        """
        self._main = layout.columns[Role.PRICE]
        self._currency = layout.columns.get(Role.CURRENCY)
        self._kinds = [(price_key(kind), column) for kind, column in layout.price_columns.items()]
        columns = {self._main, *layout.price_columns.values()}
        self._headers = {column: layout.headers.get(column, "") for column in columns}
        self._scaled = {column for column, text in self._headers.items() if is_scaled(text)}
        self._named = {column: currency_in_header(text) for column, text in self._headers.items()}
        self._title = title
        self._usual = settled_currency(self._named[self._main], title)
        self._spills = spills
        self._marks = marks_of(self._named, rows)
        self._mains: dict[tuple[Cell, Cell], ReadPrice | RefusedPrice] = {}
        self._parsed: dict[tuple[int, Cell], ParsedPrice | PriceRefusal] = {}

    def main(self, row: Sequence[Cell]) -> ReadPrice | RefusedPrice:
        """Return the row's main price, or why there is none."""
        width = len(row)
        price = row[self._main] if self._main < width else None
        currency = self._currency
        said = row[currency] if currency is not None and currency < width else None
        if price.__class__ is bool:  # True equals 1
            return self._understood(price, said)
        found = self._mains.get((price, said))
        if found is None:
            found = self._understood(price, said)
            if len(self._mains) < _KEPT_MAX:
                self._mains[price, said] = found
        return found

    def by_kind(self, row: Sequence[Cell], main: Money) -> dict[str, object]:
        """Return the characteristics of the row's prices that are of a kind.

        A price in another currency than the main one has it beside it; one that is not understood
        is left out.
        """
        found: dict[str, object] = {}
        width = len(row)
        for key, column in self._kinds:
            cell = row[column] if column < width else None
            if cell is None:
                continue
            price = self._price(cell, column)
            if isinstance(price, PriceRefusal):
                continue
            currency = self._further_currency(price, column, main)
            if currency == UNKNOWN_CURRENCY:
                continue
            found[key] = str(price.amount)
            if currency != main.currency:
                found[price_currency_key(key)] = currency
        return found

    def _understood(self, cell: Cell, said_cell: Cell) -> ReadPrice | RefusedPrice:
        price = self._parsed_price(cell, self._main)
        if isinstance(price, PriceRefusal):
            return RefusedPrice(self._main, "price", price)
        usual = self._usual
        if price.currency is None and said_cell is None and usual != UNKNOWN_CURRENCY:
            return ReadPrice(Money(price.amount, usual), price.exact)
        said = cell_text(said_cell)
        in_row, in_header = currency_in_cell(said), self._named[self._main]
        currency = settled_currency(price.currency, in_row, in_header, self._title)
        if currency != UNKNOWN_CURRENCY:
            return ReadPrice(Money(price.amount, currency), price.exact)
        if self._currency is not None and in_row is not None:
            return RefusedPrice(self._currency, "currency", currency_refusal(said))
        return RefusedPrice(self._main, "price", currency_refusal(self._headers[self._main]))

    def _further_currency(self, price: ParsedPrice, column: int, main: Money) -> str:
        """Return a price's currency: what its header says counts where the main one's differs."""
        if column == self._main:
            return main.currency
        header = self._named[column]
        if header == self._named[self._main]:
            header = None
        if price.currency is None and header is None:
            return main.currency
        return settled_currency(price.currency, header, main.currency)

    def _price(self, cell: Cell, column: int) -> ParsedPrice | PriceRefusal:
        if cell.__class__ is bool:
            return self._parsed_price(cell, column)
        found = self._parsed.get((column, cell))
        if found is None:
            found = self._parsed_price(cell, column)
            if len(self._parsed) < _KEPT_MAX:
                self._parsed[column, cell] = found
        return found

    def _parsed_price(self, cell: Cell, column: int) -> ParsedPrice | PriceRefusal:
        price = parse_price(cell, mark=self._marks[column])
        if isinstance(price, PriceRefusal):
            spilled = _SPILLED.fullmatch(cell_text(cell)) if self._spills else None
            return price if spilled is None else parse_price(spilled["price"])
        if column not in self._scaled:
            return price
        return PriceRefusal(
            "row.price_unreadable",
            f"the price cannot be read: its header {self._headers[column][:40]!r} counts "
            "thousands, or many pieces at once; price one piece, in whole units of the currency",
        )
