"""What is wrong with something that a stranger wrote: every field named, no value repeated."""

from typing import Final

from pydantic import ValidationError

from marketbel_core.intake.parser_configs import ParserType

__all__ = ["told_faults"]

_FAULTS_TOLD_MAX: Final = 10
_TAGS: Final = frozenset(ParserType)
"""pydantic puts the kind of a config among the names of its fields."""

_FOLLOWS: Final = "default_factory_not_called"
"""A default that could not be made because another field is wrong: no fault of its own."""

_WORDS: Final = {"uuid_parsing": "a UUID is wanted", "json_invalid": "it is no JSON"}
"""Instead of pydantic's own words, which quote a piece of what was said."""


def told_faults(error: ValidationError, *, within: str = "") -> str:
    """Return the wrong fields, each with what is wrong, for people.

    Args:
        error: What pydantic found.
        within: The name of what was read, put before the names of its fields.
    """
    found = error.errors(include_url=False, include_context=False, include_input=False)
    faults = [
        _fault((within, *fault["loc"]) if within else fault["loc"], fault["type"], fault["msg"])
        for fault in found
        if fault["type"] != _FOLLOWS
    ]
    return "; ".join(dict.fromkeys(faults[:_FAULTS_TOLD_MAX]))


def _fault(place: tuple[int | str, ...], kind: str, message: str) -> str:
    where = ".".join(str(part) for part in place if part not in _TAGS)
    said = _WORDS.get(kind, message)
    return f"{where}: {said}" if where else said
