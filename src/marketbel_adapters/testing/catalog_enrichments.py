"""What every catalogue does with facts that are added to items."""

from decimal import Decimal

from marketbel_adapters.testing.builders import a_row, fresh_id
from marketbel_adapters.testing.catalog_imports import an_import
from marketbel_adapters.testing.catalog_peek import CatalogPeek
from marketbel_adapters.testing.catalog_steps import LATER, claimed, merged, stored_supplier
from marketbel_core.ids import ImportId, SupplierId, SupplierItemId
from marketbel_core.intake.plan import ImportFigures, MissingPolicy
from marketbel_core.intake.rows import AcceptedRow
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

    async def test_a_list_that_says_the_same_is_unchanged_whatever_was_added(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier, row = await stored_supplier(catalog), a_row(sku="a", characteristics=_SAID)
        await merged(catalog, supplier.id, row)
        before = await _version(catalog, supplier.id)
        await _enriched(catalog, supplier.id)

        figures = await merged(catalog, supplier.id, row, at=LATER)

        assert figures == ImportFigures(unchanged=1)
        assert await _version(catalog, supplier.id) == before
        stored = (await peek.items(supplier.id))["a"].characteristics
        assert stored == {**_SAID, **_ADDED}

    async def test_a_list_that_says_something_else_takes_away_what_was_added(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier = await stored_supplier(catalog)
        await merged(catalog, supplier.id, a_row(sku="a", characteristics=_SAID))
        await _enriched(catalog, supplier.id)

        for said in ({**_SAID, "colour": "red"}, {"in_stock": True, "voltage": 110}):
            row = a_row(sku="a", characteristics=said)
            assert await merged(catalog, supplier.id, row) == ImportFigures(updated=1)
            assert (await peek.items(supplier.id))["a"].characteristics == said

    async def test_an_undo_takes_back_items_to_which_facts_were_added_since(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier = await stored_supplier(catalog)
        await merged(catalog, supplier.id, a_row(sku="a", characteristics={"in_stock": False}))
        rows = [a_row(sku=sku, characteristics=_SAID) for sku in ("a", "new")]
        import_id = await _imported(catalog, supplier.id, *rows)
        await _enriched(catalog, supplier.id)

        async with catalog.unit() as unit:
            outcome = await unit.imports.undo(import_id, at=LATER)

        assert (outcome.reversed, outcome.kept) == (2, 0)
        items = await peek.items(supplier.id)
        assert {sku: item.characteristics for sku, item in items.items()} == {
            "a": {"in_stock": False}
        }

    async def test_items_that_lack_facts_are_told_page_by_page(self, catalog: Catalog) -> None:
        supplier = await stored_supplier(catalog)
        await merged(catalog, supplier.id, *(a_row(sku=sku) for sku in "abc"))
        items = sorted(await claimed(catalog, supplier.id), key=lambda item: item.id)
        async with catalog.unit() as unit:
            wanted = unit.enrichments.lacking
            page = await wanted(supplier.id, after=None, limit=2)
            rest = await wanted(supplier.id, after=page[-1].id, limit=2)
            await unit.enrichments.record({one.id: _ADDED for one in items}, at=LATER)
            none = await wanted(supplier.id, after=None, limit=9)

        assert [*page, *rest] == items
        assert none == []


_SAID = {"in_stock": True, "voltage": "n/a"}
_ADDED = {"voltage": 220, "power_watts": 750, "_enriched": {"voltage": "n/a", "power_watts": None}}


async def _enriched(catalog: Catalog, supplier_id: SupplierId) -> None:
    async with catalog.unit() as unit:
        items = await unit.enrichments.lacking(supplier_id, after=None, limit=9)
        await unit.enrichments.record({item.id: _ADDED for item in items}, at=LATER)


async def _version(catalog: Catalog, supplier_id: SupplierId) -> str:
    async with catalog.unit() as unit:
        return await (await unit.imports.stage(supplier_id)).version()


async def _imported(catalog: Catalog, supplier_id: SupplierId, *rows: AcceptedRow) -> ImportId:
    record = an_import(supplier_id)
    async with catalog.unit() as unit:
        staged = await unit.imports.stage(supplier_id)
        await staged.add(rows)
        await staged.compare(price_move_max_percent=Decimal(100))
        await unit.imports.note(record)
        await staged.apply(record.id, missing=MissingPolicy.KEEP, at=LATER)
    return record.id
