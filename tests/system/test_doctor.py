"""`marketbel doctor` before real servers: everything well, and each trouble made for real."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from arq.connections import ArqRedis
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from redis import Redis
from sqlalchemy import text

from marketbel_adapters.arq import new_sign, pool_on, show_sign
from marketbel_adapters.embedded import embedded_valkey
from marketbel_adapters.memory import ManualClock
from marketbel_adapters.postgres.migrate import migration_engine
from marketbel_adapters.postgres.url import asyncpg_url
from marketbel_adapters.redis import (
    ML_ANALYZE_BREAKER,
    RedisBreaker,
    RedisJobStore,
    create_redis,
)
from marketbel_adapters.system import SystemClock
from marketbel_adapters.testing.builders import NOW, a_job
from marketbel_core.errors import IllegalTransitionError, StaleJobError
from marketbel_core.jobs import Admitted, DownloadStarted, ItemsMatched, advance
from marketbel_core.ports import Clock
from marketbel_runtime.doctor import Finding, State, examine
from marketbel_runtime.doctor.attempt import Attempts
from marketbel_runtime.doctor.redis_server import look_at_redis
from marketbel_runtime.settings import Settings
from tests.system.forked import run_command

pytestmark = [pytest.mark.postgres, pytest.mark.valkey]

NOWHERE = "127.0.0.1:1"
SECRETS = ["sEcr3t-db", "sEcr3t-redis", "sEcr3t-ml", "sEcr3t-sheet", "sEcr3t-key"]
KEY = {
    "type": "service_account",
    "client_email": "reader@marketbel.example",
    "private_key": "-----BEGIN PRIVATE KEY-----\nsEcr3t-key\n-----END PRIVATE KEY-----\n",
}


@pytest.fixture
def valkey() -> Iterator[str]:
    """A server of the test's own, that keeps what it is given."""
    with embedded_valkey(None, durable=True) as server:
        yield server.url


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    """The key of a service account."""
    path = tmp_path / "google.json"
    path.write_text(json.dumps(KEY))
    path.chmod(0o600)
    return path


@pytest.fixture
def ml(httpserver: HTTPServer) -> HTTPServer:
    """An ml-analyze that is well."""
    healthy = {"status": "healthy", "version": "2.0", "service": "ml-analyze", "checks": {}}
    httpserver.expect_request("/health").respond_with_json(healthy)
    return httpserver


@pytest.fixture
def well(settings: Settings, ml: HTTPServer, credentials: Path) -> Settings:
    """Settings with which nothing is wrong; Redis forgets, which is warned of."""
    return changed(settings, ml_analyze_url=ml.url_for(""), google_credentials_path=credentials)


def changed(settings: Settings, **choices: object) -> Settings:
    return settings.model_copy(update={**choices})


async def look(settings: Settings, clock: Clock | None = None) -> dict[str, Finding]:
    report = await examine(settings, clock=clock or SystemClock())
    return {finding.name: finding for finding in report.findings}


def states(findings: dict[str, Finding]) -> dict[str, State]:
    return {name: finding.state for name, finding in findings.items()}


def settings_with_redis(settings: Settings, url: str) -> Settings:
    return changed(settings, redis_url=SecretStr(url))


def settings_with_database(settings: Settings, url: str) -> Settings:
    return changed(settings, database_url=SecretStr(url))


