"""The demo's own processes: started together, stopped in order, gone when the demo is gone."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from marketbel_adapters.embedded import tied_command
from marketbel_core.errors import PortError

__all__ = ["ChildProcess", "ProcessFailedError", "child"]

_STOP_SECONDS_MAX: Final = 15.0
_READY_SECONDS_MAX: Final = 60.0
_LOOK_SECONDS: Final = 0.02
_TAIL_LINES: Final = 15


class ProcessFailedError(PortError):
    """A process of the demo ended or did not come up; the message has the end of its log."""

    code = "demo.process_failed"


class ChildProcess:
    """One running process whose output goes to a file."""

    def __init__(self, name: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.name = name
        self._process = process
        self._log = log

    def check(self) -> None:
        """Return if the process runs.

        Raises:
            ProcessFailedError: it ended.
        """
        if self._process.poll() is not None:
            raise self._failure(f"ended with exit code {self._process.returncode}")

    def wait_for(self, pattern: str) -> str:
        """Return what the first group of `pattern` matched in the output.

        Raises:
            ProcessFailedError: the process ended, or wrote nothing of the kind for a minute.
        """
        deadline = time.monotonic() + _READY_SECONDS_MAX
        while time.monotonic() < deadline:
            found = re.search(pattern, self._log.read_text(errors="replace"))
            if found:
                return found.group(1)
            self.check()
            time.sleep(_LOOK_SECONDS)
        raise self._failure(f"was not ready after {_READY_SECONDS_MAX:.0f} s")

    def stop(self) -> None:
        """Stop the process in order; kill it when it does not end."""
        if self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            pass
        finally:  # also on a second Ctrl-C
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()

    def _failure(self, what: str) -> ProcessFailedError:
        tail = "\n".join(self._log.read_text(errors="replace").splitlines()[-_TAIL_LINES:])
        return ProcessFailedError(f"{self.name} {what}\n{tail}")


@contextmanager
def child(
    name: str, arguments: list[str], *, environment: Mapping[str, str], folder: Path
) -> Iterator[ChildProcess]:
    """Run `python -m …` for the length of the block; its end is tied to ours.

    It has a session of its own, so that Ctrl-C reaches us alone and the end is orderly.

    Args:
        name: For messages.
        arguments: The module, and what it is told.
        environment: All that the process sees.
        folder: Where it runs and its log is kept; a `.env` of the caller's is not seen there.
    """
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
            tied_command([sys.executable, "-m", *arguments], stop_signal=signal.SIGTERM),
            env={**environment, "PYTHONUNBUFFERED": "1"},
            cwd=folder,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    running = ChildProcess(name, process, log)
    try:
        yield running
    finally:
        running.stop()
