"""One transaction: all statements pass here, and its errors come out as ours."""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

import asyncpg
from sqlalchemy import Executable
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from marketbel_adapters.postgres.errors import translated
from marketbel_core.ids import SupplierId

__all__ = ["Transaction", "transaction_on"]


class Transaction:
    """Runs statements; their errors are ours. Every method raises as `translated` says."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def run(
        self,
        statement: Executable,
        values: Mapping[str, object] | None = None,
        *,
        supplier_id: SupplierId | None = None,
    ) -> CursorResult[Any]:
        """Run one statement and return its rows, all of them fetched.

        Args:
            statement: One statement.
            values: Its parameters, by name.
            supplier_id: The supplier that it refers to: reported when it is gone.
        """
        with translated(supplier_id=supplier_id):
            return await self._connection.execute(statement, values)

    async def copy(
        self, rows: Iterable[Sequence[object]], *, into: str, columns: Sequence[str]
    ) -> None:
        """Bring rows into a table by COPY, within the transaction that a statement has begun."""
        with translated():
            raw = await self._connection.get_raw_connection()
            # SQLAlchemy knows no driver's types; the engine runs on asyncpg.
            driver = cast("asyncpg.Connection[asyncpg.Record]", raw.driver_connection)
            await driver.copy_records_to_table(into, records=rows, columns=list(columns))

    async def copy_lines(self, lines: bytes, *, into: str, columns: Sequence[str]) -> None:
        """Do the same with lines of text (UTF-8), in which a blank field is NULL."""
        with translated():
            raw = await self._connection.get_raw_connection()
            driver = cast("asyncpg.Connection[asyncpg.Record]", raw.driver_connection)
            await driver.copy_to_table(
                into, source=_once(lines), columns=list(columns), format="text", null=""
            )

    @asynccontextmanager
    async def savepoint(self) -> AsyncGenerator[None]:
        """Undo what the block did when it raises, and leave the transaction whole."""
        async with AsyncExitStack() as stack:
            with translated():  # entering begins it; awaited before, it would begin twice
                await stack.enter_async_context(self._connection.begin_nested())
            yield


@asynccontextmanager
async def transaction_on(engine: AsyncEngine) -> AsyncGenerator[Transaction]:
    """Give a transaction on a connection of its own: committed unless the block raises."""
    async with AsyncExitStack() as stack:
        with translated():
            connection = await stack.enter_async_context(engine.connect())
        yield Transaction(connection)
        with translated():
            await connection.commit()  # without it, closing rolls back


async def _once(lines: bytes) -> AsyncGenerator[bytes]:
    yield lines
