"""The contract of the port `Catalog`, to be held by every adapter of it.

    class TestMyCatalog(CatalogContract):
        @pytest.fixture
        async def catalog(self) -> AsyncIterator[Catalog]: ...  # an empty one

        @pytest.fixture
        def peek(self, catalog: Catalog) -> CatalogPeek: ...  # reads past the adapter

The tests are coroutines: run them with pytest-asyncio in its mode `auto`. The random half of the
contract is `CatalogMachine`, in `marketbel_adapters.testing.catalog_machine`.
"""

import pytest

from marketbel_adapters.testing.catalog_enrichments import EnrichmentsContract
from marketbel_adapters.testing.catalog_imports import (
    ImportRecordsContract,
    ImportsContract,
)
from marketbel_adapters.testing.catalog_items import ItemsContract, UnstorableRowsContract
from marketbel_adapters.testing.catalog_keys import KeysContract
from marketbel_adapters.testing.catalog_matches import MatchesContract, WaitingItemsContract
from marketbel_adapters.testing.catalog_peek import CatalogPeek
from marketbel_adapters.testing.catalog_products import AggregatesContract, ProductsContract
from marketbel_adapters.testing.catalog_reviews import (
    LinksContract,
    ReviewsContract,
    VerdictsContract,
)
from marketbel_adapters.testing.catalog_row_log import RowLogContract
from marketbel_adapters.testing.catalog_suppliers import SuppliersContract, UnitContract
from marketbel_adapters.testing.catalog_sync import (
    AmendedSuppliersContract,
    OutboxContract,
    SyncRunsContract,
)
from marketbel_adapters.testing.catalog_undo import ImportUndoContract
from marketbel_core.ports import Catalog

__all__ = ["CatalogContract", "CatalogPeek"]


class CatalogContract(
    UnitContract,
    SuppliersContract,
    ItemsContract,
    UnstorableRowsContract,
    WaitingItemsContract,
    MatchesContract,
    KeysContract,
    ProductsContract,
    AggregatesContract,
    RowLogContract,
    ImportsContract,
    ImportRecordsContract,
    ImportUndoContract,
    ReviewsContract,
    VerdictsContract,
    LinksContract,
    EnrichmentsContract,
    AmendedSuppliersContract,
    OutboxContract,
    SyncRunsContract,
):
    """All promises of a catalogue, by subject.

    A subclass provides two fixtures: `catalog`, empty, and `peek`, which reads what is stored
    without the adapter under test.
    """

    @pytest.fixture
    def catalog(self) -> Catalog:
        """An empty catalogue: the subclass overrides this."""
        raise TypeError(f"{type(self).__name__} must override the fixture `catalog`")

    @pytest.fixture
    def peek(self) -> CatalogPeek:
        """The raw reads of the same store: the subclass overrides this."""
        raise TypeError(f"{type(self).__name__} must override the fixture `peek`")
