"""The worker: arq's loop around our tasks.

Start it with `marketbel worker` or `python -m marketbel_runtime.worker`; `arq
marketbel_runtime.worker.WorkerSettings` works as well. Settings are read when the worker is made,
not when this module is imported.
"""

if __name__ == "__main__":  # before the imports: a package that they miss is named, too
    from marketbel_runtime.exits import run_program

    run_program("marketbel_runtime.worker")

import functools
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any, Final

from arq.worker import Function, Worker, func
from redis.exceptions import RedisError

from marketbel_adapters.arq import deserialize, pool_on, serialize
from marketbel_adapters.redis import create_redis
from marketbel_core.errors import UnavailableError
from marketbel_runtime.container import Container
from marketbel_runtime.lifespan import production
from marketbel_runtime.logs import configure_logging
from marketbel_runtime.schedule import taking_turns, ticking
from marketbel_runtime.settings import Settings, load_settings
from marketbel_runtime.stopping import run_until_stopped
from marketbel_runtime.tasks import TASKS, Context

__all__ = ["WorkerSettings", "main", "make_worker", "worker_options"]  # noqa: F822 - made late

_TRIES_ARQ: Final = 1_000
"""Above every limit of ours: the tasks decide when a step has been tried often enough."""

_POLL_DELAY_SECONDS: Final = 0.1
_HEALTH_CHECK_SECONDS: Final = 30
_DRAIN_SECONDS: Final = 10
_RESCUE_INTERVAL: Final = timedelta(seconds=30)
_CLEAN_UP_INTERVAL: Final = timedelta(hours=6)
_CLEAN_UP_TICK: Final = timedelta(minutes=5)
"""How late a clean-up may be when the worker whose turn it was is gone."""


async def _startup(ctx: Context, *, settings: Settings) -> None:
    ctx["stack"] = stack = AsyncExitStack()
    try:
        container = await stack.enter_async_context(production(settings))
        ctx["container"] = container

        def tell(error: Exception) -> None:
            container.telemetry().event("tick.failed", error=repr(error)[:500])

        await stack.enter_async_context(
            ticking(
                lambda: _ask_for_round(ctx, settings),
                every=timedelta(seconds=settings.ml_poll_interval_seconds),
                on_error=tell,
            )
        )
        await stack.enter_async_context(
            ticking(container.rescue_jobs(), every=_RESCUE_INTERVAL, on_error=tell)
        )
        clean_up = taking_turns(
            container.clean_up_files(),
            leases=container.leases(),
            name="clean-up",
            every=_CLEAN_UP_INTERVAL,
        )
        await stack.enter_async_context(ticking(clean_up, every=_CLEAN_UP_TICK, on_error=tell))
    except BaseException:
        await stack.aclose()
        raise


async def _ask_for_round(ctx: Context, settings: Settings) -> None:
    """Enqueue this interval's polling round, once while it waits or runs.

    A worker that asks after the round has ended starts another one; the round itself lets one
    worker in at a time, so that rounds follow each other and never overlap.
    """
    function = "poll_ml_job_status_task"
    container: Container = ctx["container"]
    interval = int(container.clock().now().timestamp() // settings.ml_poll_interval_seconds)
    try:
        await ctx["redis"].enqueue_job(
            function, _job_id=f"{function}:{interval}", _queue_name=settings.queue_name
        )
    except (RedisError, OSError, TimeoutError) as error:
        raise UnavailableError(str(error), code="redis.unavailable") from error


async def _shutdown(ctx: Context) -> None:
    stack: AsyncExitStack = ctx["stack"]
    await stack.aclose()


def worker_options(settings: Settings) -> dict[str, Any]:
    """Return the keyword arguments of arq's `Worker`.

    Raises:
        SettingsError: an address is missing.
    """
    redis = create_redis(settings.require_redis_url())
    functions: list[Function] = [
        func(
            task,
            name=task.__name__,
            max_tries=_TRIES_ARQ,
            timeout=settings.job_timeout,
            keep_result=0,
        )
        for task in TASKS
    ]
    return {
        "functions": functions,
        "redis_pool": pool_on(redis.connection_pool, queue_name=settings.queue_name),
        "queue_name": settings.queue_name,
        "on_startup": functools.partial(_startup, settings=settings),
        "on_shutdown": _shutdown,
        "max_jobs": settings.max_workers,
        "max_tries": _TRIES_ARQ,
        "job_timeout": settings.job_timeout,
        "job_completion_wait": _DRAIN_SECONDS,
        "keep_result": 0,
        "poll_delay": _POLL_DELAY_SECONDS,
        "health_check_interval": _HEALTH_CHECK_SECONDS,
        "job_serializer": serialize,
        "job_deserializer": deserialize,
    }


def make_worker(settings: Settings, *, burst: bool = False, handle_signals: bool = True) -> Worker:
    """Return an arq worker of these settings.

    Args:
        settings: The deployment's choices.
        burst: Whether to stop when nothing is left to do.
        handle_signals: Whether SIGTERM and SIGINT stop it; not inside somebody else's loop.
    """
    return Worker(**worker_options(settings), burst=burst, handle_signals=handle_signals)


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
