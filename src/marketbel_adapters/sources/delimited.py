"""Delimited text as a grid: the encoding and the delimiter are found out, never asked for."""

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


async def read_delimited(content: bytes) -> Grid:
    """Return the file's only sheet, called `csv`; record 1 of the file is its first row.

    Args:
        content: Text in UTF-8, UTF-16 with a byte order mark, cp1251, koi8-r or cp866.

    Raises:
        RefusedError: `file.empty`, `csv.encoding` (no text, or in none of these encodings),
            `csv.field_too_large` (a quote is opened and never closed, as a rule),
            `csv.too_many_rows`.
    """
    return await asyncio.to_thread(read_grid, content)


def read_grid(content: bytes) -> Grid:
    text = _decoded(content)
    if not text.strip():
        raise RefusedError("file.empty", "the file has no text in it; send the price list again")
    delimiter = _delimiter_of(text)
    records = csv.reader(StringIO(text, newline=""), delimiter=delimiter)
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
    return Grid(name=_SHEET, rows=tuple(rows))


def _decoded(content: bytes) -> str:
    encoding = _encoding_of(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise _unreadable(f"it is no {encoding} from byte {error.start} on") from error
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
