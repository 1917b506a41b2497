"""The verbs that keep running: the worker, the stand-in for ml-analyze, embedded servers."""

import signal
import threading
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from marketbel_runtime.cli.choices import settings_of
from marketbel_runtime.cli.output import console, write_json

__all__ = ["ml_standin", "up", "worker"]


def worker() -> None:
    """Run the worker: it takes jobs from QUEUE_NAME until it is told to stop."""
    from marketbel_runtime.worker import main  # noqa: PLC0415

    main()


def ml_standin(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535)] = 8001,
    row_delay_ms: Annotated[
        int, typer.Option(help="Time taken for a row, in milliseconds.", min=0, max=60_000)
    ] = 5,
) -> None:
    """Serve ml-analyze's HTTP contract with our own readers: a tool for demos and tests.

    There is no model inside. It reads files below UPLOADS_DIR and writes items to DATABASE_URL.
    The address is written to stdout once it listens.
    """
    from marketbel_runtime.ml_standin_service import run  # noqa: PLC0415

    run(
        settings_of("DATABASE_URL", "UPLOADS_DIR"),
        host=host,
        port=port,
        row_delay=timedelta(milliseconds=row_delay_ms),
        ready=typer.echo,
    )


def up(
    *,
    data: Annotated[
        Path | None, typer.Option(help="Keep the servers' data here; without it nothing is kept.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Start PostgreSQL and Valkey from their wheels, migrate, and keep them up until Ctrl-C."""
    import asyncio  # noqa: PLC0415

    from marketbel_adapters.embedded import services  # noqa: PLC0415
    from marketbel_adapters.postgres import migrate  # noqa: PLC0415

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    if data is not None:
        data.mkdir(parents=True, exist_ok=True)
    with services(database_url=None, redis_url=None, folder=data, durable=data is not None) as up_:
        asyncio.run(migrate(up_.database_url))
        out = console(as_json=as_json)
        out.print(f"export DATABASE_URL='{up_.database_url}'", soft_wrap=True)
        out.print(f"export REDIS_URL='{up_.redis_url}'", soft_wrap=True)
        if as_json:
            write_json({"ok": True, "database_url": up_.database_url, "redis_url": up_.redis_url})
        stop.wait()
