"""Every catalogue keeps the promises of the port, and agrees with a model beside it."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy.ext.asyncio import AsyncEngine

from marketbel_adapters.embedded import own_database
from marketbel_adapters.memory.catalog import MemoryCatalog
from marketbel_adapters.postgres.catalog import PostgresCatalog
from marketbel_adapters.postgres.url import create_engine
from marketbel_adapters.testing.catalog import CatalogContract
from marketbel_adapters.testing.catalog_machine import CatalogMachine
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


def test_the_memory_catalogue_agrees_with_the_model() -> None:
    @asynccontextmanager
    async def in_memory() -> AsyncGenerator[tuple[Catalog, CatalogPeek]]:
        catalog = MemoryCatalog()
        yield catalog, MemoryPeek(catalog)

    class Machine(CatalogMachine):
        def __init__(self) -> None:
            super().__init__(in_memory)

    run_state_machine_as_test(Machine, settings=settings(stateful_step_count=50))


@pytest.mark.postgres
def test_the_catalogue_in_postgres_agrees_with_the_model(catalog_database_url: str) -> None:
    @asynccontextmanager
    async def in_postgres() -> AsyncGenerator[tuple[Catalog, CatalogPeek]]:
        engine = create_engine(catalog_database_url)
        peek = PostgresPeek(engine)
        await peek.empty()
        yield PostgresCatalog(engine), peek
        await engine.dispose()

    class Machine(CatalogMachine):
        def __init__(self) -> None:
            super().__init__(in_postgres)

    few = settings(max_examples=10, stateful_step_count=20)
    run_state_machine_as_test(Machine, settings=few)
