"""The queue that is worked on, and the one where nobody of ours looks."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from redis.asyncio import Redis

from marketbel_adapters.redis import translated
from marketbel_core.ports import Clock
from marketbel_runtime.doctor.findings import Finding, State, foreign_text

__all__ = ["look_at_foreign_queue", "look_at_queue"]

_QUEUE: Final = "queue"
_FOREIGN: Final = "foreign-queue"
_ARQ_DEFAULT: Final = "arq:queue"
_JOB: Final = "arq:job:"
_LOOKED_AT_MAX: Final = 100
_PAYLOAD_BYTES_MAX: Final = 4_096
_WAIT_MAX: Final = timedelta(minutes=10)
"""Twice the default JOB_TIMEOUT: longer than any step that is being run may take."""

_PICKLE: Final = b"\x80"
"""Every pickle since protocol 2 begins with it, and no JSON does."""

_OUR_TASKS: Final = (
    b"parse_task",
    b"download_and_trigger_ml",
    b"poll_ml_job_status_task",
    b"match_items_task",
    b"enrich_item_task",
    b"recalc_product_aggregates_task",
    b"recalc_aggregates_task",
    b"handle_manual_match_event",
    b"expire_review_queue_task",
    b"master_sync_task",
    b"trigger_master_sync_task",
    b"scheduled_sync_task",
    b"cleanup_shared_files_task",
    b"retry_job_task",
)
_CURE_PRODUCER: Final = (
    "enqueue with `create_pool` of marketbel_adapters.arq, which writes JSON to QUEUE_NAME; plain "
    "`arq.create_pool(RedisSettings())` writes pickle to arq:queue"
)


async def look_at_queue(
    client: Redis, queue_name: str, clock: Clock, *, name: str = _QUEUE
) -> Finding:
    """Return how many jobs wait on a queue of the workers, how long, and whether they can be run.

    Args:
        client: Of the server.
        queue_name: The Redis key.
        clock: Ours.
        name: Of the check.
    """
    with translated():
        kind = _text(await client.type(queue_name))
        if kind not in {"zset", "none"}:
            return _collision(queue_name, kind, name=name)
        now = int(clock.now().timestamp() * 1000)
        waiting = int(await client.zcount(queue_name, "-inf", now))
        later = int(await client.zcard(queue_name)) - waiting
        oldest = await client.zrange(queue_name, 0, 0, withscores=True)
        payloads = await _payloads(client, queue_name)
        has_worker = bool(await client.exists(f"{queue_name}:health-check"))
    pickled = sum(payload.startswith(_PICKLE) for payload in payloads)
    told = f"{waiting} waiting or running, {later} for later on {queue_name}"
    if waiting:
        age = timedelta(milliseconds=now - int(oldest[0][1]))
        told += f", the oldest for {_spoken(age)}"
    else:
        age = timedelta()
    told += "; a worker is there" if has_worker else "; no worker has reported"
    if pickled:
        return Finding(
            name=name,
            state=State.WARNING,
            message=f"{told}; {pickled} written as pickle, which is never read here",
            cure=f"{_CURE_PRODUCER}; the worker fails those that wait",
        )
    if age > _WAIT_MAX:
        cure = "raise MAX_WORKERS, or start more workers" if has_worker else "start a worker"
        return Finding(name=name, state=State.WARNING, message=told, cure=cure)
    return Finding(name=name, state=State.OK, message=told)


async def look_at_foreign_queue(client: Redis, queue_name: str) -> Finding:
    """Return whether jobs wait on arq's default queue, where no worker of ours looks."""
    if queue_name == _ARQ_DEFAULT:
        return Finding(
            name=_FOREIGN, state=State.OK, message="the worker itself works on arq:queue"
        )
    with translated():
        kind = _text(await client.type(_ARQ_DEFAULT))
        if kind != "zset":
            return Finding(
                name=_FOREIGN, state=State.OK, message="no job waits on arq:queue, as it should be"
            )
        count = int(await client.zcard(_ARQ_DEFAULT))
        payloads = await _payloads(client, _ARQ_DEFAULT)
    ours = sorted({name.decode() for name in _OUR_TASKS for raw in payloads if _names(raw, name)})
    waiting = f"{count} {'job waits' if count == 1 else 'jobs wait'} on arq:queue"
    if ours:
        return Finding(
            name=_FOREIGN,
            state=State.ERROR,
            message=f"{waiting}, where no worker of ours looks; meant for us: {', '.join(ours)}",
            cure=f"{_CURE_PRODUCER}; send those jobs again, then remove arq:queue",
        )
    return Finding(
        name=_FOREIGN,
        state=State.WARNING,
        message=f"{waiting}, where no worker of ours looks; they may be another program's",
        cure=_CURE_PRODUCER,
    )


async def _payloads(client: Redis, queue_name: str) -> list[bytes]:
    """Return the beginnings of the first payloads; one that has expired is left out."""
    ids: Iterable[bytes] = await client.zrange(queue_name, 0, _LOOKED_AT_MAX - 1)
    async with client.pipeline(transaction=False) as pipe:
        for arq_id in ids:
            pipe.getrange(_JOB + _text(arq_id), 0, _PAYLOAD_BYTES_MAX - 1)
        return [raw for raw in await pipe.execute() if raw]


def _names(payload: bytes, task: bytes) -> bool:
    """Tell whether `payload`, JSON or pickle, is of `task`: a longer name holds it, too."""
    before, found, after = payload.partition(task)
    return bool(found) and not (_is_letter(before[-1:]) or _is_letter(after[:1]))


def _is_letter(byte: bytes) -> bool:
    return byte.isalnum() or byte == b"_"


def _collision(queue_name: str, kind: str, *, name: str) -> Finding:
    return Finding(
        name=name,
        state=State.ERROR,
        message=f"the Redis key {queue_name} is a {foreign_text(kind)} and not arq's queue: "
        "somebody else writes there, REDIS_QUEUE_NAME of the admin API perhaps",
        cure=f"give REDIS_QUEUE_NAME another value than QUEUE_NAME (parse-tasks is usual), then "
        f"rename the key: RENAME {queue_name} parse-tasks",
    )


def _spoken(age: timedelta) -> str:
    seconds = int(age.total_seconds())
    if seconds < 120:  # noqa: PLR2004 - two minutes
        return f"{seconds} s"
    return f"{seconds // 60} min"


def _text(raw: str | bytes) -> str:
    return raw.decode(errors="replace") if isinstance(raw, bytes) else raw
