"""The tables of a sheet: most have one, some have two beside each other or one below another."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice, pairwise
from typing import Final

from marketbel_core.intake.cells import cell_text
from marketbel_core.intake.grid import Cell
from marketbel_core.intake.header_lines import HEADER_LINES_MAX, header_meaning, is_value
from marketbel_core.intake.header_words import PRICE_WORD
from marketbel_core.intake.headers import Role, folded_header
from marketbel_core.intake.layout import Layout, layout_of
from marketbel_core.intake.refining import refined
from marketbel_core.intake.sample import SheetSample

__all__ = ["NumberedRows", "Table", "begins_table", "tables_of", "taken_ahead"]

type NumberedRows = Iterator[tuple[int, Sequence[Cell]]]

_COINS: Final = re.compile("[0-9]{1,2}")
_COINS_HEADER: Final = re.compile(r"\b(?:коп|копеек|копейки|кап)$")
_ROUBLES_HEADER: Final = re.compile(r"\bруб")
_PLAIN: Final = 3
_ROWS_AHEAD: Final = 400
_FIGURES_MAX: Final = 1
"""Texts with figures in a header: "Цена за 1 шт"; products have more of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A part of a sheet with columns of its own.

    Attributes:
        sample: Some of its rows, cells from `left` on.
        layout: Which of its columns is what, counted from `left`.
        left: The sheet's column, from 0, in which it begins.
        right: The column in which the next one begins; `None`: it is the last one.
        coins: The column of kopecks, counted from `left`, where the price has only roubles.
    """

    sample: SheetSample
    layout: Layout
    left: int = 0
    right: int | None = None
    coins: int | None = None

    def rows(self, numbered: NumberedRows) -> NumberedRows:
        """Return the table's part of the sheet's rows, roubles and kopecks in one cell."""
        left, right, coins = self.left, self.right, self.coins
        if left or right is not None:
            numbered = ((number, row[left:right]) for number, row in numbered)
        if coins is None:
            return numbered
        price = self.layout.columns[Role.PRICE]
        return ((number, _with_coins(row, price, coins)) for number, row in numbered)


def _with_coins(row: Sequence[Cell], price: int, coins: int) -> Sequence[Cell]:
    """Return a row whose roubles and kopecks stand in two cells with both in the first."""
    whole = cell_text(row[price]) if price < len(row) else ""
    rest = cell_text(row[coins]) if coins < len(row) else ""
    if not _COINS.fullmatch(rest) or not (whole.replace(" ", "") or "0").isdecimal():
        return row
    amount = Decimal(f"{whole.replace(' ', '') or '0'}.{rest:0>2}")
    return [*row[:price], amount, *row[price + 1 :]]


def _coins_of(sample: SheetSample, layout: Layout) -> int | None:
    """Return the column of kopecks beside one of whole roubles, if there is one."""
    price = layout.columns[Role.PRICE]
    column = price + 1
    header = folded_header(layout.headers.get(column, ""))
    if not _COINS_HEADER.search(header) or _ROUBLES_HEADER.search(header):
        return None
    rows = (*sample.rows[layout.data_start_row - 1 :], *sample.further)
    beside = [cell_text(row[column]) for row in rows if column < len(row)]
    wholes = [cell_text(row[price]) for row in rows if price < len(row)]
    fits = all(_COINS.fullmatch(text) for text in beside if text[:1].isdigit()) and not any(
        "." in text or "," in text for text in wholes if text[:1].isdigit()
    )
    return column if fits else None


def tables_of(sample: SheetSample, layout: Layout) -> list[Table]:
    """Return the tables that stand beside each other, the leftmost first."""
    found = []
    for left, right in _borders(_last_line(sample, layout)) or _borders(layout.headers):
        part = _cut(sample, left, right)
        own = layout_of(part)
        if own is None:
            break
        found.append(Table(part, refined(part, own), left, right, _coins_of(part, own)))
    else:
        if len(found) > 1:
            return found
    return [Table(sample, refined(sample, layout), coins=_coins_of(sample, layout))]


def _cut(sample: SheetSample, left: int, right: int | None) -> SheetSample:
    return SheetSample(
        tuple(row[left:right] for row in sample.rows),
        tuple(row[left:right] for row in sample.further),
        sample.total,
    )


def _last_line(sample: SheetSample, layout: Layout) -> dict[int, str]:
    """Return the header's last line alone: each table may have its own title above it."""
    row = sample.rows[layout.header_row - 1] if layout.header_row else ()
    return {column: text for column, cell in enumerate(row) if (text := cell_text(cell))}


