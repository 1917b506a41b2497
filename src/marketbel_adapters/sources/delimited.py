"""Delimited text as a grid: encoding and delimiter as somebody said, else they are found out.

The text is read anew each time that the grid is gone through: memory does not grow with the file.
"""

import codecs
from collections.abc import Iterator
from io import StringIO, TextIOWrapper
from typing import BinaryIO, Final, TextIO

from marketbel_adapters.sources.checks.delimited import records_of
from marketbel_adapters.sources.checks.refusals import RefusalError
from marketbel_adapters.sources.dialects import (
    ENCODINGS,
    SAMPLE_LENGTH,
    encoding_of,
    likeliest_delimiter,
    named_delimiter,
)
from marketbel_core.errors import RefusedError
from marketbel_core.intake import Grid

__all__ = ["DelimitedRows", "delimited_grid"]

_SHEET: Final = "csv"
_NO_DELIMITERS: Final = frozenset('"\r\n\x00')
_SPARE: Final = tuple(map(chr, range(0xE000, 0xF900)))
"""Characters that Unicode leaves to everybody's own use."""
_UTF8: Final = frozenset({"utf-8", "utf-8-sig"})
_CHUNK_LENGTH: Final = 1 << 17


def delimited_grid(
    file: BinaryIO, *, delimiter: str | None = None, encoding: str | None = None
) -> Grid:
    """Return the file's only sheet, called `csv`; record 1 of the file is its first row.

    Args:
        file: Seekable. Text in UTF-8, UTF-16, cp1251, koi8-r or cp866, or in `encoding`.
        delimiter: What stands between the fields, 1 or more characters; `None`: found out.
        encoding: The name of an encoding; `None`: found out. So is it where UTF-8 was said and
            the text is none: the neighbours say that when nobody has looked.

    Raises:
        RefusedError: `file.empty`, `csv.encoding` (no text, not in the encoding that was said, or
            in none of these encodings), `csv.delimiter` (lines and quotes are made of it). Going
            through the rows: also `csv.unclosed_quote`, `csv.field_too_large`,
            `csv.too_many_rows`.
    """
    codec = _found_encoding(file) if encoding is None else _said_encoding(file, encoding)
    sample = _sample(file, codec)
    if not sample.strip() and not _has_text(file, codec):
        raise RefusedError("file.empty", "the file has no text in it; send the price list again")
    said = _delimiter_of(sample) if delimiter is None else delimiter
    if set(said) & _NO_DELIMITERS:
        raise RefusedError(
            "csv.delimiter", "a delimiter has neither quotes nor line breaks; leave it out"
        )
    # csv knows delimiters of one character; another one is stood for by one that the text has not.
    mark = said if len(said) == 1 else _spare(file, codec)
    return Grid(name=_SHEET, rows=DelimitedRows(file, codec, said, mark))


class DelimitedRows:
    """The records of a delimited text; may be gone through again and again, once at a time."""

    def __init__(self, file: BinaryIO, encoding: str, delimiter: str, mark: str) -> None:
        """Read `file`, in which `mark` stands for a `delimiter` of several characters."""
        self._file = file
        self._encoding = encoding
        self._delimiter = delimiter
        self._mark = mark

    def __iter__(self) -> Iterator[list[str]]:
        with _Text(self._file, self._encoding) as text:
            lines: TextIO = text
            if self._mark != self._delimiter:
                whole = text.read().replace(self._delimiter, self._mark)
                lines = StringIO(whole, newline="")
            try:
                records = records_of(lines, delimiter=self._mark)
                yield from records if self._mark == self._delimiter else self._restored(records)
            except RefusalError as refusal:
                raise RefusedError(refusal.code, refusal.message) from refusal
            except UnicodeDecodeError as error:
                raise _unreadable(f"it is no {self._encoding} all through") from error

    def _restored(self, records: Iterator[list[str]]) -> Iterator[list[str]]:
        for record in records:  # between quotes it was no delimiter
            yield [field.replace(self._mark, self._delimiter) for field in record]


class _Text:
    """The file as text from its beginning; leaving gives the file back, still open."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file = file
        self._encoding = encoding

    def __enter__(self) -> TextIO:
        self._file.seek(0)
        self._text = TextIOWrapper(self._file, encoding=self._encoding, newline="")
        return self._text

    def __exit__(self, *_: object) -> None:
        self._text.detach()


def _found_encoding(file: BinaryIO) -> str:
    encoding = encoding_of(file)
    if encoding is None:
        raise _unreadable(f"it is in none of {ENCODINGS}")
    return encoding


def _said_encoding(file: BinaryIO, encoding: str) -> str:
    """Return the encoding that was said, once the text has proved to be in it."""
    try:
        name = codecs.lookup(encoding).name
    except (LookupError, ValueError) as error:
        raise _unreadable(f"no encoding is called {encoding[:50]!r}") from error
    codec = "utf-8-sig" if name == "utf-8" else name
    try:
        with _Text(file, codec) as text:
            while text.read(_CHUNK_LENGTH):
                pass
    except LookupError as error:
        raise _unreadable(f"{name} is no encoding of texts") from error
    except UnicodeError as error:
        if name in _UTF8:
            return _found_encoding(file)
        raise _unreadable(f"it is not in {name}, as was said") from error
    return codec


def _sample(file: BinaryIO, codec: str) -> str:
    try:
        with _Text(file, codec) as text:
            sample = text.read(SAMPLE_LENGTH)
    except UnicodeDecodeError as error:
        raise _unreadable(f"it is no {codec} from byte {error.start} on") from error
    return sample.rsplit("\n", 1)[0] if len(sample) == SAMPLE_LENGTH else sample


def _has_text(file: BinaryIO, codec: str) -> bool:
    """Tell whether anything but blanks is in the text, however late."""
    with _Text(file, codec) as text:
        while chunk := text.read(_CHUNK_LENGTH):
            if chunk.strip():
                return True
    return False


def _spare(file: BinaryIO, codec: str) -> str:
    with _Text(file, codec) as text:
        taken = set(text.read())
    return next(char for char in _SPARE if char not in taken)


def _delimiter_of(sample: str) -> str:
    return named_delimiter(sample) or likeliest_delimiter(sample)


def _unreadable(why: str) -> RefusedError:
    return RefusedError("csv.encoding", f"the text cannot be read: {why}; save it as UTF-8")
