"""`marketbel check-file` as a person or a program uses it."""

import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest

from marketbel_adapters.testing.containers import a_workbook
from marketbel_adapters.testing.harmful import HARMFUL
from tests.system.forked import run_command

EXAMPLES = Path(__file__).parents[2] / "examples"
KEYS = ["ok", "code", "message", "type", "size_bytes", "sha256", "final_url"]


def run(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return run_command("check-file", *arguments, environment={**os.environ, **variables})


def test_a_sound_file_is_described_on_one_line_of_json() -> None:
    path = EXAMPLES / "sever-sale.xlsx"

    done = run(str(path), "--json")

    told = json.loads(done.stdout)
    assert (done.returncode, list(told)) == (0, KEYS), done.stderr
    assert (told["ok"], told["code"], told["type"], told["final_url"]) == (
        True,
        None,
        "xlsx",
        None,
    )
    assert told["size_bytes"] == path.stat().st_size
    assert told["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert "taken" in done.stderr


def test_a_harmful_file_is_refused_with_code_and_cure(tmp_path: Path) -> None:
    (bomb,) = (row for row in HARMFUL if row.id == "X6 far corner")
    path = tmp_path / "list.xlsx"
    path.write_bytes(bomb.build())

    done = run(str(path), "--json")

    told = json.loads(done.stdout)
    assert (done.returncode, list(told)) == (1, KEYS)
    assert (told["ok"], told["code"], told["type"]) == (False, "xlsx.sheet_too_large", None)
    assert "split it" in told["message"]
    assert told["size_bytes"] == path.stat().st_size
    assert [name.name for name in tmp_path.iterdir()] == ["list.xlsx"]


def test_people_read_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b"name;price\n=1+1;2\n")

    done = run(str(path))

    assert done.returncode == 0
    assert done.stdout == "taken  list.csv: a sound csv file, 1 cells with formulas\n"


@pytest.mark.parametrize(
    ("name", "code"),
    [("absent.csv", "source.missing"), (".", "source.not_a_file"), ("empty.csv", "file.empty")],
)
def test_what_is_no_file_is_told(name: str, code: str, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()

    done = run(str(tmp_path / name), "--json")

    told = json.loads(done.stdout)
    assert (done.returncode, list(told), told["code"]) == (1, KEYS, code)


def test_the_settings_of_the_deployment_count(tmp_path: Path) -> None:
    large, macros = tmp_path / "large.csv", tmp_path / "macros.xlsm"
    large.write_bytes(b"name;price\n" * 100_000)
    macros.write_bytes(a_workbook({"xl/vbaProject.bin": b"x"}))

    too_large = run(str(large), MAX_FILE_SIZE_MB="1")
    flagged = run(str(macros), XLSX_MACROS="flag")

    assert (too_large.returncode, flagged.returncode) == (1, 0)
    assert "file.too_large" in too_large.stdout
    assert "macros" in flagged.stdout
