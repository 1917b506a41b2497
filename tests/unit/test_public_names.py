"""The names that `marketbel_core` offers, and what it costs to ask for none of them."""

import subprocess
import sys

import pytest

import marketbel_core
from marketbel_core import catalog, errors


@pytest.mark.parametrize("name", marketbel_core.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(marketbel_core, name)
    assert name in dir(marketbel_core)


def test_a_name_is_the_same_thing_wherever_it_is_taken_from() -> None:
    assert marketbel_core.Money is catalog.Money
    assert marketbel_core.UnavailableError is errors.UnavailableError


def test_another_name_is_none() -> None:
    with pytest.raises(AttributeError, match="Grid"):
        getattr(marketbel_core, "Grid")  # noqa: B009 - a type checker would refuse the plain one


def test_what_is_not_asked_for_is_not_imported() -> None:
    program = (
        "import sys, marketbel_core.errors;"
        "print(*[name for name in sys.modules if name.startswith(('marketbel', 'pydantic'))])"
    )

    done = subprocess.check_output([sys.executable, "-c", program], text=True)

    assert set(done.split()) == {"marketbel_core", "marketbel_core.errors"}
