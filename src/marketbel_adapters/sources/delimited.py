"""Delimited text as a grid: the encoding and the delimiter are found out, never asked for."""

import asyncio
from io import BytesIO, StringIO
from typing import Final

from clevercsv.detect import Detector

from marketbel_adapters.sources.checks.delimited import records_of
from marketbel_adapters.sources.checks.refusals import RefusalError
from marketbel_adapters.sources.dialects import (
    DELIMITERS,
    ENCODINGS,
    SAMPLE_LENGTH,
    encoding_of,
    named_delimiter,
    steadiest,
)
from marketbel_core.errors import RefusedError
from marketbel_core.intake import Grid

__all__ = ["read_delimited", "read_grid"]

_SHEET: Final = "csv"


async def read_delimited(content: bytes) -> Grid:
    """Return the file's only sheet, called `csv`; record 1 of the file is its first row.

    Args:
        content: Text in UTF-8, UTF-16 with a byte order mark, cp1251, koi8-r or cp866.

    Raises:
        RefusedError: `file.empty`, `csv.encoding` (no text, or in none of these encodings),
            `csv.unclosed_quote`, `csv.field_too_large`, `csv.too_many_rows`.
    """
    return await asyncio.to_thread(read_grid, content)


def read_grid(content: bytes) -> Grid:
    text = _decoded(content)
    if not text.strip():
        raise RefusedError("file.empty", "the file has no text in it; send the price list again")
    delimiter = _delimiter_of(text)
    try:
        rows = tuple(
            tuple(record) for record in records_of(StringIO(text, newline=""), delimiter=delimiter)
        )
    except RefusalError as refusal:
        raise RefusedError(refusal.code, refusal.message) from refusal
    return Grid(name=_SHEET, rows=rows)


def _decoded(content: bytes) -> str:
    encoding = encoding_of(BytesIO(content))
    if encoding is None:
        raise _unreadable(f"it is in none of {ENCODINGS}")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise _unreadable(f"it is no {encoding} from byte {error.start} on") from error
    if "\x00" in text:
        raise _unreadable("it contains NUL characters and is no text file")
    return text


def _unreadable(why: str) -> RefusedError:
    return RefusedError("csv.encoding", f"the text cannot be read: {why}; save it as UTF-8")


def _delimiter_of(text: str) -> str:
    """Return the delimiter: the one that the file names, the detected, or the steadiest one."""
    named = named_delimiter(text[:SAMPLE_LENGTH])
    if named is not None:
        return named
    sample = text[:SAMPLE_LENGTH]
    if len(text) > SAMPLE_LENGTH:
        sample = sample.rsplit("\n", 1)[0]
    dialect = Detector().detect(sample, delimiters=list(DELIMITERS))
    detected = dialect.delimiter if dialect is not None else ""
    return detected if detected in DELIMITERS else steadiest(sample)
