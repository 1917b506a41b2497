"""A numbered Redis database of our own on a server that somebody else may use too."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from marketbel_adapters.embedded.errors import (
    AdminUrlError,
    ExtraMissingError,
    NoEmptyDatabaseError,
)

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["empty_redis_db", "own_redis_db"]

_SCHEMES: Final = ("redis", "rediss", "unix")
_SECONDS_MAX: Final = 10.0
_DATABASES_DEFAULT: Final = 16
# The sign by which two runs at once see each other; it stays as long as the database is ours.
_CLAIM_KEY: Final = "marketbel:claim"

# One step, so that nobody writes between the look and the claim.
_CLAIM: Final = """
if redis.call('DBSIZE') > 0 then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
return 1
"""
_EMPTY: Final = """
local claim = redis.call('GET', KEYS[1])
redis.call('FLUSHDB')
if claim then redis.call('SET', KEYS[1], claim) end
return 1
"""
# Without a sign a database that was given to us is still ours: whoever emptied it in between was
# one of us. One that may have been given (ARGV[2] is 0) is ours with our sign only. Another sign
# is somebody else's.
_GIVE_BACK: Final = """
local claim = redis.call('GET', KEYS[1])
if claim and claim ~= ARGV[1] then return 0 end
if not claim and ARGV[2] == '0' then return 0 end
redis.call('FLUSHDB')
return 1
"""


@contextmanager
def own_redis_db(admin_url: str) -> Iterator[str]:
    """Claim a database number that holds no key, yield its URL, empty it at the end.

    The number in `admin_url` is not looked at. High numbers are tried first: what others use
    without a thought is number 0. While it is ours the database holds one key, the claim.

    Raises:
        AdminUrlError: the URL is none of Redis', nobody answers there, or the server refuses.
        NoEmptyDatabaseError: every number is in use.
        ExtraMissingError: the client is not installed.
    """
    token = secrets.token_hex(8)
    databases = _count(admin_url)
    url = ""
    is_ours = False
    try:
        for number in reversed(range(databases)):
            url = _with_number(admin_url, number)
            is_ours = _claim(url, token)
            if is_ours:
                break
        else:
            url = ""
            raise NoEmptyDatabaseError(databases=databases)
        yield url
    finally:
        # Also when Ctrl-C came between the server's yes and our knowing of it.
        if url:
            _give_back(url, token, is_ours=is_ours)


def empty_redis_db(url: str) -> None:
    """Remove all keys of the database at `url` but a claim on it.

    Raises:
        AdminUrlError: nobody answers there, or the server refuses.
    """
    with _client(url) as client:
        client.eval(_EMPTY, 1, _CLAIM_KEY)


def _claim(url: str, token: str) -> bool:
    with _client(url) as client:
        return bool(client.eval(_CLAIM, 1, _CLAIM_KEY, token))


def _give_back(url: str, token: str, *, is_ours: bool) -> None:
    with _client(url) as client:
        client.eval(_GIVE_BACK, 1, _CLAIM_KEY, token, "1" if is_ours else "0")


def _count(admin_url: str) -> int:
    """Return how many databases the server has; where it does not tell, try them all."""
    from redis.exceptions import ResponseError  # noqa: PLC0415 - comes with the extra

    with _client(_with_number(admin_url, 0)) as client:
        try:
            told = cast("dict[str, str]", client.config_get("databases"))  # not awaited here
        except ResponseError:
            told = {}
        if told:
            return int(next(iter(told.values())))
        for number in reversed(range(_DATABASES_DEFAULT)):
            try:
                client.select(number)
            except ResponseError:
                continue
            return number + 1
    return 1


@contextmanager
def _client(url: str) -> "Iterator[Redis]":
    try:
        import redis  # noqa: PLC0415 - comes with the extra
    except ImportError as error:
        raise ExtraMissingError(package="redis", extra="redis") from error
    try:
        with redis.Redis.from_url(
            url, socket_timeout=_SECONDS_MAX, socket_connect_timeout=_SECONDS_MAX
        ) as client:
            yield client
    except ValueError:
        # What was thrown may quote a piece of the password, so it is not kept.
        raise AdminUrlError("REDIS_URL cannot be read as a URL of Redis") from None
    except (redis.RedisError, OSError) as error:
        raise AdminUrlError(f"cannot work through REDIS_URL: {error}") from error


def _with_number(admin_url: str, number: int) -> str:
    try:
        parts = urlsplit(admin_url)
    except ValueError:
        raise AdminUrlError("REDIS_URL cannot be read as a URL") from None
    if parts.scheme not in _SCHEMES:
        raise AdminUrlError(
            f"REDIS_URL must start with one of {', '.join(f'{name}://' for name in _SCHEMES)}"
        )
    rest = [pair for pair in parse_qsl(parts.query) if pair[0] != "db"]
    path = parts.path
    if parts.scheme == "unix":
        rest.append(("db", str(number)))
    else:
        path = f"/{number}"
    query = urlencode(rest, safe="/", quote_via=quote)
    return f"{parts.scheme}://{parts.netloc}{path}" + (f"?{query}" if query else "")
