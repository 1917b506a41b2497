"""What the type checker cannot see: that every use case gets the port that it asks for."""

import inspect
import types
import typing

import pytest
from dependency_injector import providers

from marketbel_core import use_cases
from marketbel_runtime.container import Container
from marketbel_runtime.lifespan import memory

FACTORIES = sorted(
    (name, provider)
    for name, provider in Container.providers.items()
    if isinstance(provider, providers.Factory)
)


@pytest.mark.parametrize("name", [name for name, _ in FACTORIES])
def test_each_argument_is_of_the_annotated_type(name: str) -> None:
    factory = getattr(memory().container, name)
    hints = typing.get_type_hints(factory.cls.__init__)
    wanted = set(inspect.signature(factory.cls).parameters)

    given = {key: value() for key, value in factory.kwargs.items()}

    assert set(given) == wanted
    for key, value in given.items():
        origin = typing.get_origin(hints[key])
        hint = hints[key] if origin in {None, types.UnionType} else origin
        assert isinstance(value, hint), f"{name}({key}=) got {type(value).__name__}"


def test_every_use_case_of_the_core_is_wired() -> None:
    classes = {
        value
        for name in use_cases.__all__
        if inspect.isclass(value := getattr(use_cases, name)) and callable(value)
        if "__call__" in vars(value) or name in {"JobMover", "LinkKeeper", "ListImporter"}
    }

    assert classes == {factory.cls for _, factory in FACTORIES}
