"""The demo from beginning to end: servers, processes, jobs, figures, and everything gone again."""

import asyncio
import os
import shutil
import signal
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

from rich.console import Console

from marketbel_adapters.arq import pool_on
from marketbel_adapters.embedded import Services, services
from marketbel_adapters.postgres import PostgresCatalog, create_engine, migrate
from marketbel_adapters.redis import RedisJobStore, create_redis
from marketbel_core.jobs import Job
from marketbel_runtime.demo.environment import process_environment
from marketbel_runtime.demo.figures import Figures, read_figures, remember_prices
from marketbel_runtime.demo.processes import ChildProcess, child
from marketbel_runtime.demo.scenario import PriceList, Scenario, load_scenario
from marketbel_runtime.demo.watch import watch

__all__ = ["DemoResult", "run_demo"]

_SITE: Final = "127.0.0.1"
_QUEUE: Final = "price-ingestion-queue"
_WAIT_SECONDS_MAX: Final = 110.0
_TERMINATED: Final = 143


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """How the demo ended: the jobs as they stand, and the figures of the database."""

    jobs: tuple[Job, ...]
    figures: Figures
    seconds: float


def run_demo(
    *,
    database_url: str | None,
    redis_url: str | None,
    console: Console,
    examples: Path | None = None,
) -> DemoResult:
    """Run the demo; from the main thread, before any event loop.

    Args:
        database_url: An administrator's URL to make a database of our own on; `None` starts one.
        redis_url: The same for Redis.
        console: Where people look.
        examples: A folder with a `demo.json`; `None` sends the project's own lists.

    Raises:
        PortError: a server, a process or a job did not come to its end.
    """
    begin = time.monotonic()
    scenario = load_scenario(examples)
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        with ExitStack() as stack:
            console.print("starting PostgreSQL, Valkey, ml-standin and the worker")
            own = stack.enter_context(services(database_url=database_url, redis_url=redis_url))
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="marketbel-")))
            asyncio.run(_prepare(scenario, own))
            uploads = _uploads(scenario, folder)
            with ExitStack() as running:
                children, site = _start(
                    running, own, folder=folder, uploads=uploads, scenario=scenario
                )
                jobs = asyncio.run(
                    _send_and_watch(
                        scenario,
                        own,
                        site=site,
                        uploads=uploads,
                        console=console,
                        children=children,
                    )
                )
            # Counted when the processes have ended: a job is complete before its log is written.
            figures = asyncio.run(_figures(own))
    finally:
        signal.signal(signal.SIGTERM, before)
    return DemoResult(jobs=tuple(jobs), figures=figures, seconds=time.monotonic() - begin)


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(_TERMINATED)


async def _prepare(scenario: Scenario, own: Services) -> None:
    """Make the schema and put the starting catalogue and the suppliers in."""
    await migrate(own.database_url)
    engine = create_engine(own.database_url)
    try:
        async with PostgresCatalog(engine).unit() as unit:
            await unit.products.add(scenario.products)
            for supplier in scenario.suppliers:
                await unit.suppliers.add(supplier)
        await remember_prices(engine)
    finally:
        await engine.dispose()


def _uploads(scenario: Scenario, folder: Path) -> Path:
    """Return the shared folder, with the lists in it that the admin interface would upload."""
    uploads = folder / "uploads"
    uploads.mkdir()
    for entry in scenario.lists:
        if not entry.over_http:
            shutil.copyfile(entry.file, uploads / entry.uploaded_name())
    return uploads


def _start(
    stack: ExitStack, own: Services, *, folder: Path, uploads: Path, scenario: Scenario
) -> tuple[list[ChildProcess], str]:
    """Start the three processes; return them and the address of the suppliers' web server."""
    environment = process_environment(
        os.environ,
        DATABASE_URL=own.database_url,
        REDIS_URL=own.redis_url,
        UPLOADS_DIR=str(uploads),
        QUEUE_NAME=_QUEUE,
        ML_POLL_INTERVAL_SECONDS="1",
        IMPORT_KNOWN_MIN_PERCENT="0",  # a supplier sends two lists with no item in common
    )

    def start(name: str, *arguments: str, **more: str) -> ChildProcess:
        variables = {**environment, **more}
        return stack.enter_context(
            child(name, list(arguments), environment=variables, folder=folder)
        )

    web = start(
        "supplier-site",
        *("http.server", "0", "--bind", _SITE, "--directory", str(scenario.folder)),
    )
    standin = start("ml-standin", "marketbel_runtime.cli", "ml-standin", "--port", "0")
    ml_url = standin.wait_for(r"(http://127\.0\.0\.1:\d+)")
    port = web.wait_for(r"port (\d+)")
    worker = start(
        "worker",
        "marketbel_runtime.worker",
        ML_ANALYZE_URL=ml_url,
        # The suppliers' site is on this machine: it alone is opened.
        FETCH_ALLOW_NETWORKS=f"{_SITE}/32",
        FETCH_ALLOWED_PORTS=port,
        FETCH_ALLOWED_HOSTS=_SITE,
    )
    return [web, standin, worker], f"http://{_SITE}:{port}"


async def _send_and_watch(
    scenario: Scenario,
    own: Services,
    *,
    site: str,
    uploads: Path,
    console: Console,
    children: list[ChildProcess],
) -> list[Job]:
    redis = create_redis(own.redis_url)
    pool = pool_on(redis.connection_pool, queue_name=_QUEUE)

    def check() -> None:
        for process in children:
            process.check()

    try:
        for entry in scenario.lists:
            place = (
                f"{site}/{entry.file.name}"
                if entry.over_http
                else os.fspath(uploads / entry.uploaded_name())
            )
            function, kwargs = _job_for(entry, place)
            await pool.enqueue_job(function, _job_id=f"demo:{entry.job_id}", **kwargs)
        return await watch(
            RedisJobStore(redis),
            scenario.lists,
            console=console,
            seconds_max=_WAIT_SECONDS_MAX,
            check=check,
        )
    finally:
        await redis.aclose()


def _job_for(entry: PriceList, place: str) -> tuple[str, dict[str, Any]]:
    """Return the arq function and its arguments, as the deployment's other parts enqueue them."""
    common: dict[str, Any] = {
        "job_id": str(entry.job_id),
        "task_id": f"demo-{entry.file.stem}",
        "supplier_id": str(entry.supplier.id),
        "supplier_name": entry.supplier.name,
    }
    kind = "csv" if entry.file.suffix == ".csv" else "excel"
    if entry.supplier.use_ml_processing is False:
        config = {"file_path": place, "original_filename": entry.file.name}
        return "parse_task", {**common, "parser_type": kind, "source_config": config}
    return "download_and_trigger_ml", {
        **common,
        "source_type": kind,
        "source_url": place,
        "original_filename": entry.file.name,
    }


async def _figures(own: Services) -> Figures:
    engine = create_engine(own.database_url)
    try:
        return await read_figures(engine)
    finally:
        await engine.dispose()
