"""Sessions on the catalogue's tables, for callers outside of the worker; ours go by `Catalog`.

The address comes from DATABASE_URL, read from the environment (no `.env`) when a session is
opened, unless the caller names another one.
"""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from marketbel_adapters.postgres.url import DatabaseUrlError, asyncpg_url, connect_args

__all__ = ["aclose_sessions", "get_session"]

_APPLICATION_NAME: Final = "marketbel-caller"

type _Engines = dict[str, AsyncEngine]

_engines: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, _Engines]] = WeakKeyDictionary()
"""By event loop, then by address: asyncpg's connections belong to the loop they were made on."""


@asynccontextmanager
async def get_session(database_url: str | None = None) -> AsyncGenerator[AsyncSession]:
    """Give a session; nothing is written unless the caller commits.

    It opens a connection at its first statement and closes it at its end: nothing is left behind
    for another session, test or event loop to stumble over. What it has loaded can still be read
    after a commit.

    Args:
        database_url: Instead of DATABASE_URL; the same spellings.

    Raises:
        DatabaseUrlError: no address is given, or it cannot be read.
    """
    address = database_url or os.environ.get("DATABASE_URL")
    if not address:
        raise DatabaseUrlError(
            "DATABASE_URL is not set: give it as postgresql://user:password@host:5432/marketbel"
        )
    async with AsyncSession(_engine(address), expire_on_commit=False) as session:
        yield session


async def aclose_sessions() -> None:
    """Forget what was kept for this event loop; sessions that are open are not touched."""
    for engine in _engines.pop(asyncio.get_running_loop(), {}).values():
        await engine.dispose()


def _engine(address: str) -> AsyncEngine:
    engines = _engines.setdefault(asyncio.get_running_loop(), {})
    if address not in engines:
        engines[address] = create_async_engine(
            asyncpg_url(address),
            poolclass=NullPool,
            connect_args=connect_args(application_name=_APPLICATION_NAME),
        )
    return engines[address]
