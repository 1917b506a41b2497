"""Commands in processes that are forked from one that has imported everything.

What a command imports costs a second of processor time, many times what it then does. The start
itself is shown by the few tests that run `python -m …`.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Final

from marketbel_runtime.exits import run_program

__all__ = ["forking", "run_command"]

_IMPORTED: Final = [
    "marketbel_adapters.index",
    "marketbel_adapters.postgres.migrate",
    "marketbel_adapters.sources.checking",
    "marketbel_adapters.sources.rows",
    "marketbel_runtime.cli.app",
    "marketbel_runtime.doctor",
    "marketbel_runtime.fetching",
    "marketbel_runtime.worker",
    "tests.system.mortal_worker",
]


def forking() -> ForkServerContext:
    """Return the context whose processes have everything imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, *_IMPORTED])
    return context


def run_command(
    *arguments: str,
    environment: Mapping[str, str],
    folder: Path | None = None,
    seconds_max: float = 120.0,
) -> "subprocess.CompletedProcess[str]":
    """Run `marketbel` with these arguments and return how it ended.

    Args:
        environment: All its variables.
        folder: Where it runs; ours, unless given.
        seconds_max: How long it may take.

    Raises:
        TimeoutExpired: it was killed after `seconds_max`.
    """
    with tempfile.TemporaryDirectory(prefix="marketbel-command-") as name:
        output, errors = Path(name, "stdout"), Path(name, "stderr")
        process = forking().Process(
            target=_command,
            args=(arguments, dict(environment), folder or Path.cwd(), output, errors),
        )
        process.start()
        process.join(seconds_max)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(arguments, seconds_max)
        return subprocess.CompletedProcess(
            arguments, process.exitcode, output.read_text(), errors.read_text()
        )


def _command(
    arguments: tuple[str, ...],
    environment: dict[str, str],
    folder: Path,
    output: Path,
    errors: Path,
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for number, path in ((1, output), (2, errors)):
        with path.open("wb") as file:
            os.dup2(file.fileno(), number)
    sys.argv = ["marketbel", *arguments]
    run_program("marketbel_runtime.cli")
