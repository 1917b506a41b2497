"""Delimited text, judged as it streams by: memory does not grow with the file."""

import csv
from collections.abc import Iterator
from io import StringIO, TextIOWrapper
from itertools import chain
from typing import BinaryIO, Final, TextIO

from marketbel_adapters.sources.checks.facts import Found
from marketbel_adapters.sources.checks.limits import (
    COLUMNS_MAX,
    CSV_FIELD_LENGTH_MAX,
    CSV_ROWS_MAX,
)
from marketbel_adapters.sources.checks.refusals import RefusalError
from marketbel_adapters.sources.dialects import (
    ENCODINGS,
    SAMPLE_LENGTH,
    encoding_of,
    likeliest_delimiter,
    named_delimiter,
)

__all__ = ["check_delimited", "records_of"]

_LINE_LENGTH_MAX: Final = 16 * CSV_FIELD_LENGTH_MAX
_CHUNK_LENGTH: Final = 1 << 16
_LINE_ENDS: Final = ("\n", "\r")

_CALCULATED: Final = frozenset("=+-@\t\r")
"""What a spreadsheet program takes for the beginning of a formula (CWE-1236)."""


def check_delimited(file: BinaryIO) -> Found:
    """Return what the text is.

    Raises:
        RefusalError: `csv.encoding`, `csv.field_too_large`, `csv.unclosed_quote`,
            `csv.too_many_rows`, `csv.header`.
    """
    encoding = encoding_of(file)
    if encoding is None:
        raise _unreadable(f"it is in none of {ENCODINGS}")
    file.seek(0)
    text = TextIOWrapper(file, encoding=encoding, newline="")
    try:
        return _checked(text)
    except UnicodeDecodeError as error:
        raise _unreadable(f"it is no {encoding} all through") from error
    finally:
        text.detach()  # the file belongs to the caller


def _checked(text: TextIO) -> Found:
    sample = text.read(SAMPLE_LENGTH)
    delimiter = named_delimiter(sample) or likeliest_delimiter(_whole_lines(sample))
    text.seek(0)
    formulas = width = 0
    for record in records_of(text, delimiter=delimiter):
        width = max(width, len(record))
        formulas += sum(cell[:1] in _CALCULATED for cell in record)
    if width <= 1:
        raise RefusalError(
            "csv.header",
            "no delimiter was found: no line is divided by a semicolon, comma, tab or bar into "
            "columns such as a name and a price; save the list as csv with semicolons",
        )
    return Found(file_type="csv", sniffed_type="csv", formula_cells=formulas)


def records_of(text: TextIO, *, delimiter: str) -> Iterator[list[str]]:
    """Yield the records of the text, from where it stands; blank lines are empty records.

    The limit on fields is one of the whole process: the csv module has no other.

    Args:
        text: Seekable, opened without translation of line ends.
        delimiter: One character.

    Raises:
        RefusalError: `csv.encoding` (a NUL), `csv.field_too_large`, `csv.unclosed_quote`,
            `csv.too_many_rows`.
    """
    csv.field_size_limit(CSV_FIELD_LENGTH_MAX)
    lines = _Lines(text)
    records = csv.reader(lines, delimiter=delimiter)
    rows = begun = 0
    try:
        for record in records:
            if lines.ended:  # the mark after the last line: alone, unless a quote is open
                if record != [lines.MARK]:
                    raise _unclosed(begun)
                return
            rows += 1
            if rows > CSV_ROWS_MAX or len(record) > COLUMNS_MAX:
                raise _too_many(rows=rows, width=len(record))
            yield record
            begun = records.line_num
    except csv.Error as error:
        raise _too_large(text, begun) from error


class _Lines:
    """The lines of a text, and one of its own after the last: it shows whether a quote is open."""

    MARK: Final = "\x00"

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self.ended = False

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self._chunks())

    def _chunks(self) -> Iterator[list[str]]:
        """Yield the lines, many at once: one call for each would take longer than its parsing."""
        number = 0
        begun: list[str] = []  # what is known of a line that goes on in the next chunk
        held = ""
        while chunk := self._text.read(_CHUNK_LENGTH):
            chunk = held + chunk
            held = "\r" if chunk.endswith("\r") else ""  # the first half of a line end, perhaps
            chunk = chunk.removesuffix(held)
            lines = StringIO(chunk, newline="").readlines()
            if self.MARK in chunk:
                place = next(place for place, line in enumerate(lines) if self.MARK in line)
                raise _unreadable(
                    f"line {number + place + 1} contains NUL characters: it is no text file"
                )
            last = lines.pop() if lines and not chunk.endswith(_LINE_ENDS) else ""
            if lines and begun:
                lines[0] = "".join((*begun, lines[0]))
                begun.clear()
            begun += [last] if last else []
            if lines and len(lines[0]) >= _LINE_LENGTH_MAX:  # no other one can be
                raise _long_field(number + 1)
            number += len(lines)
            if sum(map(len, begun)) >= _LINE_LENGTH_MAX:
                raise _long_field(number + 1)
            yield lines
        if begun or held:
            yield ["".join((*begun, held))]
        self.ended = True
        yield [self.MARK]


def _whole_lines(sample: str) -> str:
    return sample.rsplit("\n", 1)[0] if len(sample) == SAMPLE_LENGTH else sample


def _too_large(text: TextIO, begun: int) -> RefusalError:
    """Return why a field that begins after line `begun` is too long: a quote that never closes?"""
    text.seek(0)
    quotes = 0
    number = 0
    while line := text.readline(_LINE_LENGTH_MAX):
        number += 1
        if number > begun:
            quotes += line.count('"')
    return _unclosed(begun) if quotes % 2 else _long_field(begun + 1)


def _unreadable(why: str) -> RefusalError:
    return RefusalError("csv.encoding", f"the text cannot be read: {why}; save it as UTF-8")


def _unclosed(begun: int) -> RefusalError:
    return RefusalError(
        "csv.unclosed_quote",
        f"line {begun + 1}: a quote is opened and never closed, so that all that follows is one "
        "field; close it, or double it where it means inches",
    )


def _long_field(number: int) -> RefusalError:
    return RefusalError(
        "csv.field_too_large",
        f"line {number}: a field has more than {CSV_FIELD_LENGTH_MAX} characters; shorten it, or "
        "look for a quote that is opened and closed much later",
    )


def _too_many(*, rows: int, width: int) -> RefusalError:
    if rows > CSV_ROWS_MAX:
        return RefusalError(
            "csv.too_many_rows", f"the file has more than {CSV_ROWS_MAX} rows; split it"
        )
    return RefusalError(
        "csv.too_many_rows",
        f"row {rows} has {width} columns, and at most {COLUMNS_MAX} are taken; delete those that "
        "are not part of the list",
    )
