"""What all suites share: servers, databases of their own, hypothesis profiles, no network in unit.

Servers are embedded unless `DATABASE_URL` or `REDIS_URL` names one; they start with the first test
that asks. Everything a test gets from here is its own, and gone afterwards.
"""

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import settings
from pytest_socket import disable_socket, enable_socket

from marketbel_adapters.embedded import Services, empty_redis_db, own_database
from marketbel_adapters.embedded import services as open_services

pytest.register_assert_rewrite("marketbel_adapters.testing")

_HERE = Path(__file__).parent

settings.register_profile("dev", max_examples=25, deadline=None)
settings.register_profile("ci", max_examples=200, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.hookimpl(tryfirst=True)  # before the fixtures of the test are made
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Close the network to the unit tests; an event loop's own pair of Unix sockets stays open."""
    if item.path.is_relative_to(_HERE / "unit"):
        disable_socket(allow_unix_socket=True)


def pytest_runtest_teardown() -> None:
    """Open the network again for whatever runs next."""
    enable_socket()


@pytest.fixture(scope="session")
def services() -> Iterator[Services]:
    """PostgreSQL and Redis for the whole run."""
    with open_services(
        database_url=os.environ.get("DATABASE_URL"), redis_url=os.environ.get("REDIS_URL")
    ) as opened:
        yield opened


@pytest.fixture(scope="session")
def postgres_admin_url(services: Services) -> str:
    """A URL on which a test may create databases. Nothing is kept in the database it names."""
    return services.database_url


@pytest.fixture
def database_url(postgres_admin_url: str) -> Iterator[str]:
    """An empty UTF-8 database."""
    with own_database(postgres_admin_url) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_template(postgres_admin_url: str) -> Iterator[str]:
    """The name of a database with the whole schema and no rows, to be copied and not used."""
    from marketbel_adapters.postgres.migrate import migrate  # noqa: PLC0415 - slow to import

    with own_database(postgres_admin_url) as url, ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(asyncio.run, migrate(url)).result()
        yield url.partition("?")[0].rpartition("/")[2]


@pytest.fixture
def migrated_database_url(postgres_admin_url: str, migrated_template: str) -> Iterator[str]:
    """A database with the whole schema and no rows."""
    with own_database(postgres_admin_url, template=migrated_template) as url:
        yield url


@pytest.fixture
def redis_url(services: Services) -> str:
    """An empty Redis database (on a server of others it holds our claim, one key)."""
    empty_redis_db(services.redis_url)
    return services.redis_url


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of files that are not part of the project; `MARKETBEL_SHARED` names it."""
    folder = Path(os.environ.get("MARKETBEL_SHARED", _HERE.parent.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent; MARKETBEL_SHARED may name another folder")
    return folder
