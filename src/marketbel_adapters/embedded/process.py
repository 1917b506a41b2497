"""A server as a child process that is stopped in order, and that never outlives its parent."""

import atexit
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from marketbel_adapters.embedded.account import Account, child_environment
from marketbel_adapters.embedded.errors import EmbeddedServerError

__all__ = ["READY_SECONDS_MAX", "ServerProcess", "running", "tied_command"]

READY_SECONDS_MAX: Final = 60.0
_STOP_SECONDS_MAX: Final = 10.0
_POLL_SECONDS: Final = 0.005
_TAIL_LINES: Final = 15
_SAME_ACCOUNT: Final = -1
_TAIL_BYTES: Final = 16_384
_LAUNCHER: Final = Path(__file__).with_name("launcher.py")


class ServerProcess:
    """One running server.

    It has a session of its own: Ctrl-C at the terminal reaches the parent only, which then stops
    the server in order. If the parent is killed, the kernel sends the server its stop signal.
    """

    def __init__(
        self,
        name: str,
        child: "subprocess.Popen[bytes]",
        *,
        stop_signal: signal.Signals,
        log: Path,
        log_start: int,
    ) -> None:
        self._name = name
        self._child = child
        self._stop_signal = stop_signal
        self._log = log
        self._log_start = log_start  # bytes that earlier runs wrote
        self._owner_pid = os.getpid()

    @property
    def pid(self) -> int:
        """The process id of the server itself."""
        return self._child.pid

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Return as soon as `ready()` is true, looked at every few milliseconds.

        Raises:
            EmbeddedServerError: the server ended, or was not ready within a minute.
        """
        deadline = time.monotonic() + READY_SECONDS_MAX
        while not ready():
            if self._ended_within(_POLL_SECONDS):
                raise self._failure(f"ended at once with exit code {self._child.returncode}")
            if time.monotonic() > deadline:
                raise self._failure(f"was not ready after {READY_SECONDS_MAX:.0f} s")

    def wait_for_success(self) -> None:
        """Wait until the process has done its work.

        Raises:
            EmbeddedServerError: it failed, or was not done within a minute.
        """
        if not self._ended_within(READY_SECONDS_MAX):
            raise self._failure(f"was not done after {READY_SECONDS_MAX:.0f} s")
        if self._child.returncode != 0:
            raise self._failure(f"failed with exit code {self._child.returncode}")

    def stop(self) -> None:
        """Stop the server in order; kill it after ten seconds. A second call does nothing."""
        atexit.unregister(self.stop)
        if os.getpid() != self._owner_pid or self._child.poll() is not None:
            return
        self._child.send_signal(self._stop_signal)
        try:
            self._ended_within(_STOP_SECONDS_MAX)
        finally:  # also on a second Ctrl-C
            if self._child.poll() is None:
                self._child.kill()
                self._child.wait()

    def _ended_within(self, seconds: float) -> bool:
        try:
            self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _failure(self, what: str) -> EmbeddedServerError:
        with self._log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_start, size - _TAIL_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
        tail = "\n".join(f"    {line}" for line in lines[-_TAIL_LINES:])
        return EmbeddedServerError(f"{self._name} {what}", log_tail=tail)


def tied_command(
    command: list[str], *, stop_signal: signal.Signals, uid: int = _SAME_ACCOUNT, gid: int = 0
) -> list[str]:
    """Return the command that runs `command` and ends with us: its life is tied to our process.

    To be started from the main thread of the present process. When that is gone, however it went,
    the kernel sends `stop_signal` (on Linux; elsewhere only an orderly stop ends the child).

    Args:
        command: The first word is a path.
        stop_signal: What asks the command for an orderly end.
        uid: The account to run under; -1 keeps the present one.
        gid: The group that goes with another account.
    """
    launcher = [sys.executable, "-I", "-S", str(_LAUNCHER)]
    numbers = (os.getpid(), uid, gid, int(stop_signal))
    return [*launcher, *(str(number) for number in numbers), *command]


@contextmanager
def running(
    name: str,
    command: list[str],
    *,
    stop_signal: signal.Signals,
    account: Account,
    log: Path,
    locks: tuple[int, ...],
) -> Iterator[ServerProcess]:
    """Run `command` under `account` for the length of the block.

    Args:
        name: For messages.
        stop_signal: What asks this server for an orderly end.
        log: Where the output goes; appended to.
        locks: Descriptors of lock files that the server shall hold as long as it lives.

    Raises:
        RuntimeError: called outside the main thread. The kernel ties a child to the *thread* that
            started it, so a server started elsewhere would end in the middle of its work.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("embedded servers are started from the main thread only")
    uid = account.uid if account.switched else _SAME_ACCOUNT
    tied = tied_command(command, stop_signal=stop_signal, uid=uid, gid=account.gid)
    with log.open("ab") as output:
        log_start = output.tell()
        child = subprocess.Popen(  # noqa: S603 - our own binaries, no shell
            tied,
            cwd="/",  # the present folder may be closed to the account
            env=child_environment(),
            pass_fds=locks,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    process = ServerProcess(name, child, stop_signal=stop_signal, log=log, log_start=log_start)
    atexit.register(process.stop)  # where the kernel ties nothing, an ordinary exit still stops it
    try:
        yield process
    finally:
        process.stop()
