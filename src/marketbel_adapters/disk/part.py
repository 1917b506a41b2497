"""A file in the making: written aside, put in its place whole, or gone without a trace."""

import os
import secrets
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = ["NAME_BYTES_MAX", "PartFile", "sync_folder"]

NAME_BYTES_MAX: Final = 255
"""What common file systems allow a file's name."""

_MODE: Final = 0o644
"""Readable for everybody: the neighbour that reads the file runs under another account."""

_FLAGS: Final = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class PartFile:
    """Becomes `target` on `commit`; until then it is `.{name}.{random}.part` beside it.

    Methods block and may run in threads. `discard` waits for the one that runs and turns those
    that come later into nothing: a cancelled task leaves its thread at work, which must neither
    write to a closed descriptor nor bring a discarded file back.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._path = target.with_name(_part_name(target.name))
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._exists = False
        self._ended = False

    def create(self) -> None:
        """Make the file, empty."""
        with self._lock:
            if self._ended:
                return
            self._descriptor = os.open(self._path, _FLAGS, _MODE)
            self._exists = True
            os.fchmod(self._descriptor, _MODE)  # whatever the umask says

    def write(self, chunk: bytes) -> None:
        """Append all of `chunk`."""
        with self._lock:
            if self._descriptor is None:
                return
            rest = memoryview(chunk)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]

    def seal(self) -> None:
        """Make what was written durable; nothing can be written any more."""
        with self._lock:
            if self._descriptor is not None:
                os.fsync(self._descriptor)
                self._close()

    def commit(self) -> None:
        """Put the sealed file in the target's place, durably; what was there is replaced."""
        with self._lock:
            if not self._exists:
                return
            os.replace(self._path, self._target)  # noqa: PTH105  (the whole file is about os)
            self._exists = False
            self._ended = True
            sync_folder(self._target.parent)

    def discard(self) -> None:
        """Remove what there is of it, unless it was committed; never fails."""
        with self._lock:
            self._ended = True
            with suppress(OSError):
                self._close()
            if self._exists:
                self._exists = False
                with suppress(OSError):
                    self._path.unlink()

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make renames and removals in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _part_name(name: str) -> str:
    tail = f".{secrets.token_hex(8)}.part"
    room = NAME_BYTES_MAX - len(tail) - 1
    return f".{name.encode()[:room].decode(errors='ignore')}{tail}"
