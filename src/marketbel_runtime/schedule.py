"""What runs by the clock, in our own ticker: one line a chore.

arq's cron takes only intervals that divide a minute and repeats a round on each worker whose clock
is ahead; the ticker takes any interval, and a body that must not overlap itself across workers
lets one worker in at a time.
"""

import asyncio
import functools
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from arq.connections import ArqRedis
from redis.exceptions import RedisError

from marketbel_core.errors import UnavailableError
from marketbel_core.ports import Leases, Tray
from marketbel_runtime.container import Container
from marketbel_runtime.syncing import sync_when_due, sync_when_triggered

__all__ = ["Chore", "chores_of", "keeping", "taking_turns", "ticking"]

_RELAY_INTERVAL: Final = timedelta(seconds=2)
"""What PostgreSQL has not heard of when Redis is lost is done again: let it be little."""

_OUTBOX_INTERVAL: Final = timedelta(seconds=2)
"""How soon a worker starts what a sync that died has left, or what was imported by hand."""

_CLEAN_UP_INTERVAL: Final = timedelta(hours=6)
_CLEAN_UP_TICK: Final = timedelta(minutes=5)
"""How late a clean-up may be when the worker whose turn it was is gone."""

_SYNC_TICK: Final = timedelta(seconds=30)
"""How late a sync may be when it falls due; looking costs one command."""

_SYNC_SHOWN_TICK: Final = timedelta(seconds=0.5)
"""How long the admin interface finds no status at all after a worker died in a sync."""

_SYNC_TRIGGERS_MAX: Final = 100
"""Triggers of a sync that wait for one under way. Taken beside the one that is obeyed: the key
expires in five minutes, and a sync may last longer."""

_EXPIRE_INTERVAL: Final = timedelta(hours=1)
_RECONCILE_INTERVAL: Final = timedelta(minutes=1)
"""How long a link that the admin interface made may go without its aggregates, at most about."""

_RECONCILE_TICK: Final = timedelta(seconds=15)

_INBOX_INTERVAL: Final = timedelta(seconds=1)
"""How long a person's wish lies in the inbox at most; looking costs two commands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """What every worker does by the clock.

    Attributes:
        name: For the log.
        every: From one beginning to the next; a body that takes longer delays the next one.
        body: Safe to run at any time and by any number of workers.
    """

    name: str
    every: timedelta
    body: Callable[[], Awaitable[object]]


def chores_of(container: Container, pool: ArqRedis) -> list[Chore]:
    """Return the chores of a worker with this container, which enqueues through `pool`."""
    settings = container.settings()
    poll = functools.partial(_ask_for_round, container, pool)
    clean_up = taking_turns(
        container.clean_up_files(),
        leases=container.leases(),
        name="clean-up",
        every=_CLEAN_UP_INTERVAL,
    )
    expire = taking_turns(
        container.expire_reviews(),
        leases=container.leases(),
        name="expire-reviews",
        every=_EXPIRE_INTERVAL,
    )
    reconcile = taking_turns(
        container.reconcile_links(),
        leases=container.leases(),
        name="reconcile-links",
        every=_RECONCILE_INTERVAL,
    )
    return [
        Chore(name="poll", every=settings.ml_poll_interval, body=poll),
        Chore(name="rescue", every=settings.rescue_interval, body=container.rescue_jobs()),
        Chore(name="relay", every=_RELAY_INTERVAL, body=container.relay_journal()),
        Chore(name="outbox", every=_OUTBOX_INTERVAL, body=container.relay_outbox()),
        Chore(name="imports", every=_OUTBOX_INTERVAL, body=container.follow_imports()),
        Chore(name="clean-up", every=_CLEAN_UP_TICK, body=clean_up),
        Chore(name="expire-reviews", every=_CLEAN_UP_TICK, body=expire),
        Chore(name="reconcile-links", every=_RECONCILE_TICK, body=reconcile),
        Chore(name="retries", every=_INBOX_INTERVAL, body=container.take_retries()),
        Chore(name="lists", every=_INBOX_INTERVAL, body=container.take_lists()),
        Chore(
            name="sync-inbox",
            every=_INBOX_INTERVAL,
            body=functools.partial(
                container.inbox().take, Tray.SYNC_TRIGGER, limit=_SYNC_TRIGGERS_MAX
            ),
        ),
        Chore(
            name="sync-triggers",
            every=_INBOX_INTERVAL,
            body=functools.partial(sync_when_triggered, container),
        ),
        Chore(name="sync-status", every=_SYNC_SHOWN_TICK, body=container.board().view),
        Chore(name="sync", every=_SYNC_TICK, body=functools.partial(sync_when_due, container)),
    ]


@asynccontextmanager
async def keeping(
    chores: Iterable[Chore], *, on_error: Callable[[str, Exception], None]
) -> AsyncGenerator[None]:
    """Do the chores, each by itself, until the block ends; the first time at once.

    Args:
        chores: What is to be done.
        on_error: Told the name of a chore that failed, and by what. It and the others go on.
    """
    async with AsyncExitStack() as stack:
        for chore in chores:
            tell = functools.partial(on_error, chore.name)
            await stack.enter_async_context(ticking(chore.body, every=chore.every, on_error=tell))
        yield


@asynccontextmanager
async def ticking(
    body: Callable[[], Awaitable[object]],
    *,
    every: timedelta,
    on_error: Callable[[Exception], None],
) -> AsyncGenerator[None]:
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


async def _ask_for_round(container: Container, pool: ArqRedis) -> None:
    """Enqueue this interval's polling round, once while it waits or runs.

    A worker that asks after the round has ended starts another one; the round itself lets one
    worker in at a time, so that rounds follow each other and never overlap.
    """
    function = "poll_ml_job_status_task"
    settings = container.settings()
    interval = int(container.clock().now().timestamp() // settings.ml_poll_interval_seconds)
    try:
        await pool.enqueue_job(
            function, _job_id=f"{function}:{interval}", _queue_name=settings.queue_name
        )
    except (RedisError, OSError, TimeoutError) as error:
        raise UnavailableError(str(error), code="redis.unavailable") from error


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
