"""Files at rest: their names, the sidecar that says what a file is, and how long one is kept.

The sidecar is the commit mark: a file without one is not there yet.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import unquote, urlsplit
from uuid import UUID

from marketbel_core.catalog import FileType, SourceRef, SourceType, shown_location
from marketbel_core.errors import RefusedError
from marketbel_core.ids import FileKey, JobId, SupplierId

__all__ = [
    "FileFacts",
    "FileKind",
    "FoundFile",
    "KeepReason",
    "Sidecar",
    "StoredName",
    "check_names",
    "file_key",
    "file_type_of",
    "mentioned_names",
    "original_filename",
    "reason_to_keep",
    "sanitised",
    "stored_name",
]

_NAME_LENGTH_MAX: Final = 200
"""Room for the job id and the instant before it, within the 255 bytes of a file name."""

_NAME_BYTES_MAX: Final = 190
_EXTENSION_LENGTH_MAX: Final = 15
"""What follows a dot and is longer is a part of the name: "No. 5. Building materials"."""

_SIDECAR: Final = re.compile(r"\.meta\.json$", re.IGNORECASE)  # the names of sidecars are ours
_UNSAFE: Final = re.compile(r"[^\w\-.]")
_UUID: Final = r"([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
_STORED_NAME: Final = re.compile(rf"{_UUID}_([0-9]{{13}})_.+", re.DOTALL)
"""Thirteen digits of milliseconds are the years 2001 to 2286."""

_OWNED_NAME: Final = re.compile(rf"\.?{_UUID}[._]")
_SEPARATOR: Final = re.compile(r"[/\\]")
_PARAMETERS: Final = re.compile(r"[?#]")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
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
        source_url: Where the file came from, without credentials and query, whoever gave it.
        file_size_bytes: At least 1.
        checksum_md5: 32 lower-case hexadecimal digits of the bytes as stored.
        checksum_sha256: 64 of them; empty in what others wrote.
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

    def __post_init__(self) -> None:
        # Neighbours read the sidecar: here is the one door that every address goes through.
        object.__setattr__(self, "source_url", shown_location(self.source_url))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredName:
    """What a file's name tells.

    Attributes:
        owner: The job that the file was stored for, or, of an upload, its supplier.
        stored_at: When the storing began (aware, UTC).
    """

    owner: UUID
    stored_at: datetime


class FileKind(StrEnum):
    """What lies in the file store, as far as its clean-up is concerned."""

    DATA = "data"  # a price list: carried by us, or uploaded through the admin interface
    SIDECAR = "sidecar"  # one whose file is gone
    PART = "part"  # what a killed worker left of a file in the making
    SYMLINK = "symlink"  # not ours: we make none
    DIRECTORY = "directory"  # not ours either
    STRANGER = "stranger"  # anything else


class KeepReason(StrEnum):
    """Why a clean-up leaves something where it is."""

    YOUNG = "young"  # it has not been there for long enough
    ACTIVE_JOB = "active_job"  # a job on its way needs it
    AWAITED = "awaited"  # a trigger that waits mentions it
    FUTURE = "future"  # it claims to be from the future: somebody's clock is wrong
    SYMLINK = "symlink"
    DIRECTORY = "directory"
    STRANGER = "stranger"
    CHANGED = "changed"  # it changed or went while the clean-up was at it


_NEVER_OURS: Final = {
    FileKind.SYMLINK: KeepReason.SYMLINK,
    FileKind.DIRECTORY: KeepReason.DIRECTORY,
    FileKind.STRANGER: KeepReason.STRANGER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """Something that lies in the file store; a sidecar beside its file is told with the file.

    Attributes:
        name: Its name there; one that UTF-8 cannot say has lone surrogates in it.
        size_bytes: What its removal frees, with its sidecar.
        modified_at: When its content changed last, as the store knows (aware, UTC).
        sidecar: Of a price list; `None` when there is none that can be trusted.
    """

    name: str
    kind: FileKind
    size_bytes: int
    modified_at: datetime
    sidecar: Sidecar | None = None

    @property
    def owners(self) -> frozenset[UUID]:
        """The job that it was stored for, or the supplier that it was uploaded for."""
        named = _OWNED_NAME.match(self.name)
        owners = {UUID(named.group(1))} if named else set()
        return frozenset(owners | ({self.sidecar.job_id} if self.sidecar else set()))


def reason_to_keep(found: FoundFile, *, now: datetime, ttl: timedelta) -> KeepReason | None:
    """Return why `found` is kept by its age and kind; `None` when its time is over.

    A price list is as old as its sidecar says; one without (an upload, or what a crash left) as
    its name says. File times count for lost sidecars and parts alone: a copy may keep the time of
    what it was copied from.
    """
    since = _since(found)
    if since is None:
        return _NEVER_OURS.get(found.kind, KeepReason.STRANGER)
    if since > now:
        return KeepReason.FUTURE
    return KeepReason.YOUNG if now - since < ttl else None


def _since(found: FoundFile) -> datetime | None:
    match found.kind:
        case FileKind.DATA:
            if found.sidecar is not None:
                return found.sidecar.downloaded_at
            named = stored_name(found.name)
            return None if named is None else named.stored_at
        case FileKind.SIDECAR | FileKind.PART:
            return found.modified_at
        case FileKind.SYMLINK | FileKind.DIRECTORY | FileKind.STRANGER:
            return None


def mentioned_names(text: str) -> frozenset[str]:
    """Return the names of stored files that a path, an address or a bare name may mean."""
    last = _SEPARATOR.split(text.strip())[-1]
    bare = _PARAMETERS.split(last, maxsplit=1)[0]
    return frozenset({last, bare, unquote(bare)})


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


def stored_name(name: str) -> StoredName | None:
    """Return what the name of a stored or uploaded file tells; `None` when it is no such name."""
    parts = _STORED_NAME.fullmatch(name)
    if parts is None:
        return None
    owner, epoch_ms = parts.groups()
    return StoredName(owner=UUID(owner), stored_at=_EPOCH + int(epoch_ms) * _MILLISECOND)


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
