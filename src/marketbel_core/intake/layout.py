"""Where a sheet's header is and which column is what.

The words above propose, the cells below decide: a price column has prices under it, a name column
has words. A sheet with no such pair of columns is no price list.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from rapidfuzz import fuzz, process

from marketbel_core.intake.columns import Column, columns_of, keys_of, priced_rows
from marketbel_core.intake.grid import Cell, Grid
from marketbel_core.intake.headers import (
    ALIASES,
    HeaderMeaning,
    Role,
    folded_header,
    meaning_of,
    price_kinds,
)
from marketbel_core.intake.money_words import UNKNOWN_CURRENCY, currency_in_header, is_scaled
from marketbel_core.intake.text import cell_text, is_number_like

__all__ = ["Layout", "Role", "find_layout", "header_meaning"]

_SCANNED_ROWS: Final = 40
_HEADER_LINES_MAX: Final = 3
_HEADER_CELLS_MIN: Final = 2
"""One filled cell is a title."""

_LINE_BONUS: Final = 0.2
_SAMPLE_ROWS: Final = 400
_NEAR_MIN: Final = 86.0
"""Two wrong letters in a long word; below it, different words of four letters meet."""

_NEAR_LENGTH_MIN: Final = 5
_NEAR_WORDS: Final = {
    alias: role
    for role, words in ALIASES.items()
    for alias in words
    if len(alias) >= _NEAR_LENGTH_MIN
}
_WEIGHTS: Final = {Role.NAME: 3.0, Role.PRICE: 3.0, Role.SKU: 2.0}
_SECURE_SCORE: Final = 9.0
"""A score that counts as full confidence: a name, a price, an article number and one more."""

_HEADERLESS_CONFIDENCE: Final = 0.4
_HEADERLESS_ROWS_MIN: Final = 3
_MOSTLY: Final = 0.5
_RARELY: Final = 0.15
_WORDINESS_MIN: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which column of a sheet is what.

    Attributes:
        header_row: The last header line, from 1; 0 when there is none.
        data_start_row: The first row that may be an item, from 1.
        columns: Index of the column of each role that was found, from 0; name and price always.
        price_columns: Columns of prices by kind: `wholesale`, `retail`, `purchase`, `preorder`;
            further prices of no kind of their own as `2`, `3`. The main price is there as well
            when its header names a kind.
        characteristic_columns: The other columns' keys, by index.
        headers: What stands above each column, by index.
        confidence: 0.0 to 1.0.
        reasons: How it was decided, in sentences for people.
    """

    header_row: int
    data_start_row: int
    columns: Mapping[Role, int]
    price_columns: Mapping[str, int] = field(default_factory=dict)
    characteristic_columns: Mapping[int, str] = field(default_factory=dict)
    headers: Mapping[int, str] = field(default_factory=dict)
    confidence: float = 0.0
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Found:
    """A layout that a header gave, how good it is, and the first row with a price, from 0."""

    score: float
    first_priced: int
    layout: Layout


def find_layout(grid: Grid) -> Layout | None:
    """Return the layout of a sheet, or `None` when the sheet is no price list."""
    best: _Found | None = None
    for start in range(min(_SCANNED_ROWS, len(grid.rows))):
        if best is not None and start >= best.first_priced:
            break  # below the first item a header is the same one, repeated
        if _filled(grid.rows[start]) < _HEADER_CELLS_MIN:
            continue
        for lines in range(1, _HEADER_LINES_MAX + 1):
            headers = _headers(grid.rows[start : start + lines], lines)
            if headers is None:
                break
            found = _by_header(grid, headers, header_row=start + lines)
            if found is None:
                continue
            score = found.score + _LINE_BONUS * (lines - 1)
            if best is None or score > best.score:
                best = replace(found, score=score)
    return best.layout if best else _by_content(grid)


