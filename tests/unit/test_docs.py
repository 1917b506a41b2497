"""The documentation is held to the code by docs/build.py, and docs/build.py to its word."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

_ROOT: Final = Path(__file__).parents[2]
_COPIED: Final = {"docs", "README.md", "CHANGELOG.md", "CONTRIBUTING.md"}
_LEFT_OUT: Final = {".git", ".venv"}


def _build(root: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-B", root / "docs" / "build.py", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(_ROOT / "src")},
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the documentation beside the rest of the project, with nothing to complain of."""
    for entry in _ROOT.iterdir():
        if entry.name in _LEFT_OUT:
            continue
        if entry.name not in _COPIED:
            (tmp_path / entry.name).symlink_to(entry)
        elif entry.is_dir():
            shutil.copytree(entry, tmp_path / entry.name)
        else:
            shutil.copyfile(entry, tmp_path / entry.name)
    return tmp_path


def _append(page: Path, text: str) -> None:
    page.write_text(page.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_the_documentation_is_true() -> None:
    checked = _build(_ROOT, "--check")

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_planted_faults_are_named_each(copy: Path) -> None:
    page = copy / "docs" / "glossary.md"
    planted = [
        "[x](nowhere.md) [x](#no-such) [x](../../../)",
        "![`a`](index.md#nothing 'title')",
        "<!-- generated: nonsense -->\n<!-- end -->",
        "```python\nfor x in\n```",
    ]
    _append(page, "\n" + "\n\n".join(planted) + "\n")
    line = len(page.read_text(encoding="utf-8").splitlines()) - 1

    checked = _build(copy, "--check")

    assert checked.returncode == 1
    assert checked.stderr.splitlines() == [
        "docs/glossary.md: nobody makes the generated part nonsense",
        f"docs/glossary.md:{line}: the python block does not compile: invalid syntax",
        "docs/glossary.md: the link to nowhere.md leads nowhere",
        "docs/glossary.md: the link to #no-such names no heading there",
        "docs/glossary.md: the link to ../../../ leads out of the project",
        "docs/glossary.md: the link to index.md#nothing names no heading there",
    ]


def test_what_is_written_as_code_is_no_link(copy: Path) -> None:
    planted = "\n`[x](nowhere.md)`\n\n```text\n[x](nowhere.md)\n# heading\n```\n"
    _append(copy / "docs" / "glossary.md", planted)

    assert _build(copy, "--check").stderr == ""


def test_a_stale_part_is_named_and_made_anew(copy: Path) -> None:
    page = copy / "docs" / "reference" / "jobs.md"
    fresh = page.read_text(encoding="utf-8")
    page.write_text(fresh.replace("ItemsParsed", "ItemsRead"), encoding="utf-8")

    checked = _build(copy, "--check")

    assert checked.returncode == 1
    assert "docs/reference/jobs.md: the generated part jobs-diagram is stale" in checked.stderr
    assert page.read_text(encoding="utf-8") != fresh, "--check changes nothing"
    assert _build(copy).stdout == "rewrote docs/reference/jobs.md\n"
    assert page.read_text(encoding="utf-8") == fresh


def test_a_page_that_nobody_links_to_is_named(copy: Path) -> None:
    (copy / "docs" / "orphan.md").write_text("# Orphan\n", encoding="utf-8")

    checked = _build(copy, "--check")

    assert checked.returncode == 1
    assert "docs/orphan.md: no page leads here" in checked.stderr


def test_the_adapter_of_the_how_to_keeps_its_contract(tmp_path: Path) -> None:
    page = (_ROOT / "docs" / "how-to" / "add-an-adapter.md").read_text(encoding="utf-8")
    for code in re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE):
        name = code.partition('"""')[2].partition('"""')[0]
        (tmp_path / name).write_text(code, encoding="utf-8")

    ran = subprocess.run(
        [
            *(sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("-o", "asyncio_mode=auto", "--rootdir", tmp_path, tmp_path),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(_ROOT / "src")},
    )

    assert ran.returncode == 0, ran.stdout
    assert re.search(r"^\d+ passed", ran.stdout, re.MULTILINE)