async def execute(url: str, *statements: str) -> None:
    engine = migration_engine(asyncpg_url(url)).execution_options(isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()


async def test_everything_well_is_said_to_be_well(well: Settings, valkey: str) -> None:
    findings = await look(settings_with_redis(well, valkey))

    assert list(findings) == [
        "settings",
        "database",
        "migrations",
        "clock-database",
        "redis",
        "redis-persistence",
        "redis-eviction",
        "clock-redis",
        "queue",
        "foreign-queue",
        "heavy-queue",
        "workers",
        "journal",
        "refused-writes",
        "ml-circuit",
        "shared-folder",
        "ml-analyze",
        "google-credentials",
        "poll-interval",
    ]
    waits = findings.pop("migrations")  # for the neighbours' table and extension
    assert findings.pop("workers").message == f"no worker is alive on {well.queue_name}"
    assert findings.pop("shared-folder").state is not State.ERROR  # the disk may be nearly full
    assert set(states(findings).values()) == {State.OK}, findings
    assert waits.state is State.WARNING
    assert "waits for the table users" in waits.message
    assert "PostgreSQL" in findings["database"].message
    assert "Valkey" in findings["redis"].message
    assert "reader@marketbel.example" in findings["google-credentials"].message


async def test_a_database_that_is_not_migrated_is_named_with_the_command(
    well: Settings, database_url: str
) -> None:
    findings = await look(settings_with_database(well, database_url))

    assert findings["migrations"].state is State.ERROR
    assert findings["migrations"].cure == "run `marketbel migrate`"
    assert findings["database"].state is State.OK


async def test_a_database_that_cannot_fold_cyrillic_is_named_with_the_cure(
    well: Settings, postgres_admin_url: str
) -> None:
    url = asyncpg_url(postgres_admin_url).set(database="doctor_in_c")
    options = "TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"
    await execute(postgres_admin_url, f"CREATE DATABASE doctor_in_c {options}")
    try:
        findings = await look(
            settings_with_database(well, url.render_as_string(hide_password=False))
        )
    finally:
        await execute(postgres_admin_url, "DROP DATABASE doctor_in_c")

    assert findings["database"].state is State.ERROR
    assert "does not fold Cyrillic" in findings["database"].message
    assert "CREATE DATABASE" in findings["database"].cure
    assert findings["migrations"].state is State.ERROR
    assert findings["clock-database"].state is State.OK


async def test_a_database_that_is_away_hides_no_other_finding(well: Settings) -> None:
    findings = await look(settings_with_database(well, f"postgresql://u:p@{NOWHERE}/db"))

    told = states(findings)
    assert [told.pop(name) for name in ("database", "migrations", "clock-database")] == [
        State.ERROR,
        State.SKIPPED,
        State.SKIPPED,
    ]
    assert set(told.values()) <= {State.OK, State.WARNING}
    assert "DATABASE_URL" in findings["database"].cure


@pytest.mark.parametrize(
    "url", ["postgresql://u:hunter2@h/db?sslmod=x", "postgresql://u:hunt@er2@h:x/db"]
)
async def test_a_database_address_that_cannot_be_read_is_told_without_it(
    url: str, well: Settings
) -> None:
    findings = await look(settings_with_database(well, url))

    assert findings["database"].state is State.ERROR
    assert "DATABASE_URL" in findings["database"].cure
    assert "hunt" not in str(findings)


@pytest.mark.parametrize(
    "url", ["unix:///nowhere/r.sock", f"redis://:hunter2@{NOWHERE}", "redis://:hunt/er2@h"]
)
async def test_a_redis_that_is_away_hides_no_other_finding(url: str, well: Settings) -> None:
    findings = await look(settings_with_redis(well, url))

    assert findings["redis"].state is State.ERROR
    assert "REDIS_URL" in findings["redis"].cure
    assert findings["database"].state is State.OK
    assert {findings[name].state for name in ("queue", "foreign-queue", "clock-redis")} == {
        State.SKIPPED
    }
    assert "hunt" not in str(findings)


async def test_a_circuit_that_is_open_is_told_with_the_next_probe(
    well: Settings, valkey: str
) -> None:
    async with create_redis(valkey) as redis:
        breaker = RedisBreaker(redis, name=ML_ANALYZE_BREAKER)
        for _ in range(5):
            admitted = await breaker.admit()
            assert isinstance(admitted, Admitted)
            await breaker.record(admitted, success=False)

    circuit = (await look(settings_with_redis(well, valkey)))["ml-circuit"]

    assert circuit.state is State.WARNING
    assert circuit.message.startswith("open, 0 probes failed up to now: ")
    assert "probe" in circuit.cure


async def test_what_workers_do_is_told_with_what_is_wrong_about_it(
    well: Settings, valkey: str
) -> None:
    settings = settings_with_redis(well, valkey)
    lanes = (settings.queue_name, f"{settings.queue_name}:heavy")
    async with create_redis(valkey) as redis:
        await redis.set("worker:of-another-program", "busy")
        await show_sign(redis, new_sign(lanes=lanes, now=NOW))
        jobs = RedisJobStore(redis)
        job = a_job()
        await jobs.add(job)
        begun = advance(job, DownloadStarted(), now=NOW)
        await jobs.save(begun, read=job, event=DownloadStarted)
        with pytest.raises(StaleJobError):
            await jobs.save(begun, read=job, event=DownloadStarted)
        with pytest.raises(IllegalTransitionError):
            await jobs.save(begun, read=begun, event=ItemsMatched)
        await redis.zadd(lanes[1], {"courier_task:waits": 0})

    found = await look(settings)

    assert (found["workers"].state, found["workers"].message[:8]) == (State.OK, "1 alive:")
    assert found["heavy-queue"].state is State.WARNING  # since 1970
    assert found["heavy-queue"].message.startswith("1 waiting")
    assert found["journal"].message.startswith("2 lines")
    assert found["refused-writes"].state is State.WARNING
    assert found["refused-writes"].message.startswith("1 stale and 1 illegal")


async def test_workers_of_another_queue_are_told_apart(well: Settings, valkey: str) -> None:
    settings = settings_with_redis(well, valkey)
    async with create_redis(valkey) as redis:
        await show_sign(redis, new_sign(lanes=("elsewhere",), now=NOW))
        elsewhere = (await look(settings))["workers"]
        await show_sign(redis, new_sign(lanes=(settings.queue_name,), now=NOW))
        plain = (await look(settings))["workers"]

    assert (elsewhere.state, "QUEUE_NAME" in elsewhere.cure) == (State.WARNING, True)
    assert (plain.state, "plain arq" in plain.message) == (State.WARNING, True)


async def test_a_redis_that_takes_calls_and_never_answers_is_left_in_time() -> None:
    hung_up = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1024):
            pass
        writer.close()
        hung_up.set()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        found = await look_at_redis(
            f"redis://127.0.0.1:{port}",
            queue_name="q",
            clock=SystemClock(),
            attempts=Attempts(seconds_max=0.1),
        )
        await hung_up.wait()

    assert (found[0].state, found[0].message) == (State.ERROR, "no answer within 0.1 s")


