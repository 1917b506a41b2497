"""What runs by the clock: the polling round, the sweep and the clean-up, in our own ticker.

arq's cron takes only intervals that divide a minute and repeats a round on each worker whose clock
is ahead; the ticker takes any interval, and the round itself lets one worker in at a time.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from marketbel_core.ports import Leases

__all__ = ["taking_turns", "ticking"]


@asynccontextmanager
async def ticking(
    body: Callable[[], Awaitable[object]],
    *,
    every: timedelta,
    on_error: Callable[[Exception], None],
) -> AsyncIterator[None]:
    """Await `body` at once and then `every` so often, until the block ends.

    A tick that fails, however, is told and does not end the ticking; a tick that takes longer
    than the interval delays the next one, so that a body never overlaps itself.
    """
    seconds = every.total_seconds()

    async def loop() -> None:
        running = asyncio.get_running_loop()
        due = running.time()
        while True:
            try:
                await body()
            except Exception as error:  # noqa: BLE001 - told, and the ticking goes on
                on_error(error)
            due = max(due + seconds, running.time())
            await asyncio.sleep(due - running.time())

    task = asyncio.create_task(loop(), name="ticker")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def taking_turns(
    body: Callable[[], Awaitable[object]], *, leases: Leases, name: str, every: timedelta
) -> Callable[[], Awaitable[None]]:
    """Return `body` as something that any number of workers may await at any time.

    It is done once in each `every`, by whoever comes first: the right to it is held that long and
    is not given back, unless the body fails, so that somebody tries again at the next tick.

    Args:
        body: What is to be done.
        leases: Where the workers agree.
        name: Of the turn.
        every: How long a turn lasts; ticks come more often, or turns would drift.
    """

    async def turn() -> None:
        lease = await leases.acquire(name, duration=every)
        if lease is None:
            return
        try:
            await body()
        except BaseException:
            await leases.release(lease)
            raise

    return turn
