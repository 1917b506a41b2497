"""How processes start and end: what is not usable is told in one sentence, a stop is in order."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from sqlalchemy import text

from marketbel_adapters.postgres import asyncpg_url
from marketbel_adapters.postgres.migrate import migration_engine
from marketbel_core.errors import PortError, UnavailableError
from marketbel_runtime.demo.environment import process_environment
from marketbel_runtime.lifespan import production
from marketbel_runtime.settings import Settings

CLI = "marketbel_runtime.cli"
WORKERS = [["marketbel_runtime.worker"], [CLI, "worker"]]
STAND_IN = [CLI, "ml-standin", "--port", "0"]
ROOT = Path(__file__).parents[2]
FOREIGN_URL = "postgresql://me:geheim@127.0.0.1:1/absent"


def environment(settings: Settings, **variables: str) -> dict[str, str]:
    addresses = {
        "DATABASE_URL": settings.require_database_url(),
        "REDIS_URL": settings.require_redis_url(),
        "UPLOADS_DIR": str(settings.uploads_dir),
        "QUEUE_NAME": settings.queue_name,
    }
    return process_environment(os.environ, **addresses, **variables)


def run(
    arguments: list[str], *, env: dict[str, str], cwd: Path
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        env=env,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def assert_refused(done: "subprocess.CompletedProcess[str]", sentence: str) -> None:
    assert done.returncode == 1, done.stderr
    assert re.search(sentence, done.stderr), done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "geheim" not in done.stderr


@pytest.fixture
async def c_locale_url(database_url: str) -> str:
    """A database that does not fold Cyrillic, in place of the one at `database_url`."""
    name = urlsplit(database_url).path.removeprefix("/")
    engine = migration_engine(asyncpg_url(database_url).set(database="template1"))
    options = "TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text(f'DROP DATABASE "{name}"'))
        await connection.execute(text(f'CREATE DATABASE "{name}" {options} LOCALE_PROVIDER libc'))
    await engine.dispose()
    return database_url


@pytest.mark.postgres
@pytest.mark.valkey
@pytest.mark.processes
@pytest.mark.parametrize("arguments", [*WORKERS, STAND_IN, [CLI, "migrate"]])
def test_a_database_that_does_not_fold_cyrillic_is_refused(
    arguments: list[str], c_locale_url: str, settings: Settings, tmp_path: Path
) -> None:
    env = environment(settings) | {"DATABASE_URL": c_locale_url}

    done = run(arguments, env=env, cwd=tmp_path)

    assert_refused(done, r"does not fold Cyrillic.*CREATE DATABASE.*\(database.unsuitable\)")


@pytest.mark.postgres
@pytest.mark.processes
def test_alembics_own_command_refuses_such_a_database_too(c_locale_url: str) -> None:
    env = process_environment(os.environ, DATABASE_URL=c_locale_url)

    done = run(["alembic", "upgrade", "head"], env=env, cwd=ROOT)

    assert done.returncode != 0
    assert "does not fold Cyrillic" in done.stderr


@pytest.mark.postgres
@pytest.mark.valkey
async def test_a_worker_takes_up_nothing_on_such_a_database(
    c_locale_url: str, settings: Settings
) -> None:
    unsuitable = Settings.model_validate({**settings.model_dump(), "database_url": c_locale_url})

    with pytest.raises(PortError, match="does not fold Cyrillic"):
        await production(unsuitable).__aenter__()


@pytest.mark.postgres
async def test_a_worker_takes_up_nothing_without_redis(settings: Settings, tmp_path: Path) -> None:
    alone = Settings.model_validate(
        {**settings.model_dump(), "redis_url": f"unix://:geheim@{tmp_path}/absent"}
    )

    with pytest.raises(UnavailableError, match="Redis gave no usable answer") as caught:
        await production(alone).__aenter__()

    assert "geheim" not in str(caught.value)


@pytest.mark.postgres
@pytest.mark.valkey
@pytest.mark.processes
@pytest.mark.parametrize("arguments", [*WORKERS, STAND_IN, [CLI, "migrate"]])
def test_a_database_server_that_is_not_there_is_told_in_a_sentence(
    arguments: list[str], settings: Settings, tmp_path: Path
) -> None:
    env = environment(settings) | {"DATABASE_URL": FOREIGN_URL}

    done = run(arguments, env=env, cwd=tmp_path)

    assert_refused(done, r"marketbel: PostgreSQL.*Connect call failed.*unavailable\)")


@pytest.mark.postgres
@pytest.mark.valkey
@pytest.mark.processes
@pytest.mark.parametrize("arguments", [*WORKERS, STAND_IN, [CLI, "migrate"]])
def test_a_database_that_is_not_there_is_told_in_a_sentence(
    arguments: list[str], settings: Settings, tmp_path: Path
) -> None:
    url = settings.require_database_url()
    absent = url.replace(urlsplit(url).path, "/absent", 1)

    done = run(arguments, env=environment(settings) | {"DATABASE_URL": absent}, cwd=tmp_path)

    assert_refused(done, r'marketbel: PostgreSQL.*database "absent" does not exist')


@pytest.mark.postgres
@pytest.mark.processes
@pytest.mark.parametrize("arguments", WORKERS)
def test_a_redis_server_that_is_not_there_is_told_in_a_sentence(
    arguments: list[str], settings: Settings, tmp_path: Path
) -> None:
    env = environment(settings) | {"REDIS_URL": "redis://:geheim@127.0.0.1:1/0"}

    done = run(arguments, env=env, cwd=tmp_path)

    assert_refused(done, r"marketbel: Redis gave no usable answer.*\(redis.unavailable\)")


@pytest.mark.postgres
@pytest.mark.processes
def test_the_stand_in_says_that_its_port_is_taken(settings: Settings, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        done = run([*STAND_IN[:-1], port], env=environment(settings), cwd=tmp_path)

    assert_refused(done, rf"cannot listen at 127.0.0.1, port {port}: Address already in use; ")


@pytest.mark.postgres
@pytest.mark.processes
def test_the_stand_in_refuses_a_folder_that_is_not_there(
    settings: Settings, tmp_path: Path
) -> None:
    env = environment(settings) | {"UPLOADS_DIR": str(tmp_path / "absent")}

    done = run(STAND_IN, env=env, cwd=tmp_path)

    assert_refused(done, r"UPLOADS_DIR is .*absent.*\(settings.invalid\)")


@pytest.mark.postgres
@pytest.mark.processes
def test_the_stand_in_asks_for_nothing_that_it_does_not_use(
    settings: Settings, tmp_path: Path
) -> None:
    env = environment(settings, LOG_LEVEL="quiet") | {"REDIS_URL": "nowhere"}

    with started(STAND_IN, env=env, cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://127.0.0.1:")


def test_the_worker_names_a_package_that_is_not_installed(tmp_path: Path) -> None:
    program = (
        "import runpy, sys; sys.modules['arq'] = None;"
        "runpy.run_module('marketbel_runtime.worker', run_name='__main__', alter_sys=True)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        env=process_environment(os.environ),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert_refused(done, r"pip install 'marketbel\[worker\]'")


@contextmanager
def started(
    arguments: list[str], *, env: dict[str, str], cwd: Path
) -> "Iterator[subprocess.Popen[str]]":
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        env=env | {"PYTHONUNBUFFERED": "1"},
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.mark.postgres
@pytest.mark.valkey
@pytest.mark.processes
@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize(("stop", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
@pytest.mark.parametrize("arguments", WORKERS)
def test_a_stopped_worker_tells_who_stopped_it(
    arguments: list[str], stop: signal.Signals, status: int, settings: Settings, tmp_path: Path
) -> None:
    sign_of_life = f"{settings.queue_name}:health-check"
    with (
        started(arguments, env=environment(settings), cwd=tmp_path) as process,
        redis.Redis.from_url(settings.require_redis_url()) as client,
    ):
        deadline = time.monotonic() + 180
        while not client.exists(sign_of_life):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)

        process.send_signal(stop)
        _, errors = process.communicate(timeout=30)

        assert process.returncode == status, errors
        assert "Traceback" not in errors
        assert not client.exists(sign_of_life)


@pytest.mark.postgres
@pytest.mark.processes
@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize(("stop", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_stopped_stand_in_tells_who_stopped_it(
    stop: signal.Signals, status: int, settings: Settings, tmp_path: Path
) -> None:
    with started(STAND_IN, env=environment(settings), cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline()

        process.send_signal(stop)
        _, errors = process.communicate(timeout=30)

    assert process.returncode == status, errors
    assert "Traceback" not in errors


def test_the_demos_processes_see_none_of_the_callers_choices() -> None:
    choices = {name.upper(): "theirs" for name in Settings.model_fields}
    machine = {"PATH": "/bin", "LC_ALL": "C", "COVERAGE_FILE": "/x", "PGPASSWORD": "secret"}

    seen = process_environment({**choices, **machine, "PYTHONPATH": "src"}, QUEUE_NAME="ours")

    assert seen == {**machine, "PYTHONPATH": str(Path.cwd() / "src"), "QUEUE_NAME": "ours"}
