"""The beginning of every process that opens a stranger's file: limits first, then the work.

Run as a script: `confined.py MEMORY_BYTES CPU_SECONDS PARENT_PID MODULE ARGUMENT…`. It imports
MODULE under the limits and ends with what its `main(arguments)` returns. Only the standard library
is imported here; what judges files does not import `marketbel_core`: the start would triple.
"""

import ctypes
import importlib
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Final

__all__ = ["FRAME_HEAD_BYTES", "confine", "main"]

FRAME_HEAD_BYTES: Final = 4
"""The length of a frame, highest byte first, stands before it."""

_PR_SET_PDEATHSIG: Final = 1  # prctl(2)
_CPU_SECONDS_GRACE: Final = 2
"""Between the signal that says which limit it was and the kill that nothing survives."""


def main(arguments: list[str]) -> int:
    """Confine this process, then run the module that the arguments name; return its exit code."""
    memory_bytes, cpu_seconds, parent, module, *rest = arguments
    confine(memory_bytes_max=int(memory_bytes), cpu_seconds_max=int(cpu_seconds))
    die_with(int(parent))
    # -P keeps this script's folder off the path, where `http.py` would hide the library's http.
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    status = importlib.import_module(module).main(rest)
    assert isinstance(status, int), f"{module}.main returns an exit code"  # noqa: S101
    return status


def confine(*, memory_bytes_max: int, cpu_seconds_max: int) -> None:
    """Let the system end this process when it takes more, and write no core file of it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes_max, memory_bytes_max))
    hard = cpu_seconds_max + _CPU_SECONDS_GRACE
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds_max, hard))


def die_with(parent: int) -> None:
    """Have this process killed when `parent` ends, however that happens (Linux only)."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it went before the wish was made
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
