"""Brings a database to our newest schema, in one transaction, one process at a time."""

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from marketbel_adapters.postgres.checks import check_database
from marketbel_adapters.postgres.errors import translated
from marketbel_adapters.postgres.url import asyncpg_url, connect_args
from marketbel_adapters.postgres.waiting import ensure_optional_parts, find_optional_parts
from marketbel_core.errors import PortError, UnavailableError

__all__ = [
    "DatabaseNotMigratedError",
    "MigrationFailedError",
    "MigrationReport",
    "check_migrated",
    "migrate",
    "migration_config",
    "migration_engine",
    "migrations_folder",
    "prepare_connection",
]

_LOCK_KEY: Final = 0x6D61726B65746265  # "marketbe"; any number that all of us agree on
_LOCK_TIMEOUT: Final = "60s"  # behind a neighbour's long transaction we give up, not queue up all
_POLL_SECONDS: Final = 0.02
# Alembic keeps its context in module globals: one migration a process at a time.
_ALEMBIC: Final = threading.Lock()
# Classes of SQLSTATE that time may cure: connection, rollback, resources, locks, operator.
_CURED_BY_TIME: Final = ("08", "40", "53", "55", "57")


class MigrationFailedError(PortError):
    """The schema could not be brought up to date; the database is as it was."""

    code = "database.migration_failed"


class DatabaseNotMigratedError(PortError):
    """The schema is not the one that this version works on."""

    code = "database.not_migrated"

    def __init__(self, *, found: str, newest: str | None) -> None:
        super().__init__(
            f"the schema is at {found or 'no revision'} and must be at {newest}: "
            "run `marketbel migrate`"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationReport:
    """What a migration found and did.

    Attributes:
        revision_before: The revision found; several heads joined by a comma; `None` in a
            database that was never migrated.
        revision_after: The revision now.
        added: A sentence for each part that had waited for a neighbour and is there now.
        waiting: A sentence for each part that still waits, with what it waits for.
    """

    revision_before: str | None
    revision_after: str
    added: tuple[str, ...]
    waiting: tuple[str, ...]


async def migrate(database_url: str) -> MigrationReport:
    """Bring the database to our newest revision and add what had waited for a neighbour.

    Safe to run at any time, again, and by several processes at once: they queue up.

    Raises:
        DatabaseUrlError: the URL cannot be used.
        DatabaseUnsuitableError: the database cannot fold Cyrillic.
        UnavailableError: the server does not answer, or a lock was not to be had.
        MigrationFailedError: anything else; nothing was changed.
    """
    engine = migration_engine(asyncpg_url(database_url))
    try:
        async with _only_migration_here(), engine.begin() as connection:
            await check_database(connection)
            return await connection.run_sync(_migrate)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, DBAPIError) as error:
        raise _translated(error) from error
    except CommandError as error:
        raise MigrationFailedError(
            f"the database does not fit these migrations: {error}"
        ) from error
    finally:
        await engine.dispose()


def migration_engine(url: URL) -> AsyncEngine:
    """Return an engine for one migration: a connection of its own, closed after use."""
    return create_async_engine(
        url, poolclass=NullPool, connect_args=connect_args(application_name="marketbel-migrate")
    )


def migrations_folder() -> Path:
    """Return the folder of the migrations: the packaged one, else the clone's.

    Raises:
        MigrationFailedError: neither is there: the package was not installed whole.
    """
    here = Path(__file__).resolve()
    for folder in (here.parent / "_migrations", here.parents[3] / "migrations"):
        if (folder / "env.py").is_file():
            return folder
    raise MigrationFailedError("the migrations are missing: install marketbel anew")


def migration_config(connection: Connection) -> Config:
    """Return Alembic's configuration for commands that shall run on `connection`."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    return config


def prepare_connection(connection: Connection) -> None:
    """Wait for other migrations and fix the transaction's surroundings.

    The search path is fixed because a role named `marketbel` would otherwise find our own
    schema before `public`.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
    connection.execute(text("SET LOCAL search_path TO public"))
    connection.execute(text(f"SET LOCAL lock_timeout TO '{_LOCK_TIMEOUT}'"))
    connection.dialect.default_schema_name = "public"


def _migrate(connection: Connection) -> MigrationReport:
    prepare_connection(connection)
    heads_before = _heads(connection)
    before = find_optional_parts(connection)
    command.upgrade(migration_config(connection), "head")
    ensure_optional_parts(connection)
    after = find_optional_parts(connection)
    return MigrationReport(
        revision_before=heads_before or None,
        revision_after=_heads(connection),
        added=after.added_since(before),
        waiting=after.waiting(),
    )


def _heads(connection: Connection) -> str:
    return ", ".join(sorted(MigrationContext.configure(connection).get_current_heads()))


@asynccontextmanager
async def _only_migration_here() -> AsyncGenerator[None]:
    # Asked again and again rather than waited for: loops and threads alike can share it, and
    # who is cancelled while asking leaves nothing held.
    while not _ALEMBIC.acquire(blocking=False):  # noqa: ASYNC110 - an event belongs to one loop
        await asyncio.sleep(_POLL_SECONDS)
    try:
        yield
    finally:
        _ALEMBIC.release()


def _translated(error: Exception) -> PortError:
    cause = getattr(error, "orig", None) or error  # without the statement, which may be a page
    sqlstate = str(getattr(cause, "sqlstate", None) or "")
    if isinstance(error, OSError) or sqlstate.startswith(_CURED_BY_TIME):
        return UnavailableError(f"PostgreSQL did not answer or is busy: {cause}")
    return MigrationFailedError(f"PostgreSQL refused the migration: {cause}")


async def check_migrated(engine: AsyncEngine) -> None:
    """Return if the database stands at our newest revision.

    Raises:
        DatabaseNotMigratedError: it stands elsewhere, or was never migrated.
        UnavailableError: the server does not answer.
        ProtocolError: the server answers and does not let us in.
    """
    newest = ScriptDirectory(str(migrations_folder())).get_current_head()
    with translated():
        async with engine.connect() as connection:
            found = await connection.run_sync(_heads)
    if found != newest:
        raise DatabaseNotMigratedError(found=found, newest=newest)
