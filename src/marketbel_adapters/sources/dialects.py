"""Which encoding a text is in and what divides its fields: found out, never asked for.

Imports little: it is used by checks that start a process for each file.
"""

import codecs
from collections import Counter
from io import DEFAULT_BUFFER_SIZE
from typing import BinaryIO, Final

__all__ = [
    "DELIMITERS",
    "ENCODINGS",
    "SAMPLE_LENGTH",
    "encoding_of",
    "named_delimiter",
    "steadiest",
]

DELIMITERS: Final = (";", ",", "\t", "|")
SAMPLE_LENGTH: Final = 65_536
"""Characters (bytes, for the encoding) that are looked at; more is slower and no surer."""

ENCODINGS: Final = "UTF-8, UTF-16, cp1251, koi8-r and cp866"
_CYRILLIC_ENCODINGS: Final = ("cp1251", "koi8_r", "cp866")
_UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CHUNK_BYTES: Final = 16 * DEFAULT_BUFFER_SIZE
_LINE_BYTES_MAX: Final = 4_096
_SOUND_FOR_EACH_DAMAGED: Final = 2


def encoding_of(file: BinaryIO) -> str | None:
    """Return the encoding of the text by its mark, else UTF-8 where that fits, else the likeliest.

    `None` means none of ours, or UTF-8 with damaged places: in another encoding all its names
    would be nonsense. The file is read from its beginning, and left anywhere.
    """
    file.seek(0)
    if file.read(2) in _UTF16_MARKS:
        return "utf-16"
    if _is_utf8(file):
        return "utf-8-sig"
    return _likeliest(_telling(file))


def named_delimiter(sample: str) -> str | None:
    """Return the delimiter that the file itself names in its first line, as Excel reads it."""
    first = sample.split("\n", 1)[0].strip()
    return first[4:] if first[:4].lower() == "sep=" and first[4:] in DELIMITERS else None


def steadiest(sample: str) -> str:
    """Return the delimiter that most lines have equally often; the first listed when none does."""
    lines = [line for line in sample.splitlines() if line.strip()]

    def steadiness(delimiter: str) -> int:
        counts = Counter(line.count(delimiter) for line in lines)
        return max((lines_with for count, lines_with in counts.items() if count), default=0)

    return max(DELIMITERS, key=steadiness)


def _is_utf8(file: BinaryIO) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    file.seek(0)
    try:
        while chunk := file.read(_CHUNK_BYTES):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _telling(file: BinaryIO) -> bytes:
    """Return lines with letters beyond ASCII: only they tell encodings apart, and may be few."""
    file.seek(0)
    telling = bytearray()
    while len(telling) < SAMPLE_LENGTH and (line := file.readline(_LINE_BYTES_MAX)):
        if not line.isascii():
            telling += line
    return bytes(telling[:SAMPLE_LENGTH])


def _likeliest(telling: bytes) -> str | None:
    from charset_normalizer import from_bytes  # noqa: PLC0415 - slow to import, seldom needed

    if _is_damaged_utf8(telling):
        return None
    best = from_bytes(telling, cp_isolation=list(_CYRILLIC_ENCODINGS)).best()
    return None if best is None else best.encoding


def _is_damaged_utf8(telling: bytes) -> bool:
    """Return whether most letters beyond ASCII are sound UTF-8, as never happens by accident."""
    text = telling.decode("utf-8", errors="replace")
    damaged = text.count("\ufffd")
    sound = sum(not letter.isascii() for letter in text) - damaged
    return sound > _SOUND_FOR_EACH_DAMAGED * damaged
