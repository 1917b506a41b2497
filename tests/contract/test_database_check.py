"""A database that Cyrillic text does not survive is refused before anything is written."""

import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text

from marketbel_adapters.postgres.checks import DatabaseUnsuitableError, check_database
from marketbel_adapters.postgres.migrate import migrate, migration_engine
from marketbel_adapters.postgres.url import asyncpg_url

pytestmark = pytest.mark.postgres


async def execute(url: str, *statements: str) -> None:
    engine = migration_engine(asyncpg_url(url)).execution_options(isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()


@asynccontextmanager
async def a_database(admin_url: str, options: str) -> AsyncGenerator[str]:
    """Yield the URL of a database made with `options`."""
    name = f"check_{uuid.uuid5(uuid.NAMESPACE_OID, options).hex[:12]}"
    await execute(admin_url, f"CREATE DATABASE {name} TEMPLATE template0 {options}")
    url = asyncpg_url(admin_url).set(database=name)
    try:
        yield url.render_as_string(hide_password=False)
    finally:
        await execute(admin_url, f"DROP DATABASE {name}")


async def check(url: str) -> None:
    engine = migration_engine(asyncpg_url(url))
    try:
        await check_database(engine)
    finally:
        await engine.dispose()


async def test_a_utf8_database_is_accepted(database_url: str) -> None:
    await check(database_url)
    await execute(database_url, "CREATE EXTENSION pg_trgm")

    await check(database_url)


async def test_trigrams_are_found_in_whatever_schema_they_live(database_url: str) -> None:
    await execute(
        database_url, 'CREATE SCHEMA "My Parts"', 'CREATE EXTENSION pg_trgm SCHEMA "My Parts"'
    )

    await check(database_url)


@pytest.mark.parametrize(
    ("options", "finding"),
    [
        ("ENCODING 'UTF8' LOCALE 'C'", "does not fold Cyrillic"),
        ("ENCODING 'SQL_ASCII' LOCALE 'C'", "encoded in SQL_ASCII"),
        ("ENCODING 'LATIN1' LOCALE 'C'", "encoded in LATIN1"),
    ],
)
async def test_a_database_that_cannot_fold_cyrillic_is_refused_with_the_cure(
    postgres_admin_url: str, options: str, finding: str
) -> None:
    async with a_database(postgres_admin_url, options) as url:
        with pytest.raises(DatabaseUnsuitableError, match=finding) as caught:
            await check(url)
        with pytest.raises(DatabaseUnsuitableError):
            await migrate(url)

    assert "CREATE DATABASE" in str(caught.value)
    assert caught.value.code == "database.unsuitable"


async def test_folding_without_trigrams_is_refused_where_trigrams_are_installed(
    postgres_admin_url: str, major_version: int
) -> None:
    if major_version < 17:
        pytest.skip("the builtin locale provider came with PostgreSQL 17")
    half = (
        "ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"
        " LC_COLLATE 'C' LC_CTYPE 'C'"
    )

    async with a_database(postgres_admin_url, half) as url:
        await check(url)
        await execute(url, "CREATE EXTENSION pg_trgm")
        with pytest.raises(DatabaseUnsuitableError, match="no trigrams of Cyrillic"):
            await check(url)


@pytest.fixture
async def major_version(postgres_admin_url: str) -> int:
    engine = migration_engine(asyncpg_url(postgres_admin_url))
    async with engine.connect() as connection:
        number = await connection.scalar(text("SHOW server_version_num"))
    await engine.dispose()
    return int(str(number)) // 10_000
