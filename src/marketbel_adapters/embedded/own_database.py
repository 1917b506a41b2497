"""A PostgreSQL database of our own on a server that somebody else may use too.

Works on PostgreSQL 13 and later.
"""

import asyncio
import secrets
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from marketbel_adapters.embedded.errors import AdminUrlError, ExtraMissingError

if TYPE_CHECKING:
    import asyncpg

__all__ = ["create_database", "own_database"]

_SCHEMES: Final = ("postgresql", "postgres", "postgresql+asyncpg")
_CONNECT_SECONDS_MAX: Final = 10.0
_COMMAND_SECONDS_MAX: Final = 60.0
_BUILTIN_PROVIDER_SINCE: Final = 17
_PROVIDER_SINCE: Final = 15
_STRATEGY_SINCE: Final = 15
# What SQLAlchemy takes out of a URL before the driver sees it.
_SQLALCHEMY_ONLY: Final = frozenset(
    {"async_fallback", "prepared_statement_cache_size", "prepared_statement_name_func"}
)


@contextmanager
def own_database(admin_url: str, *, template: str | None = None) -> Iterator[str]:
    """Create a database with a new name, yield its URL, drop it at the end with whoever is in it.

    The text is UTF-8 and folds Cyrillic unless a template says otherwise.

    Args:
        admin_url: Its role may create databases. All but the database's name is taken over.
        template: A database of the same server to copy; nobody may be connected to it.

    Raises:
        AdminUrlError: the URL is none of PostgreSQL's, nobody answers, or the server refuses.
        ExtraMissingError: the driver is not installed.
    """
    name = f"marketbel_{secrets.token_hex(6)}"
    with ExitStack() as undo:
        # Before it is made: Ctrl-C may come when the server has made it and we do not know yet.
        undo.callback(_drop, admin_url, name)
        try:
            url = create_database(admin_url, name, template=template)
        except (AdminUrlError, ExtraMissingError):
            undo.pop_all()  # nothing was made, and whoever refused once is not asked again
            raise
        yield url


def create_database(admin_url: str, name: str, *, template: str | None = None) -> str:
    """Create the database `name` unless it exists, and return its URL.

    Raises:
        AdminUrlError: as for `own_database`.
        ExtraMissingError: the driver is not installed.
    """
    _run(_create(admin_url, name, template=template))
    return _with_database(admin_url, name)


async def _create(admin_url: str, name: str, *, template: str | None) -> None:
    async with _Admin(admin_url) as connection:
        if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            return
        version = connection.get_server_version().major
        await _first_accepted(connection, _creations(name, template=template, version=version))


def _drop(admin_url: str, name: str) -> None:
    _run(_execute_one_of(admin_url, [f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)']))


async def _execute_one_of(admin_url: str, statements: list[str]) -> None:
    async with _Admin(admin_url) as connection:
        await _first_accepted(connection, statements)


def _creations(name: str, *, template: str | None, version: int) -> list[str]:
    """Return the statements to try in this order on a server of this major version."""
    if template is not None:
        # Copying files takes half the time of writing every page to the log as well.
        strategy = " STRATEGY FILE_COPY" if version >= _STRATEGY_SINCE else ""
        return [f'CREATE DATABASE "{name}" TEMPLATE "{template}"{strategy}']
    start = f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8'"
    libc = "LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'"
    if version >= _PROVIDER_SINCE:
        libc = f"LOCALE_PROVIDER libc {libc}"
    if version < _BUILTIN_PROVIDER_SINCE:
        return [f"{start} {libc}"]
    builtin = "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"
    # Trigrams go by LC_CTYPE, whatever the provider is.
    return [f"{start} {builtin} LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'", f"{start} {libc}"]


async def _first_accepted(connection: "asyncpg.Connection", statements: list[str]) -> None:
    from asyncpg import PostgresError  # noqa: PLC0415 - comes with the extra

    refusals: list[PostgresError] = []
    for statement in statements:
        try:
            await connection.execute(statement)
        except PostgresError as error:
            refusals.append(error)
        else:
            return
    raise AdminUrlError(f"PostgreSQL refuses `{statements[0]}`: {refusals[0]}") from refusals[0]


class _Admin:
    """One connection through an administrator's URL, closed at the end."""

    def __init__(self, admin_url: str) -> None:
        self._admin_url = admin_url

    async def __aenter__(self) -> "asyncpg.Connection":
        try:
            import asyncpg  # noqa: PLC0415 - comes with the extra
        except ImportError as error:
            raise ExtraMissingError(package="asyncpg", extra="postgres") from error
        try:
            self._connection = await asyncpg.connect(
                _driver_url(self._admin_url),
                timeout=_CONNECT_SECONDS_MAX,
                command_timeout=_COMMAND_SECONDS_MAX,
            )
        except ValueError:
            # What was thrown may quote a piece of the password, so it is not kept.
            raise AdminUrlError("DATABASE_URL cannot be read as a URL of PostgreSQL") from None
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise AdminUrlError(f"cannot connect through DATABASE_URL: {error}") from error
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close(timeout=_CONNECT_SECONDS_MAX)


def _run[T](work: Coroutine[object, object, T]) -> T:
    """Run `work` to its end in a thread of its own: the caller may, or may not, have a loop."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, work).result()


def _with_database(admin_url: str, name: str) -> str:
    parts = urlsplit(admin_url)
    rest = [pair for pair in parse_qsl(parts.query) if pair[0] not in {"dbname", "database"}]
    query = urlencode(rest, safe="/", quote_via=quote)
    return _unsplit(parts.scheme, parts.netloc, f"/{name}", query)


def _driver_url(admin_url: str) -> str:
    """Return `admin_url` as the driver spells it."""
    parts = urlsplit(admin_url)
    if parts.scheme not in _SCHEMES:
        raise AdminUrlError(
            f"DATABASE_URL must start with one of {', '.join(f'{name}://' for name in _SCHEMES)}"
        )
    rest = [
        ("sslmode" if key == "ssl" else key, text)
        for key, text in parse_qsl(parts.query)
        if key not in _SQLALCHEMY_ONLY
    ]
    query = urlencode(rest, safe="/", quote_via=quote)
    return _unsplit("postgresql", parts.netloc, parts.path, query)


def _unsplit(scheme: str, netloc: str, path: str, query: str) -> str:
    # The two slashes are needed also where nothing stands between them and the path.
    return f"{scheme}://{netloc}{urlunsplit(('', '', path, query, ''))}"