async def test_a_redis_that_forgets_or_drops_jobs_is_warned_of(
    well: Settings, valkey: str
) -> None:
    with Redis.from_url(valkey) as client:
        client.config_set("appendonly", "no")
        client.config_set("maxmemory-policy", "allkeys-lru")

    findings = await look(settings_with_redis(well, valkey))

    assert findings["redis-persistence"].state is State.WARNING
    assert "appendonly yes" in findings["redis-persistence"].cure
    assert findings["redis-eviction"].state is State.WARNING
    assert "noeviction" in findings["redis-eviction"].cure


@pytest.mark.parametrize(
    ("forbidden", "state"), [("-config", State.OK), ("-config -info", State.WARNING)]
)
async def test_what_a_user_may_not_ask_is_looked_for_elsewhere_or_said_to_be_unseen(
    forbidden: str, state: State, well: Settings, valkey: str
) -> None:
    with Redis.from_url(valkey) as client:
        client.execute_command(
            "ACL", "SETUSER", "w", "on", ">pw", "~*", "+@all", *forbidden.split()
        )
    url = valkey.replace("unix://", "unix://w:pw@")

    findings = await look(settings_with_redis(well, url))

    names = ("redis", "redis-persistence", "redis-eviction")
    assert {findings[name].state for name in names} == {state}, findings
    assert findings["queue"].state is State.OK
    if state is State.WARNING:
        assert "cannot see" in findings["redis-persistence"].message


