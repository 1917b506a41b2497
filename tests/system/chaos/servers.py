"""Processes that can be killed and come back: Valkey on the same data, workers, the stand-in."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from marketbel_adapters.embedded import EmbeddedServer, embedded_valkey, tied_command
from marketbel_runtime.demo.environment import process_environment

__all__ = ["Process", "Valkey", "wait_for"]

_STOP_SECONDS_MAX: Final = 40.0
_READY_SECONDS_MAX: Final = 60.0


class Valkey:
    """A durable Valkey at one address, whatever happens to its process.

    Start it from the main thread.
    """

    def __init__(self, folder: Path) -> None:
        """Keep data below `folder`, whose path must be short enough for a socket."""
        self._folder = folder
        self._stack = ExitStack()
        self._server = self._start()

    @property
    def url(self) -> str:
        """Of database 0."""
        return self._server.url

    def kill(self) -> None:
        """End the process as a loss of power to it would."""
        os.kill(self._server.pid, signal.SIGKILL)
        self._stack.close()

    def restart(self) -> None:
        """Come back on the same data."""
        before = self.url
        self._server = self._start()
        assert self.url == before, "a client could not find it again"

    def stop(self) -> None:
        """Stop in order."""
        self._stack.close()

    def _start(self) -> EmbeddedServer:
        self._stack = ExitStack()
        return self._stack.enter_context(embedded_valkey(self._folder, durable=True))


class Process:
    """One running `python -m …`, whose end is tied to ours and whose output goes to a file."""

    def __init__(
        self, name: str, arguments: list[str], *, environment: Mapping[str, str], folder: Path
    ) -> None:
        """Start it; its log is `{name}.log` in `folder`, appended to."""
        self.log = folder / f"{name}.log"
        self._arguments = arguments
        self._environment = process_environment(os.environ, **environment)
        self._folder = folder
        self._popen = self._start()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def is_running(self) -> bool:
        return self._popen.poll() is None

    def freeze(self) -> None:
        """Let it do nothing more, for the time being."""
        self._popen.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._popen.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it with no warning."""
        self._popen.kill()
        self._popen.wait()

    def terminate(self) -> None:
        """Ask for an orderly end."""
        self._popen.terminate()

    def restart(self) -> None:
        """Start anew after an end."""
        self._popen = self._start()

    def stop(self) -> int:
        """End in order; return the exit code. Killed when it does not end."""
        if self.is_running:
            self.thaw()
            self.terminate()
        try:
            return self._popen.wait(_STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._popen.returncode

    def _start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", *self._arguments]
        with self.log.open("ab") as output:
            return subprocess.Popen(
                tied_command(command, stop_signal=signal.SIGTERM),
                env=self._environment,
                cwd=self._folder,
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )


def wait_for(process: Process, pattern: str) -> str:
    """Return what the first group of `pattern` matched in the output."""
    deadline = time.monotonic() + _READY_SECONDS_MAX
    while not (found := re.search(pattern, process.log.read_text(errors="replace"))):
        assert process.is_running, process.log.read_text(errors="replace")[-4_000:]
        assert time.monotonic() < deadline, f"{process.log.name} has no {pattern}"
        time.sleep(0.02)
    return found.group(1)
