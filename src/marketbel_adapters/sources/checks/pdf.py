"""PDFs: whole, open to everybody, of a sane length, and without streams that explode.

Streams are unpacked here with a limit before the parser sees the file. Pictures are left out:
honest scans unpack to gigabytes, and nobody unpacks them to read a list.
"""

import mmap
import re
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from marketbel_adapters.sources.checks.facts import Found
from marketbel_adapters.sources.checks.limits import (
    PDF_PAGES_MAX,
    UNPACKED_BYTES_FREE,
    UNPACKED_BYTES_MAX,
    UNPACKED_RATIO_MAX,
)
from marketbel_adapters.sources.checks.refusals import RefusalError

__all__ = ["check_pdf", "no_pdf"]

_MARK: Final = b"%PDF-"
_HEAD_BYTES: Final = 1_024
_END: Final = b"%%EOF"
_TAIL_BYTES: Final = 4_096
"""Servers and mail gateways append a little; a file that was cut has no end mark so late."""

_STREAM: Final = re.compile(rb"stream\r?\n")
_DICTIONARY_BYTES_MAX: Final = 4_096
_FLATE: Final = re.compile(rb"/(?:FlateDecode|Fl)\b")
_PICTURE: Final = re.compile(rb"/Subtype\s*/Image\b")
_CHUNK_BYTES: Final = 65_536
_UNPACKED_CHUNK_BYTES: Final = 1 << 20
_FILTERS_MAX: Final = 4


def check_pdf(file: BinaryIO, *, size_bytes: int) -> Found:
    """Return what the PDF is.

    A PDF that is only protected against printing or copying opens without a password and is taken.

    Raises:
        RefusalError: `pdf.corrupt`, `pdf.encrypted`, `pdf.too_large`.
    """
    with mmap.mmap(file.fileno(), size_bytes, access=mmap.ACCESS_READ) as content:
        if _MARK not in content[:_HEAD_BYTES]:
            raise no_pdf()
        if content.rfind(_END, max(0, size_bytes - _TAIL_BYTES)) < 0:
            raise _corrupt("its end is missing")
        _check_streams(content, size_bytes=size_bytes)
    pages = _pages(file)
    if pages == 0:
        raise _corrupt("it has no page")
    if pages > PDF_PAGES_MAX:
        raise _too_large(f"it has {pages} pages, and at most {PDF_PAGES_MAX} are taken")
    return Found(file_type="pdf", sniffed_type="pdf")


def no_pdf() -> RefusalError:
    """Return the refusal of a file that is called a PDF and begins otherwise."""
    return _corrupt("it does not begin as a PDF does")


def _pages(file: BinaryIO) -> int:
    import pypdfium2  # noqa: PLC0415 - only what needs it has to have it
    from pypdfium2.raw import FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY  # noqa: PLC0415

    file.seek(0)
    try:
        document = pypdfium2.PdfDocument(file)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) in {FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY}:
            raise RefusalError(
                "pdf.encrypted", "the PDF is protected by a password; send it without"
            ) from error
        raise _corrupt("it cannot be opened") from error
    try:
        return len(document)
    finally:
        document.close()


def _check_streams(content: mmap.mmap, *, size_bytes: int) -> None:
    total = 0
    for found in _STREAM.finditer(content):
        dictionary = content[max(0, found.start() - _DICTIONARY_BYTES_MAX) : found.start()]
        dictionary = dictionary[max(0, dictionary.rfind(b" obj")) :]
        filters = len(_FLATE.findall(dictionary))
        if filters == 0 or _PICTURE.search(dictionary):
            continue
        for unpacked in _unpacked(content, found.end(), filters=min(filters, _FILTERS_MAX)):
            total += unpacked
            explodes = total > UNPACKED_BYTES_FREE and total / size_bytes > UNPACKED_RATIO_MAX
            if explodes or total > UNPACKED_BYTES_MAX:
                raise _too_large("it unpacks to far more than a list needs")


def _unpacked(content: mmap.mmap, start: int, *, filters: int) -> Iterator[int]:
    """Yield the sizes of what the stream at `start` unpacks to, chunk by chunk, every layer."""
    position = start
    layers = [zlib.decompressobj() for _ in range(filters)]
    while not layers[0].eof and position < len(content):
        chunk = content[position : position + _CHUNK_BYTES]
        position += len(chunk)
        try:
            yield from _through(layers, chunk)
        except zlib.error:
            return  # damaged, or not packed so: the parser will say


def _through(layers: "list[zlib._Decompress]", chunk: bytes) -> Iterator[int]:
    first, *deeper = layers
    rest = chunk
    while rest and not first.eof:
        unpacked = first.decompress(rest, _UNPACKED_CHUNK_BYTES)
        rest = first.unconsumed_tail
        yield len(unpacked)
        if deeper and unpacked:
            yield from _through(deeper, unpacked)


def _corrupt(why: str) -> RefusalError:
    return RefusalError(
        "pdf.corrupt", f"the PDF is damaged: {why}; save it again and send it anew, whole"
    )


def _too_large(why: str) -> RefusalError:
    return RefusalError(
        "pdf.too_large", f"the PDF is too large: {why}; split it, or send the list as xlsx"
    )
