"""Alembic's entry: run by its commands from a clone, and by `marketbel migrate` on a connection.

Which differences count is decided here: what belongs to others, or waits for them, does not.
"""

import asyncio
import os
from logging.config import fileConfig
from typing import Any, Final

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection, Index

from marketbel_adapters.postgres.checks import check_database
from marketbel_adapters.postgres.migrate import migration_engine, prepare_connection
from marketbel_adapters.postgres.tables import OWN_SCHEMA, Base, ProductEmbedding, users
from marketbel_adapters.postgres.url import asyncpg_url

_EMBEDDINGS: Final = ProductEmbedding.__tablename__


def _is_ours_by_name(name: str | None, type_: str, parents: Any) -> bool:  # noqa: ANN401
    """In `public` only the tables that we describe; in our own schema every one."""
    if type_ == "schema":
        return name in (None, OWN_SCHEMA)
    if type_ == "table" and parents["schema_name"] is None:
        return name in Base.metadata.tables and name != users.name
    return True


def _is_ours(thing: Any, name: str | None, type_: str, reflected: bool, twin: Any) -> bool:  # noqa: ANN401
    """Leave out what waits for a neighbour, and the tuning of the index over embeddings."""
    waits = not reflected and twin is None
    match type_:
        case "table":
            return thing is not users and not (name == _EMBEDDINGS and waits)
        case "foreign_key_constraint":
            return not (waits and any(key.column.table is users for key in thing.elements))
        case "index":
            return not _is_over_embedding(thing)
        case _:
            return True


def _is_over_embedding(index: Index) -> bool:
    """ml-analyze's operator chooses kind, name and lists of this one."""
    table = index.table
    return table is not None and table.name == _EMBEDDINGS and "embedding" in index.columns


OPTIONS: Final[dict[str, Any]] = {
    "target_metadata": Base.metadata,
    "include_schemas": True,
    "include_name": _is_ours_by_name,
    "include_object": _is_ours,
    "compare_type": True,
    "compare_server_default": True,
    "autogenerate_plugins": ["alembic.autogenerate.*", "~alembic.autogenerate.comments"],
}


def _run(connection: Connection) -> None:
    """Run the command inside the caller's transaction."""
    prepare_connection(connection)
    context.configure(connection=connection, **OPTIONS)
    context.run_migrations()


async def _run_on_database_url() -> None:
    database_url = os.environ.get("DATABASE_URL")
    if not database_url:
        raise CommandError("DATABASE_URL is not set: it names the database to work on")
    engine = migration_engine(asyncpg_url(database_url))
    try:
        async with engine.begin() as connection:
            await check_database(connection)
            await connection.run_sync(_run)
    finally:
        await engine.dispose()


def _print_sql() -> None:
    context.configure(
        dialect_name="postgresql",
        literal_binds=True,
        dialect_opts={"paramstyle": "named"},
        **OPTIONS,
    )
    with context.begin_transaction():
        context.execute("SET LOCAL search_path TO public")
        context.run_migrations()


if context.config.config_file_name is not None:
    fileConfig(context.config.config_file_name, disable_existing_loggers=False)
if context.is_offline_mode():
    _print_sql()
elif (given := context.config.attributes.get("connection")) is not None:
    _run(given)
else:
    asyncio.run(_run_on_database_url())
