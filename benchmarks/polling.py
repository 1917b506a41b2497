"""How long one polling round takes over many readings at ml-analyze, and what it does to the loop.

Usage: python benchmarks/polling.py [--jobs N] [--answer-ms N]

Starts PostgreSQL, Valkey and the stand-in for ml-analyze. The last line is a JSON object:
{"jobs", "answer_ms", "polled", "round_s", "loop_lag_ms"}. The lag is the longest time by which a
timer of the polling process was late during the round.
"""

import argparse
import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import httpx

from marketbel_adapters.embedded import services, tied_command
from marketbel_adapters.postgres import migrate
from marketbel_adapters.system import TimeOrderedIdSource
from marketbel_core import SourceRef, SourceType
from marketbel_core.ids import AnalysisId, FileKey, JobId, SupplierId
from marketbel_core.jobs import FileSubmitted, Reading, new_job
from marketbel_runtime.container import Container
from marketbel_runtime.lifespan import production
from marketbel_runtime.settings import Settings

__all__ = ["Figures", "measure", "slow_standin"]

_FILE: Final = "list.csv"
_ROWS: Final = "Артикул;Наименование;Цена\n" + "".join(f"A-{n};Товар {n};1\n" for n in range(20))
_ROW_DELAY_MS: Final = 60_000
"""No reading ends while it is asked about."""

_TICK_SECONDS: Final = 0.005
_AT_ONCE: Final = 20
_READY_SECONDS_MAX: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One round: how many jobs were asked about, in which time, and how late timers were."""

    polled: int
    round_s: float
    loop_lag_ms: float


@contextmanager
def slow_standin(settings: Settings) -> Iterator[str]:
    """Run a stand-in for ml-analyze whose readings never end; yield its address."""
    log = settings.uploads_dir.with_name("ml-standin.log")
    module = ["-m", "marketbel_runtime.cli", "ml-standin", "--port", "0"]
    with log.open("wb") as output:
        standin = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
            tied_command(
                [sys.executable, *module, "--row-delay-ms", str(_ROW_DELAY_MS)],
                stop_signal=signal.SIGTERM,
            ),
            env={
                **os.environ,
                "DATABASE_URL": settings.require_database_url(),
                "UPLOADS_DIR": str(settings.uploads_dir),
                "PYTHONUNBUFFERED": "1",
            },
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + _READY_SECONDS_MAX
        while not (found := re.search(r"http://\S+", log.read_text())):
            if standin.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(log.read_text())
            time.sleep(0.05)
        yield found.group()
    finally:
        standin.kill()
        standin.wait()


async def measure(settings: Settings, *, jobs: int, answer_ms: int) -> Figures:
    """Return the figures of one round over so many readings, each answered in so much time.

    Args:
        settings: On servers with nothing else to do; `ml_analyze_url` is that of `slow_standin`.
        jobs: How many readings are under way.
        answer_ms: How long the stand-in takes for an answer, beside its own work.
    """
    (settings.uploads_dir / _FILE).write_text(_ROWS)
    async with (
        production(settings) as container,
        httpx.AsyncClient(base_url=settings.ml_analyze_url, trust_env=False) as ml,
    ):
        free = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for _ in range(jobs):
                group.create_task(_submitted(container, ml, free))
        await ml.post("/_standin/faults", json={"latency_ms": answer_ms})
        async with _lag() as late:
            begin = time.perf_counter()
            result = await container.collect_items()()
            seconds = time.perf_counter() - begin
        if result.errors or result.moved:
            raise SystemExit(f"the round went wrong: {result}")
    return Figures(
        polled=result.polled,
        round_s=round(seconds, 3),
        loop_lag_ms=round(1_000 * max(late, default=0.0), 1),
    )


async def _submitted(container: Container, ml: httpx.AsyncClient, free: asyncio.Semaphore) -> None:
    """Store a job whose file is read at ml-analyze."""
    ids = TimeOrderedIdSource()
    job = new_job(
        JobId(ids.new_id()),
        supplier_id=SupplierId(ids.new_id()),
        supplier_name="Acme",
        source=SourceRef(type=SourceType.CSV, location=_FILE),
        reading=Reading.ML,
        now=container.clock().now(),
    )
    body = {"file_path": _FILE, "supplier_id": str(job.supplier_id), "file_type": "csv"}
    async with free:
        answer = await ml.post("/analyze/file", json=body)
        answer.raise_for_status()
        await container.jobs().add(job)
        reading = AnalysisId(answer.json()["job_id"])
        await container.mover().move(
            job, FileSubmitted(file_key=FileKey(_FILE), analysis_id=reading)
        )


@asynccontextmanager
async def _lag() -> AsyncIterator[list[float]]:
    """Collect by how many seconds a timer is late, again and again, while the block runs."""
    late: list[float] = []
    loop = asyncio.get_running_loop()

    async def watch() -> None:
        while True:
            due = loop.time() + _TICK_SECONDS
            await asyncio.sleep(_TICK_SECONDS)
            late.append(loop.time() - due)

    watching = asyncio.create_task(watch())
    try:
        yield late
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=1_000)
    parser.add_argument("--answer-ms", type=int, default=20)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        services(database_url=None, redis_url=None) as own,
    ):
        asyncio.run(migrate(own.database_url))
        uploads = Path(folder) / "uploads"
        uploads.mkdir()
        settings = Settings.model_validate(
            {
                "database_url": own.database_url,
                "redis_url": own.redis_url,
                "uploads_dir": uploads,
                "log_level": "WARNING",
            }
        )
        with slow_standin(settings) as url:
            settings = settings.model_copy(update={"ml_analyze_url": url})
            figures = asyncio.run(
                measure(settings, jobs=arguments.jobs, answer_ms=arguments.answer_ms)
            )
    print(
        json.dumps({"jobs": arguments.jobs, "answer_ms": arguments.answer_ms, **asdict(figures)})
    )


if __name__ == "__main__":
    main()
