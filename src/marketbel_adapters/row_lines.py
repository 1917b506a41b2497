"""Accepted rows as lines of text: they pass from the file to the database and nobody unpacks them.

The lines are what PostgreSQL's COPY reads (text format, nothing stands for NULL), with the fields
of a `StorableRow`. https://www.postgresql.org/docs/current/sql-copy.html
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final, Self, overload

from marketbel_adapters.storable_rows import storable_row
from marketbel_core.catalog import CURRENCY_KEY, DEFAULT_CURRENCY, Money
from marketbel_core.errors import RefusedError
from marketbel_core.intake.rows import AcceptedRow

__all__ = ["RowLines"]

_SEPARATORS: Final = 7


class RowLines(Sequence[AcceptedRow]):
    """Rows of a list in their order, each made when somebody asks for it.

    Attributes:
        text: The lines in UTF-8, each with its end.
    """

    def __init__(self, text: bytes, count: int) -> None:
        """Hold `count` lines that `of` made."""
        self.text = text
        self._count = count
        self._lines: list[bytes] = []

    @classmethod
    def of(cls, rows: Iterable[AcceptedRow]) -> Self | None:
        """Return the rows as lines, or `None` where one of them has to go another way.

        Such a row cannot be stored, or would not come back as it was.
        """
        lines = [_line(row) for row in rows]
        try:
            return cls("".join(lines).encode(), len(lines)) if all(lines) else None
        except UnicodeEncodeError:  # half a character
            return None

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> AcceptedRow: ...

    @overload
    def __getitem__(self, place: slice) -> "RowLines": ...

    def __getitem__(self, place: int | slice) -> "AcceptedRow | RowLines":
        lines = self._lines = self._lines or self.text.splitlines(keepends=True)
        if isinstance(place, slice):
            part = lines[place]
            return RowLines(b"".join(part), len(part))
        return _row(lines[place].decode())

    def __iter__(self) -> Iterator[AcceptedRow]:
        return map(_row, self.text.decode().split("\n")[:-1])


def _line(row: AcceptedRow) -> str:
    """Return the row's line, with its end; blank if it has to go another way."""
    if CURRENCY_KEY in row.characteristics or not row.sheet:
        return ""
    try:
        sku, name, amount, said, opt, rrc, sheet, number = storable_row(row)
    except RefusedError:
        return ""
    opt_text = "" if opt is None else opt
    rrc_text = "" if rrc is None else rrc
    line = f"{sku}\t{name}\t{amount}\t{said}\t{opt_text}\t{rrc_text}\t{sheet}\t{number}"
    if line.count("\t") != _SEPARATORS or "\n" in line or "\r" in line:
        return ""
    if "\\" in line:
        line = line.replace("\\", "\\\\")
    return line + "\n"


def _row(line: str) -> AcceptedRow:
    if "\\" in line:
        line = line.replace("\\\\", "\\")
    sku, name, amount, said, _, _, sheet, number = line.split("\t")
    characteristics = json.loads(said)
    currency = characteristics.pop(CURRENCY_KEY, DEFAULT_CURRENCY)
    return AcceptedRow(
        sheet=sheet,
        row_number=int(number),
        sku=sku,
        name=name,
        price=Money(Decimal(amount), currency),
        characteristics=characteristics,
    )
