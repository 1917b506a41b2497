"""Which column has the names: the one that the header names, if there are words in it."""

from collections.abc import Mapping, Sequence
from typing import Final

from marketbel_core.intake.cells import cell_text
from marketbel_core.intake.columns import Column
from marketbel_core.intake.grid import Cell
from marketbel_core.intake.headers import HeaderMeaning, Role

__all__ = ["fullest_names", "name_column", "renamed", "wordy_column"]

_MOSTLY: Final = 0.5
_CODES_MIN: Final = 0.7
_REPEATED_MIN: Final = 0.6
_COMPARED_ROWS: Final = 200
_RARELY: Final = 0.15
_WORDINESS_MIN: Final = 3.0


def name_column(
    named: int | None,
    meanings: Mapping[int, HeaderMeaning],
    headers: Mapping[int, str],
    priced: Mapping[int, Column],
) -> int | None:
    """Return the column of names, `None` when no column has words.

    Args:
        named: The column that the header names, if it names one.
        meanings: What the headers mean.
        headers: What stands above each column.
        priced: The columns' figures, in the rows with a price.
    """
    free = [column for column in priced if column not in meanings]
    untitled = _wordiest([column for column in free if column not in headers], priced)
    described = _wordiest(
        [
            column
            for column, meaning in meanings.items()
            if meaning.role is Role.DESCRIPTION and column in priced
        ],
        priced,
    )
    if named is None:
        wordiest = _wordiest(free, priced)
        if wordiest is not None and priced[wordiest].wordiness < _WORDINESS_MIN:
            wordiest = _grade(meanings, priced) or wordiest
        for found in (described, untitled, wordiest):
            if found is not None:
                return found
        return None
    mine = priced[named].wordiness if named in priced else 0.0
    mostly = _MOSTLY * max((column.filled for column in priced.values()), default=0)
    if untitled is not None and priced[untitled].filled > mostly:
        return untitled if priced[untitled].wordiness > 2 * mine else named
    if not _has_codes(priced.get(named)):
        return named
    also = _wordiest(
        [
            column
            for column, meaning in meanings.items()
            if meaning.role is Role.NAME and column in priced
        ],
        priced,
    )
    wordier = [
        column
        for column in (described, also)
        if column is not None and priced[column].wordiness > 2 * mine
    ]
    return wordier[0] if wordier else named


def _grade(meanings: Mapping[int, HeaderMeaning], priced: Mapping[int, Column]) -> int | None:
    """Return the column of grades, which are the names of cables, fuels and concretes."""
    return next(
        (
            column
            for column, meaning in sorted(meanings.items())
            if meaning.role is Role.BRAND and column in priced
        ),
        None,
    )


def _has_codes(column: Column | None) -> bool:
    return column is None or column.codes > _CODES_MIN * column.filled


def renamed(
    columns: Mapping[Role, int], name: int, priced: Mapping[int, Column]
) -> dict[Role, int]:
    """Return the columns with `name` as the name; what the header called so may be the codes."""
    found = {role: column for role, column in columns.items() if column != name}
    former = found.pop(Role.NAME, None)
    most = max(column.filled for column in priced.values())
    if former is not None and former in priced and priced[former].filled > _MOSTLY * most:
        found.setdefault(Role.SKU, former)
    return found | {Role.NAME: name}


def fullest_names(
    candidates: Sequence[int], texts: Sequence[Sequence[str]], columns: Mapping[int, Column]
) -> list[int]:
    """Return the candidates that do not merely repeat another one with more around it.

    A column of "code and name" beside one of names is no name.
    """
    return [
        column
        for column in candidates
        if not any(
            columns[other].wordiness > _MOSTLY * columns[column].wordiness
            and _repeats(column, other, texts)
            for other in candidates
            if other != column
        )
    ]


def _repeats(column: int, other: int, texts: Sequence[Sequence[str]]) -> bool:
    """Tell whether the cells of `column` contain those of `other`, and more."""
    pairs = [
        (row[column], row[other])
        for row in texts[:_COMPARED_ROWS]
        if max(column, other) < len(row) and row[column] and row[other]
    ]
    within = sum(part in whole and len(part) < len(whole) for whole, part in pairs)
    return bool(pairs) and within > _REPEATED_MIN * len(pairs)


def wordy_column(rows: Sequence[Sequence[Cell]], columns: Mapping[int, Column]) -> int | None:
    """Return the leftmost of the wordy columns that does not repeat another one.

    What repeats the name with more words mostly stands to its right.
    """
    most = max((column.wordiness for column in columns.values()), default=0.0)
    if most < _WORDINESS_MIN:
        return None
    texts = [[cell_text(cell) for cell in row] for row in rows]
    wordy = [index for index in sorted(columns) if columns[index].wordiness > _RARELY * most]
    own = fullest_names(wordy, texts, columns)
    most = max((columns[index].wordiness for index in own), default=0.0)
    return next((index for index in own if columns[index].wordiness > _MOSTLY * most), None)


def _wordiest(columns: Sequence[int], by_index: Mapping[int, Column]) -> int | None:
    best = max(columns, key=lambda column: by_index[column].wordiness, default=None)
    return best if best is not None and by_index[best].wordiness > 0 else None
