"""A sheet's layout as somebody said that it is; what was not said is found out as ever.

A column that was named must be there: to read another one in its place would be to guess.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from marketbel_core.catalog import GivenLayout
from marketbel_core.errors import RefusedError
from marketbel_core.intake.columns import keys_of
from marketbel_core.intake.header_lines import (
    HEADER_LINES_MAX,
    SCANNED_ROWS,
    HeaderLines,
    joined_lines,
    likely_header,
)
from marketbel_core.intake.layout import (
    FoundLayout,
    Layout,
    Role,
    layout_by_content,
    layout_by_header,
    layout_of,
)
from marketbel_core.intake.sample import SheetSample
from marketbel_core.intake.text import clean_text

__all__ = ["MissingColumns", "follow_layout"]

_TOLD_MAX: Final = 20
_TEXT_TOLD_MAX: Final = 40
_NEEDED: Final = {Role.NAME: "of names (name)", Role.PRICE: "of prices (price)"}
_DESCRIBING: Final = frozenset({Role.UNIT, Role.BARCODE, Role.BRAND, Role.LINK, Role.DESCRIPTION})
"""Roles that only become characteristics: who lists those has said which ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingColumns:
    """What a sheet lacks of what was said about it.

    Attributes:
        header_row: The line in which it was looked for, from 1.
        missing: The columns that are not there, in words.
        found: The headers that are there.
    """

    header_row: int
    missing: tuple[str, ...]
    found: tuple[str, ...]

    @property
    def distance(self) -> tuple[int, int]:
        """How far the sheet is from what was said; the least is the nearest."""
        return len(self.missing), -len(self.found)

    @property
    def sentence(self) -> str:
        """What is wrong and what to do, for people."""
        there = ", ".join(repr(text[:_TEXT_TOLD_MAX]) for text in self.found[:_TOLD_MAX])
        return (
            f"row {self.header_row} has no column {', '.join(self.missing)}; there are: "
            f"{there or 'none'}; correct column_mapping or header_row"
        )


def follow_layout(sheet: SheetSample, given: GivenLayout) -> Layout | MissingColumns | None:
    """Return the layout of a sheet as it was said; `None`: it is no price list, and none was said.

    Raises:
        RefusedError: a column is named for something that no column is for (`job.invalid`).
    """
    found: Layout | MissingColumns | None
    if given.column_mapping:
        found = _by_mapping(sheet, given)
    elif given.header_row is not None:
        found = _at_row(sheet, given)
    else:
        found = layout_of(sheet, data_start_row=given.data_start_row)
    return _with_characteristics(found, given) if isinstance(found, Layout) else found


def _by_mapping(sheet: SheetSample, given: GivenLayout) -> Layout | MissingColumns:
    wanted = {_role(word): text for word, text in given.column_mapping.items()}
    nearest: MissingColumns | None = None
    for first, last in _spans(sheet, given):
        header = joined_lines(sheet, first, last)
        plain = joined_lines(sheet, first, last, spread=False)
        columns = _columns(wanted, plain) | _columns(wanted, header)
        missing = [f"{text!r} ({role})" for role, text in wanted.items() if role not in columns]
        if not missing:
            found = layout_by_header(
                sheet, header, data_start_row=given.data_start_row, given=columns
            )
            if found is not None:
                return found.layout
            missing = [words for role, words in _NEEDED.items() if role not in columns]
        lacking = _missing(header, missing)
        if nearest is None or lacking.distance < nearest.distance:
            nearest = lacking
    return nearest or MissingColumns(
        header_row=1, missing=tuple(map(repr, wanted.values())), found=()
    )


def _at_row(sheet: SheetSample, given: GivenLayout) -> Layout | MissingColumns:
    best: FoundLayout | None = None
    for first, last in _spans(sheet, given):
        whole = given.header_row_end is not None
        header = joined_lines(sheet, first, last) if whole else likely_header(sheet, first, last)
        if header is None:
            break
        found = layout_by_header(sheet, header, data_start_row=given.data_start_row)
        if found is not None and (best is None or found.score > best.score):
            best = found
    if best is not None:
        return best.layout
    first = given.header_row or 1
    said = joined_lines(sheet, first, given.header_row_end or first)
    layout = layout_by_content(sheet, header=said, data_start_row=given.data_start_row)
    return layout or _missing(said, list(_NEEDED.values()))


def _spans(sheet: SheetSample, given: GivenLayout) -> Iterator[tuple[int, int]]:
    """Yield the first and the last line of each header that there may be, short ones first."""
    if given.header_row is not None and given.header_row_end is not None:
        yield given.header_row, given.header_row_end
        return
    below = given.data_start_row or len(sheet.rows) + HEADER_LINES_MAX + 1
    firsts = (
        range(1, min(SCANNED_ROWS, len(sheet.rows)) + 1)
        if given.header_row is None
        else [given.header_row]
    )
    for lines in range(1, HEADER_LINES_MAX + 1):
        for first in firsts:
            if lines == 1 or first + lines - 1 < below:
                yield first, first + lines - 1


def _role(word: str) -> Role:
    try:
        return Role(word)
    except ValueError:
        known = ", ".join(Role)
        raise RefusedError(
            "job.invalid", f"column_mapping: no column is for {word[:50]!r}; there are {known}"
        ) from None


def _columns(wanted: Mapping[Role, str], header: HeaderLines) -> dict[Role, int]:
    """Return the leftmost column under each of the wanted headers."""
    by_text: dict[str, int] = {}
    for column, text in sorted(header.texts.items()):
        by_text.setdefault(_folded(text), column)
    return {
        role: by_text[folded]
        for role, text in wanted.items()
        if (folded := _folded(text)) in by_text
    }


def _folded(text: str) -> str:
    return clean_text(text).casefold()


def _missing(header: HeaderLines, missing: list[str]) -> MissingColumns:
    found = tuple(text for _, text in sorted(header.texts.items()))
    return MissingColumns(header_row=header.first, missing=tuple(missing), found=found)


def _with_characteristics(layout: Layout, given: GivenLayout) -> Layout:
    """Return the layout with the characteristics that were asked for, and no others."""
    if given.characteristic_columns is None:
        return layout
    wanted = {_folded(text) for text in given.characteristic_columns}
    listed = {column for column, text in layout.headers.items() if _folded(text) in wanted}
    return replace(
        layout,
        characteristic_columns=keys_of(listed, layout.headers),
        columns={
            role: column
            for role, column in layout.columns.items()
            if role not in _DESCRIBING or role in given.column_mapping or column in listed
        },
    )
