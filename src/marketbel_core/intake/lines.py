"""Which lines of a sheet are products, and which are headers again, titles, totals or notes."""

import re
from collections.abc import Sequence
from typing import Final

from marketbel_core.intake.header_lines import header_meaning
from marketbel_core.intake.layout import Layout, Role
from marketbel_core.intake.refining import SheetFacts
from marketbel_core.intake.text import is_number_like

__all__ = ["LineJudge", "Sections", "is_total"]

_SECTION_LENGTH_MAX: Final = 200
_REPEATED_MIN: Final = 2
_COLUMN_NUMBERS_MIN: Final = 3
_SPREAD_MIN: Final = 3
_FORMULA: Final = re.compile(r"\s*(?:=.*|\(.*\)|\.)$")
_FIRST_LETTERS: Final = frozenset("АаAa")
_CONTACTS: Final = re.compile(
    r"\bтел(?:ефон\w*)?\s*[.:/]*\s*[+(0-9]|\bт/ф|e-?mail|@|https?://|\bwww\.|\bг\.\s|\bул\.\s|\bадрес\b|\bинн\b|\bунп\b"
)
_TOTALS: Final = re.compile(
    r"(?:итого|всего|общий итог|разом|усяго|усього)\b.*|"
    r"(?:sub-?\s?total|grand total|total)\s*(?:[:=(].*|$|"
    r"(?:amount|price|sum|items|due|cost|qty)\b.*)"
)
_LABEL: Final = re.compile(r".{0,30}(?:катег|катэг|групп|раздел|categ|group|section)\w*\s*:.*")
_TOTAL_STARTS: Final = frozenset({
    "ито", "все", "общ", "раз", "уся", "усь", "sub", "gra", "tot",
})  # fmt: skip
_UNTITLED_ROLES: Final = (
    Role.PRICE, Role.STOCK, Role.CURRENCY, Role.UNIT, Role.LINK, Role.IMAGE, Role.BARCODE,
)  # fmt: skip


def is_total(text: str) -> bool:
    """Tell whether a text stands before a sum: "Итого:", "Grand total". TOTAL is also an oil."""
    return text[:3].lower() in _TOTAL_STARTS and _TOTALS.fullmatch(text.casefold()) is not None


class LineJudge:
    """Judges the lines of one sheet that are no plain products."""

    def __init__(self, layout: Layout, facts: SheetFacts) -> None:
        self._words = layout.header_words
        self._price = layout.columns[Role.PRICE]
        self._name = layout.columns[Role.NAME]
        self._price_header = layout.headers.get(self._price)
        self._prices = {self._price, *layout.price_columns.values()}
        self._untitled = self._prices | {
            layout.columns[role] for role in _UNTITLED_ROLES if role in layout.columns
        }
        self._units = {layout.columns.get(Role.UNIT)}
        self._steady = facts.steady

    def is_no_line(self, texts: Sequence[str]) -> bool:
        """Tell whether a line is blank, the header again, its columns' numbers, or a total."""
        filled = [text for text in texts if text]
        return (
            not filled
            or self._is_header(texts, filled)
            or _are_column_numbers(filled)
            or any(is_total(text) for text in filled)
        )

    def _is_header(self, texts: Sequence[str], filled: Sequence[str]) -> bool:
        known = sum(text in self._words for text in filled)
        if known >= _REPEATED_MIN or (known and known == len(filled)):
            return True
        text = texts[self._price] if self._price < len(texts) else ""
        if not text or any(map(str.isdigit, text)):
            return False
        if text == self._price_header:
            return True
        meaning = header_meaning(text)
        return meaning is not None and meaning.role is Role.PRICE

    def labelled_title(self, texts: Sequence[str]) -> tuple[int, str] | None:
        """Return column and text of a title that says it is one: "Category: tea"."""
        said = [(column, text) for column, text in enumerate(texts) if text]
        if not said or len(said) > 2 or _LABEL.fullmatch(said[0][1].casefold()) is None:  # noqa: PLR2004  # a label and what it says
            return None
        return said[-1]

    def title(self, texts: Sequence[str]) -> tuple[int, str] | None:
        """Return column and text of a section's title, `None` if the line is none.

        Marks without letters and zeros beside it do not count: order forms have them everywhere.
        """
        said = [
            (column, text)
            for column, text in enumerate(texts)
            if text and any(map(str.isalnum, text)) and text.strip("0.,") != ""
        ]
        if (
            len(said) >= _SPREAD_MIN
            and len({text for _, text in said}) == 1
            and not is_number_like(said[0][1])
        ):
            return said[0]  # a merged title, written into each of its cells
        if any(column < len(texts) and texts[column] for column in self._prices):
            return None  # a zero, a dash: a product without a price
        untitled = self._untitled if len(said) > 1 else self._untitled - self._units
        if not said or any(column in untitled for column, _ in said):
            return self.labelled_title(texts)
        column, text = said[0]
        if len({text for _, text in said}) == 1:
            return None if is_number_like(text) and column == self._name else (column, text)
        if len(said) == 2 and text.endswith(":"):  # noqa: PLR2004  # a label and what it says
            return said[1]
        columns = {column for column, _ in said}
        is_bare = bool(self._steady) and columns.isdisjoint(self._steady)
        name = texts[self._name] if self._name < len(texts) else ""
        return (self._name, name) if name and is_bare and len(said) == 2 else None  # noqa: PLR2004  # a code and a title


def _are_column_numbers(filled: Sequence[str]) -> bool:
    """Tell the line 1, 2, 3, … that forms have below their header: also А, Б, 1, 2, 3=2*1."""
    first = [text for text in filled if len(text) == 1 and text.isalpha()]
    numbers = [_FORMULA.sub("", text) for text in filled[len(first) :]]
    return (
        len(filled) >= _COLUMN_NUMBERS_MIN
        and (not first or first[0] in _FIRST_LETTERS)
        and all(text.isdecimal() and len(text) <= 2 for text in numbers)  # noqa: PLR2004  # columns
        and all(0 <= int(text) - number <= 2 for number, text in enumerate(numbers))  # noqa: PLR2004  # one may be left out
        and sorted(numbers, key=int) == numbers
        and len(set(numbers)) == len(numbers)
    )


class Sections:
    """The titles that a product stands under, level by level."""

    def __init__(self) -> None:
        self._path: list[tuple[int, str]] = []
        self._pending: list[str] = []
        self.count = 0
        self.category = ""

    @property
    def are_pending(self) -> bool:
        """Whether there are titles that no product stands under yet."""
        return bool(self._pending)

    def add(self, column: int, title: str) -> None:
        """Go under a title, unless it is a note or an address.

        Titles in a row are levels of one path. After a product, one in the column of an inner
        level takes that level's place; any other begins a new path.
        """
        if len(title) > _SECTION_LENGTH_MAX or _CONTACTS.search(title.casefold()):
            return
        title = "" if title.endswith(":") else title
        path = self._path
        inner = {level for level, _ in path if level > path[0][0]}
        if not self._pending and column not in inner:
            path.clear()
        while path and (path[-1][0] > column or (path[-1][0] == column and not self._pending)):
            path.pop()
        self._pending.append(title)
        if title:
            path.append((column, title))
        else:
            path.clear()

    def leave(self) -> None:
        """Go under no title: a table beside this one has titles of its own."""
        self._path.clear()
        self._pending.clear()
        self.category = ""

    def confirm(self) -> None:
        """Count the titles above a product: what no product follows is a footer."""
        if self._pending:
            self.count += len(self._pending)
            self._pending.clear()
            self.category = " / ".join(text for _, text in self._path)
