"""What a task is given, held against what it says it takes: wrong is refused, with the name."""

import inspect
import json
from collections.abc import Callable, Mapping
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from marketbel_core.errors import RefusedError

__all__ = ["checker_of"]

_SIZE_MAX: Final = 262_144
"""Characters of all arguments as JSON; a message names a file and its layout in a thousandth."""

_WORDS: Final[dict[object, str]] = {
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list of texts",
    dict: "an object",
}


def checker_of(
    run: Callable[..., object],
) -> Callable[[Mapping[str, object]], dict[str, object]]:
    """Return a function that returns the arguments that `run` may be called with.

    Null stands for an argument that was not given. Identifiers are judged where they are parsed,
    by `job.bad_id`. The function raises `RefusedError` (`job.invalid`): an argument is of the
    wrong type or missing, or all of them are too large.
    """
    hints = get_type_hints(run)
    parameters = inspect.signature(run).parameters
    judged = {name: hints[name] for name in parameters if name in hints and name != "container"}
    needed = [
        name
        for name, parameter in parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty
    ]

    def checked(given: Mapping[str, object]) -> dict[str, object]:
        said = {
            name: value for name, value in given.items() if value is not None or name not in judged
        }
        wrong = [
            f"{name} must be {_WORDS[_kind(judged[name])]}"
            for name, value in said.items()
            if name in judged and not name.endswith("_id") and not _fits(value, judged[name])
        ]
        wrong += [f"{name} is missing" for name in needed if name not in said]
        if wrong:
            raise RefusedError("job.invalid", "; ".join(wrong))
        if len(json.dumps(said, default=str)) > _SIZE_MAX:
            raise RefusedError(
                "job.invalid", f"the message has more than {_SIZE_MAX} characters: shorten it"
            )
        return said

    return checked


def _fits(value: object, hint: object) -> bool:
    kind = _kind(hint)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind is list:
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    return not isinstance(kind, type) or isinstance(value, kind)


def _kind(hint: Any) -> object:  # noqa: ANN401 - any annotation
    """Return the plain type behind an annotation, without "or none" and what is inside it."""
    if get_origin(hint) in {Union, UnionType}:
        hint = next(arm for arm in get_args(hint) if arm is not NoneType)
    return get_origin(hint) or hint
