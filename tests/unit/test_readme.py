"""The README keeps its word: its example runs and prints what it says, its tables are whole."""

import re
import time
import tomllib
from pathlib import Path
from types import CodeType
from typing import Any, Final

import pytest
import typer.main

from marketbel_runtime.cli.app import app

_ROOT: Final = Path(__file__).parents[2]
_README: Final = (_ROOT / "README.md").read_text(encoding="utf-8")
_SECONDS_MAX: Final = 0.1


def _block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", _README, re.DOTALL | re.MULTILINE)
    assert found is not None, f"the README has no {language} block"
    return found[1]


def _first_column(heading: str) -> set[str]:
    section = _README.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE))


@pytest.fixture(scope="module")
def example() -> CodeType:
    """The example, compiled as it stands."""
    return compile(_block("python"), "README.md", "exec", dont_inherit=True)


def _run(example: CodeType) -> float:
    """Return the processor time that the example took, in seconds: others may be at work."""
    begin = time.process_time()
    exec(example, {"__name__": "__main__"})  # noqa: S102 - our own README
    return time.process_time() - begin


def test_the_example_prints_what_the_readme_says(
    example: CodeType, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(example)

    assert capsys.readouterr().out == _block("text")


def test_the_example_takes_less_than_a_tenth_of_a_second(example: CodeType) -> None:
    _run(example)  # imports

    # The best of three: the first to come may find cold caches.
    assert min(_run(example) for _ in range(3)) < _SECONDS_MAX


def test_every_extra_is_in_the_table() -> None:
    project: dict[str, Any] = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]

    assert _first_column("Installing") == set(project["optional-dependencies"])


def test_every_verb_is_in_the_table() -> None:
    command = typer.main.get_command(app)

    assert _first_column("The command line") == set(command.commands)  # type: ignore[attr-defined] # a group
