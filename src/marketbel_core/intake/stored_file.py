"""Files at rest: how they are named, and the sidecar that says what a file is and whence it came.

The sidecar is the commit mark: a file without one is not there yet.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import unquote, urlsplit

from marketbel_core.catalog import FileType, SourceRef, SourceType
from marketbel_core.errors import RefusedError
from marketbel_core.ids import FileKey, JobId, SupplierId

__all__ = [
    "FileFacts",
    "Sidecar",
    "check_names",
    "file_key",
    "file_type_of",
    "original_filename",
    "sanitised",
]

_NAME_LENGTH_MAX: Final = 200
"""Room for the job id and the instant before it, within the 255 bytes of a file name."""

_NAME_BYTES_MAX: Final = 190
_EXTENSION_LENGTH_MAX: Final = 15
"""What follows a dot and is longer is a part of the name: "No. 5. Building materials"."""

_SIDECAR: Final = re.compile(r"\.meta\.json$", re.IGNORECASE)  # the names of sidecars are ours
_UNSAFE: Final = re.compile(r"[^\w\-.]")
_SEPARATOR: Final = re.compile(r"[/\\]")
_KEY: Final = re.compile(r"(?P<job>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_\d+_(?P<name>.+)")
_SUFFIXES: Final = {
    ".xlsx": FileType.EXCEL,
    ".xls": FileType.EXCEL,
    ".csv": FileType.CSV,
    ".pdf": FileType.PDF,
}
_MIME_WORDS: Final = (
    ("spreadsheet", FileType.EXCEL),
    ("excel", FileType.EXCEL),
    ("csv", FileType.CSV),
    ("pdf", FileType.PDF),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """What a stored file is by its content, once it was found sound.

    Attributes:
        file_type: In ml-analyze's words.
        sniffed_type: The format: `xlsx`, `xlsm`, `xlsb`, `xls`, `ods`, `csv` or `pdf`.
        formula_cells: Cells with a formula; in csv, cells that a spreadsheet program would take
            for one, since they begin with `=`, `+`, `-`, `@`, a tab or a carriage return. They
            are kept as they are, and are to be quoted wherever the list is exported.
        macros: Whether it has macros, links to other workbooks or calls of other programs.
    """

    file_type: FileType
    sniffed_type: str
    formula_cells: int = 0
    macros: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidecar:
    """What is written beside a stored file.

    Attributes:
        file_size_bytes: At least 1.
        checksum_md5: 32 lower-case hexadecimal digits of the bytes as stored.
        checksum_sha256: 64 of them.
        downloaded_at: When the last byte arrived (aware, UTC).
        sniffed_type: The format by content (see `FileFacts`); empty when nobody looked.
        formula_cells: See `FileFacts`.
        macros: See `FileFacts`.
    """

    job_id: JobId
    supplier_id: SupplierId
    supplier_name: str
    original_filename: str
    source_url: str
    source_type: SourceType
    file_type: FileType
    mime_type: str
    file_size_bytes: int
    checksum_md5: str
    checksum_sha256: str
    downloaded_at: datetime
    sniffed_type: str = ""
    formula_cells: int = 0
    macros: bool = False


def sanitised(filename: str) -> str:
    """Return `filename` as a name that is safe in any folder.

    Every character outside letters, digits, `_`, `-` and `.` becomes `_`; leading dots go; the
    name is cut to 200 characters (190 bytes) with its extension kept; nothing left becomes `file`.
    """
    name = unicodedata.normalize("NFC", filename.replace("\\", "/")).rsplit("/", 1)[-1]
    name = _SIDECAR.sub("_meta_json", _UNSAFE.sub("_", name).lstrip("."))
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension) > _EXTENSION_LENGTH_MAX:
        stem, dot, extension = name or "file", "", ""
    suffix = dot + extension
    stem = stem[: _NAME_LENGTH_MAX - len(suffix)]
    while len((stem + suffix).encode()) > _NAME_BYTES_MAX:
        stem = stem[:-1]
    return stem + suffix


def file_key(job_id: JobId, *, at: datetime, filename: str) -> FileKey:
    """Return the key of a stored file: `{job_id}_{epoch_ms}_{sanitised name}`."""
    return FileKey(f"{job_id}_{int(at.timestamp() * 1000)}_{sanitised(filename)}")


def check_names(sidecar: Sidecar, key: FileKey) -> None:
    """Refuse a sidecar that speaks of another file than the one it lies beside.

    A key that was not made by `file_key` promises nothing about names, so only a name with
    folders in it is held against such a key.

    Raises:
        RefusedError: job or file name differ (`meta.mismatch`).
    """
    name = sanitised(sidecar.original_filename)
    made = _KEY.fullmatch(key)
    if made is not None:
        same = made["job"] == str(sidecar.job_id) and made["name"] == name
    else:
        same = not _SEPARATOR.search(sidecar.original_filename) or key.endswith(name)
    if not same:
        raise RefusedError(
            "meta.mismatch",
            f"the sidecar of {key} names another job or file; fetch the list again",
        )


def original_filename(source: SourceRef, *, announced: str | None, supplier_name: str) -> str:
    """Return the name that people know the file by.

    What the job says wins, then what the source announced, then the end of its address; a Google
    Sheet is called after its supplier.
    """
    if source.original_filename:
        return source.original_filename[:255]
    if source.type is SourceType.GOOGLE_SHEETS:
        return f"{supplier_name}_export.xlsx"[-255:]
    from_address = _last_part(source.location)
    return (announced or from_address or f"{supplier_name}_file")[-255:]


def _last_part(location: str) -> str:
    try:
        path = urlsplit(location).path
    except ValueError:  # an address that is none, such as `https://[x`: its source will say so
        return ""
    return unquote(path.rsplit("/", 1)[-1])


def file_type_of(filename: str, *, mime_type: str | None, source_type: SourceType) -> FileType:
    """Return the type by extension, else by MIME type, else by how the supplier publishes."""
    _, dot, extension = filename.lower().rpartition(".")
    by_suffix = _SUFFIXES.get(dot + extension)
    if by_suffix is not None:
        return by_suffix
    for word, file_type in _MIME_WORDS:
        if word in (mime_type or "").lower():
            return file_type
    return FileType.CSV if source_type is SourceType.CSV else FileType.EXCEL