async def test_a_wrong_password_of_redis_is_told_without_it(well: Settings, valkey: str) -> None:
    findings = await look(
        settings_with_redis(well, valkey.replace("unix://", "unix://w:hunter2@"))
    )

    assert findings["redis"].state is State.ERROR
    assert "password" in findings["redis"].message
    assert "hunter2" not in str(findings)


async def test_a_job_of_ours_that_waits_where_nobody_looks_is_an_error(
    well: Settings, redis_url: str
) -> None:
    async with ArqRedis.from_url(redis_url) as plain:
        await plain.enqueue_job("download_and_trigger_ml", task_id="t", _queue_name="arq:queue")

    foreign = (await look(well))["foreign-queue"]

    assert foreign.state is State.ERROR
    assert "1 job waits on arq:queue" in foreign.message
    assert "download_and_trigger_ml" in foreign.message
    assert "create_pool" in foreign.cure
    assert "arq.create_pool(RedisSettings())" in foreign.cure


async def test_jobs_of_another_program_on_the_default_queue_are_only_warned_of(
    well: Settings, redis_url: str
) -> None:
    async with ArqRedis.from_url(redis_url) as plain:
        await plain.enqueue_job("reparse_task", _queue_name="arq:queue")
        await plain.enqueue_job("send_mail", _queue_name="arq:queue")

    foreign = (await look(well))["foreign-queue"]

    assert (foreign.state, foreign.message[:9]) == (State.WARNING, "2 jobs wa")


async def test_a_worker_on_the_default_queue_is_no_fault(well: Settings) -> None:
    findings = await look(changed(well, queue_name="arq:queue"))

    assert findings["foreign-queue"].state is State.OK


async def test_waiting_jobs_are_counted_with_the_age_of_the_oldest(
    well: Settings, redis_url: str
) -> None:
    redis = create_redis(redis_url)
    pool = pool_on(redis.connection_pool, queue_name=well.queue_name)
    await pool.enqueue_job("parse_task", task_id="a")
    await pool.enqueue_job("parse_task", task_id="b", _defer_by=timedelta(hours=1))
    now = SystemClock().now()

    soon = (await look(well))["queue"]
    late = (await look(well, ManualClock(now + timedelta(minutes=12))))["queue"]
    await redis.set(f"{well.queue_name}:health-check", "here")
    busy = (await look(well, ManualClock(now + timedelta(minutes=12))))["queue"]
    await redis.aclose()

    assert soon.state is State.OK
    assert "1 waiting or running, 1 for later on test-queue" in soon.message
    assert late.state is State.WARNING
    assert "the oldest for 12 min; no worker has reported" in late.message
    assert (late.cure, busy.cure) == (
        "start a worker",
        "raise MAX_WORKERS, or start more workers",
    )


async def test_a_pickle_on_our_queue_is_warned_of(well: Settings, redis_url: str) -> None:
    async with ArqRedis.from_url(redis_url) as plain:
        await plain.enqueue_job("parse_task", _queue_name=well.queue_name)

    queue = (await look(well))["queue"]

    assert queue.state is State.WARNING
    assert "1 written as pickle" in queue.message
    assert "create_pool" in queue.cure


async def test_a_queue_name_that_somebody_else_uses_is_named(
    well: Settings, redis_url: str
) -> None:
    with Redis.from_url(redis_url) as client:
        client.lpush(well.queue_name, "{}")

    queue = (await look(well))["queue"]

    assert queue.state is State.ERROR
    assert "test-queue is a list" in queue.message
    assert "REDIS_QUEUE_NAME" in queue.cure


