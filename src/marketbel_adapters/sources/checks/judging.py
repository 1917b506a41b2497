"""Whether a file is what its name says, and sound: the way from bytes to a verdict."""

from collections.abc import Callable
from typing import BinaryIO, Final

from marketbel_adapters.sources.checks.delimited import check_delimited
from marketbel_adapters.sources.checks.facts import Asked, Found
from marketbel_adapters.sources.checks.packages import check_package
from marketbel_adapters.sources.checks.pdf import check_pdf, no_pdf
from marketbel_adapters.sources.checks.refusals import RefusalError
from marketbel_adapters.sources.checks.sniffing import HEAD_BYTES, Form, Sniffed, is_blank, sniffed
from marketbel_adapters.sources.checks.xls import check_old_sheet, check_ole

__all__ = ["judge"]

_CHUNK_BYTES: Final = 1 << 20

_ZIPPED_WORKBOOKS: Final = frozenset({"xlsx", "xlsm", "xlsb", "xltx", "xltm", "ods"})
_WORKBOOKS: Final = _ZIPPED_WORKBOOKS | {"xls", "xlt"}
_TEXTS: Final = frozenset({"csv", "tsv", "txt"})


def judge(file: BinaryIO, *, size_bytes: int, asked: Asked, tell: Callable[[Form], None]) -> Found:
    """Return what the file is.

    Args:
        file: Open for reading, seekable, with a descriptor of its own.
        size_bytes: All of it.
        asked: What is known apart from the bytes.
        tell: Is told the form as soon as it is known, before anything can go wrong.

    Raises:
        RefusalError: with a code of the published table.
    """
    form = sniffed(file.read(HEAD_BYTES))
    tell(form.form)
    if form.form is Form.TEXT and _is_blank(file):
        raise RefusalError("file.empty", "the file has nothing in it; send the price list again")
    _check_name(form, asked)
    match form.form:
        case Form.ZIP:
            return check_package(file, size_bytes=size_bytes, asked=asked)
        case Form.OLE:
            return check_ole(file, size_bytes=size_bytes, asked=asked)
        case Form.BIFF:
            return check_old_sheet(file, asked=asked)
        case Form.PDF:
            return check_pdf(file, size_bytes=size_bytes)
        case _:
            return check_delimited(file)


def _check_name(found: Sniffed, asked: Asked) -> None:
    """Refuse what cannot be a price list, and what is something else than its name says.

    Suppliers call csv files .xls and workbooks .csv; what is inside decides between these. A name
    that promises a package or a PDF is taken at its word.
    """
    extension = _extension(asked)
    is_pdf = found.form is Form.PDF
    match found.form:
        case Form.FORBIDDEN:
            raise RefusalError(
                "file.type_not_allowed",
                f"the file is {found.name}; send the list itself, as xlsx, xls, ods, csv or pdf",
            )
        case Form.MARKUP:
            raise _mismatch(found)
        case Form.TEXT if extension in _ZIPPED_WORKBOOKS:
            raise _mismatch(found)
        case Form.BINARY if extension not in _TEXTS | {"pdf"}:
            raise _mismatch(found)
        case Form.TEXT | Form.BINARY if extension == "pdf":
            raise no_pdf()
        case Form.ZIP | Form.OLE | Form.BIFF if extension == "pdf":
            raise _mismatch(found)
        case _ if is_pdf and extension in _WORKBOOKS | _TEXTS and _is_named(asked, extension):
            raise _mismatch(found)
        case _:
            return


def _mismatch(found: Sniffed) -> RefusalError:
    return RefusalError(
        "file.type_mismatch",
        f"the file looks like {found.name}, whatever its name says; check the address, which may "
        "ask to log in, or save the list as xlsx, csv or pdf",
    )


def _is_named(asked: Asked, extension: str) -> bool:
    return asked.filename.lower().endswith(f".{extension}")


def _extension(asked: Asked) -> str:
    """Return what the file claims to be: by name, else by announced type, else by source."""
    _, dot, extension = asked.filename.lower().rpartition(".")
    if dot and extension in _WORKBOOKS | _TEXTS | {"pdf"}:
        return extension
    announced = asked.mime_type.lower()
    for word, meant in (("pdf", "pdf"), ("csv", "csv"), ("text/", "txt")):
        if word in announced:
            return meant
    # Nothing promises a package: text is text, and anything else must be a workbook.
    return "csv" if asked.source_type == "csv" else "xls"


def _is_blank(file: BinaryIO) -> bool:
    file.seek(0)
    begun = file.read(2)
    wide = begun in {b"\xff\xfe", b"\xfe\xff"}
    file.seek(0)
    while chunk := file.read(_CHUNK_BYTES):
        if not is_blank(begun + chunk if wide and file.tell() > len(chunk) else chunk):
            return False
    return True
