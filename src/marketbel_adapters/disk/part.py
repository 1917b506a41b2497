"""A file in the making: written aside, put in its place whole, or gone without a trace."""

import errno
import os
import re
import secrets
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from marketbel_adapters.disk.folder import check_place, open_folder, remove_name

__all__ = ["NAME_BYTES_MAX", "PartFile", "is_part_name"]

NAME_BYTES_MAX: Final = 255
"""What common file systems allow a file's name."""

_PART_NAME: Final = re.compile(
    r"\..+\.[0-9a-f]{16}\.part|\.?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}[._].*\.part", re.DOTALL
)
"""As `_part_name` makes them, or any name of a job's or a supplier's file that ends so."""

_MODE: Final = 0o640
"""Readable for the folder's group, to which the neighbours belong, and for nobody else."""

_FLAGS: Final = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class PartFile:
    """Becomes `target` on `commit`; until then it is `.{name}.{random}.part` beside it.

    Methods block and may run in threads. `discard` waits for the one that runs and turns those
    that come later into nothing: a cancelled task leaves its thread at work, which must neither
    write to a closed descriptor nor bring a discarded file back.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._name = _part_name(target.name)
        self._lock = threading.Lock()
        self._folder: int | None = None
        self._descriptor: int | None = None
        self._exists = False
        self._ended = False

    def create(self) -> None:
        """Make the file, empty, if the target's name is free or a file's.

        Raises:
            OSError: with ELOOP or EMLINK when the folder or the target is a link.
        """
        with self._lock:
            if self._ended:
                return
            self._folder = open_folder(self._target.parent)
            check_place(self._folder, self._target.name)
            self._descriptor = os.open(self._name, _FLAGS, _MODE, dir_fd=self._folder)
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
            if self._descriptor is None:
                return
            os.fsync(self._descriptor)
            if os.fstat(self._descriptor).st_nlink != 1:
                raise OSError(errno.EMLINK, "somebody changed the file's name", self._name)
            self._close()

    def commit(self, *, removing: str | None = None) -> None:
        """Put the sealed file in the target's place, durably; what was there is replaced.

        Args:
            removing: A name that must be gone before; it may be absent.
        """
        with self._lock:
            if not self._exists or self._folder is None:
                return
            check_place(self._folder, self._target.name)
            if removing is not None:
                remove_name(self._folder, removing)
            # A link put there since is replaced as well, and not followed.
            os.replace(
                self._name,
                self._target.name,
                src_dir_fd=self._folder,
                dst_dir_fd=self._folder,
            )
            self._exists = False
            self._ended = True
            os.fsync(self._folder)

    def discard(self) -> None:
        """Remove what there is of it, unless it was committed; never fails."""
        with self._lock:
            self._ended = True
            with suppress(OSError):
                self._close()
            folder, self._folder = self._folder, None
            if folder is None:
                return
            if self._exists:
                self._exists = False
                with suppress(OSError):
                    remove_name(folder, self._name)
            with suppress(OSError):
                os.close(folder)

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def is_part_name(name: str) -> bool:
    """Return whether a file so called is what was left of one in the making."""
    return _PART_NAME.fullmatch(name) is not None


def _part_name(name: str) -> str:
    tail = f".{secrets.token_hex(8)}.part"
    room = NAME_BYTES_MAX - len(tail) - 1
    return f".{name.encode()[:room].decode(errors='ignore')}{tail}"
