"""The command line as a person or a program uses it: exit codes, JSON, extras, Ctrl-C."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from marketbel_core import __version__
from tests.system.forked import run_command

COMMAND = [sys.executable, "-m", "marketbel_runtime.cli"]
EXAMPLES = Path(__file__).parents[2] / "examples"


def environment(**variables: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DATABASE_URL", "REDIS_URL", "UPLOADS_DIR", "QUEUE_NAME"}
    }
    return {**kept, **variables}


def run(*arguments: str, cwd: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    return run_command(
        *arguments, environment=environment(**variables), folder=cwd, seconds_max=150.0
    )


def last_line(text: str) -> dict[str, object]:
    found = json.loads(text.rstrip().rpartition("\n")[2])
    assert isinstance(found, dict)
    return found


def test_the_version_needs_nothing(tmp_path: Path) -> None:
    done = subprocess.check_output([*COMMAND, "--version"], cwd=tmp_path, text=True)

    assert done == f"marketbel {__version__}\n"


@pytest.mark.parametrize(
    ("package", "arguments", "extra"),
    [
        ("typer", ["migrate"], "cli"),
        ("sqlalchemy", ["migrate"], "postgres"),
        ("arq", ["worker"], "worker"),
        ("starlette", ["ml-standin"], "embedded"),
    ],
)
def test_a_missing_extra_is_named(
    package: str, arguments: list[str], extra: str, tmp_path: Path
) -> None:
    program = (
        f"import sys; sys.modules[{package!r}] = None; sys.argv = ['marketbel', *{arguments}];"
        "from marketbel_runtime.cli import main; main()"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert f"marketbel[{extra}]" in done.stderr


@pytest.mark.parametrize(
    "arguments", [["fly"], ["migrate", "--colour"], ["ml-standin", "--port", "x"]]
)
def test_wrong_usage_exits_with_2(arguments: list[str], tmp_path: Path) -> None:
    done = run(*arguments, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage" in done.stderr


@pytest.mark.parametrize(
    "arguments", [["fly", "--json"], ["migrate", "--colour", "--json"], ["worker", "--json"]]
)
def test_a_program_is_told_of_wrong_usage_too(arguments: list[str], tmp_path: Path) -> None:
    done = run(*arguments, cwd=tmp_path)

    assert done.returncode == 2
    told = last_line(done.stdout)
    assert (told["ok"], told["code"]) == (False, "usage")
    assert told["message"]
    assert "Usage" in done.stderr


def test_a_missing_setting_is_named_with_its_cure(tmp_path: Path) -> None:
    done = run("migrate", "--json", cwd=tmp_path)

    assert done.returncode == 1
    assert last_line(done.stdout)["code"] == "settings.invalid"
    assert "DATABASE_URL" in done.stderr


@pytest.mark.postgres
def test_migrate_says_what_it_did_and_what_waits(database_url: str, tmp_path: Path) -> None:
    first = run("migrate", "--json", cwd=tmp_path, DATABASE_URL=database_url)
    second = run("migrate", "--json", cwd=tmp_path, DATABASE_URL=database_url)

    assert (first.returncode, second.returncode) == (0, 0)
    assert last_line(first.stdout)["revision_before"] is None
    assert (
        last_line(second.stdout)["revision_before"]
        == last_line(second.stdout)["revision_after"]
        == last_line(first.stdout)["revision_after"]
    )


@pytest.mark.postgres
def test_migrate_reads_the_env_file_and_asks_for_nothing_it_does_not_use(
    database_url: str, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(f"DATABASE_URL={database_url}\nMAX_WORKERS=many\n")

    done = run("migrate", "--json", cwd=tmp_path, LOG_LEVEL="quiet")

    assert done.returncode == 0, done.stderr


@contextmanager
def started(*arguments: str, cwd: Path) -> Iterator["subprocess.Popen[str]"]:
    with (cwd / "stderr").open("w") as errors:
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            env=environment(PYTHONUNBUFFERED="1"),
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def descendants(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    children: list[psutil.Process] = psutil.Process(process.pid).children(recursive=True)
    return children


def gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=60)[1]


@pytest.mark.processes
@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_up_keeps_servers_until_it_is_stopped(stop: signal.Signals, tmp_path: Path) -> None:
    with started("up", "--json", cwd=tmp_path) as process:
        assert process.stdout is not None
        up = json.loads(process.stdout.readline())
        servers = descendants(process)
        migrated = run("migrate", "--json", cwd=tmp_path, DATABASE_URL=up["database_url"])

        process.send_signal(stop)
        status = process.wait(60)

    assert migrated.returncode == 0
    assert status == (130 if stop is signal.SIGINT else 0)
    assert servers
    assert gone(servers)


@pytest.mark.processes
def test_the_demo_ends_with_the_same_figures_whatever_the_caller_chose(tmp_path: Path) -> None:
    choices = {"CATALOGUE_CURRENCY": "USD", "USE_ML_PROCESSING": "false", "LOG_LEVEL": "quiet"}
    folder = tmp_path / "with choices"
    folder.mkdir()
    (folder / ".env").write_text("MATCH_AUTO_THRESHOLD=100\nMAX_WORKERS=many\n")

    runs = [run("demo", "--json", cwd=tmp_path), run("demo", "--json", cwd=folder, **choices)]

    assert [done.returncode for done in runs] == [0, 0], runs[0].stderr + runs[1].stderr
    first, second = (last_line(done.stdout) for done in runs)
    assert first.pop("seconds") != 0
    assert second.pop("seconds") != 0
    assert first == second
    assert first["jobs"] == {"complete": 4, "failed": 0}
    assert first["suppliers"] == 3
    parts = [first[name] for name in ("linked", "review", "drafts")]
    assert all(isinstance(part, int) and part > 0 for part in [*parts, first["rejected"]])
    assert first["items"] == sum(int(str(part)) for part in parts)
    assert int(str(first["products"])) > 0


@pytest.mark.processes
def test_a_job_that_fails_makes_the_demo_fail_and_say_why(tmp_path: Path) -> None:
    folder = tmp_path / "lists"
    shutil.copytree(EXAMPLES, folder)
    (folder / "sever-sale.xlsx").write_bytes(b"PK\x03\x04 no workbook")

    done = run("demo", "--json", "--examples", str(folder), cwd=tmp_path)

    assert done.returncode == 1
    assert last_line(done.stdout)["jobs"] == {"complete": 3, "failed": 1}
    assert "xlsx.corrupt" in done.stderr


@pytest.mark.processes
@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_ends_the_demo_and_everything_it_started(tmp_path: Path) -> None:
    with started("demo", "--json", cwd=tmp_path) as process:
        errors = tmp_path / "stderr"
        deadline = time.monotonic() + 180
        while not re.search(r": (downloading|analyzing)", errors.read_text()):
            assert process.poll() is None, errors.read_text()
            assert time.monotonic() < deadline, errors.read_text()
            time.sleep(0.02)
        children = descendants(process)
        folders = set(re.findall(r"/\S*marketbel-[\w-]+", " ".join(_arguments(children))))

        process.send_signal(signal.SIGINT)
        status = process.wait(60)
        assert process.stdout is not None
        told = last_line(process.stdout.read())

    assert status == 130
    assert (told["ok"], told["code"]) == (False, "interrupted")
    assert len(children) >= 5
    assert gone(children)
    assert not [folder for folder in folders if Path(folder).exists()]


def _arguments(processes: list[psutil.Process]) -> list[str]:
    return [argument for process in processes for argument in process.cmdline()]
