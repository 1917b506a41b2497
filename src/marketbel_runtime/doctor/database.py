"""PostgreSQL: does it answer, does it suit, is it migrated, and does its clock agree."""

import asyncio
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from marketbel_adapters import postgres
from marketbel_adapters.postgres.errors import translated
from marketbel_adapters.postgres.waiting import find_optional_parts
from marketbel_core.ports import Clock
from marketbel_runtime.doctor.attempt import Attempts
from marketbel_runtime.doctor.clocks import compare_clocks
from marketbel_runtime.doctor.findings import Finding, State, skipped
from marketbel_runtime.doctor.names import DATABASE_NAMES

__all__ = ["look_at_database"]

_DATABASE, _MIGRATIONS, _CLOCK = DATABASE_NAMES
_CURE: Final = "check DATABASE_URL, and that the server runs and lets this user in"
_VERSION_MIN: Final = 130_000
"""The schema uses `gen_random_uuid()`, which is built in from 13 on."""


async def look_at_database(url: str, *, clock: Clock, attempts: Attempts) -> list[Finding]:
    """Return what is found at `url`: one finding for each of `DATABASE_NAMES`."""
    try:
        engine = postgres.create_engine(url, pool_size=len(DATABASE_NAMES), max_overflow=0)
    except postgres.DatabaseUrlError as error:
        wrong = Finding(
            name=_DATABASE,
            state=State.ERROR,
            message=str(error),
            cure="write DATABASE_URL as postgresql://user:password@host:5432/name",
        )
        return [wrong, *skipped(DATABASE_NAMES[1:], "DATABASE_URL cannot be read")]
    try:
        version = await attempts.look(_DATABASE, lambda: _version(engine), cure=_CURE)
        if isinstance(version, Finding):
            return [version, *skipped(DATABASE_NAMES[1:], "the database was not reached")]
        return list(
            await asyncio.gather(
                attempts.look(_DATABASE, lambda: _suits(engine, version), cure=_CURE),
                attempts.look(_MIGRATIONS, lambda: _migrated(engine), cure=_CURE),
                attempts.look(_CLOCK, lambda: _clock(engine, clock), cure=_CURE),
            )
        )
    finally:
        await engine.dispose()


async def _version(engine: AsyncEngine) -> tuple[int, str]:
    with translated():
        async with engine.connect() as connection:
            number = await connection.scalar(
                text("SELECT current_setting('server_version_num')::int")
            )
            name = await connection.scalar(text("SHOW server_version"))
    return int(number or 0), str(name)


async def _suits(engine: AsyncEngine, version: tuple[int, str]) -> Finding:
    number, name = version
    if number < _VERSION_MIN:
        return Finding(
            name=_DATABASE,
            state=State.ERROR,
            message=f"PostgreSQL {name} is too old",
            cure="use PostgreSQL 13 or later; 16 or later is best",
        )
    try:
        with translated():
            await postgres.check_database(engine)
    except postgres.DatabaseUnsuitableError as error:
        message, _, cure = str(error).partition("; ")
        return Finding(name=_DATABASE, state=State.ERROR, message=message, cure=cure)
    return Finding(
        name=_DATABASE,
        state=State.OK,
        message=f"PostgreSQL {name} answers; text is UTF-8 and Cyrillic is folded",
    )


async def _migrated(engine: AsyncEngine) -> Finding:
    try:
        with translated():
            await postgres.check_migrated(engine)
            async with engine.connect() as connection:
                parts = await connection.run_sync(find_optional_parts)
    except postgres.DatabaseNotMigratedError as error:
        message, _, cure = str(error).partition(": ")
        return Finding(name=_MIGRATIONS, state=State.ERROR, message=message, cure=cure)
    waiting = parts.waiting()
    if waiting:
        return Finding(
            name=_MIGRATIONS,
            state=State.WARNING,
            message=f"the schema is the newest; {'; '.join(waiting)}",
            cure="run `marketbel migrate` again when that is there",
        )
    return Finding(name=_MIGRATIONS, state=State.OK, message="the schema is the newest")


async def _clock(engine: AsyncEngine, clock: Clock) -> Finding:
    with translated():
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))  # connecting is not to be measured

            async def ask() -> datetime:
                answer: datetime = (
                    await connection.execute(text("SELECT clock_timestamp()"))
                ).scalar_one()
                return answer

            return await compare_clocks(_CLOCK, whose="the database's clock", ask=ask, clock=clock)
