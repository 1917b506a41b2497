"""Workers in processes that are forked from one that has imported everything: cheap to lose."""

import asyncio
import os
import sys
from collections.abc import Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from marketbel_runtime.logs import configure_logging
from marketbel_runtime.settings import Settings
from marketbel_runtime.worker import make_worker
from tests.system.forked import forking

__all__ = ["started"]


def started(
    settings: Settings, *, environment: Mapping[str, str], log: Path, burst: bool = True
) -> ForkServerProcess:
    """Return a process in which a worker runs, until nothing is left to do or it dies.

    Args:
        settings: Whatever it works on.
        environment: Variables beside those of this process.
        log: Where its output goes.
        burst: Whether it ends when nothing is left to do.
    """
    process = forking().Process(
        target=_work, args=(settings, dict(environment), log, burst), daemon=True
    )
    process.start()
    return process


def _work(settings: Settings, environment: dict[str, str], log: Path, burst: bool) -> None:
    with log.open("wb") as output:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(output.fileno(), stream.fileno())
    os.environ.update(environment)
    configure_logging(settings)
    asyncio.run(make_worker(settings, burst=burst).run())
