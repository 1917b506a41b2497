"""What the workers do all the time: are they there, does the journal move on, who was refused."""

from typing import Final

from redis.asyncio import Redis

from marketbel_adapters.redis import RedisJobJournal, RedisJobStore, translated
from marketbel_runtime.doctor.findings import Finding, State, foreign_text

__all__ = [
    "judge_journal",
    "judge_refused",
    "look_at_journal",
    "look_at_refused",
    "look_at_workers",
]

_LINES_MAX: Final = 10_000
"""A worker empties the journal every second or so: this many lines are minutes of a busy day."""

_TOLD_MAX: Final = 5


async def look_at_workers(client: Redis, queue_name: str) -> Finding:
    """Return which workers are alive, and whether any of them serves the queue."""
    from marketbel_adapters.arq import live_workers  # noqa: PLC0415 - arq may be missing

    with translated():
        workers = await live_workers(client)
    serving = [worker for worker in workers if queue_name in worker.lanes]
    others = len(workers) - len(serving)
    beside = f"; {others} on other queues" if others else ""
    if not serving:
        return Finding(
            name="workers",
            state=State.WARNING,
            message=f"no worker is alive on {queue_name}{beside}",
            cure="start one with `marketbel worker`"
            + (": is QUEUE_NAME right?" if others else ""),
        )
    named = [f"{worker.host} ({worker.pid})" for worker in serving[:_TOLD_MAX]]
    more = f" and {len(serving) - _TOLD_MAX} more" if len(serving) > _TOLD_MAX else ""
    told = foreign_text(f"{', '.join(named)}{more}{beside}")
    if not any(len(worker.lanes) > 1 for worker in serving):
        return Finding(
            name="workers",
            state=State.WARNING,
            message=f"{len(serving)} alive under plain arq, without a lane for heavy work: {told}",
            cure="run `marketbel worker`: steps of a worker that was killed go on sooner, too",
        )
    return Finding(name="workers", state=State.OK, message=f"{len(serving)} alive: {told}")


async def look_at_journal(client: Redis) -> Finding:
    """Return how much of what happened to jobs has not reached PostgreSQL."""
    return judge_journal(await RedisJobJournal(client).length())


def judge_journal(lines: int) -> Finding:
    """Return what it means that so many lines wait for the archive."""
    message = f"{lines} lines of jobs:journal wait to be archived"
    if lines <= _LINES_MAX:
        return Finding(name="journal", state=State.OK, message=message)
    return Finding(
        name="journal",
        state=State.WARNING,
        message=f"{message}: if Redis is lost, so is what they tell of",
        cure="see database and workers above; a worker archives them, and its log says "
        "`worker.trouble` when it cannot",
    )


async def look_at_refused(client: Redis) -> Finding:
    """Return how many writes of jobs were refused since Redis was emptied."""
    return judge_refused(await RedisJobStore(client).refused())


def judge_refused(counts: dict[str, int]) -> Finding:
    """Return what the counts mean: late writers are refused by design, illegal ones are faults."""
    stale, illegal = counts["stale"], counts["illegal"]
    message = f"{stale} stale and {illegal} illegal writes of jobs were refused; none harmed a job"
    if not illegal:
        return Finding(name="refused-writes", state=State.OK, message=message)
    return Finding(
        name="refused-writes",
        state=State.WARNING,
        message=message,
        cure="look for a program that moves jobs where they cannot go: another version of the "
        "worker, or a caller of update_job; stale ones alone are late workers and no fault",
    )
