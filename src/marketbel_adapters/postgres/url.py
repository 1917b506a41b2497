"""Database URLs as people write them, turned into what asyncpg wants; no password is printed."""

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from marketbel_core.errors import DomainError

__all__ = ["DatabaseUrlError", "asyncpg_url", "connect_args", "create_engine"]

_SCHEMES: Final = ("postgresql", "postgres", "postgresql+asyncpg")
_PARAMETERS: Final = (
    "host",
    "port",
    "user",
    "password",
    "ssl",
    "sslmode",
    "prepared_statement_cache_size",
)
_UNREADABLE: Final = (
    "the database URL cannot be read; it should look like"
    " postgresql://user:password@host:5432/name (write @ : / in a password as %40 %3A %2F)"
)
_CONNECT_SECONDS_MAX: Final = 10
_CLIENT_CHECK_INTERVAL: Final = timedelta(seconds=5)
_POOL_RECYCLE_SECONDS: Final = 3600  # shorter than the idle limits of usual proxies


class DatabaseUrlError(DomainError, ValueError):
    """A text that should name a PostgreSQL database does not."""

    code = "database.bad_url"


def asyncpg_url(text: str) -> URL:
    """Return `text` as a URL for SQLAlchemy on asyncpg.

    Spellings: `postgresql://`, `postgres://` and `postgresql+asyncpg://`; `?host=/folder` for a
    unix socket; libpq's `sslmode` is passed on as asyncpg's `ssl`, its `user` and `password`
    may stand among the parameters.

    Raises:
        DatabaseUrlError: another scheme, an unknown parameter, or no URL at all. The message
            never repeats user, password or host.
    """
    try:
        url = make_url(text.strip())
    except (ArgumentError, ValueError):
        # The original error may quote a piece of the password, so it is not kept.
        raise DatabaseUrlError(_UNREADABLE) from None
    if "@" in (url.host or ""):  # the rest of a password that was not quoted
        raise DatabaseUrlError(_UNREADABLE)
    if url.drivername not in _SCHEMES:
        known = ", ".join(f"{scheme}://" for scheme in _SCHEMES)
        raise DatabaseUrlError(
            f"the database URL starts with {url.drivername}://, expected one of {known}"
        )
    unknown = sorted(set(url.query) - set(_PARAMETERS))
    if unknown:
        raise DatabaseUrlError(
            f"unknown parameter in the database URL: {', '.join(unknown)}"
            f" (known: {', '.join(_PARAMETERS)})"
        )
    query = {("ssl" if key == "sslmode" else key): value for key, value in url.query.items()}
    user, password = query.pop("user", ""), query.pop("password", "")
    return URL.create(
        "postgresql+asyncpg",
        username=url.username or str(user) or None,
        password=url.password or str(password) or None,
        host=url.host or None,
        port=url.port,
        database=url.database or None,
        query=query,
    )


def connect_args(*, application_name: str = "marketbel") -> dict[str, Any]:
    """Return asyncpg's arguments for a connection that names itself and does not wait forever."""
    return {
        "timeout": _CONNECT_SECONDS_MAX,
        "server_settings": {"application_name": application_name},
    }


def create_engine(
    url: str | URL,
    *,
    pool_size: int = 20,
    max_overflow: int = 10,
    idle_in_transaction_max: timedelta | None = None,
    client_check_interval: timedelta = _CLIENT_CHECK_INTERVAL,
) -> AsyncEngine:
    """Return an engine for `url`; nothing is opened before the first use.

    Args:
        pool_size: Connections kept open.
        max_overflow: Connections opened above that under load, closed after use.
        idle_in_transaction_max: The server rolls back a transaction whose client says nothing for
            so long, and closes its connection: a frozen or cut off process must not keep its
            locks. `None` leaves it to the server's own setting.
        client_check_interval: How often the server looks, while a statement runs or waits for a
            lock, whether its client is still there: that of a killed process is ended, and its
            transaction rolled back, and not only when the statement is through.

    Raises:
        DatabaseUrlError: see `asyncpg_url`.
    """
    arguments = connect_args()
    arguments["server_settings"]["client_connection_check_interval"] = str(
        client_check_interval // timedelta(milliseconds=1)
    )
    if idle_in_transaction_max is not None:
        milliseconds = idle_in_transaction_max // timedelta(milliseconds=1)
        arguments["server_settings"]["idle_in_transaction_session_timeout"] = str(milliseconds)
    return create_async_engine(
        asyncpg_url(url) if isinstance(url, str) else url,
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_recycle=_POOL_RECYCLE_SECONDS,
        pool_pre_ping=True,
        connect_args=arguments,
    )
