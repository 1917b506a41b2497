"""Signs of life: each worker process says every few seconds that it is there, and who it is."""

import json
import os
import secrets
import socket
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

from redis.asyncio import Redis

__all__ = ["SIGN_INTERVAL", "WorkerSign", "live_workers", "new_sign", "show_sign", "withdraw_sign"]

SIGN_INTERVAL: Final = timedelta(seconds=5)
_TTL: Final = 3 * SIGN_INTERVAL
"""Two signs may get lost. arq's own sign is one key for all workers, and says less."""

_PREFIX: Final = "worker:"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSign:
    """What a living worker says about itself.

    Attributes:
        id: Its own, also the beginning of the marks that it puts on jobs.
        host: The machine or container.
        pid: The process there.
        started_at: ISO 8601, UTC.
        lanes: The queues that it takes jobs from.
    """

    id: str
    host: str
    pid: int
    started_at: str
    lanes: tuple[str, ...]


def new_sign(*, lanes: tuple[str, ...], now: datetime) -> WorkerSign:
    """Return the sign of this process, under an id that no other one has."""
    host = socket.gethostname()
    return WorkerSign(
        id=f"{host}-{os.getpid()}-{secrets.token_hex(4)}",
        host=host,
        pid=os.getpid(),
        started_at=now.isoformat(),
        lanes=lanes,
    )


async def show_sign(redis: Redis, sign: WorkerSign) -> None:
    """Write the key `worker:{id}`, a JSON object that lasts three intervals.

    Raises:
        redis.exceptions.RedisError: Redis gave no usable answer.
    """
    await redis.set(_PREFIX + sign.id, json.dumps(asdict(sign)), px=_TTL)


async def withdraw_sign(redis: Redis, sign: WorkerSign) -> None:
    """Remove the key: the worker stopped in order.

    Raises:
        redis.exceptions.RedisError: Redis gave no usable answer.
    """
    await redis.delete(_PREFIX + sign.id)


async def live_workers(redis: Redis) -> list[WorkerSign]:
    """Return the workers that are alive, by id.

    Raises:
        redis.exceptions.RedisError: Redis gave no usable answer.
    """
    keys = [key async for key in redis.scan_iter(match=_PREFIX + "*", count=1_000)]
    written = await redis.mget(keys) if keys else []
    signs = [_sign(text) for text in written if text is not None]
    return sorted(
        (sign for sign in signs if sign is not None),
        key=lambda sign: sign.id,
    )


def _sign(text: bytes | str) -> WorkerSign | None:
    """Return what the key says; `None` when it is somebody else's, who uses the same prefix."""
    try:
        said = json.loads(text)
        return WorkerSign(**{**said, "lanes": tuple(said["lanes"])})
    except (ValueError, KeyError, TypeError):
        return None
