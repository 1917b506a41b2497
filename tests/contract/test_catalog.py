"""Every catalogue keeps the promises of the port, and agrees with a model beside it."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from sqlalchemy.ext.asyncio import AsyncEngine

from marketbel_adapters.embedded import own_database
from marketbel_adapters.memory.catalog import MemoryCatalog
from marketbel_adapters.postgres.catalog import PostgresCatalog
from marketbel_adapters.postgres.url import create_engine
from marketbel_adapters.testing.catalog import CatalogContract
from marketbel_adapters.testing.catalog_import_machine import ImportMachine
from marketbel_adapters.testing.catalog_machine import CatalogMachine, OpenCatalog
from marketbel_adapters.testing.catalog_peek import (
    CatalogPeek,
)
from marketbel_core.ports import Catalog
from tests.contract.catalog_peeks import MemoryPeek, PostgresPeek


class TestMemoryCatalog(CatalogContract):
    @pytest.fixture
    def catalog(self) -> MemoryCatalog:
        return MemoryCatalog()

    @pytest.fixture
    def peek(self, catalog: MemoryCatalog) -> MemoryPeek:
        return MemoryPeek(catalog)


@pytest.fixture(scope="module")
def catalog_database_url(postgres_admin_url: str, migrated_template: str) -> Iterator[str]:
    """One database for the suite: emptied for each test, which is faster than a new one."""
    with own_database(postgres_admin_url, template=migrated_template) as url:
        yield url


@pytest.mark.postgres
class TestPostgresCatalog(CatalogContract):
    @pytest.fixture
    async def engine(self, catalog_database_url: str) -> AsyncIterator[AsyncEngine]:
        engine = create_engine(catalog_database_url)
        await PostgresPeek(engine).empty()
        yield engine
        await engine.dispose()

    @pytest.fixture
    def catalog(self, engine: AsyncEngine) -> PostgresCatalog:
        return PostgresCatalog(engine)

    @pytest.fixture
    def peek(self, engine: AsyncEngine) -> PostgresPeek:
        return PostgresPeek(engine)


@asynccontextmanager
async def in_memory() -> AsyncGenerator[tuple[Catalog, CatalogPeek]]:
    catalog = MemoryCatalog()
    yield catalog, MemoryPeek(catalog)


def in_postgres(database_url: str) -> OpenCatalog:
    @asynccontextmanager
    async def opened() -> AsyncGenerator[tuple[Catalog, CatalogPeek]]:
        engine = create_engine(database_url)
        peek = PostgresPeek(engine)
        await peek.empty()
        yield PostgresCatalog(engine), peek
        await engine.dispose()

    return opened


def machines(open_catalog: OpenCatalog) -> list[type[RuleBasedStateMachine]]:
    """Return the random halves of the contract, on catalogues that are opened so."""

    class OfCatalogues(CatalogMachine):
        def __init__(self) -> None:
            super().__init__(open_catalog)

    class OfImports(ImportMachine):
        def __init__(self) -> None:
            super().__init__(open_catalog)

    return [OfCatalogues, OfImports]


@pytest.mark.parametrize("place", [0, 1], ids=["catalogue", "imports"])
def test_the_memory_catalogue_agrees_with_the_model(place: int) -> None:
    many = settings(max_examples=100, stateful_step_count=50 if place == 0 else 20)
    run_state_machine_as_test(machines(in_memory)[place], settings=many)


@pytest.mark.postgres
@pytest.mark.parametrize("place", [0, 1], ids=["catalogue", "imports"])
def test_the_catalogue_in_postgres_agrees_with_the_model(
    place: int, catalog_database_url: str
) -> None:
    few = settings(max_examples=10, stateful_step_count=20)
    run_state_machine_as_test(machines(in_postgres(catalog_database_url))[place], settings=few)