@pytest.mark.parametrize("place", ["missing", "a-file", "/proc"])
async def test_a_folder_that_cannot_be_written_is_named(
    place: str, well: Settings, tmp_path: Path
) -> None:
    (tmp_path / "a-file").touch()

    folder = (await look(changed(well, uploads_dir=tmp_path / place)))["shared-folder"]

    assert folder.state is State.ERROR
    assert "UPLOADS_DIR" in folder.message
    assert folder.cure


async def test_the_folder_is_left_as_it_was(well: Settings) -> None:
    await look(well)

    assert list(well.uploads_dir.iterdir()) == []


async def test_an_ml_analyze_that_is_away_is_an_error_only_where_it_is_needed(
    well: Settings,
) -> None:
    away = changed(well, ml_analyze_url=f"http://{NOWHERE}")

    needed = (await look(away))["ml-analyze"]
    not_needed = (await look(changed(away, use_ml_processing=False)))["ml-analyze"]

    assert (needed.state, not_needed.state) == (State.ERROR, State.WARNING)
    assert "USE_ML_PROCESSING=false" in needed.cure


@pytest.mark.parametrize(
    ("body", "state"),
    [
        (json.dumps({"status": "degraded", "checks": {"ollama": "down"}}), State.WARNING),
        ("<html>welcome</html>", State.ERROR),
        ("[" * 100_000, State.ERROR),
    ],
)
async def test_an_ml_analyze_that_is_not_well_is_told(
    body: str, state: State, well: Settings, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/other/health").respond_with_data(body)

    found = (await look(changed(well, ml_analyze_url=httpserver.url_for("/other"))))["ml-analyze"]

    assert found.state is state


@pytest.mark.parametrize(("minutes", "told"), [(1, "60 s behind"), (-1, "60 s ahead of")])
async def test_a_clock_that_goes_wrong_is_told_of_both_neighbours(
    minutes: int, told: str, well: Settings
) -> None:
    clock = ManualClock(SystemClock().now() + timedelta(minutes=minutes))

    findings = await look(well, clock)

    for name in ("clock-database", "clock-redis"):
        assert findings[name].state is State.WARNING
        assert told.partition(" s ")[2] in findings[name].message
        assert "NTP" in findings[name].cure


@pytest.mark.parametrize(
    ("content", "mode", "state", "told"),
    [
        (None, 0, State.WARNING, "there is no file"),
        ("folder", 0o700, State.ERROR, "but a folder"),
        ("{sEcr3t-key", 0o600, State.ERROR, "is not JSON"),
        ("[1]", 0o600, State.ERROR, "no client_email and no private_key"),
        (json.dumps(KEY | {"client_email": " "}), 0o600, State.ERROR, "no client_email"),
        (json.dumps(KEY | {"private_key": "sEcr3t-key"}), 0o600, State.ERROR, "PEM"),
        (json.dumps(KEY), 0o644, State.WARNING, "other users"),
        (json.dumps(KEY), 0o600, State.OK, "shared with that address"),
    ],
)
async def test_the_google_key_is_told_and_never_shown(
    content: str | None, mode: int, state: State, told: str, well: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "key.json"
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_text(content)
        path.chmod(mode)

    found = (await look(changed(well, google_credentials_path=path)))["google-credentials"]

    assert found.state is state
    assert told in found.message
    assert "sEcr3t" not in str(found)
    assert content is not None or "share each sheet" in found.cure


async def test_a_slow_poll_is_warned_of(well: Settings) -> None:
    found = (await look(changed(well, ml_poll_interval_seconds=30)))["poll-interval"]

    assert found.state is State.WARNING


def run(*arguments: str, cwd: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    known = {name.upper() for name in Settings.model_fields}
    kept = {name: value for name, value in os.environ.items() if name.upper() not in known}
    return run_command("doctor", *arguments, environment={**kept, **variables}, folder=cwd)


def variables_of(settings: Settings) -> dict[str, str]:
    return {
        "DATABASE_URL": settings.require_database_url(),
        "REDIS_URL": settings.require_redis_url(),
        "UPLOADS_DIR": str(settings.uploads_dir),
        "ML_ANALYZE_URL": settings.ml_analyze_url,
        "GOOGLE_CREDENTIALS_PATH": str(settings.google_credentials_path),
    }


def checks_in(done: "subprocess.CompletedProcess[str]") -> dict[str, dict[str, str]]:
    """Return the checks of the one line on stdout."""
    [line] = done.stdout.splitlines()
    report = json.loads(line)
    assert report["ok"] is (done.returncode == 0)
    return {check["name"]: check for check in report["checks"]}


def test_the_command_exits_0_when_there_are_warnings_only(well: Settings, tmp_path: Path) -> None:
    done = run("--json", cwd=tmp_path, **variables_of(well))

    checks = checks_in(done)
    assert done.returncode == 0, done.stderr
    assert {check["state"] for check in checks.values()} == {"ok", "warning"}
    assert set(checks["redis"]) == {"name", "state", "message", "cure"}
    assert "redis-persistence" in done.stderr
    assert "\x1b" not in done.stderr


def test_a_wrong_variable_is_named_and_stops_only_what_needs_it(
    well: Settings, tmp_path: Path
) -> None:
    done = run(
        "--json",
        cwd=tmp_path,
        **{**variables_of(well), "MAX_WORKERS": "0", "QUEUE_NAME": "two words"},
    )

    checks = checks_in(done)
    assert done.returncode == 1
    assert checks["settings"]["state"] == "error"
    for name in ("MAX_WORKERS", "QUEUE_NAME"):
        assert name in checks["settings"]["message"]
    assert {name for name, check in checks.items() if check["state"] == "skipped"} == {
        "queue",
        "foreign-queue",
        "heavy-queue",
        "workers",
    }


def test_nothing_secret_is_printed(tmp_path: Path) -> None:
    key = tmp_path / "key.json"
    key.write_text(json.dumps(KEY))
    for flag in ([], ["--json"]):
        done = run(
            *flag,
            cwd=tmp_path,
            DATABASE_URL=f"postgresql://u:{SECRETS[0]}@{NOWHERE}/db",
            REDIS_URL=f"redis://:{SECRETS[1]}@{NOWHERE}/0",
            ML_ANALYZE_URL=f"http://u:{SECRETS[2]}@{NOWHERE}",
            MASTER_SHEET_URL=SECRETS[3],
            GOOGLE_CREDENTIALS_PATH=str(key),
        )

        assert done.returncode == 1
        assert [name for name in SECRETS if name in done.stdout + done.stderr] == []
        assert "MASTER_SHEET_URL" in done.stdout + done.stderr


def test_a_file_of_settings_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"MAX_WORKERS=\xff")

    done = run(cwd=tmp_path)

    assert done.returncode == 1
    assert done.stderr == ""
    assert ".env" in done.stdout
    assert "cure: " in done.stdout


@pytest.mark.parametrize(
    ("package", "extra", "names"),
    [
        ("sqlalchemy", "postgres", {"database", "migrations", "clock-database"}),
        ("redis", "redis", {"redis", "queue", "foreign-queue"}),
        ("httpx", "http", {"ml-analyze"}),
        ("structlog", "", set[str]()),  # the worker's alone
    ],
)
def test_a_missing_extra_is_told_by_the_check_that_needs_it(
    package: str, extra: str, names: set[str], well: Settings, tmp_path: Path
) -> None:
    program = (
        f"import sys; sys.modules[{package!r}] = None;"
        "sys.argv = ['marketbel', 'doctor', '--json'];"
        "from marketbel_runtime.cli import main; main()"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **variables_of(well)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    checks = checks_in(done)
    wrong = {name: check for name, check in checks.items() if check["state"] == "error"}
    assert names <= set(wrong)
    assert {check["cure"] for check in wrong.values()} <= {f"pip install 'marketbel[{extra}]'"}
    assert checks["shared-folder"]["state"] in {"ok", "warning"}
