"""Planted secrets are found nowhere but where they are needed: in the archive's address."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final
from uuid import UUID

import pytest
from pytest_httpserver import HTTPServer
from redis.asyncio import Redis
from sqlalchemy import text
from werkzeug import Request, Response

from marketbel_adapters.arq import pool_on
from marketbel_adapters.embedded import embedded_valkey
from marketbel_adapters.postgres import create_engine
from marketbel_adapters.redis import RedisJobStore, create_redis
from marketbel_core.catalog import SourceRef, SourceType
from marketbel_core.errors import JobNotFoundError
from marketbel_core.ids import JobId
from marketbel_core.jobs import Phase
from marketbel_core.use_cases import StartRequest
from marketbel_runtime.lifespan import production
from marketbel_runtime.settings import Settings
from tests.system.chaos.servers import Process
from tests.system.conftest import Until
from tests.system.forked import run_command

pytestmark = [pytest.mark.postgres, pytest.mark.valkey, pytest.mark.processes]

_MARK: Final = "cnry"
"""In every planted secret, and in nothing else."""

_LIST: Final = "Артикул;Наименование;Цена\nA-1;Молоко 1 л;2,50\nA-2;Хлеб;-1\n".encode()
_SHEET: Final = "https://docs.google.com/spreadsheets/d/1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
_READ: Final = {
    b"string": ("GET", None),
    b"hash": ("HGETALL", None),
    b"zset": ("ZRANGE", None, "0", "-1"),
    b"set": ("SMEMBERS", None),
    b"list": ("LRANGE", None, "0", "-1"),
    b"stream": ("XRANGE", None, "-", "+"),
}
_REDIS_PASSWORD: Final = f"{_MARK}-redis"


def _job_id(number: int) -> JobId:
    return JobId(UUID(int=number))


@pytest.fixture
def site(httpserver: HTTPServer) -> HTTPServer:
    """A supplier's site that lets in who knows the token, and hands out another one on the way."""

    def moved(request: Request) -> Response:
        assert _MARK in request.args["token"]
        return Response(status=302, headers={"Location": f"/list.csv?sig={_MARK}-signature"})

    httpserver.expect_request("/list.csv").respond_with_data(_LIST, content_type="text/csv")
    httpserver.expect_request("/moved").respond_with_handler(moved)
    httpserver.expect_request("/denied").respond_with_data(b"no", status=403)
    httpserver.expect_request("/nowhere").respond_with_data(b"no", status=404)
    httpserver.expect_request("/html").respond_with_data(b"<!doctype html><p>sign in</p>")
    return httpserver


@pytest.fixture
def redis_url() -> Iterator[str]:
    """A server of the test's own, with a password."""
    with ExitStack() as stack:
        url = stack.enter_context(embedded_valkey(None)).url
        path = url.removeprefix("unix://").partition("?")[0]
        import redis  # noqa: PLC0415 - once, and the other client of the two

        with redis.Redis(unix_socket_path=path) as client:
            client.config_set("requirepass", _REDIS_PASSWORD)
        yield f"unix://:{_REDIS_PASSWORD}@{path}?db=0"


@pytest.fixture
def environment(
    migrated_database_url: str, redis_url: str, uploads: Path, site: HTTPServer, tmp_path: Path
) -> dict[str, str]:
    """What a worker and the commands see; every secret of it is planted."""
    key = tmp_path / "google.json"
    key.write_text(
        json.dumps(
            {
                "type": "service_account",
                "client_email": "reader@marketbel.example",
                "token_uri": "https://oauth2.googleapis.com/token",
                "private_key_id": f"{_MARK}-key-id",
                "private_key": f"-----BEGIN PRIVATE KEY-----\n{_MARK}\n-----END PRIVATE KEY-----",
            }
        )
    )
    return {
        "DATABASE_URL": migrated_database_url.replace(
            "postgresql://postgres@", f"postgresql://postgres:{_MARK}-postgres@"
        ),
        "REDIS_URL": redis_url,
        "UPLOADS_DIR": str(uploads),
        "QUEUE_NAME": "test-queue",
        "GOOGLE_CREDENTIALS_PATH": str(key),
        "FETCH_ALLOW_NETWORKS": "127.0.0.0/8",
        "FETCH_ALLOWED_PORTS": f"443,{site.port}",
        "LOG_LEVEL": "DEBUG",
        "USE_ML_PROCESSING": "false",
        "RESCUE_INTERVAL_SECONDS": "1",
    }


@pytest.fixture
def settings(environment: dict[str, str]) -> Settings:
    return Settings.model_validate({name.lower(): value for name, value in environment.items()})


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with create_redis(redis_url) as client:
        yield client


