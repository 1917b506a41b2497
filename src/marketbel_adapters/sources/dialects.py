"""Which encoding a text is in and what divides its fields: found out, never asked for.

Imports little: it is used by checks that start a process for each file.
"""

import codecs
import csv
import math
from collections import Counter
from io import DEFAULT_BUFFER_SIZE
from typing import BinaryIO, Final

__all__ = [
    "DELIMITERS",
    "ENCODINGS",
    "SAMPLE_LENGTH",
    "encoding_of",
    "likeliest_delimiter",
    "named_delimiter",
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
_TELLING_WIDTH_MAX: Final = 17
"""More columns than that are no better sign than these."""

_WIDE_HEAD_BYTES: Final = 4_096
_WIDE_LINE_ENDS: Final = {"utf-16-le": b"\n\x00", "utf-16-be": b"\x00\n"}
_WIDE_HIGH_BYTES: Final = b"\x00\x04\x20"
"""Of Latin letters and figures, of Cyrillic ones, of dashes, the rouble and the numero sign."""

_WIDE_SHARE_MIN: Final = 0.95


def encoding_of(file: BinaryIO) -> str | None:
    """Return the encoding of the text by its mark, else UTF-8 where that fits, else the likeliest.

    `None` means none of ours, or UTF-8 with damaged places: in another encoding all its names
    would be nonsense. The file is read from its beginning, and left anywhere.
    """
    file.seek(0)
    head = file.read(_WIDE_HEAD_BYTES)
    if head[:2] in _UTF16_MARKS:
        return "utf-16"
    if (wide := _wide_encoding(head)) is not None:
        return wide
    if _is_utf8(file):
        return "utf-8-sig"
    return _likeliest(_telling(file))


def named_delimiter(sample: str) -> str | None:
    """Return the delimiter that the file itself names in its first line, as Excel reads it."""
    first = sample.split("\n", 1)[0].strip()
    return first[4:] if first[:4].lower() == "sep=" and first[4:] in DELIMITERS else None


def likeliest_delimiter(sample: str) -> str:
    """Return the delimiter that divides the sample best; the first listed when none does.

    Each candidate is tried as a reader would use it, quotes and all. It is better the more records
    it cuts into equally many fields, and the more fields those are: decimal commas are steady in a
    list with semicolons, but fewer. (`csv.Sniffer` takes the blank for the delimiter of lists.)
    """
    records = {mark: _widths(sample, mark) for mark in DELIMITERS}
    return max(DELIMITERS, key=lambda mark: _fitness(records[mark]))


def _widths(sample: str, delimiter: str) -> Counter[int]:
    """Return how many records have how many fields; blank records are not counted."""
    widths: Counter[int] = Counter()
    csv.field_size_limit(2 * SAMPLE_LENGTH)
    try:
        for record in csv.reader(sample.splitlines(), delimiter=delimiter):
            if any(field.strip() for field in record):
                widths[len(record)] += 1
    except csv.Error:
        return Counter()
    return widths


def _fitness(widths: Counter[int]) -> float:
    divided = Counter({width: count for width, count in widths.items() if width > 1})
    if not divided:
        return 0.0
    width, count = max(divided.items(), key=lambda item: (item[1], item[0]))
    steady = count / widths.total()
    return steady * steady * math.sqrt(min(width, _TELLING_WIDTH_MAX) - 1)


def _wide_encoding(head: bytes) -> str | None:
    """Return which UTF-16 a text without a byte order mark is in, if it is in one.

    Every second byte says the alphabet, and lists are written in two.
    """
    for encoding, line_end in _WIDE_LINE_ENDS.items():
        low = 0 if encoding == "utf-16-le" else 1
        high = head[1 - low :: 2]
        known = sum(high.count(byte) for byte in _WIDE_HIGH_BYTES)
        sound = high.count(0) and not head[low::2].count(0) and line_end in head
        if sound and known >= _WIDE_SHARE_MIN * len(high):
            return encoding
    return None


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
