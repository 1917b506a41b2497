"""One question to ml-analyze, and what may come back; everything that may be said is bounded."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import httpx
from pydantic import BaseModel, ValidationError

from marketbel_adapters.ml_analyze.wire import complaint_in
from marketbel_core import __version__
from marketbel_core.errors import PortError, ProtocolError, UnavailableError

__all__ = [
    "Reply",
    "SlowAnswerError",
    "ask",
    "create_ml_client",
    "is_callers_fault",
    "no_answer",
    "parsed",
]

_TIMEOUT: Final = httpx.Timeout(connect=5.0, read=30.0, write=5.0, pool=5.0)
_ANSWER_WITHIN: Final = timedelta(seconds=60)
"""For a whole answer: the client's own limits are for each piece of it."""

_REPLY_BYTES_MAX: Final = 1_048_576
"""A status with a thousand sentences has a tenth of it; more than that is not read into memory."""

_LATER: Final = frozenset({408, 425, 429})
_RETRY_AFTER_MAX: Final = timedelta(minutes=10)
"""A service that names a longer time is asked again all the same: plans change."""

_SECONDS_DIGITS_MAX: Final = 9


class SlowAnswerError(UnavailableError):
    """The service was reached and gave no whole answer in time; asking again at once costs as much
    again.
    """

    code = "ml.unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back.

    Attributes:
        retry_after: How long the service wishes to be left alone, 0 to 10 minutes.
    """

    status: int
    body: bytes
    retry_after: timedelta | None = None


def create_ml_client(
    base_url: str, *, transport: httpx.AsyncBaseTransport | None = None
) -> httpx.AsyncClient:
    """Return a client for the ml-analyze at `base_url`, to be closed by the caller."""
    return httpx.AsyncClient(
        base_url=base_url,
        transport=transport,
        trust_env=False,  # a proxy meant for the outside must not get between two neighbours
        timeout=_TIMEOUT,
        headers={
            "User-Agent": f"marketbel/{__version__}",
            "Accept-Encoding": "identity",  # a small answer must not unpack to a large one
        },
    )


async def ask(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    *,
    content: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> Reply:
    """Return the whole answer.

    Raises:
        SlowAnswerError: not in time.
        UnavailableError: no answer, or not a whole one.
        ProtocolError: the answer is longer than any that was agreed, or compressed.
    """
    body = bytearray()
    try:
        async with (
            asyncio.timeout(_ANSWER_WITHIN.total_seconds()),
            client.stream(method, path, content=content, headers=headers) as response,
        ):
            if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
                raise _odd("ml-analyze's answer is compressed, and that was not asked for")
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _REPLY_BYTES_MAX:
                    raise _odd("ml-analyze's answer is too long to be one")
    except (httpx.ReadTimeout, httpx.WriteTimeout, TimeoutError) as error:
        raise SlowAnswerError("ml-analyze gave no whole answer in time") from error
    except httpx.HTTPError as error:
        raise UnavailableError(
            f"ml-analyze cannot be reached ({type(error).__name__})", code="ml.unavailable"
        ) from error
    return Reply(
        status=response.status_code,
        body=bytes(body),
        retry_after=_retry_after(response.headers),
    )


def parsed[Form: BaseModel](form: type[Form], body: bytes) -> Form:
    """Return the body in the form that was agreed.

    Raises:
        ProtocolError: it has another one.
    """
    try:
        return form.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the answer"
        raise _odd(
            f"ml-analyze answered something else than agreed: {where}: {first['msg']}"
        ) from error


def is_callers_fault(status: int) -> bool:
    """Tell whether the service will say the same however often it is asked."""
    return httpx.codes.is_client_error(status) and status not in _LATER


def no_answer(reply: Reply) -> PortError:
    """Return the error for a status that says nothing about the file or the reading."""
    said = f"ml-analyze answered with status {reply.status}: {complaint_in(reply.body)}"
    if reply.status in _LATER:
        return UnavailableError(said, code="ml.busy", retry_after=reply.retry_after)
    if httpx.codes.is_server_error(reply.status):
        return UnavailableError(said, code="ml.unavailable", retry_after=reply.retry_after)
    return _odd(said)


def _odd(message: str) -> ProtocolError:
    return ProtocolError(message, code="ml.protocol")


def _retry_after(headers: httpx.Headers) -> timedelta | None:
    """Return the wait that the headers ask for (RFC 9110, 10.2.3), bounded; `None` without one.

    A date is taken by the service's own clock, its header `Date`: ours may be off. Without that,
    a date says nothing.
    """
    said = headers.get("Retry-After", "").strip()
    if said.isascii() and said.isdecimal():
        wait = timedelta(seconds=int(said[-_SECONDS_DIGITS_MAX:]))
        wait = wait if len(said) <= _SECONDS_DIGITS_MAX else _RETRY_AFTER_MAX
    else:
        then, now = _instant(said), _instant(headers.get("Date", ""))
        if then is None or now is None:
            return None
        wait = then - now
    return min(_RETRY_AFTER_MAX, max(timedelta(), wait))


def _instant(date: str) -> datetime | None:
    """Return a date of HTTP's; `None` for what is none."""
    try:
        instant = parsedate_to_datetime(date)
    except ValueError:
        return None
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
