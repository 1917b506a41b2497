"""The catalogue in dicts: whole units of work or nothing, one at a time."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from marketbel_adapters.memory.catalog_enrichments import MemoryEnrichments
from marketbel_adapters.memory.catalog_imports import MemoryImports
from marketbel_adapters.memory.catalog_items import MemorySupplierItems
from marketbel_adapters.memory.catalog_keys import MemoryCategories, MemoryKeys
from marketbel_adapters.memory.catalog_products import MemoryProducts
from marketbel_adapters.memory.catalog_reviews import MemoryReviews
from marketbel_adapters.memory.catalog_row_log import MemoryRowLog
from marketbel_adapters.memory.catalog_state import (
    PriceRecord,
    State,
    StoredItem,
    StoredLogEntry,
)
from marketbel_adapters.memory.catalog_suppliers import MemorySuppliers
from marketbel_adapters.memory.catalog_sync import MemoryOutbox, MemorySyncRuns
from marketbel_adapters.memory.catalog_verdicts import MemoryLinks, MemoryVerdicts
from marketbel_adapters.memory.environment import CountingIdSource
from marketbel_core.catalog import Category, Product, ProductAggregates, Supplier, SupplierItem
from marketbel_core.ids import ProductId, SupplierItemId
from marketbel_core.matching import ReviewRow
from marketbel_core.ports import Catalog, CatalogUnit, IdSource, Import, LogEntry, OutboxEntry

__all__ = ["MemoryCatalog", "MemoryCatalogUnit"]


class MemoryCatalogUnit(CatalogUnit):
    """One unit of work on a draft of the catalogue."""

    def __init__(self, draft: State, ids: IdSource) -> None:
        self._suppliers = MemorySuppliers(draft)
        self._items = MemorySupplierItems(draft, ids)
        self._products = MemoryProducts(draft)
        self._imports = MemoryImports(draft, ids)
        self._log = MemoryRowLog(draft)
        self._categories = MemoryCategories(draft)
        self._keys = MemoryKeys(draft)
        self._reviews = MemoryReviews(draft)
        self._verdicts = MemoryVerdicts(draft)
        self._links = MemoryLinks(draft)
        self._enrichments = MemoryEnrichments(draft)
        self._outbox = MemoryOutbox(draft)
        self._syncs = MemorySyncRuns(draft)

    @property
    def suppliers(self) -> MemorySuppliers:
        return self._suppliers

    @property
    def items(self) -> MemorySupplierItems:
        return self._items

    @property
    def products(self) -> MemoryProducts:
        return self._products

    @property
    def imports(self) -> MemoryImports:
        return self._imports

    @property
    def log(self) -> MemoryRowLog:
        return self._log

    @property
    def categories(self) -> MemoryCategories:
        return self._categories

    @property
    def keys(self) -> MemoryKeys:
        return self._keys

    @property
    def reviews(self) -> MemoryReviews:
        return self._reviews

    @property
    def verdicts(self) -> MemoryVerdicts:
        return self._verdicts

    @property
    def links(self) -> MemoryLinks:
        return self._links

    @property
    def enrichments(self) -> MemoryEnrichments:
        return self._enrichments

    @property
    def outbox(self) -> MemoryOutbox:
        return self._outbox

    @property
    def syncs(self) -> MemorySyncRuns:
        return self._syncs


class MemoryCatalog(Catalog):
    """Keeps everything in this process; values are frozen, so a shallow copy is a snapshot.

    No kinder than PostgreSQL: a unit that raises leaves nothing, and what the database's
    constraints refuse is refused. Two things differ. Units run one after the other, so that a
    unit opened inside another one of the same task waits for ever; and a product may name a
    category that is not known.
    """

    def __init__(self, *, ids: IdSource | None = None) -> None:
        self._state = State()
        self._ids = ids or CountingIdSource()
        self._one_at_a_time = asyncio.Lock()

    @asynccontextmanager
    async def unit(self) -> AsyncGenerator[CatalogUnit]:
        async with self._one_at_a_time:
            draft = self._state.copy()
            yield MemoryCatalogUnit(draft, self._ids)
            self._state = draft  # reached only when the block raised nothing

    def categorise(self, *categories: Category) -> None:
        """Take categories in, as the admin interface would."""
        self._state.categories |= {category.id: category for category in categories}

    def suppliers(self) -> list[Supplier]:
        """Return the suppliers in the order in which they came."""
        return list(self._state.suppliers.values())

    def items(self) -> list[SupplierItem]:
        """Return every supplier's items in the order in which they came."""
        return [stored.item for stored in self._state.items.values()]

    def stored_items(self) -> list[StoredItem]:
        """Return the items with scores, candidates and the instant of ingestion."""
        return list(self._state.items.values())

    def products(self) -> list[Product]:
        """Return the products, archived ones too, in the order in which they came."""
        return [stored.product for stored in self._state.products.values()]

    def aggregates(self) -> dict[ProductId, ProductAggregates]:
        """Return every product's aggregates; nothing and unavailable before the first write."""
        return {key: stored.aggregates for key, stored in self._state.products.items()}

    def reviews(self) -> dict[SupplierItemId, ReviewRow]:
        """Return the lines of the review queue by item."""
        return dict(self._state.reviews)

    def price_history(self) -> list[PriceRecord]:
        """Return the price history in the order in which it was written."""
        return list(self._state.prices)

    def log(self) -> list[LogEntry]:
        """Return the row log in the order in which it was written."""
        return [stored.entry for stored in self._state.log.values()]

    def stored_log(self) -> list[StoredLogEntry]:
        """Return the row log with the instants of writing."""
        return list(self._state.log.values())

    def imports(self) -> list[Import]:
        """Return what was noted about imports, in the order in which it was."""
        return list(self._state.imports.values())

    def outbox(self) -> list[OutboxEntry]:
        """Return the jobs that are to be started, in the order in which they came."""
        return list(self._state.outbox.values())