@lru_cache(maxsize=4096)
def header_meaning(text: str) -> HeaderMeaning | None:
    """Return what a header means; a misspelt word still means what it resembles."""
    meaning = meaning_of(text)
    folded = folded_header(text)
    if meaning is not None or not _NEAR_LENGTH_MIN <= len(folded) <= 40:  # noqa: PLR2004
        return meaning
    near = process.extractOne(
        folded, _NEAR_WORDS.keys(), scorer=fuzz.ratio, score_cutoff=_NEAR_MIN
    )
    return HeaderMeaning(_NEAR_WORDS[near[0]], 1) if near else None


def _filled(row: Sequence[Cell]) -> int:
    return sum(1 for cell in row if cell_text(cell))


def _headers(rows: Sequence[Sequence[Cell]], lines: int) -> dict[int, str] | None:
    """Return the words above each column, the lines joined, or `None` if a line is no header."""
    if len(rows) < lines:
        return None
    texts = [[cell_text(cell) for cell in row] for row in rows]
    for line, words in enumerate(texts):
        filled = [text for text in words if text]
        meant = sum(1 for text in filled if header_meaning(text) is not None)
        if line and (meant * 2 <= len(filled) or not filled):
            return None
        if lines > 1 and any(is_number_like(text) for text in filled):
            return None
    width = max(len(words) for words in texts)
    joined = {}
    for column in range(width):
        parts: list[str] = []
        for line, words in enumerate(texts):
            text = words[column] if column < len(words) else ""
            below = any(column < len(lower) and lower[column] for lower in texts[line + 1 :])
            if not text and below:
                text = _group_title(words, column)
            if text and text not in parts:
                parts.append(text)
        if parts:
            joined[column] = " ".join(parts)
    return joined


def _group_title(words: Sequence[str], column: int) -> str:
    """Return the title to the left that spans this column: "Prices" over wholesale and retail."""
    left = next((text for text in reversed(words[:column]) if text), "")
    meaning = header_meaning(left) if left else None
    return left if meaning is not None and meaning.role is Role.PRICE else ""


def _by_header(grid: Grid, headers: dict[int, str], *, header_row: int) -> _Found | None:
    meanings = {
        column: meaning
        for column, text in headers.items()
        if (meaning := header_meaning(text)) is not None
    }
    if len(meanings) < _HEADER_CELLS_MIN:
        return None
    body = grid.rows[header_row : header_row + _SAMPLE_ROWS]
    below = columns_of(body)
    prices = sorted(
        _real_prices(meanings, below), key=lambda column: _is_doubtful(headers[column])
    )
    if not prices:
        return None
    columns = _strongest(meanings) | {Role.PRICE: prices[0]}
    reasons = [f"header in row {header_row}"]
    priced = columns_of(priced_rows(body, prices[0]))
    name = _name_column(columns.get(Role.NAME), meanings, headers, priced)
    if name is None:
        return None
    if name != columns.get(Role.NAME):
        reasons.append(f"names stand in column {name + 1}, whatever the header says")
        columns = _renamed(columns, name, priced)
    score = sum(_WEIGHTS.get(role, 1.0) for role in columns) + 0.5 * (len(prices) - 1)
    if Role.NAME not in {meaning.role for meaning in meanings.values()}:
        score -= 2.0
    layout = Layout(
        header_row=header_row,
        data_start_row=header_row + 1,
        columns=columns,
        price_columns=price_kinds(prices, meanings),
        characteristic_columns=keys_of(below, headers, {*columns.values(), *prices}),
        headers=headers,
        confidence=round(min(1.0, score / _SECURE_SCORE), 2),
        reasons=tuple(reasons),
    )
    return _Found(score, header_row + min(below[prices[0]].price_rows), layout)


