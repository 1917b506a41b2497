"""How Redis is reached, and the one door through which the driver's errors leave."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from marketbel_core.errors import ProtocolError, RefusedError, UnavailableError

__all__ = ["create_redis", "translated"]

_ANSWER_SECONDS_MAX: Final = 5.0
"""Without a limit, a half-open connection hangs for ever."""

_CONNECT_SECONDS_MAX: Final = 2.0
_IDLE_SECONDS_MAX: Final = 15
"""A connection idle for longer is tried with a PING before it is used."""

_RETRIES_MAX: Final = 5
_RETRIES_MAX_WHEN_PATIENT: Final = 40
_RETRY_WAIT_SECONDS_BASE: Final = 0.1
_RETRY_WAIT_SECONDS_MAX: Final = 1.0
"""0.2 + 0.4 + 0.8 + 1 + 1 s: an absence is reported before a person gives up waiting. With
patience it is 38 s, which rides out the restart of a large server."""

_SCHEMES_OVER_TCP: Final = {"redis", "rediss"}


def create_redis(url: str, *, patient: bool = False) -> Redis:
    """Return a client for `url` with a pool of its own; nothing connects before the first command.

    A command whose connection broke is sent again, so it may be carried out twice: every script
    of this package bears that. Close the client with `await client.aclose()`.

    Args:
        url: `redis://`, `rediss://` or `unix://`, user and password percent-encoded.
        patient: Whether commands wait for a Redis that is away for longer: for workers, which
            have nothing better to do meanwhile.

    Raises:
        RefusedError: the URL cannot be read. The message leaves the URL out: it may hold a
            password.
    """
    options: dict[str, object] = {
        "socket_timeout": _ANSWER_SECONDS_MAX,
        "socket_connect_timeout": _CONNECT_SECONDS_MAX,
        "health_check_interval": _IDLE_SECONDS_MAX,
        "retry": Retry(
            ExponentialBackoff(cap=_RETRY_WAIT_SECONDS_MAX, base=_RETRY_WAIT_SECONDS_BASE),
            _RETRIES_MAX_WHEN_PATIENT if patient else _RETRIES_MAX,
        ),
        # The builtin TimeoutError, which asyncio raises, is an OSError.
        "retry_on_error": [RedisConnectionError, RedisTimeoutError, OSError],
        "decode_responses": False,
    }
    try:
        if urlsplit(url).scheme in _SCHEMES_OVER_TCP:
            options["socket_keepalive"] = True
        return Redis.from_pool(ConnectionPool.from_url(url, **options))
    except ValueError:
        # The driver quotes a part of the URL, and a password with a bare `/` in it is that part.
        raise RefusedError(
            "redis.bad_url",
            "the Redis URL cannot be read: it must look like redis://user:password@host:6379/0, "
            "rediss://… or unix:///path/of/socket?db=0, with user and password percent-encoded",
        ) from None


@contextmanager
def translated() -> Generator[None]:
    """Raise errors of ours from those of the driver raised inside.

    Raises:
        UnavailableError: Redis did not answer, or not now (`redis.unavailable`).
        ProtocolError: a key holds another type of value than agreed (`redis.wrong_type`).
    """
    try:
        yield
    except ResponseError as error:
        if "WRONGTYPE" in str(error):
            message = f"a Redis key holds another type of value than agreed: {error}"
            raise ProtocolError(message, code="redis.wrong_type") from error
        raise _unavailable(error) from error
    except (RedisError, OSError) as error:
        raise _unavailable(error) from error


def _unavailable(error: Exception) -> UnavailableError:
    return UnavailableError(
        f"Redis gave no usable answer: {str(error) or type(error).__name__}",
        code="redis.unavailable",
    )
