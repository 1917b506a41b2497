"""The stand-in for ml-analyze on real systems: Postgres behind it, the shared folder beside it."""

import asyncio
import contextlib
import signal
from collections.abc import Callable
from datetime import timedelta

from marketbel_adapters.disk import DiskFileStore
from marketbel_adapters.postgres import PostgresCatalog, check_migrated, create_engine
from marketbel_adapters.sources.rows import LocalRowReader
from marketbel_adapters.system import SystemClock, TimeOrderedIdSource
from marketbel_runtime.ml_standin import create_app, serve
from marketbel_runtime.settings import Settings

__all__ = ["run"]


def run(
    settings: Settings,
    *,
    host: str,
    port: int,
    row_delay: timedelta,
    ready: Callable[[str], None],
) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Args:
        settings: Where the database and the shared folder are.
        host: Address to listen on.
        port: 0 takes a free one.
        row_delay: Time taken for a row.
        ready: Called with the address once it listens.

    Raises:
        SettingsError: DATABASE_URL is missing.
        PortError: the database cannot be used.
    """
    asyncio.run(_run(settings, host=host, port=port, row_delay=row_delay, ready=ready))


async def _run(
    settings: Settings,
    *,
    host: str,
    port: int,
    row_delay: timedelta,
    ready: Callable[[str], None],
) -> None:
    engine = create_engine(settings.require_database_url())
    try:
        await check_migrated(engine)
        app = create_app(
            reader=LocalRowReader(DiskFileStore(settings.uploads_dir)),
            catalog=PostgresCatalog(engine),
            uploads=settings.uploads_dir,
            clock=SystemClock(),
            ids=TimeOrderedIdSource(),
            row_delay=row_delay,
        )
        serving = asyncio.create_task(serve(app, host=host, port=port, ready=ready))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, serving.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await serving
    finally:
        await engine.dispose()
