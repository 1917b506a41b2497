"""What a person needs who decides about matches: the database alone."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from dependency_injector import providers

from marketbel_runtime.container import Container
from marketbel_runtime.settings import Settings

__all__ = ["review_desk"]


@asynccontextmanager
async def review_desk(settings: Settings) -> AsyncGenerator[Container]:
    """Yield a container with the catalogue, the clock and ids; decisions need no queue.

    Raises:
        SettingsError: the address of the database is missing.
        PortError: it cannot be reached, or its schema is not the newest.
    """
    from marketbel_adapters import postgres, system  # noqa: PLC0415 - slow to import

    engine = postgres.create_engine(settings.require_database_url())
    try:
        await postgres.check_migrated(engine)
        yield Container(
            settings=providers.Object(settings),
            catalog=providers.Singleton(postgres.PostgresCatalog, engine),
            clock=providers.Singleton(system.SystemClock),
            ids=providers.Singleton(system.TimeOrderedIdSource),
        )
    finally:
        await engine.dispose()
