"""What stands in each column of a sheet, counted: prices, words, figures, codes."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

from marketbel_core.intake.grid import Cell
from marketbel_core.intake.sample import SheetSample
from marketbel_core.intake.text import DecimalMark, ParsedPrice, cell_text, parse_price

__all__ = ["Column", "body_of", "columns_below", "columns_of", "keys_of", "priced_rows"]

_LETTERS_MAX: Final = 80
"""Longer texts are descriptions: they count as long names and no longer."""

_CODE_LENGTH_MIN: Final = 6
_KEY_LENGTH_MAX: Final = 100
_SAMPLE_ROWS: Final = 400
_YEARS: Final = range(1950, 2051)

_parsed = lru_cache(maxsize=65_536, typed=True)(parse_price)
_text = lru_cache(maxsize=65_536, typed=True)(cell_text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column's figures.

    Attributes:
        filled: Cells with something in them.
        distinct: How many different texts those are.
        price_rows: Indexes of the rows, from 0, in which an amount over 0 stands, be its currency
            unknown.
        sure_prices: Rows with a number over 0 that can be read.
        marked_prices: Of those, the ones with cents or a currency, as counters and codes are not.
        median: The middle one of the numbers, 0.0 when there is none.
        wordiness: Letters a row, 0.0 to 80.0, times the share of texts that differ.
        codes: Texts of one word with a digit in it.
        is_code_like: Long whole figures that all differ: codes, not prices.
        is_counter: 1, 2, 3, … down the column.
        is_years: Nothing but years.
    """

    filled: int
    distinct: int
    price_rows: frozenset[int]
    sure_prices: int
    marked_prices: int
    median: float
    wordiness: float
    codes: int
    is_code_like: bool
    is_counter: bool
    is_years: bool

    @property
    def prices(self) -> int:
        """How many rows have an amount over 0."""
        return len(self.price_rows)


def body_of(sheet: SheetSample, start: int) -> Sequence[Sequence[Cell]]:
    """Return the rows that a layout is judged by: some from row `start` on, counted from 0."""
    return (*sheet.rows[start : start + _SAMPLE_ROWS], *sheet.further)


@lru_cache(maxsize=64)
def columns_below(sheet: SheetSample, start: int) -> Mapping[int, Column]:
    """Return the figures of every column of a sheet's body."""
    return columns_of(body_of(sheet, start))


def columns_of(rows: Sequence[Sequence[Cell]]) -> dict[int, Column]:
    """Return the figures of every column that has anything in it, by index from 0."""
    width = max((len(row) for row in rows), default=0)
    columns = {}
    for index in range(width):
        cells = [row[index] if index < len(row) else None for row in rows]
        texts = [_text(cell) for cell in cells]
        if any(texts):
            columns[index] = _column(cells, texts)
    return columns


def keys_of(
    below: Iterable[int], headers: Mapping[int, str], taken: Collection[int] = ()
) -> dict[int, str]:
    """Return the keys of all other columns with something in them, each key once."""
    keys: dict[int, str] = {}
    for column in sorted(set(below).difference(taken)):
        text = headers.get(column, "").lower().replace(" ", "_").replace("-", "_")
        key = text[:_KEY_LENGTH_MAX] or f"column_{column + 1}"
        keys[column] = f"{key}_{column + 1}" if key in keys.values() else key
    return keys


def priced_rows(rows: Sequence[Sequence[Cell]], price: int) -> list[Sequence[Cell]]:
    """Return the rows with a price: the others may be titles and would blur what a column is."""
    column = columns_of([row[price : price + 1] for row in rows]).get(0)
    priced = column.price_rows if column else frozenset()
    return [row for index, row in enumerate(rows) if index in priced]


def _column(cells: Sequence[Cell], texts: Sequence[str]) -> Column:
    priced: list[int] = []
    refused: list[int] = []
    amounts: list[float] = []
    for row, cell in enumerate(cells):
        if not texts[row]:
            continue
        price = _parsed(cell, mark=DecimalMark.POINT)
        if isinstance(price, ParsedPrice):
            priced.append(row)
            amounts.append(float(price.amount))
        elif price.has_amount:
            refused.append(row)
    plain = [texts[row] for row in priced if texts[row].isdigit()]
    filled = [text for text in texts if text]
    distinct = len(set(filled))
    letters = sum(min(_LETTERS_MAX, sum(map(str.isalpha, text))) for text in filled)
    is_plain = bool(plain) and len(plain) == len(priced)
    return Column(
        filled=len(filled),
        distinct=distinct,
        price_rows=frozenset((*priced, *refused)),
        sure_prices=len(priced),
        marked_prices=len(priced) - len(plain),
        median=sorted(amounts)[len(amounts) // 2] if amounts else 0.0,
        wordiness=letters / len(texts) * (distinct / len(filled)),
        codes=sum(" " not in text and any(map(str.isdigit, text)) for text in filled),
        is_code_like=is_plain
        and len(plain) == len(set(plain))
        and min(map(len, plain)) >= _CODE_LENGTH_MIN,
        is_counter=is_plain and _is_counter(plain),
        is_years=is_plain and all(int(text) in _YEARS for text in plain),
    )


def _is_counter(plain: Sequence[str]) -> bool:
    """Tell whether whole figures go up by one, gaps at section rows and in the sample aside."""
    if len(plain) < 3:  # noqa: PLR2004  # two figures in order prove nothing
        return False
    figures = [int(text) for text in plain]
    steps = [later - earlier for earlier, later in pairwise(figures)]
    return sum(step == 1 for step in steps[:_SAMPLE_ROWS]) * 10 >= len(steps[:_SAMPLE_ROWS]) * 9
