"""What lies in the folder, whoever put it there, and how it goes: only while it is the same."""

import os
import stat
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from marketbel_adapters.disk.folder import opened_folder, read_regular, remove_name
from marketbel_adapters.disk.part import is_part_name
from marketbel_adapters.disk.sidecars import (
    SIDECAR_BYTES_MAX,
    SIDECAR_SUFFIX,
    parsed,
    sidecar_name,
)
from marketbel_core.errors import ProtocolError, RefusedError
from marketbel_core.ids import FileKey
from marketbel_core.intake.stored_file import FileKind, FoundFile, Sidecar, stored_name

__all__ = ["removed", "surveyed"]

_OURS: Final = frozenset({FileKind.DATA, FileKind.SIDECAR, FileKind.PART})
_TIME_MIN: Final = datetime(1, 1, 1, tzinfo=UTC)
_TIME_MAX: Final = datetime(9_000, 1, 1, tzinfo=UTC)
"""File systems keep times that no calendar has."""


def surveyed(folder: Path) -> list[FoundFile]:
    """Return all that is in the folder, by name; a sidecar beside its file goes with the file."""
    with opened_folder(folder) as descriptor:
        with os.scandir(descriptor) as entries:
            names = sorted(entry.name for entry in entries)
        found = [_found(descriptor, name) for name in names]
    return [each for each in found if each is not None]


def removed(folder: Path, found: FoundFile) -> bool:
    """Remove what was found if it is still the same; return whether it was removed.

    All is looked at and removed by name in the opened folder, where a removal takes a link and
    never what it leads to. Nothing is made durable: what a power failure brings back is removed
    the next time.
    """
    if found.kind not in _OURS:
        return False
    with opened_folder(folder) as descriptor:
        if _found(descriptor, found.name) != found:
            return False
        mark = sidecar_name(found.name)
        if found.kind is FileKind.DATA and _regular_status(descriptor, mark) is not None:
            remove_name(descriptor, mark)  # first: without it nobody reads the file
        return remove_name(descriptor, found.name)


def _found(folder: int, name: str) -> FoundFile | None:
    """Return what has this name; `None` when it is gone, or a sidecar that goes with its file."""
    status = _status(folder, name)
    if status is None:
        return None
    kind, sidecar, size_bytes = FileKind.STRANGER, None, status.st_size
    if stat.S_ISLNK(status.st_mode):
        kind = FileKind.SYMLINK
    elif stat.S_ISDIR(status.st_mode):
        kind = FileKind.DIRECTORY
    elif stat.S_ISREG(status.st_mode):
        described = name.removesuffix(SIDECAR_SUFFIX)
        if described != name and _regular_status(folder, described) is not None:
            return None
        kind, sidecar = _kind(folder, name)
    if kind is FileKind.DATA:
        mark = _regular_status(folder, sidecar_name(name))
        size_bytes += mark.st_size if mark else 0
    return FoundFile(
        name=name,
        kind=kind,
        size_bytes=size_bytes,
        modified_at=_instant(status.st_mtime),
        sidecar=sidecar,
    )


def _kind(folder: int, name: str) -> tuple[FileKind, Sidecar | None]:
    """Return what a regular file is, and the sidecar of a price list."""
    described = name.removesuffix(SIDECAR_SUFFIX)
    if described != name:
        ours = stored_name(described) or _sidecar(folder, described)
        return (FileKind.SIDECAR if ours else FileKind.STRANGER), None
    sidecar = _sidecar(folder, name)
    if sidecar is not None:
        return FileKind.DATA, sidecar
    if is_part_name(name):
        return FileKind.PART, None
    return (FileKind.DATA if stored_name(name) else FileKind.STRANGER), None


def _sidecar(folder: int, name: str) -> Sidecar | None:
    """Return the sidecar of `name` if there is one that can be trusted."""
    with suppress(OSError, ProtocolError, RefusedError):
        content = read_regular(folder, sidecar_name(name), SIDECAR_BYTES_MAX + 1)
        return parsed(content, key=FileKey(name))
    return None


def _status(folder: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _regular_status(folder: int, name: str) -> os.stat_result | None:
    try:
        status = _status(folder, name)
    except OSError:  # too long a name: there is no such file
        return None
    return status if status is not None and stat.S_ISREG(status.st_mode) else None


def _instant(seconds: float) -> datetime:
    low, high = _TIME_MIN.timestamp(), _TIME_MAX.timestamp()
    return datetime.fromtimestamp(min(max(seconds, low), high), tz=UTC)
