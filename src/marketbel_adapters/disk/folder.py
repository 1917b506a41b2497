"""The folder, opened: names in it are used relative to its descriptor, and links are refused.

Others may write in the shared folder. Whoever puts a link where a file or the folder itself is
expected must not have another file read, written or removed; so no path is walked twice, and what
is opened is looked at once more.
"""

import errno
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

__all__ = [
    "UNSAFE_ERRNOS",
    "check_place",
    "open_folder",
    "open_regular",
    "opened_folder",
    "read_regular",
    "remove_name",
]

UNSAFE_ERRNOS: Final = frozenset({errno.ELOOP, errno.EMLINK})
"""What the functions below raise for a symbolic link, and for a file that has a second name."""

_FOLDER_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""No link in the last place; no waiting for a pipe's other end."""


def open_folder(path: Path) -> int:
    """Return a descriptor of the folder.

    Raises:
        OSError: with ELOOP when the folder is a link.
    """
    try:
        return os.open(path, _FOLDER_FLAGS)
    except NotADirectoryError:  # what Linux says of a link to a folder as well
        if path.is_symlink():
            raise OSError(errno.ELOOP, "the folder is a link", str(path)) from None
        raise


@contextmanager
def opened_folder(path: Path) -> Generator[int]:
    """Give a descriptor of the folder for the block."""
    descriptor = open_folder(path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def open_regular(folder: int, name: str) -> int:
    """Return a descriptor of a file that is neither a link nor a device, a folder or a pipe.

    Raises:
        OSError: with ELOOP for a link, with EMLINK for a file that has another name besides.
    """
    descriptor = os.open(name, _FILE_FLAGS, dir_fd=folder)
    try:
        _check_regular(os.fstat(descriptor), name)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def read_regular(folder: int, name: str, size_bytes_max: int = -1) -> bytes:
    """Return the content of such a file; -1 means all of it."""
    with os.fdopen(open_regular(folder, name), "rb") as file:
        return file.read(size_bytes_max)


def check_place(folder: int, name: str) -> None:
    """See that a file may be put under `name`: nothing is there, or a regular file.

    Raises:
        OSError: with ELOOP for a link, with EMLINK for a file that has another name besides.
    """
    with suppress(FileNotFoundError):
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISLNK(found.st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name)
        _check_regular(found, name)


def remove_name(folder: int, name: str) -> bool:
    """Remove the name, never what a link leads to; return whether there was one."""
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return False
    return True


def _check_regular(found: os.stat_result, name: str) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", name)
    if found.st_nlink > 1:
        raise OSError(errno.EMLINK, "the file has a second name", name)
