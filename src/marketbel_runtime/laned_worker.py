"""The worker process: a lane for long steps and one for short work, on one loop."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any, Final

from arq.worker import Function

from marketbel_adapters.arq import (
    JsonArqRedis,
    LeaseWorker,
    WorkerSign,
    heavy_queue_of,
    hide_arguments,
    pool_on,
)
from marketbel_adapters.redis import create_redis
from marketbel_runtime.container import Container
from marketbel_runtime.lifespan import production
from marketbel_runtime.presence import signed, teller
from marketbel_runtime.schedule import chores_of, keeping
from marketbel_runtime.settings import Settings

__all__ = ["LanedWorker"]

_LIGHT_AT_ONCE: Final = 10
"""Short work at once: it waits for databases and networks, hardly ever for the processor."""

_POLL_DELAY_SECONDS: Final = 0.1
_HEALTH_CHECK_SECONDS: Final = 10


class LanedWorker:
    """Runs light and heavy work beside each other, and neither waits for the other.

    Heavy work that is found on the light queue is moved on. While a step runs alone, this worker
    takes up no other heavy one: the other workers do.
    """

    def __init__(
        self, settings: Settings, *, functions: list[Function], burst: bool = False
    ) -> None:
        """Prepare a worker; nothing is opened before `run`.

        Args:
            settings: The deployment's choices.
            functions: Whatever it can run.
            burst: Whether to stop when nothing is left to do.
        """
        self._settings = settings
        self._functions = functions
        self._burst = burst
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Have `run` take up nothing more, and return when what runs has ended or has had its
        time; then the rest is handed back.
        """
        self._stopping.set()

    async def run(self) -> None:
        """Work until stopped. Cancelled, it hands everything back at once.

        Raises:
            SettingsError: an address is missing.
            PortError: the database or Redis cannot be used.
        """
        settings = self._settings
        hide_arguments()
        async with AsyncExitStack() as stack:
            container = await stack.enter_async_context(
                production(settings, heavy_lane=True, patient=True)
            )
            redis = create_redis(settings.require_redis_url(), patient=True)
            stack.push_async_callback(redis.aclose)
            pool = pool_on(redis.connection_pool, queue_name=settings.queue_name)
            queues = (settings.queue_name, heavy_queue_of(settings.queue_name))
            sign = await stack.enter_async_context(signed(container, pool, lanes=queues))
            lanes = self._lanes(container, pool, sign)
            working = asyncio.create_task(self._work(lanes, pool))
            stack.push_async_callback(_hand_back, lanes, working)
            async with keeping(chores_of(container, pool), on_error=teller(container)):
                await self._until_stopped(working)
            await asyncio.gather(*(lane.drain(seconds=settings.drain_seconds) for lane in lanes))

    def _lanes(
        self, container: Container, pool: JsonArqRedis, sign: WorkerSign
    ) -> tuple[LeaseWorker, LeaseWorker]:
        settings = self._settings
        light, heavy = sign.lanes
        tell = teller(container)

        def lane(queue_name: str, name: str, **options: Any) -> LeaseWorker:  # noqa: ANN401 - arq's
            return LeaseWorker(
                self._functions,
                name=f"{sign.id}/{name}",
                redis_pool=pool,
                queue_name=queue_name,
                lease=settings.job_lease,
                tell=tell,
                ctx={"container": container},
                burst=self._burst,
                poll_delay=_POLL_DELAY_SECONDS,
                health_check_interval=_HEALTH_CHECK_SECONDS,
                **options,
            )

        bulkhead = container.bulkhead()
        return (
            lane(light, "light", max_jobs=_LIGHT_AT_ONCE, heavy_queue_name=heavy),
            lane(
                heavy,
                "heavy",
                max_jobs=settings.max_workers,
                may_claim=lambda: not bulkhead.is_closed,
            ),
        )

    async def _work(self, lanes: tuple[LeaseWorker, ...], pool: JsonArqRedis) -> None:
        """Run the lanes for ever, or in a burst until none of them has left work for another."""
        await asyncio.gather(*(lane.async_run() for lane in lanes))
        while await pool.exists(*(lane.queue_name for lane in lanes)):
            await asyncio.gather(*(lane.async_run() for lane in lanes))

    async def _until_stopped(self, working: asyncio.Task[None]) -> None:
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        if working.done():
            await working


async def _hand_back(lanes: tuple[LeaseWorker, ...], working: asyncio.Task[None]) -> None:
    await asyncio.gather(*(lane.hand_back() for lane in lanes))
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
