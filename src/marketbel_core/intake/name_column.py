"""Which column has the names: the one that the header names, if there are words in it."""

from collections.abc import Mapping, Sequence
from typing import Final

from marketbel_core.intake.columns import Column
from marketbel_core.intake.headers import HeaderMeaning, Role

__all__ = ["name_column", "renamed"]

_MOSTLY: Final = 0.5


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
    if named is None:
        return untitled if untitled is not None else _wordiest(free, priced)
    mine = priced[named].wordiness if named in priced else 0.0
    mostly = _MOSTLY * max((column.filled for column in priced.values()), default=0)
    if untitled is not None and priced[untitled].filled > mostly:
        return untitled if priced[untitled].wordiness > 2 * mine else named
    return named


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


def _wordiest(columns: Sequence[int], by_index: Mapping[int, Column]) -> int | None:
    best = max(columns, key=lambda column: by_index[column].wordiness, default=None)
    return best if best is not None and by_index[best].wordiness > 0 else None
