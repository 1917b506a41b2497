"""The stand-in for ml-analyze on real systems: Postgres behind it, the shared folder beside it."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from datetime import timedelta

from marketbel_adapters.disk import DiskFileStore
from marketbel_adapters.postgres import (
    PostgresCatalog,
    check_database,
    check_migrated,
    create_engine,
)
from marketbel_adapters.sources.rows import LocalRowReader
from marketbel_adapters.system import SystemClock, TimeOrderedIdSource
from marketbel_core.errors import PortError
from marketbel_runtime.ml_standin import create_app, serve
from marketbel_runtime.settings import Settings

__all__ = ["CannotListenError", "run"]


class CannotListenError(PortError):
    """The address is taken, not ours, or not to be used without more rights."""

    code = "ml_standin.cannot_listen"


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
        SettingsError: DATABASE_URL is missing, or UPLOADS_DIR is no folder that can be written.
        PortError: the database cannot be used, or the address cannot be listened at.
        KeyboardInterrupt: Ctrl-C ended it, in order.
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
    uploads = settings.require_uploads_dir()
    engine = create_engine(settings.require_database_url())
    try:
        await check_database(engine)
        await check_migrated(engine)
        app = create_app(
            reader=LocalRowReader(DiskFileStore(uploads)),
            catalog=PostgresCatalog(engine),
            uploads=uploads,
            clock=SystemClock(),
            ids=TimeOrderedIdSource(),
            row_delay=row_delay,
        )
        try:
            await _until_sigterm(serve(app, host=host, port=port, ready=ready))
        except BrokenPipeError:
            raise  # of whoever read the address, not of the network
        except OSError as error:
            reason = (error.strerror or str(error)).partition(" (")[0]  # then the address again
            raise CannotListenError(
                f"cannot listen at {host}, port {port}: {reason}; "
                "end what listens there, or choose another --host or --port"
            ) from error
    finally:
        await engine.dispose()


async def _until_sigterm(service: Coroutine[None, None, None]) -> None:
    """Run `service` until SIGTERM; a cancellation from elsewhere, as by Ctrl-C, is passed on."""
    serving = asyncio.create_task(service)
    stop = asyncio.Event()

    def terminate() -> None:
        stop.set()
        serving.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminate)
    try:
        await serving
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
