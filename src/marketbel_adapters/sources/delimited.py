"""Delimited text as a grid: encoding and delimiter as somebody said, else they are found out."""

import asyncio
import codecs
import csv
from collections import Counter
from io import StringIO
from typing import Final

from charset_normalizer import from_bytes
from clevercsv.detect import Detector

from marketbel_core.errors import RefusedError
from marketbel_core.intake import Grid

__all__ = ["read_delimited", "read_grid"]

_SHEET: Final = "csv"
_DELIMITERS: Final = (";", ",", "\t", "|")
_SAMPLE_LENGTH: Final = 65_536
"""Characters (bytes, for the encoding) that are looked at; more is slower and no surer."""

_CYRILLIC_ENCODINGS: Final = ("cp1251", "koi8_r", "cp866")
_UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ROWS_MAX: Final = 2_000_000
_UTF8: Final = frozenset({"utf-8", "utf-8-sig"})
_NO_DELIMITERS: Final = frozenset('"\r\n\x00')
_SPARE: Final = tuple(map(chr, range(0xE000, 0xF900)))
"""Characters that Unicode leaves to everybody's own use."""


async def read_delimited(
    content: bytes, *, delimiter: str | None = None, encoding: str | None = None
) -> Grid:
    """Return the file's only sheet, called `csv`; record 1 of the file is its first row.

    Args:
        content: Text in UTF-8, UTF-16 with a byte order mark, cp1251, koi8-r or cp866, or in
            `encoding`.
        delimiter: What stands between the fields, 1 or more characters; `None`: found out.
        encoding: The name of an encoding; `None`: found out. So is it where UTF-8 was said and
            the text is none: the neighbours say that when nobody has looked.

    Raises:
        RefusedError: `file.empty`, `csv.encoding` (no text, not in the encoding that was said, or
            in none of these encodings), `csv.delimiter` (lines and quotes are made of it),
            `csv.field_too_large` (a quote is opened and never closed, as a rule),
            `csv.too_many_rows`.
    """
    return await asyncio.to_thread(read_grid, content, delimiter=delimiter, encoding=encoding)


def read_grid(
    content: bytes, *, delimiter: str | None = None, encoding: str | None = None
) -> Grid:
    text = _decoded(content) if encoding is None else _decoded_as(content, encoding)
    if not text.strip():
        raise RefusedError("file.empty", "the file has no text in it; send the price list again")
    said = _delimiter_of(text) if delimiter is None else delimiter
    if set(said) & _NO_DELIMITERS:
        raise RefusedError(
            "csv.delimiter", "a delimiter has neither quotes nor line breaks; leave it out"
        )
    # csv knows delimiters of one character; another one is stood for by one that the text has not.
    mark = said if len(said) == 1 else next(char for char in _SPARE if char not in text)
    records = csv.reader(StringIO(text.replace(said, mark), newline=""), delimiter=mark)
    rows: list[tuple[str, ...]] = []
    try:
        for record in records:
            rows.append(tuple(record))
            if len(rows) > _ROWS_MAX:
                raise RefusedError(
                    "csv.too_many_rows", f"the file has more than {_ROWS_MAX} rows; split it"
                )
    except csv.Error as error:
        raise RefusedError(
            "csv.field_too_large",
            f"line {records.line_num}: {error}; look for a quote that is opened and not closed",
        ) from error
    if mark != said:  # between quotes it was no delimiter
        rows = [tuple(field.replace(mark, said) for field in row) for row in rows]
    return Grid(name=_SHEET, rows=tuple(rows))


def _decoded_as(content: bytes, encoding: str) -> str:
    """Return the text in the encoding that was said."""
    try:
        name = codecs.lookup(encoding).name
    except (LookupError, ValueError) as error:
        raise _unreadable(f"no encoding is called {encoding[:50]!r}") from error
    try:
        return _checked(content.decode("utf-8-sig" if name == "utf-8" else name))
    except LookupError as error:
        raise _unreadable(f"{name} is no encoding of texts") from error
    except UnicodeError as error:
        if name in _UTF8:
            return _decoded(content)
        raise _unreadable(f"it is not in {name}, as was said") from error


def _decoded(content: bytes) -> str:
    encoding = _encoding_of(content)
    try:
        return _checked(content.decode(encoding))
    except UnicodeDecodeError as error:
        raise _unreadable(f"it is no {encoding} from byte {error.start} on") from error


def _checked(text: str) -> str:
    if "\x00" in text:
        raise _unreadable("it contains NUL characters and is no text file")
    return text


def _encoding_of(content: bytes) -> str:
    """Return the encoding's name: by its mark, else UTF-8 where that fits, else the likeliest."""
    if content.startswith(_UTF16_MARKS):
        return "utf-16"
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    else:
        return "utf-8-sig"
    # Only lines with letters beyond ASCII tell the encodings apart; there may be few of them.
    telling = b"\n".join(line for line in content.splitlines() if not line.isascii())
    best = from_bytes(telling[:_SAMPLE_LENGTH], cp_isolation=list(_CYRILLIC_ENCODINGS)).best()
    if best is None:
        raise _unreadable("it is in none of UTF-8, UTF-16, cp1251, koi8-r and cp866")
    return best.encoding


def _unreadable(why: str) -> RefusedError:
    return RefusedError("csv.encoding", f"the text cannot be read: {why}; save it as UTF-8")


def _delimiter_of(text: str) -> str:
    """Return the delimiter: the one that the file names, the detected, or the steadiest one."""
    first = text.split("\n", 1)[0].strip()
    if first[:4].lower() == "sep=" and first[4:] in _DELIMITERS:
        return first[4:]
    sample = text[:_SAMPLE_LENGTH]
    if len(text) > _SAMPLE_LENGTH:
        sample = sample.rsplit("\n", 1)[0]
    dialect = Detector().detect(sample, delimiters=list(_DELIMITERS))
    detected = dialect.delimiter if dialect is not None else ""
    return detected if detected in _DELIMITERS else _steadiest(sample)


def _steadiest(sample: str) -> str:
    """Return the delimiter that most lines have equally often; the first listed when none does."""
    lines = [line for line in sample.splitlines() if line.strip()]

    def steadiness(delimiter: str) -> int:
        counts = Counter(line.count(delimiter) for line in lines)
        return max((lines_with for count, lines_with in counts.items() if count), default=0)

    return max(_DELIMITERS, key=steadiness)
