"""The prices of a row: each understood by its cell, its column and the row, or refused.

A price keeps the currency that is named nearest to it: by its cell, by the row's column of
currencies, by its header. Where none is named it is the catalogue's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from marketbel_core.catalog import Money, price_currency_key, price_key
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
    decimal_mark_of,
    parse_price,
)

__all__ = ["RefusedPrice", "RowPrices"]


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

    def __init__(self, layout: Layout, rows: Sequence[Sequence[Cell]]) -> None:
        self._main = layout.columns[Role.PRICE]
        self._currency = layout.columns.get(Role.CURRENCY)
        self._kinds = layout.price_columns
        columns = {self._main, *self._kinds.values()}
        self._headers = {column: layout.headers.get(column, "") for column in columns}
        self._scaled = {column for column, text in self._headers.items() if is_scaled(text)}
        self._named = {column: currency_in_header(text) for column, text in self._headers.items()}
        self._marks = {
            column: decimal_mark_of(
                cell_text(cell) for row in rows if isinstance(cell := _at(row, column), str)
            )
            for column in columns
        }

    def main(self, row: Sequence[Cell]) -> Money | RefusedPrice:
        """Return the row's main price, or why there is none."""
        price = self._parsed(row, self._main)
        if isinstance(price, PriceRefusal):
            return RefusedPrice(self._main, "price", price)
        said = "" if self._currency is None else cell_text(_at(row, self._currency))
        in_row, in_header = currency_in_cell(said), self._named[self._main]
        currency = settled_currency(price.currency, in_row, in_header)
        if currency != UNKNOWN_CURRENCY:
            return Money(price.amount, currency)
        if self._currency is not None and in_row is not None:
            return RefusedPrice(self._currency, "currency", currency_refusal(said))
        return RefusedPrice(self._main, "price", currency_refusal(self._headers[self._main]))

    def by_kind(self, row: Sequence[Cell], main: Money) -> dict[str, object]:
        """Return the characteristics of the row's prices that are of a kind.

        A price in another currency than the main one has it beside it; one that is not understood
        is left out.
        """
        found: dict[str, object] = {}
        for kind, column in self._kinds.items():
            price = self._parsed(row, column)
            if isinstance(price, PriceRefusal):
                continue
            currency = self._further_currency(price, column, main)
            if currency == UNKNOWN_CURRENCY:
                continue
            key = price_key(kind)
            found[key] = str(price.amount)
            if currency != main.currency:
                found[price_currency_key(key)] = currency
        return found

    def _further_currency(self, price: ParsedPrice, column: int, main: Money) -> str:
        """Return a price's currency: what its header says counts where the main one's differs."""
        if column == self._main:
            return main.currency
        header = self._named[column]
        if header == self._named[self._main]:
            header = None
        return settled_currency(price.currency, header, main.currency)

    def _parsed(self, row: Sequence[Cell], column: int) -> ParsedPrice | PriceRefusal:
        price = parse_price(_at(row, column), mark=self._marks[column])
        if isinstance(price, PriceRefusal) or column not in self._scaled:
            return price
        return PriceRefusal(
            "row.price_unreadable",
            f"the price cannot be read: its header {self._headers[column][:40]!r} counts "
            "thousands, or many pieces at once; price one piece, in whole units of the currency",
        )


def _at(row: Sequence[Cell], column: int) -> Cell:
    return row[column] if column < len(row) else None
