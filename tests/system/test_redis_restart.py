"""A queue server that is killed in mid-run and comes back with what it had written down."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from arq.worker import func

from marketbel_adapters.arq import LeaseWorker, pool_on
from marketbel_adapters.embedded import embedded_valkey
from marketbel_adapters.redis import create_redis

pytestmark = [pytest.mark.valkey, pytest.mark.processes]

QUEUE = "restart-queue"
JOBS = 60
KILLS = 3


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the server's account may enter."""
    made = Path(tempfile.mkdtemp(prefix="mb-restart-"))
    made.chmod(0o755)
    yield made / "valkey"
    shutil.rmtree(made)


async def test_workers_outlive_kills_of_redis_and_run_every_job(folder: Path) -> None:
    ran: Counter[str] = Counter()
    gate = asyncio.Semaphore(0)

    async def step(ctx: dict[Any, Any], **_: object) -> None:
        await gate.acquire()
        ran[ctx["job_id"]] += 1

    with ExitStack() as server:
        served = server.enter_context(embedded_valkey(folder, durable=True))
        redis = create_redis(served.url, patient=True)
        pool = pool_on(redis.connection_pool, queue_name=QUEUE)
        for number in range(JOBS):
            await pool.enqueue_job("step", _job_id=f"job-{number}")
        workers = [
            LeaseWorker(
                [func(step, name="step", max_tries=100)],
                name=name,
                redis_pool=pool,
                queue_name=QUEUE,
                lease=timedelta(seconds=2),
                tell=lambda *_: None,
                poll_delay=0.02,
            )
            for name in "ab"
        ]
        running = [asyncio.create_task(worker.async_run()) for worker in workers]
        async with asyncio.timeout(60):
            for kill in range(1, KILLS + 1):
                for _ in range(JOBS // (KILLS + 1)):
                    gate.release()
                while ran.total() < kill * JOBS // (KILLS + 1):
                    await asyncio.sleep(0.01)
                os.kill(served.pid, signal.SIGKILL)
                server.close()
                again = server.enter_context(embedded_valkey(folder, durable=True))
                assert again.url == served.url
                served = again
            for _ in range(10 * JOBS):
                gate.release()
            while await pool.zcard(QUEUE):
                await asyncio.sleep(0.01)
        assert not any(task.done() for task in running)
        for worker in workers:
            await worker.hand_back()
        await asyncio.gather(*running, return_exceptions=True)
        await redis.aclose()

    assert set(ran) == {f"job-{number}" for number in range(JOBS)}