def sources(site: HTTPServer) -> list[SourceRef]:
    """Return addresses with a secret each: some lead to a list, the others go wrong."""
    token = f"token={_MARK}-token"
    at = f"127.0.0.1:{site.port}"
    places = [
        f"http://{at}/list.csv?{token}",
        f"http://{at}/moved?{token}",
        f"http://user:{_MARK}-password@{at}/list.csv",
        f"http://{at}/denied?{token}",
        f"http://{at}/html?{token}",
        f"http://{at}/nowhere?{token}#{_MARK}-fragment",
        f"http://{at}:99999/list.csv?{token}",
        f"ftp://user:{_MARK}-password@{at}/list.csv",
    ]
    csv = [SourceRef(type=SourceType.CSV, location=place) for place in places]
    return [*csv, SourceRef(type=SourceType.GOOGLE_SHEETS, location=f"{_SHEET}/edit?{token}")]


async def everything_in(redis: Redis) -> dict[str, str]:
    """Return what each key holds, as text."""
    found = {}
    async for key in redis.scan_iter(count=1_000):
        read = _READ[await redis.type(key)]
        command = (word or key for word in read)
        held = await redis.execute_command(*command)  # type: ignore[no-untyped-call] # the driver's
        found[key.decode()] = str(held)
    return found


async def everything_in_the_database(settings: Settings) -> dict[str, str]:
    """Return what each table holds, as text; but not where the archive keeps whole addresses."""
    engine = create_engine(settings.require_database_url())
    async with engine.connect() as connection:
        tables = await connection.execute(
            text(
                "SELECT table_schema || '.' || table_name FROM information_schema.tables"
                " WHERE table_schema IN ('public', 'marketbel') AND table_type = 'BASE TABLE'"
            )
        )
        found = {}
        for table in tables.scalars().all():
            column = "(to_jsonb(t) - 'source')" if table == "marketbel.jobs" else "t"
            rows = await connection.execute(text(f"SELECT {column}::text FROM {table} AS t"))
            found[table] = str(rows.all())
    await engine.dispose()
    return found


def command(environment: dict[str, str], *arguments: str, folder: Path) -> str:
    done = run_command(*arguments, environment={**os.environ, **environment}, folder=folder)
    return done.stdout + done.stderr


def telling(found: dict[str, str]) -> dict[str, str]:
    """Return those that have a secret in them, from a little before it on."""
    return {
        name: told[max(told.index(_MARK) - 200, 0) :][:400]
        for name, told in found.items()
        if _MARK in told
    }


async def test_a_started_job_is_in_redis_without_its_secrets(
    settings: Settings, redis: Redis, site: HTTPServer
) -> None:
    async with production(settings) as container:
        for number, source in enumerate(sources(site)):
            await container.start_ingestion()(
                StartRequest(source=source, supplier_name=f"Acme {number}", job_id=_job_id(number))
            )

    found = await everything_in(redis)

    assert len([key for key in found if key.startswith("arq:job:courier_task:")]) == 9
    assert len([key for key in found if key.startswith("job:")]) == 9
    assert telling(found) == {}


async def test_no_secret_is_left_behind_by_a_worker_and_told_by_a_command(
    settings: Settings,
    environment: dict[str, str],
    redis: Redis,
    site: HTTPServer,
    until: Until,
    tmp_path: Path,
) -> None:
    pool = pool_on(redis.connection_pool, queue_name=settings.queue_name)
    for number, source in enumerate(sources(site)):
        config = {"file_url": source.location}
        place = {"source_url": source.location, "source_type": source.type.value}
        given = {"parser_type": "csv", "source_config": config} if number % 2 else place
        await pool.enqueue_job(
            "parse_task" if number % 2 else "download_and_trigger_ml",
            job_id=str(_job_id(number)),
            supplier_name=f"Acme {number}",
            **given,
        )
    store = RedisJobStore(redis)

    async def all_have_ended() -> bool:
        assert worker.is_running, worker.log.read_text()
        try:
            jobs = [await store.get(_job_id(number)) for number in range(len(sources(site)))]
        except JobNotFoundError:
            return False
        return not any(job.is_active for job in jobs)

    async def all_is_archived() -> bool:
        return int(await redis.xlen("jobs:journal")) == 0

    worker = Process(
        "worker", ["marketbel_runtime.worker"], environment=environment, folder=tmp_path
    )
    try:
        await until(all_have_ended)
        await until(all_is_archived)
    finally:
        assert worker.stop() == 0

    phases = [(await store.get(_job_id(number))).phase for number in range(9)]
    assert phases == [Phase.COMPLETE] * 2 + [Phase.FAILED] * 7
    assert telling(await everything_in(redis)) == {}
    assert telling(await everything_in_the_database(settings)) == {}
    assert telling({"log": worker.log.read_text()}) == {}
    names = {str(path): path.read_bytes().decode() for path in settings.uploads_dir.iterdir()}
    assert len(names) == 4
    assert telling(names | {name: name for name in names}) == {}
    commands = [
        ("jobs", "ls", "--json"),
        *(("jobs", "show", str(_job_id(number)), "--json") for number in (1, 2, 3, 8)),
        ("doctor", "--json"),
        *(("fetch", source.location, "--dry-run", "--json") for source in sources(site)[1:4]),
    ]
    told = await asyncio.gather(
        *(asyncio.to_thread(command, environment, *words, folder=tmp_path) for words in commands)
    )
    assert (
        telling({" ".join(words): text for words, text in zip(commands, told, strict=True)}) == {}
    )
