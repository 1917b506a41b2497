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
    except ValueError as error:
        raise DeserializationError(f"the job's payload is not JSON: {error}") from error
    if not isinstance(payload, dict):
        raise DeserializationError("the job's payload is JSON, but no object")
    return {**_DEFAULTS, **payload}


def _plain(value: object) -> object:
    if isinstance(value, BaseException):
        return {"error": type(value).__name__, "message": str(value)[:_MESSAGE_LENGTH_MAX]}
    return str(value)
