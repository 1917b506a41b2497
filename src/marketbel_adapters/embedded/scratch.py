"""Folders of our own below the temporary folder, removed at the end or else by the next run.

Each holds a lock file. The lock is inherited by the servers that use the folder, so it is free
exactly when nobody uses the folder any more, however its users ended.
"""

import fcntl
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from marketbel_adapters.embedded.account import Account
from marketbel_adapters.embedded.errors import EmbeddedServerError

__all__ = ["LOCK_NAME", "ScratchFolder", "fits_a_socket", "scratch_folder", "try_lock"]

LOCK_NAME: Final = ".marketbel.lock"
_PREFIX: Final = "marketbel-run-"
_ATTEMPTS_MAX: Final = 10

# The address of a Unix socket holds 107 bytes on Linux and 103 on macOS; the file's own name
# (`/.s.PGSQL.65535`) takes 15 of them.
_SOCKET_FOLDER_BYTES_MAX: Final = 86
# What needs no escape in a URL and no quoting in PostgreSQL's list of folders.
_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9/._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScratchFolder:
    """A folder of our own and the open file descriptor of its lock."""

    path: Path
    lock: int


def try_lock(path: Path, *, create: bool = True) -> int | None:
    """Lock the file at `path`; return its descriptor, or `None` while somebody else holds it.

    Closing the last copy of the descriptor, in this process and its children, frees the lock.

    Raises:
        OSError: the file cannot be opened.
    """
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT if create else 0)
    descriptor = os.open(path, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Between open and lock the last owner may have removed the file: then it locks nothing.
        locked = os.path.samestat(os.fstat(descriptor), path.stat())
    except (BlockingIOError, FileNotFoundError):
        locked = False
    except BaseException:
        os.close(descriptor)
        raise
    if not locked:
        os.close(descriptor)
        return None
    return descriptor


def fits_a_socket(folder: Path) -> bool:
    """Return whether a socket in `folder` has an address short and plain enough for any client."""
    text = str(folder)
    return bool(_PLAIN_PATH.fullmatch(text)) and len(text) <= _SOCKET_FOLDER_BYTES_MAX


@contextmanager
def scratch_folder(account: Account, *, for_socket: bool = False) -> Iterator[ScratchFolder]:
    """Make an empty folder that `account` can reach, and remove it with all it holds.

    Args:
        for_socket: The folder shall also be short and plain enough to hold a socket.

    Raises:
        EmbeddedServerError: no temporary folder of this machine will do; the message says why.
    """
    folder = _make(account, for_socket=for_socket)
    try:
        yield folder
    finally:
        shutil.rmtree(folder.path, ignore_errors=True)
        os.close(folder.lock)


def _make(account: Account, *, for_socket: bool) -> ScratchFolder:
    reasons: list[str] = []
    for base in _bases():
        _sweep(base)
        if for_socket and not fits_a_socket(base / f"{_PREFIX}12345678" / "run"):
            reasons.append(f"{base}: its path is too long, or too odd, for a socket")
            continue
        try:
            folder = _make_in(base, account)
        except OSError as error:
            reasons.append(f"{base}: {error}")
            continue
        if account.can_enter(folder.path):
            return folder
        shutil.rmtree(folder.path, ignore_errors=True)
        os.close(folder.lock)
        reasons.append(f"{base}: closed to account {account.name!r}")
    raise EmbeddedServerError(
        "no temporary folder for the servers (TMPDIR names one): " + "; ".join(reasons)
    )


def _bases() -> list[Path]:
    try:
        first = [Path(tempfile.gettempdir()).absolute()]
    except FileNotFoundError:  # it tried to write in each that it knows
        first = []
    return list(dict.fromkeys([*first, Path("/tmp"), Path("/var/tmp")]))  # noqa: S108 - mkdtemp


def _make_in(base: Path, account: Account) -> ScratchFolder:
    for _ in range(_ATTEMPTS_MAX):
        path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
        try:
            if account.switched:
                path.chmod(0o711)  # the account may pass, nobody may look
            lock = try_lock(path / LOCK_NAME)
        except BaseException:
            shutil.rmtree(path, ignore_errors=True)
            raise
        if lock is not None:
            return ScratchFolder(path=path, lock=lock)
        # A sweep of another process came between the making and the locking.
        shutil.rmtree(path, ignore_errors=True)
    raise OSError("other processes kept removing the new folder")


def _sweep(base: Path) -> None:
    """Remove the folders in `base` that are ours and that nobody uses: their users were killed."""
    try:
        left = [entry for entry in base.iterdir() if entry.name.startswith(_PREFIX)]
    except OSError:
        return  # a base that cannot be listed is refused, or not, by the attempt to use it
    for path in left:
        try:
            status = path.lstat()
            if status.st_uid != os.geteuid() or not stat.S_ISDIR(status.st_mode):
                continue
            lock = try_lock(path / LOCK_NAME, create=False)
        except OSError:
            continue  # without a lock file it is not ours, or it is being made at this moment
        if lock is not None:
            shutil.rmtree(path, ignore_errors=True)
            os.close(lock)
