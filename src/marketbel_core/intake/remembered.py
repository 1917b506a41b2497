"""A list's layout as it is kept for the supplier's next file, and what that file has changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

__all__ = ["LayoutChange", "RememberedLayout", "change_since"]

_TOLD_LENGTH_MAX: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberedLayout:
    """Which column of a sheet was what.

    Attributes:
        header_row: The last header line, from 1; 0 when there was none.
        columns: Index of the column of each role, from 0; further prices by kind are
            `price:wholesale`, `price:retail`, `price:2`.
        headers: What stood above each column, by index.
    """

    header_row: int
    columns: Mapping[str, int]
    headers: Mapping[int, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """Return the layout as values that fit JSON."""
        return {
            "header_row": self.header_row,
            "columns": dict(self.columns),
            "headers": {str(column): text for column, text in sorted(self.headers.items())},
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> Self:
        """Return the layout that `to_json` gave.

        Raises:
            ValueError: it is something else.
        """
        match stored:
            case {"header_row": int(header_row), "columns": dict(columns), "headers": dict(texts)}:
                return cls(
                    header_row=header_row,
                    columns={str(role): int(column) for role, column in columns.items()},
                    headers={int(column): str(text) for column, text in texts.items()},
                )
            case _:
                raise ValueError(
                    "no remembered layout: header_row, columns and headers are wanted"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutChange:
    """How the structure of a list differs from the remembered one.

    Attributes:
        added: Columns that are new, by header.
        removed: Columns that are gone, by header.
        moved: Columns that are elsewhere now, by header.
        sentences: The same for people, one sentence each.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()


def change_since(former: RememberedLayout, now: RememberedLayout) -> LayoutChange | None:
    """Return how the structure changed, `None` if every column is what and where it was.

    Columns are known by their headers; where one of the two has none, by what they are for.
    """
    before, after = _places(former), _places(now)
    added = tuple(name for name in after if name not in before)
    removed = tuple(name for name in before if name not in after)
    moved = tuple(name for name in before if name in after and before[name] != after[name])
    roles = [
        f"the column for {role} was {_told(former, former.columns[role])} and is now "
        f"{_told(now, now.columns[role])}"
        for role in former.columns
        if role in now.columns and _name(former, role) != _name(now, role)
    ]
    sentences = (
        *(f"new column {_short(name)}" for name in added),
        *(f"column {_short(name)} is gone" for name in removed),
        *(
            f"column {_short(name)} was the {before[name] + 1}. and is now the {after[name] + 1}."
            for name in moved
        ),
        *roles,
    )
    if not sentences:
        return None
    return LayoutChange(added=added, removed=removed, moved=moved, sentences=sentences)


def _places(layout: RememberedLayout) -> dict[str, int]:
    if not layout.headers:
        return dict(layout.columns)
    places: dict[str, int] = {}
    for column, text in sorted(layout.headers.items()):
        folded = text.casefold()
        places[f"{folded} ({column + 1})" if folded in places else folded] = column
    return places


def _name(layout: RememberedLayout, role: str) -> str:
    column = layout.columns[role]
    return layout.headers.get(column, f"column {column + 1}").casefold()


def _told(layout: RememberedLayout, column: int) -> str:
    text = layout.headers.get(column)
    return _short(text) if text else f"the {column + 1}. column"


def _short(text: str) -> str:
    return repr(text[:_TOLD_LENGTH_MAX])
