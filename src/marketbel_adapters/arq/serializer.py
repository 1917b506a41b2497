"""How arq's payloads are written: JSON, readable from any language, and never pickle.

Unpickling runs code of whoever can write to Redis; JSON does not. Both sides, the pool that
enqueues and the worker that runs, need the same pair of functions.
"""

import json
from typing import Any, Final

from arq.jobs import DeserializationError

__all__ = ["deserialize", "serialize"]

_MESSAGE_LENGTH_MAX: Final = 500
_PICKLE_MARKS: Final = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_DEFAULTS: Final[dict[str, object]] = {"t": None, "a": [], "k": {}, "et": 0}
"""A producer in another language may leave out what has an obvious value."""

_TRIES_MAX: Final = 1_000_000
_MILLISECONDS_MAX: Final = 253_402_300_799_999
"""The end of the year 9999: Python's instants go no further."""


def serialize(payload: dict[str, Any]) -> bytes:
    """Return `payload` as JSON; an exception becomes its name and its text, cut to 500."""
    return json.dumps(payload, default=_plain, ensure_ascii=False).encode()


def deserialize(raw: bytes) -> dict[str, Any]:
    """Return the payload written as JSON in `raw`.

    Raises:
        DeserializationError: it is no JSON object. A pickle is named as what it is.
    """
    if raw.startswith(_PICKLE_MARKS):
        raise DeserializationError(
            "the job was written as pickle, which is never read here: enqueue it through "
            "marketbel_adapters.arq.create_pool, which writes JSON on the queue QUEUE_NAME"
        )
    try:
        payload = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise DeserializationError(f"the job's payload is not JSON: {error}") from error
    if not isinstance(payload, dict):
        raise DeserializationError("the job's payload is JSON, but no object")
    payload = _DEFAULTS | {key: value for key, value in payload.items() if value is not None}
    _check(payload)
    return payload | {"et": int(payload["et"])}


def _check(payload: dict[str, Any]) -> None:
    """Refuse what arq stumbles over outside of the job, which would end its worker."""
    tries, enqueued_at = payload["t"], payload["et"]
    if not isinstance(payload.get("f"), str):
        raise DeserializationError("the job's payload names no function: f must be a text")
    if not (isinstance(payload["a"], list) and isinstance(payload["k"], dict)):
        raise DeserializationError("the job's arguments must be a list (a) and an object (k)")
    if tries is not None and not (type(tries) is int and 0 <= tries <= _TRIES_MAX):
        raise DeserializationError("the job's try (t) must be a small whole number, or null")
    if type(enqueued_at) not in {int, float} or not 0 <= enqueued_at <= _MILLISECONDS_MAX:
        raise DeserializationError("the job's enqueue time (et) must be in milliseconds")


def _plain(value: object) -> object:
    if isinstance(value, BaseException):
        return {"error": type(value).__name__, "message": str(value)[:_MESSAGE_LENGTH_MAX]}
    return str(value)
