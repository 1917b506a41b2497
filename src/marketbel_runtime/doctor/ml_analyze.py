"""ml-analyze: does it answer, and how does it say that it is."""

import json
from dataclasses import dataclass
from typing import Final

import httpx

from marketbel_adapters.ml_analyze import create_ml_client
from marketbel_core.errors import ProtocolError, UnavailableError
from marketbel_runtime.doctor.attempt import Attempts
from marketbel_runtime.doctor.findings import Finding, State, foreign_text

__all__ = ["Answer", "judge_health", "look_at_ml_analyze"]

_NAME: Final = "ml-analyze"
_BYTES_MAX: Final = 65_536
_CURE: Final = (
    "start ml-analyze and check ML_ANALYZE_URL; or let the worker read files itself with "
    "USE_ML_PROCESSING=false"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back from `/health`."""

    status_code: int
    body: bytes


async def look_at_ml_analyze(base_url: str, *, is_needed: bool, attempts: Attempts) -> Finding:
    """Return what is found at `base_url`.

    Args:
        base_url: Of the service.
        is_needed: Whether files go there unless a supplier says otherwise.
        attempts: How long, and what must not be shown.
    """
    answer = await attempts.look(_NAME, lambda: _ask_health(base_url), cure=_CURE)
    if isinstance(answer, Finding):
        return _trouble(answer.message, is_needed=is_needed)
    return judge_health(answer, is_needed=is_needed)


async def _ask_health(base_url: str) -> Answer:
    """Return the answer to GET /health.

    Raises:
        UnavailableError: there is none.
        ProtocolError: it is too long to be one.
    """
    body = bytearray()
    try:
        async with (
            create_ml_client(base_url) as client,
            client.stream("GET", "/health") as response,
        ):
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _BYTES_MAX:
                    raise ProtocolError("something else than ml-analyze answers, and at length")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UnavailableError(f"ml-analyze does not answer ({type(error).__name__})") from error
    return Answer(status_code=response.status_code, body=bytes(body))


def judge_health(answer: Answer, *, is_needed: bool) -> Finding:
    """Return what the answer says of ml-analyze.

    Args:
        answer: Of `/health`.
        is_needed: Whether files go there unless a supplier says otherwise.
    """
    try:
        parsed = json.loads(answer.body)
    except ValueError:
        parsed = None
    status = parsed.get("status") if isinstance(parsed, dict) else None
    if not isinstance(parsed, dict) or not isinstance(status, str):
        return _trouble(
            f"something else than ml-analyze answers (status {answer.status_code})",
            is_needed=is_needed,
        )
    told = f"ml-analyze {foreign_text(parsed.get('version', ''))} says that it is {_word(status)}"
    told += _complaints(parsed.get("checks"))
    if status == "healthy" and answer.status_code == httpx.codes.OK:
        return Finding(name=_NAME, state=State.OK, message=told)
    if status == "degraded" and answer.status_code == httpx.codes.OK:
        return Finding(
            name=_NAME,
            state=State.WARNING,
            message=told,
            cure="files are still taken; look at the log of ml-analyze",
        )
    return _trouble(told, is_needed=is_needed)


def _trouble(message: str, *, is_needed: bool) -> Finding:
    """Return the finding of an ml-analyze that cannot read files."""
    return Finding(
        name=_NAME,
        state=State.ERROR if is_needed else State.WARNING,
        message=message if is_needed else f"{message}; only suppliers with it switched on need it",
        cure=_CURE,
    )


def _word(status: str) -> str:
    return foreign_text(status)[:20]


def _complaints(checks: object) -> str:
    if not isinstance(checks, dict) or not checks:
        return ""
    return f" ({foreign_text(', '.join(f'{name}: {word}' for name, word in checks.items()))})"
