"""PostgreSQL and Redis for one run: embedded, or room of our own on servers that already run."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from marketbel_adapters.embedded.own_database import create_database, own_database
from marketbel_adapters.embedded.own_redis_db import own_redis_db
from marketbel_adapters.embedded.postgres import embedded_postgres
from marketbel_adapters.embedded.valkey import embedded_valkey

__all__ = ["Services", "services"]

_DATABASE: Final = "marketbel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What a run may use as its own.

    Attributes:
        database_url: A PostgreSQL database that is nobody else's; its role may create others.
        redis_url: A Redis database that is nobody else's.
        embedded: Which of `postgres` and `valkey` were started for this run.
    """

    database_url: str
    redis_url: str
    embedded: tuple[str, ...]


@contextmanager
def services(
    *,
    database_url: str | None,
    redis_url: str | None,
    folder: Path | None = None,
    durable: bool = False,
) -> Iterator[Services]:
    """Provide both services for the length of the block; from the main thread, before any loop.

    Args:
        database_url: An administrator's URL, on whose server a database of our own is created
            and dropped again; `None`: a server is started.
        redis_url: An administrator's URL, of whose server an empty database number is taken and
            emptied again; `None`: a server is started.
        folder: Where started servers keep their data; `None`: nowhere.
        durable: Whether started servers shall survive a loss of power.

    Raises:
        EmbeddedServerError: a server does not start.
        ExtraMissingError: a package is not installed; the message names the extra.
        AdminUrlError: a server that was named cannot be used.
    """
    with ExitStack() as stack:
        embedded: list[str] = []
        if database_url is None:
            place = folder / "postgres" if folder else None
            server = stack.enter_context(embedded_postgres(place, durable=durable))
            own_database_url = create_database(server.url, _DATABASE)
            embedded.append("postgres")
        else:
            own_database_url = stack.enter_context(own_database(database_url))
        if redis_url is None:
            place = folder / "valkey" if folder else None
            own_redis_url = stack.enter_context(embedded_valkey(place, durable=durable)).url
            embedded.append("valkey")
        else:
            own_redis_url = stack.enter_context(own_redis_db(redis_url))
        yield Services(
            database_url=own_database_url, redis_url=own_redis_url, embedded=tuple(embedded)
        )
