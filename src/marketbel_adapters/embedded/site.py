"""Where one server lives: its folder, its lock, its sockets and the account it runs under."""

import os
import shutil
import signal
import time
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from marketbel_adapters.embedded.account import Account
from marketbel_adapters.embedded.errors import ClosedFolderError, EmbeddedServerError
from marketbel_adapters.embedded.process import ServerProcess, running
from marketbel_adapters.embedded.scratch import (
    LOCK_NAME,
    fits_a_socket,
    scratch_folder,
    try_lock,
)

__all__ = ["EmbeddedServer", "Site", "machine_errors", "server_site"]

# A server whose parent was killed a moment ago still writes its data out.
_LOCK_SECONDS_MAX: Final = 10.0
_LOCK_POLL_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedServer:
    """A server that answers.

    Attributes:
        url: What clients of this machine connect to; a Unix socket, nothing listens on TCP.
        pid: The process id of the server itself.
        log: Its log.
    """

    url: str
    pid: int
    log: Path


@contextmanager
def machine_errors(doing: str) -> Generator[None]:
    """Raise `EmbeddedServerError` from what the file system refuses inside the block."""
    try:
        yield
    except OSError as error:
        raise EmbeddedServerError(f"{doing}: {error}") from error


class Site:
    """The place of one server.

    Attributes:
        account: Who runs the server.
        data: The server's own folder. It may not exist yet.
        log: The server's log; each start appends to it.
        sockets: An empty folder for the sockets, private to the account.
    """

    def __init__(self, *, folder: Path, account: Account, lock: int, stack: ExitStack) -> None:
        self.account = account
        self.data = folder / "data"
        self.log = folder / "server.log"
        self.sockets = folder / "run"
        self._locks = [lock]
        self._stack = stack

    def scratch(self, *, for_socket: bool = False) -> Path:
        """Return a new folder that the account can reach; it goes when the server does."""
        made = self._stack.enter_context(scratch_folder(self.account, for_socket=for_socket))
        self._locks.append(made.lock)
        return made.path

    def open_sockets(self) -> None:
        """Make the folder for the sockets: here, or elsewhere where this path is too long."""
        shutil.rmtree(self.sockets, ignore_errors=True)  # a killed server left its sockets
        if not fits_a_socket(self.sockets):
            self.sockets = self.scratch(for_socket=True) / "run"
        self.account.make_folder(self.sockets)
        self._stack.callback(shutil.rmtree, self.sockets, ignore_errors=True)

    def running(
        self, name: str, command: list[str], *, stop_signal: signal.Signals
    ) -> AbstractContextManager[ServerProcess]:
        """Run `command` here, under the account, for the length of the block."""
        return running(
            name,
            command,
            stop_signal=stop_signal,
            account=self.account,
            log=self.log,
            locks=tuple(self._locks),
        )


@contextmanager
def server_site(folder: Path | None) -> Iterator[Site]:
    """Prepare a place for one server.

    Args:
        folder: Where data and log stay; made if missing. `None`: a folder of our own below the
            temporary folder, removed at the end.

    Raises:
        ClosedFolderError: started by root, and the servers' account cannot enter `folder`.
        EmbeddedServerError: another process serves `folder`, or the machine refuses something.
    """
    with ExitStack() as stack:
        with machine_errors("cannot prepare a folder for the server"):
            site = _own_site(stack) if folder is None else _given_site(folder.absolute(), stack)
            site.open_sockets()
        yield site


def _own_site(stack: ExitStack) -> Site:
    account = Account.for_servers(existing=None)
    made = stack.enter_context(scratch_folder(account))
    return Site(folder=made.path, account=account, lock=made.lock, stack=stack)


def _given_site(folder: Path, stack: ExitStack) -> Site:
    account = Account.for_servers(existing=folder / "data")
    with ExitStack() as undo:
        _make_folders(folder, account, undo)
        if not account.can_enter(folder):
            raise ClosedFolderError(folder, account=account.name)
        undo.pop_all()
    lock = _wait_for_lock(folder)
    stack.callback(os.close, lock)
    return Site(folder=folder, account=account, lock=lock, stack=stack)


def _make_folders(folder: Path, account: Account, undo: ExitStack) -> None:
    """Make `folder` and its missing parents; what exists stays as it is."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        undo.callback(path.rmdir)
        if account.switched:
            path.chmod(0o755)  # whatever root's umask; the data inside is private


def _wait_for_lock(folder: Path) -> int:
    deadline = time.monotonic() + _LOCK_SECONDS_MAX
    while (lock := try_lock(folder / LOCK_NAME)) is None:
        if time.monotonic() > deadline:
            raise EmbeddedServerError(f"another process runs a server on {folder}")
        time.sleep(_LOCK_POLL_SECONDS)
    return lock