def _real_prices(meanings: Mapping[int, HeaderMeaning], below: Mapping[int, Column]) -> list[int]:
    """Return the columns that are called prices and have some, from the left."""
    called = [column for column, meaning in meanings.items() if meaning.role is Role.PRICE]
    counts = {column: below[column].prices for column in sorted(called) if column in below}
    most = max(counts.values(), default=0)
    return [column for column, count in counts.items() if count and count > _RARELY * most]


def _is_doubtful(header: str) -> bool:
    """Tell whether another price had better be the main one: this one is for other money."""
    return is_scaled(header) or currency_in_header(header) == UNKNOWN_CURRENCY


def _renamed(
    columns: Mapping[Role, int], name: int, priced: Mapping[int, Column]
) -> dict[Role, int]:
    """Return the columns with `name` as the name; what the header called so may be the codes."""
    found = {role: column for role, column in columns.items() if column != name}
    former = found.pop(Role.NAME, None)
    most = max(column.filled for column in priced.values())
    if former is not None and former in priced and priced[former].filled > _MOSTLY * most:
        found.setdefault(Role.SKU, former)
    return found | {Role.NAME: name}


def _strongest(meanings: Mapping[int, HeaderMeaning]) -> dict[Role, int]:
    """Return a column for each role but the price: the strongest header, else the leftmost."""
    chosen: dict[Role, int] = {}
    for column, meaning in sorted(meanings.items()):
        if meaning.role is Role.PRICE:
            continue
        former = chosen.get(meaning.role)
        if former is None or meaning.strength > meanings[former].strength:
            chosen[meaning.role] = column
    return chosen


def _name_column(
    named: int | None,
    meanings: Mapping[int, HeaderMeaning],
    headers: Mapping[int, str],
    priced: Mapping[int, Column],
) -> int | None:
    """Return the column of names: the one that the header names, if there are words in it."""
    free = [column for column in priced if column not in meanings]
    untitled = _wordiest([column for column in free if column not in headers], priced)
    if named is None:
        return untitled if untitled is not None else _wordiest(free, priced)
    mine = priced[named].wordiness if named in priced else 0.0
    mostly = _MOSTLY * max(column.filled for column in priced.values())
    if untitled is not None and priced[untitled].filled > mostly:
        return untitled if priced[untitled].wordiness > 2 * mine else named
    return named


def _wordiest(columns: Sequence[int], by_index: Mapping[int, Column]) -> int | None:
    best = max(columns, key=lambda column: by_index[column].wordiness, default=None)
    return best if best is not None and by_index[best].wordiness > 0 else None


def _by_content(grid: Grid) -> Layout | None:
    """Return the layout of a sheet without a header: words in a column, prices in another."""
    body = grid.rows[:_SAMPLE_ROWS]
    columns = columns_of(body)
    rows = max((column.filled for column in columns.values()), default=0)
    money = [
        index
        for index, column in sorted(columns.items())
        if column.sure_prices > _MOSTLY * rows
        and not column.is_code_like
        and not column.is_counter
    ]
    marked = [index for index in money if columns[index].marked_prices]
    price = next(iter(marked or money), None)
    if price is None or columns[price].sure_prices < _HEADERLESS_ROWS_MIN:
        return None
    priced = columns_of(priced_rows(body, price))
    words = {index: priced[index].wordiness for index in priced if index not in money}
    most = max(words.values(), default=0.0)
    if most < _WORDINESS_MIN:
        return None
    # The leftmost of the wordy ones: what repeats the name with more words stands to its right.
    name = next(index for index in sorted(words) if words[index] > _MOSTLY * most)
    return Layout(
        header_row=0,
        data_start_row=min(columns[price].price_rows) + 1,
        columns={Role.NAME: name, Role.PRICE: price},
        price_columns=price_kinds([price, *(index for index in marked if index > price)], {}),
        characteristic_columns=keys_of(columns, {}, {name, price, *marked}),
        confidence=_HEADERLESS_CONFIDENCE,
        reasons=(
            "no header was found",
            f"column {name + 1} has words and column {price + 1} has prices",
        ),
    )
