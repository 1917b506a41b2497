"""The contract of `JobArchive` over every adapter of it, and what only PostgreSQL promises."""

import socket
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from marketbel_adapters.memory import MemoryJobArchive
from marketbel_adapters.postgres import PostgresJobArchive
from marketbel_adapters.postgres.url import create_engine
from marketbel_adapters.testing.archive import JobArchiveContract, a_line
from marketbel_adapters.testing.builders import NOW, a_job
from marketbel_core.errors import ProtocolError, RefusedError, UnavailableError
from marketbel_core.jobs import AttemptFailed, Deferred, Failure, Phase, advance
from marketbel_core.ports import JobArchive

_FAILURE = Failure(code="http.unav\0ailable", message="")


class TestMemoryJobArchive(JobArchiveContract):
    @pytest.fixture
    def archive(self) -> JobArchive:
        return MemoryJobArchive()


@pytest.fixture
async def engine(migrated_database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(migrated_database_url)
    yield engine
    await engine.dispose()


@pytest.mark.postgres
class TestPostgresJobArchive(JobArchiveContract):
    @pytest.fixture
    def archive(self, engine: AsyncEngine) -> JobArchive:
        return PostgresJobArchive(engine)

    @pytest.fixture
    async def other_archive(self, migrated_database_url: str) -> AsyncIterator[JobArchive]:
        engine = create_engine(migrated_database_url)
        yield PostgresJobArchive(engine)
        await engine.dispose()


async def found(engine: AsyncEngine, sql: str) -> list[tuple[object, ...]]:
    async with engine.begin() as connection:
        result = await connection.execute(text(sql))
        return [tuple(row) for row in result] if result.returns_rows else []


@pytest.mark.postgres
async def test_what_a_line_tells_can_be_asked_for_in_sql(engine: AsyncEngine) -> None:
    job = a_job(supplier_name="a\0b", token=3)
    deferred = advance(job, Deferred(failure=_FAILURE, until=NOW), now=NOW)
    failed = advance(job, AttemptFailed(failure=replace(_FAILURE, code="http.denied")), now=NOW)
    lines = [
        a_line(job, 1),
        a_line(deferred, 2, event="Deferred", before=Phase.DOWNLOADING),
        a_line(failed, 3, event="AttemptFailed", before=Phase.DOWNLOADING),
    ]

    await PostgresJobArchive(engine).apply(lines)

    assert await found(
        engine,
        "SELECT event, before, after, attempt, token, version, code FROM marketbel.job_journal"
        " ORDER BY position",
    ) == [
        ("Created", None, "downloading", 1, 3, 0, None),
        ("Deferred", "downloading", "downloading", 1, 3, 1, "http.unav\ufffdailable"),
        ("AttemptFailed", "downloading", "failed", 1, 3, 1, "http.denied"),
    ]
    assert await found(engine, "SELECT supplier_name, phase, version FROM marketbel.jobs") == [
        ("a\ufffdb", "failed", 1)
    ]


@pytest.mark.postgres
async def test_what_happened_stays_told_when_the_supplier_is_deleted(engine: AsyncEngine) -> None:
    archive = PostgresJobArchive(engine)
    job = a_job()
    insert = (
        f"INSERT INTO suppliers (id, name, source_type) VALUES ('{job.supplier_id}', 'a', 'csv')"
    )
    await found(engine, insert)
    await archive.record(job)
    await archive.apply([a_line(job, 1)])

    await found(engine, "DELETE FROM suppliers")

    assert await archive.unfinished(limit=10) == [job]
    assert len(await archive.history(job.id, limit=10)) == 1


@pytest.mark.postgres
async def test_a_batch_is_kept_whole_or_not_at_all(engine: AsyncEngine) -> None:
    archive = PostgresJobArchive(engine)
    job = a_job()
    too_high = replace(a_line(job, 2, event="Claimed"), token=2**63)

    with pytest.raises(RefusedError):
        await archive.apply([a_line(job, 1), too_high])

    assert await archive.unfinished(limit=10) == []
    assert await archive.history(job.id, limit=10) == []


@pytest.mark.postgres
async def test_a_row_that_cannot_be_read_names_its_job(engine: AsyncEngine) -> None:
    archive = PostgresJobArchive(engine)
    job = a_job()
    await archive.record(job)
    await found(engine, "UPDATE marketbel.jobs SET state = state - 'reading'")

    with pytest.raises(ProtocolError, match=str(job.id)) as caught:
        await archive.unfinished(limit=10)

    assert caught.value.code == "archive.corrupt"


@pytest.mark.postgres
async def test_a_server_that_is_away_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    engine = create_engine(f"postgresql://nobody@127.0.0.1:{port}/none")

    with pytest.raises(UnavailableError):
        await PostgresJobArchive(engine).record(a_job())
    await engine.dispose()
