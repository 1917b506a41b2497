"""The worker: arq's loop around our tasks.

Start it with `marketbel worker` or `python -m marketbel_runtime.worker`. `arq
marketbel_runtime.worker.WorkerSettings` works as well, with one queue and arq's slower recovery.
Settings are read when the worker is made, not when this module is imported.
"""

if __name__ == "__main__":  # before the imports: a package that they miss is named, too
    from marketbel_runtime.exits import run_program

    run_program("marketbel_runtime.worker")

import functools
from contextlib import AsyncExitStack
from typing import Any, Final

from arq.worker import Function, func

from marketbel_adapters.arq import (
    bring_back,
    deserialize,
    hide_arguments,
    pool_on,
    redis_settings_of,
    serialize,
)
from marketbel_adapters.redis import create_redis
from marketbel_runtime.laned_worker import LanedWorker
from marketbel_runtime.lifespan import production
from marketbel_runtime.logs import configure_logging
from marketbel_runtime.presence import signed, teller
from marketbel_runtime.schedule import chores_of, keeping
from marketbel_runtime.settings import Settings, load_settings
from marketbel_runtime.stopping import run_until_stopped
from marketbel_runtime.tasks import TASKS, Context

__all__ = ["WorkerSettings", "main", "make_worker", "worker_options"]  # noqa: F822 - made late

_TRIES_ARQ: Final = 1_000
"""Above every limit of ours: the tasks decide when a step has been tried often enough."""

_POLL_DELAY_SECONDS: Final = 0.1
_HEALTH_CHECK_SECONDS: Final = 10


def make_worker(settings: Settings, *, burst: bool = False) -> LanedWorker:
    """Return a worker of these settings, which serves both lanes.

    Args:
        settings: The deployment's choices.
        burst: Whether to stop when nothing is left to do.
    """
    return LanedWorker(settings, functions=_functions(settings), burst=burst)


def worker_options(settings: Settings) -> dict[str, Any]:
    """Return the keyword arguments of arq's own `Worker`, which serves one queue.

    Raises:
        SettingsError: an address is missing.
    """
    redis = create_redis(settings.require_redis_url(), patient=True)
    hide_arguments()
    return {
        "functions": _functions(settings),
        "redis_settings": redis_settings_of(settings.require_redis_url()),  # for `arq --check`
        "redis_pool": pool_on(redis.connection_pool, queue_name=settings.queue_name),
        "queue_name": settings.queue_name,
        "on_startup": functools.partial(_startup, settings=settings),
        "on_shutdown": _shutdown,
        "max_jobs": settings.max_workers,
        "max_tries": _TRIES_ARQ,
        "job_completion_wait": settings.drain_seconds,
        "keep_result": 0,
        "log_results": False,
        "poll_delay": _POLL_DELAY_SECONDS,
        "health_check_interval": _HEALTH_CHECK_SECONDS,
        "job_serializer": serialize,
        "job_deserializer": deserialize,
    }


def _functions(settings: Settings) -> list[Function]:
    # A step ends itself by its own limit; before it begins, it may have to wait for as long.
    timeout = 2 * settings.job_timeout
    return [
        func(task, name=task.__name__, max_tries=_TRIES_ARQ, timeout=timeout, keep_result=0)
        for task in TASKS
    ]


async def _startup(ctx: Context, *, settings: Settings) -> None:
    ctx["stack"] = stack = AsyncExitStack()
    try:
        ctx["container"] = container = await stack.enter_async_context(
            production(settings, patient=True)
        )
        pool = ctx["redis"]
        moved = await bring_back(pool, queue_name=settings.queue_name)
        container.telemetry().event(
            "worker.plain_arq",
            brought_back=moved,
            meaning="one queue without a lane for heavy work, and steps of a worker that was "
            f"killed are held for {2 * settings.job_timeout + 10} s; `marketbel worker` has "
            f"both lanes and lends steps for {settings.job_lease_seconds} s",
        )
        await stack.enter_async_context(signed(container, pool, lanes=(settings.queue_name,)))
        await stack.enter_async_context(
            keeping(chores_of(container, pool), on_error=teller(container))
        )
    except BaseException:
        await stack.aclose()
        raise


async def _shutdown(ctx: Context) -> None:
    stack: AsyncExitStack = ctx["stack"]
    await stack.aclose()


@functools.lru_cache(maxsize=1)
def _worker_settings() -> type:
    settings = load_settings()
    configure_logging(settings)
    return type("WorkerSettings", (), worker_options(settings))


def __getattr__(name: str) -> type:
    """Make `WorkerSettings` when arq's own command asks for it, and not at import."""
    if name == "WorkerSettings":
        return _worker_settings()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def main() -> None:
    """Run the worker until SIGTERM stops it.

    Raises:
        KeyboardInterrupt: Ctrl-C stopped it, in order as well.
        SettingsError: a variable is missing or wrong.
        PortError: the database or Redis cannot be used.
    """
    settings = load_settings()
    configure_logging(settings)
    run_until_stopped(make_worker(settings))
