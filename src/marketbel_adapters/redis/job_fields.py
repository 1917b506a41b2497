"""The parts of a job's hash that are more than a text: numbers, instants, failures."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeGuard

from marketbel_core.jobs import Actor, Failure

__all__ = [
    "StoredFields",
    "failure_fields",
    "failure_from",
    "failure_of",
    "failure_text",
    "from_milliseconds",
    "iso",
    "iso_or_empty",
    "microseconds",
]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFields:
    """A stored hash, read field by field; a missing or unreadable one raises.

    Attributes:
        absent: The fields whose `''` stands for none.
    """

    texts: Mapping[str, str]
    absent: frozenset[str]

    def text(self, name: str) -> str:
        return self.texts[name]

    def younger(self, name: str) -> str:
        """Return the text of a field that hashes of earlier versions lack, else `''`."""
        return self.texts.get(name, "")

    def number(self, name: str) -> int:
        return int(self.texts[name])

    def instant(self, name: str) -> datetime:
        instant = datetime.fromisoformat(self.texts[name])
        if instant.tzinfo is None:
            raise ValueError(f"{name} has no offset from UTC")
        return instant.astimezone(UTC)

    def instant_or_none(self, name: str) -> datetime | None:
        return self.instant(name) if self.younger(name) else None

    def optional[T](self, name: str, read: Callable[[str], T]) -> T | None:
        return None if name in self.absent else read(name)


def failure_fields(failure: Failure | None) -> dict[str, str]:
    """Return the fields of why the attempt ended, which the admin interface reads."""
    return {
        "error": failure.message if failure else "",
        "error_details": json.dumps(failure.details if failure else (), ensure_ascii=False),
        "failure_code": failure.code if failure else "",
        "failure_actor": failure.actor.value if failure else "",
    }


def failure_of(fields: StoredFields) -> Failure:
    """Return why the attempt ended.

    Raises:
        KeyError, ValueError: a field is missing or cannot be read.
    """
    return Failure(
        code=fields.text("failure_code"),
        message=fields.text("error"),
        actor=Actor(fields.text("failure_actor")),
        details=_texts(json.loads(fields.text("error_details"))),
    )


def failure_text(failure: Failure | None) -> str:
    """Return a failure as one text, `''` for none."""
    if failure is None:
        return ""
    parts = [failure.code, failure.message, failure.actor.value, *failure.details]
    return json.dumps(parts, ensure_ascii=False)


def failure_from(text: str) -> Failure | None:
    """Return the failure that the text says.

    Raises:
        ValueError: it says none.
    """
    if not text:
        return None
    code, message, actor, *details = _texts(json.loads(text))
    return Failure(code=code, message=message, actor=Actor(actor), details=tuple(details))


def iso(instant: datetime) -> str:
    """Return the instant as ISO 8601, in UTC."""
    return instant.astimezone(UTC).isoformat()


def iso_or_empty(instant: datetime | None) -> str:
    """Return the instant as ISO 8601, in UTC; `''` for none."""
    return "" if instant is None else iso(instant)


def microseconds(instant: datetime) -> int:
    """Return the microseconds since 1970: exact as a sorted set's score until the year 2255."""
    return (instant - _EPOCH) // timedelta(microseconds=1)


def from_milliseconds(count: int) -> datetime:
    """Return the instant so many milliseconds after 1970."""
    return _EPOCH + timedelta(milliseconds=count)


def _texts(value: object) -> tuple[str, ...]:
    if not _is_texts(value):
        raise ValueError("what should be a list of texts is none")
    return tuple(value)


def _is_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)
