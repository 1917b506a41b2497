"""The catalogue in PostgreSQL: a unit of work is one connection and one transaction."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine

from marketbel_adapters.postgres.enrichments import PostgresEnrichments
from marketbel_adapters.postgres.imports import PostgresImports
from marketbel_adapters.postgres.items import PostgresSupplierItems
from marketbel_adapters.postgres.keys import PostgresCategories, PostgresKeys
from marketbel_adapters.postgres.products import PostgresProducts
from marketbel_adapters.postgres.reviews import PostgresReviews
from marketbel_adapters.postgres.row_log import PostgresRowLog
from marketbel_adapters.postgres.suppliers import PostgresSuppliers
from marketbel_adapters.postgres.sync import PostgresOutbox, PostgresSyncRuns
from marketbel_adapters.postgres.transaction import Transaction, transaction_on
from marketbel_adapters.postgres.verdicts import PostgresLinks, PostgresVerdicts
from marketbel_core.ports import Catalog, CatalogUnit

__all__ = ["PostgresCatalog", "PostgresCatalogUnit"]


class PostgresCatalogUnit(CatalogUnit):
    """One transaction's view of the catalogue."""

    def __init__(self, transaction: Transaction) -> None:
        self._suppliers = PostgresSuppliers(transaction)
        self._items = PostgresSupplierItems(transaction)
        self._products = PostgresProducts(transaction)
        self._imports = PostgresImports(transaction)
        self._log = PostgresRowLog(transaction)
        self._categories = PostgresCategories(transaction)
        self._keys = PostgresKeys(transaction)
        self._reviews = PostgresReviews(transaction)
        self._verdicts = PostgresVerdicts(transaction)
        self._links = PostgresLinks(transaction)
        self._enrichments = PostgresEnrichments(transaction)
        self._outbox = PostgresOutbox(transaction)
        self._syncs = PostgresSyncRuns(transaction)

    @property
    def suppliers(self) -> PostgresSuppliers:
        return self._suppliers

    @property
    def items(self) -> PostgresSupplierItems:
        return self._items

    @property
    def products(self) -> PostgresProducts:
        return self._products

    @property
    def imports(self) -> PostgresImports:
        return self._imports

    @property
    def log(self) -> PostgresRowLog:
        return self._log

    @property
    def categories(self) -> PostgresCategories:
        return self._categories

    @property
    def keys(self) -> PostgresKeys:
        return self._keys

    @property
    def reviews(self) -> PostgresReviews:
        return self._reviews

    @property
    def verdicts(self) -> PostgresVerdicts:
        return self._verdicts

    @property
    def links(self) -> PostgresLinks:
        return self._links

    @property
    def enrichments(self) -> PostgresEnrichments:
        return self._enrichments

    @property
    def outbox(self) -> PostgresOutbox:
        return self._outbox

    @property
    def syncs(self) -> PostgresSyncRuns:
        return self._syncs


class PostgresCatalog(Catalog):
    """Keeps the catalogue in the tables that we share with the neighbours, and in our own.

    Units see what others have committed, statement by statement (READ COMMITTED): whoever reads
    before writing locks first. The engine belongs to the caller, who disposes of it.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(isolation_level="READ COMMITTED")

    @asynccontextmanager
    async def unit(self) -> AsyncGenerator[CatalogUnit]:
        async with transaction_on(self._engine) as transaction:
            yield PostgresCatalogUnit(transaction)
