"""Workbooks in an OLE container, or older still: .xls ([MS-XLS]), and .xlsx under a password."""

import struct
from collections.abc import Iterator
from typing import BinaryIO, Final

from marketbel_adapters.sources.checks.facts import Asked, Found
from marketbel_adapters.sources.checks.ole import OleFile
from marketbel_adapters.sources.checks.packages import macros_refusal
from marketbel_adapters.sources.checks.parsers import check_by_parser
from marketbel_adapters.sources.checks.refusals import RefusalError

__all__ = ["check_old_sheet", "check_ole"]

_WORKBOOK_STREAMS: Final = ("workbook", "book")
_ENCRYPTED_NAMES: Final = frozenset({"encryptedpackage", "encryptioninfo"})
_VBA_NAME: Final = "_vba_project_cur"

_FORMULA: Final = 0x0006
_FILE_PASS: Final = 0x002F
_BOUND_SHEET: Final = 0x0085
_SUP_BOOK: Final = 0x01AE
_MACRO_SHEET: Final = 1
_SHEET_KIND_AT: Final = 5
_SUP_BOOK_HEAD: Final = struct.Struct("<HH")
_PATH_LENGTH_MAX: Final = 0xFF
"""A longer "path" is a mark for the book's own sheets (0x0401) or for add-ins (0x3A01); one
character is a mark, too: the same sheet, or an unused link."""


def check_ole(file: BinaryIO, *, size_bytes: int, asked: Asked) -> Found:
    """Return what the workbook is.

    Raises:
        RefusalError: `file.encrypted`, `file.type_mismatch`, `xlsx.macros`, `xlsx.*`.
    """
    ole = OleFile(file, size_bytes=size_bytes)
    if ole.names & _ENCRYPTED_NAMES:
        raise _encrypted()
    stream = next((name for name in _WORKBOOK_STREAMS if ole.is_stream(name)), None)
    if stream is None:
        raise RefusalError(
            "file.type_mismatch",
            "the file is an older Office document and no workbook; send the list as xlsx or csv",
        )
    formulas, acts = _look_at(ole.stream(stream))
    macros = acts or _VBA_NAME in ole.names
    if macros and asked.macros_refused:
        raise macros_refusal()
    check_by_parser(file, asked=asked)
    return Found(file_type="excel", sniffed_type="xls", formula_cells=formulas, macros=macros)


def check_old_sheet(file: BinaryIO, *, asked: Asked) -> Found:
    """Return what a sheet of Excel 2 to 4 is: whatever the reader can open."""
    check_by_parser(file, asked=asked)
    return Found(file_type="excel", sniffed_type="xls")


def _look_at(stream: bytes) -> tuple[int, bool]:
    """Return how many cells have a formula, and whether the workbook can act."""
    formulas, acts = 0, False
    for kind, start, length in _records(stream):
        if kind == _FORMULA:
            formulas += 1
        elif kind == _FILE_PASS:
            raise _encrypted()
        elif kind == _BOUND_SHEET and length > _SHEET_KIND_AT:
            acts |= stream[start + _SHEET_KIND_AT] == _MACRO_SHEET
        elif kind == _SUP_BOOK and length >= _SUP_BOOK_HEAD.size:
            _, path_length = _SUP_BOOK_HEAD.unpack_from(stream, start)
            acts |= 1 < path_length <= _PATH_LENGTH_MAX
    return formulas, acts


def _records(stream: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield kind, start and length of each record."""
    at, end = 0, len(stream) - 4
    while at <= end:
        kind, length = struct.unpack_from("<HH", stream, at)
        if at + 4 + length > len(stream):
            return
        yield kind, at + 4, length
        at += 4 + length


def _encrypted() -> RefusalError:
    return RefusalError(
        "file.encrypted", "the workbook is protected by a password; send it without"
    )
