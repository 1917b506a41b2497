"""How Redis is reached: what a URL gives, and what it never gives away."""

from typing import Final

import pytest
from redis.asyncio.connection import (
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.exceptions import (
    AuthenticationError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from marketbel_adapters.redis import create_redis, translated
from marketbel_core.errors import PortError, ProtocolError, RefusedError, UnavailableError

_PASSWORD: Final = "s3cr3t"


@pytest.mark.parametrize(
    ("url", "connection", "facts"),
    [
        ("redis://cache", Connection, {"host": "cache", "socket_keepalive": True}),
        ("redis://cache:7000/3", Connection, {"host": "cache", "port": 7000, "db": 3}),
        ("rediss://cache", SSLConnection, {"host": "cache", "socket_keepalive": True}),
        ("unix:///run/r.sock?db=2", UnixDomainSocketConnection, {"path": "/run/r.sock", "db": 2}),
        ("redis://u:p%40ss@cache", Connection, {"username": "u", "password": "p@ss"}),
    ],
)
def test_a_url_says_where_and_how(url: str, connection: type, facts: dict[str, object]) -> None:
    pool = create_redis(url).connection_pool

    assert pool.connection_class is connection
    assert pool.connection_kwargs.items() >= facts.items()
    made = pool.make_connection()  # type: ignore[no-untyped-call]  # the driver's
    assert (made.socket_timeout, made.socket_connect_timeout) == (5, 2)
    assert made.health_check_interval == 15
    assert made.retry._retries == 5
    assert {RedisConnectionError, RedisTimeoutError, OSError} <= set(made.retry_on_error)
    assert not made.encoder.decode_responses


def test_a_worker_waits_longer_for_a_redis_that_restarts() -> None:
    patient = create_redis("redis://cache", patient=True).connection_pool

    made = patient.make_connection()  # type: ignore[no-untyped-call]  # the driver's
    assert made.retry._retries == 40


@pytest.mark.parametrize(
    "url",
    [
        "http://cache",
        "cache:6379",
        "",
        f"redis://:{_PASSWORD}/x@cache",
        f"redis://:{_PASSWORD}@[cache",
        f"redis://:{_PASSWORD}@cache?socket_timeout=soon",
    ],
)
def test_a_url_that_cannot_be_read_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(RefusedError, match="percent-encoded") as caught:
        create_redis(url)

    assert caught.value.code == "redis.bad_url"
    assert _PASSWORD not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_client_does_not_show_its_password() -> None:
    client = create_redis(f"redis://user:{_PASSWORD}@cache")

    assert _PASSWORD not in repr(client)
    assert _PASSWORD not in repr(client.connection_pool)


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (RedisConnectionError("gone"), UnavailableError, "redis.unavailable"),
        (RedisTimeoutError("late"), UnavailableError, "redis.unavailable"),
        (AuthenticationError("who?"), UnavailableError, "redis.unavailable"),
        (ConnectionResetError("reset"), UnavailableError, "redis.unavailable"),
        (TimeoutError(), UnavailableError, "redis.unavailable"),
        (ResponseError("READONLY"), UnavailableError, "redis.unavailable"),
        (ResponseError("WRONGTYPE Operation"), ProtocolError, "redis.wrong_type"),
    ],
)
def test_the_drivers_errors_leave_as_ours(
    error: Exception, kind: type[PortError], code: str
) -> None:
    with pytest.raises(kind) as caught, translated():
        raise error

    assert caught.value.code == code
    assert caught.value.__cause__ is error


def test_other_errors_pass_as_they_are() -> None:
    with pytest.raises(ZeroDivisionError), translated():
        raise ZeroDivisionError
