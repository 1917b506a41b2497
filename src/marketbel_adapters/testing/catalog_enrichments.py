"""What every catalogue does with facts that are added to items."""

from marketbel_adapters.testing.builders import a_row, fresh_id
from marketbel_adapters.testing.catalog_peek import CatalogPeek
from marketbel_adapters.testing.catalog_steps import LATER, claimed, merged, stored_supplier
from marketbel_core.ids import SupplierItemId
from marketbel_core.ports import Catalog

__all__ = ["EnrichmentsContract"]


class EnrichmentsContract:
    """Facts are added to characteristics; all else stays as it is."""

    async def test_facts_are_added_to_what_an_item_has(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier = await stored_supplier(catalog)
        row = a_row(sku="a", characteristics={"in_stock": True, "voltage": "n/a"})
        await merged(catalog, supplier.id, row)
        [item] = await claimed(catalog, supplier.id)
        facts = {"voltage": 220, "dimensions_cm": {"length": 1.5, "width": 2.0, "height": 3.0}}

        async with catalog.unit() as unit:
            await unit.enrichments.record({item.id: facts}, at=LATER)

        stored = (await peek.items(supplier.id))["a"]
        assert stored.characteristics == {"in_stock": True, **facts}
        assert (stored.name, stored.last_ingested_at) == (item.name, item.created_at)

    async def test_items_are_opened_by_id_and_those_that_are_gone_are_passed_over(
        self, catalog: Catalog
    ) -> None:
        supplier = await stored_supplier(catalog)
        await merged(catalog, supplier.id, a_row(), a_row())
        items = sorted(await claimed(catalog, supplier.id), key=lambda item: item.id)
        wanted = [item.id for item in reversed(items)]

        async with catalog.unit() as unit:
            assert await unit.enrichments.open([*wanted, SupplierItemId(fresh_id())]) == items
            await unit.enrichments.record({}, at=LATER)