def _borders(headers: Mapping[int, str]) -> list[tuple[int, int | None]]:
    """Return first column and end of each table, if headers of names and prices come again.

    "Name, price, name, price": the next table begins after the price with the first header that
    the table before it has as well.
    """
    folded = {column: folded_header(text) for column, text in sorted(headers.items())}
    names = _called(headers, folded, Role.NAME)
    prices = _called(headers, folded, Role.PRICE)
    if len(names) < 2 or not any(price > names[-1] for price in prices):  # noqa: PLR2004
        return []
    starts = [0]
    for name, following in pairwise(names):
        price = next((price for price in prices if name < price < following), None)
        if price is None:
            return []
        known = {text for column, text in folded.items() if starts[-1] <= column <= name}
        starts.append(
            next(
                column
                for column, text in folded.items()
                if price < column <= following and text in known
            )
        )
    return list(zip(starts, (*starts[1:], None), strict=True))


def _called(headers: Mapping[int, str], folded: Mapping[int, str], role: Role) -> list[int]:
    """Return the columns with the very header of the leftmost plain one of a role."""
    called = [
        column
        for column, text in sorted(headers.items())
        if (meaning := header_meaning(text)) is not None
        and meaning.role is role
        and meaning.strength >= _PLAIN
    ]
    return [column for column in called if folded[column] == folded[called[0]]]


def begins_table(texts: Sequence[str], layout: Layout) -> bool:
    """Tell whether a line looks like a header of other columns than a layout's."""
    filled = [text for text in texts if text]
    figures = sum(any(map(str.isdigit, text)) for text in filled)
    if len(filled) < 2 or figures > _FIGURES_MAX:  # noqa: PLR2004  # one cell is a title
        return False
    if not PRICE_WORD.search(" ".join(filled).casefold()) or any(map(is_value, filled)):
        return False
    roles = _roles(texts)
    names, prices = roles.get(Role.NAME), roles.get(Role.PRICE)
    if names is None or prices is None:
        return False
    known = _roles([layout.headers.get(column, "") for column in range(len(texts))])
    return names != known.get(Role.NAME) or prices != known.get(Role.PRICE)


def _roles(texts: Sequence[str]) -> dict[Role, int]:
    """Return the leftmost column that is plainly called names, and prices."""
    roles: dict[Role, int] = {}
    for column, text in enumerate(texts):
        meaning = header_meaning(text) if text else None
        if meaning is not None and meaning.strength >= _PLAIN:
            roles.setdefault(meaning.role, column)
    return roles


def taken_ahead(
    first: Sequence[Cell], rows: NumberedRows
) -> tuple[list[tuple[int, Sequence[Cell]]], Table | None]:
    """Return some of the rows that follow a line, and the table that begins with the line.

    The rows must bear the header out: names and prices stand where it says that they do.
    """
    ahead = list(islice(rows, _ROWS_AHEAD))
    lines = (first, *(row for _, row in ahead))
    sample = SheetSample(lines, (), len(lines))
    layout = layout_of(sample)
    if layout is None or not 0 < layout.header_row <= HEADER_LINES_MAX:
        return ahead, None
    said = _roles([cell_text(cell) for cell in first])
    if any(layout.columns[role] != said.get(role) for role in (Role.NAME, Role.PRICE)):
        return ahead, None
    return ahead, Table(sample, refined(sample, layout))
