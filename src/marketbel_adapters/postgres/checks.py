"""Refuses a database in which Cyrillic text cannot be compared."""

from typing import Final

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from marketbel_adapters.postgres.errors import translated
from marketbel_core.errors import PortError

__all__ = ["DatabaseUnsuitableError", "check_database"]

_CURE: Final = (
    "make a database with a UTF-8 locale and move the data there:"
    " CREATE DATABASE marketbel TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'"
    " (from PostgreSQL 17 on also: LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"
    " LC_COLLATE 'C' LC_CTYPE 'C.UTF-8')"
)
_ENCODING: Final = text(
    "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()"
)
_TRIGRAM_SCHEMA: Final = text(
    "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
    " WHERE e.extname = 'pg_trgm'"
)


class DatabaseUnsuitableError(PortError):
    """The database was made with a locale or an encoding that our text does not survive."""

    code = "database.unsuitable"

    def __init__(self, finding: str) -> None:
        super().__init__(f"{finding}; {_CURE}")


async def check_database(database: AsyncConnection | AsyncEngine) -> None:
    """Return if the database can hold and fold Cyrillic text.

    Raises:
        DatabaseUnsuitableError: it cannot; the message says how to make one that can.
        UnavailableError: given an engine: the server does not answer.
        ProtocolError: given an engine: the server answers and does not let us in.
    """
    if isinstance(database, AsyncEngine):
        with translated():
            async with database.connect() as connection:
                await _check(connection)
    else:
        await _check(database)  # within somebody's transaction, who tells its errors apart


async def _check(connection: AsyncConnection) -> None:
    # The encoding comes first: in another one the letters below would be an error themselves.
    encoding = await connection.scalar(_ENCODING)
    if encoding != "UTF8":
        raise DatabaseUnsuitableError(f"the database is encoded in {encoding}, not in UTF8")
    if await connection.scalar(select(func.lower("Я"))) != "я":
        raise DatabaseUnsuitableError("the database does not fold Cyrillic: lower('Я') is not 'я'")
    schema = await connection.scalar(_TRIGRAM_SCHEMA)
    if schema is None:
        return
    similarity = getattr(getattr(func, schema), "similarity")("Я", "я")  # noqa: B009 - two names
    if await connection.scalar(select(similarity)) != 1:
        raise DatabaseUnsuitableError(
            "the database has no trigrams of Cyrillic: similarity('Я', 'я') is not 1"
        )
