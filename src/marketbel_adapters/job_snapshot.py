"""A job as JSON and back, for every store that keeps jobs for good.

Each field of `Job` is stored under its name, so that one which is added later is stored as well.
Read leniently: a field that an older version did not know has its default, one that a newer
version knew is left out. A text that JSON in a database cannot hold (NUL, a lone surrogate) is
stored as `{"json": …}`, escaped, and comes back as it was.
"""

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from types import NoneType, UnionType
from typing import Final, NewType, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from marketbel_core.catalog import SourceRef
from marketbel_core.errors import ProtocolError
from marketbel_core.jobs import Job

__all__ = ["job_of", "readable", "snapshot_of", "source_of"]

_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")
_ESCAPED: Final = "json"
_CORRUPT: Final = "archive.corrupt"


def snapshot_of(thing: Job | SourceRef) -> dict[str, object]:
    """Return the job, or its source alone, as a JSON object that a database can hold."""
    return {field.name: _told(getattr(thing, field.name)) for field in fields(thing)}


def job_of(snapshot: Mapping[str, object]) -> Job:
    """Return the job that a snapshot says.

    Raises:
        ProtocolError: it cannot be read (`archive.corrupt`); the message names the job.
    """
    try:
        return _read_fields(snapshot, Job)
    except (KeyError, TypeError, ValueError) as error:
        message = f"the archived job {snapshot.get('id')} cannot be read: {error!r}"
        raise ProtocolError(message, code=_CORRUPT) from error


def source_of(snapshot: Mapping[str, object]) -> SourceRef:
    """Return the source that a snapshot says.

    Raises:
        ProtocolError: it cannot be read (`archive.corrupt`).
    """
    try:
        return _read_fields(snapshot, SourceRef)
    except (KeyError, TypeError, ValueError) as error:
        raise ProtocolError(
            f"an archived source cannot be read: {type(error).__name__}", code=_CORRUPT
        ) from error


def readable(text: str) -> str:
    """Return `text` as people may read it in a column: what cannot be stored becomes U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


def _told(value: object) -> object:  # noqa: PLR0911 - one a kind of value
    match value:
        case None | bool() | int():
            return value
        case str():
            text = str(value)
            return {_ESCAPED: json.dumps(text)} if _UNSTORABLE.search(text) else text
        case UUID():
            return str(value)
        case datetime():
            return value.astimezone(UTC).isoformat()
        case tuple():
            return [_told(each) for each in value]
        case Mapping():  # as pairs: a key may be a text that has to be escaped
            return [[_told(key), _told(each)] for key, each in value.items()]
        case _ if is_dataclass(value):
            return {field.name: _told(getattr(value, field.name)) for field in fields(value)}
        case _:
            raise TypeError(f"nobody said how a {type(value).__name__} is stored")


@functools.cache
def _hints(made: type) -> Mapping[str, object]:
    return get_type_hints(made)


def _read(value: object, hint: object) -> object:
    """Return the value that `hint` asks for, made of what `_told` wrote."""
    if isinstance(hint, NewType):
        return _read(value, hint.__supertype__)
    if get_origin(hint) in {Union, UnionType}:  # nothing else than "or none" is in a job
        wanted = next(arm for arm in get_args(hint) if arm is not NoneType)
        return None if value is None else _read(value, wanted)
    if get_origin(hint) in {tuple, Mapping}:
        return _read_list(value, hint)
    if not isinstance(hint, type):
        raise TypeError(f"nobody said how {hint} is read")
    return _read_plain(value, hint)


def _read_list(value: object, hint: object) -> object:
    if not isinstance(value, list):
        raise TypeError(f"expected a list, got {type(value).__name__}")
    arms = get_args(hint)
    if get_origin(hint) is Mapping:
        return {_read(key, arms[0]): _read(each, arms[1]) for key, each in value}
    return tuple(_read(each, arms[0]) for each in value)


def _read_plain(value: object, hint: type) -> object:
    if is_dataclass(hint):
        return _read_fields(value, hint)
    if hint is not int and hint is not bool:
        return _read_text(value, hint)
    if not isinstance(value, hint):
        raise TypeError(f"expected {hint.__name__}, got {type(value).__name__}")
    return value


def _read_fields[T](value: object, made: type[T]) -> T:
    if not isinstance(value, Mapping):
        raise TypeError(f"expected an object, got {type(value).__name__}")
    kind: type = made
    told = {name: hint for name, hint in _hints(kind).items() if name in value}
    return made(**{name: _read(value[name], hint) for name, hint in told.items()})


def _read_text(value: object, hint: type) -> object:
    text = json.loads(value[_ESCAPED]) if isinstance(value, Mapping) else value
    if not isinstance(text, str):
        raise TypeError(f"expected a text, got {type(text).__name__}")
    if hint is datetime:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            raise ValueError("an instant has no offset from UTC")
        return instant.astimezone(UTC)
    return hint(text)  # a text, a word of an enumeration, a UUID
