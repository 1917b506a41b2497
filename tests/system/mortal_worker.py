"""Workers in processes that are forked from one that has imported everything: cheap to lose."""

import asyncio
import multiprocessing
import os
import sys
from collections.abc import Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from marketbel_runtime.logs import configure_logging
from marketbel_runtime.settings import Settings
from marketbel_runtime.worker import make_worker

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
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(
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
