"""Delimited text as a grid: encoding and delimiter as somebody said, else they are found out."""

import asyncio
import codecs
from io import BytesIO, StringIO
from typing import Final

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
_NO_DELIMITERS: Final = frozenset('"\r\n\x00')
_SPARE: Final = tuple(map(chr, range(0xE000, 0xF900)))
"""Characters that Unicode leaves to everybody's own use."""
_UTF8: Final = frozenset({"utf-8", "utf-8-sig"})


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
            `csv.unclosed_quote`, `csv.field_too_large`, `csv.too_many_rows`.
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
    lines = StringIO(text.replace(said, mark), newline="")
    try:
        rows = [tuple(record) for record in records_of(lines, delimiter=mark)]
    except RefusalError as refusal:
        raise RefusedError(refusal.code, refusal.message) from refusal
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
    encoding = encoding_of(BytesIO(content))
    if encoding is None:
        raise _unreadable(f"it is in none of {ENCODINGS}")
    try:
        return _checked(content.decode(encoding))
    except UnicodeDecodeError as error:
        raise _unreadable(f"it is no {encoding} from byte {error.start} on") from error


def _checked(text: str) -> str:
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
    from clevercsv.detect import Detector  # noqa: PLC0415 - slow to import, every start would pay

    sample = text[:SAMPLE_LENGTH]
    if len(text) > SAMPLE_LENGTH:
        sample = sample.rsplit("\n", 1)[0]
    dialect = Detector().detect(sample, delimiters=list(DELIMITERS))
    detected = dialect.delimiter if dialect is not None else ""
    return detected if detected in DELIMITERS else steadiest(sample)
