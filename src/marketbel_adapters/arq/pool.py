"""The connection that jobs are enqueued and worked through: our own pool, JSON on both sides."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from arq.connections import ArqRedis, RedisSettings
from arq.constants import job_key_prefix, result_key_prefix
from arq.jobs import Job, serialize_job
from arq.utils import timestamp_ms
from redis.asyncio import ConnectionPool, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.connection import parse_url

from marketbel_adapters.arq.scripts import ENQUEUE
from marketbel_adapters.arq.serializer import deserialize, serialize

__all__ = ["JsonArqRedis", "QueuedCall", "create_pool", "pool_on", "redis_settings_of"]

_QUEUE_NAME: Final = "price-ingestion-queue"

_KEPT: Final = timedelta(days=7)
"""How long arguments are kept beyond the instant at which a job is due. arq's own day is over
before a weekend without a worker is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedCall:
    """A call that is to be enqueued, due at once.

    Attributes:
        job_id: arq's id of it: while one of this id is queued or running, it is no news.
    """

    function: str
    job_id: str
    queue_name: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)


class JsonArqRedis(ArqRedis):
    """arq's client, with two things made right: payloads are JSON, and ids are kept.

    Callers of the deployment pass `job_id` or `task_id` as arguments of the task and mean that it
    runs once; arq looks at `_job_id` only. Here an id among the arguments names the queued job.
    """

    async def enqueue_job(
        self,
        function: str,
        *args: Any,  # noqa: ANN401 - arq's signature
        _job_id: str | None = None,
        _queue_name: str | None = None,
        _defer_until: datetime | None = None,
        _defer_by: float | timedelta | None = None,
        _expires: float | timedelta | None = None,
        _job_try: int | None = None,
        **kwargs: Any,  # noqa: ANN401 - arq's signature
    ) -> Job | None:
        """Enqueue a job; return `None` when the same one is queued or running already."""
        named = kwargs.get("job_id") or kwargs.get("task_id")
        if _job_id is None and named:
            _job_id = f"{function}:{named}"
        return await super().enqueue_job(
            function,
            *args,
            _job_id=_job_id,
            _queue_name=_queue_name,
            _defer_until=_defer_until,
            _defer_by=_defer_by,
            _expires=_expires,
            _job_try=_job_try,
            **kwargs,
        )

    async def enqueue_all(self, calls: Sequence[QueuedCall]) -> list[bool]:
        """Enqueue the calls in one round trip; return which of them were news."""
        enqueue = self.register_script(ENQUEUE)
        now = timestamp_ms()
        async with self.pipeline(transaction=False) as pipe:
            for call in calls:
                payload = serialize_job(
                    call.function, (), dict(call.kwargs), None, now, serializer=self.job_serializer
                )
                await enqueue(
                    keys=[
                        job_key_prefix + call.job_id,
                        result_key_prefix + call.job_id,
                        call.queue_name,
                    ],
                    args=[call.job_id, payload, self.expires_extra_ms, now],
                    client=pipe,
                )
            return [bool(answer) for answer in await pipe.execute()]


def pool_on(connections: ConnectionPool, *, queue_name: str) -> JsonArqRedis:
    """Return an arq pool over `connections` that speaks JSON and enqueues on `queue_name`.

    Nothing connects before the first command.
    """
    return JsonArqRedis(
        connections,
        job_serializer=serialize,
        job_deserializer=deserialize,
        default_queue_name=queue_name,
        expires_extra_ms=_KEPT // timedelta(milliseconds=1),
    )


def redis_settings_of(url: str) -> RedisSettings:
    """Return the address as arq's own command wants it, for `arq --check`.

    Never log it: its `repr` shows the password.

    Args:
        url: `redis://`, `rediss://` or `unix://`, user and password percent-encoded, which arq's
            own way to read one leaves as they are.
    """
    told = parse_url(url)
    return RedisSettings(
        host=told.get("host", "localhost"),
        port=told.get("port", 6379),
        unix_socket_path=told.get("path"),
        database=told.get("db", 0),
        username=told.get("username"),
        password=told.get("password"),
        ssl=told.get("connection_class") is SSLConnection,
    )


async def create_pool(
    settings: RedisSettings | None = None, *, queue_name: str | None = None
) -> JsonArqRedis:
    """Return a pool whose jobs our workers run; close it with `await pool.aclose()`.

    A drop-in for arq's own `create_pool`, whose jobs are pickled and wait on another queue.

    Args:
        settings: Where Redis is; `None` reads REDIS_URL, else REDIS_HOST, REDIS_PORT and
            REDIS_PASSWORD, from the environment.
        queue_name: The workers' queue; `None` reads QUEUE_NAME.

    Raises:
        redis.exceptions.RedisError: Redis does not answer, as with arq's own.
    """
    name = queue_name or os.environ.get("QUEUE_NAME") or _QUEUE_NAME
    connections = _from_environment() if settings is None else _from_settings(settings)
    pool = pool_on(connections, queue_name=name)
    pool.auto_close_connection_pool = True
    try:
        await pool.ping()
    except BaseException:
        await pool.aclose()
        raise
    return pool


def _from_environment() -> ConnectionPool:
    url = os.environ.get("REDIS_URL")
    if not url:
        password = quote(os.environ.get("REDIS_PASSWORD", ""), safe="")
        host = os.environ.get("REDIS_HOST") or "redis"
        port = os.environ.get("REDIS_PORT") or "6379"
        url = f"redis://:{password}@{host}:{port}/0" if password else f"redis://{host}:{port}/0"
    return ConnectionPool.from_url(url)


def _from_settings(settings: RedisSettings) -> ConnectionPool:
    common: dict[str, Any] = {
        "db": settings.database,
        "username": settings.username,
        "password": settings.password,
    }
    if settings.unix_socket_path is not None:
        return ConnectionPool(UnixDomainSocketConnection, path=settings.unix_socket_path, **common)
    if isinstance(settings.host, list):
        raise TypeError("Redis Sentinel is not supported: name one host")
    place: dict[str, Any] = {"host": settings.host, "port": settings.port, **common}
    if settings.ssl:
        return ConnectionPool(SSLConnection, **place)
    return ConnectionPool(**place)
