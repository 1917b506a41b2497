"""What every catalogue keeps about units of work and suppliers."""

import asyncio

import pytest

from marketbel_adapters.testing.builders import NOW, a_product, a_supplier, fresh_id
from marketbel_adapters.testing.catalog_peek import CatalogPeek
from marketbel_adapters.testing.catalog_steps import (
    a_priced_row,
    claimed,
    drafted,
    merged,
    stored_supplier,
)
from marketbel_core.catalog import SourceType, Supplier
from marketbel_core.errors import RefusedError, SupplierNotFoundError
from marketbel_core.ids import SupplierId
from marketbel_core.ports import Catalog, LogEntry, LogLevel

__all__ = ["SuppliersContract", "UnitContract"]


class UnitContract:
    """All of a unit of work, or nothing."""

    async def test_a_unit_that_ends_well_is_kept(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier = await stored_supplier(catalog)

        async with catalog.unit() as unit:
            await unit.items.merge(supplier.id, [a_priced_row("a", "1.00")], at=NOW)

        assert set(await peek.items(supplier.id)) == {"a"}

    async def test_a_unit_sees_what_it_has_written_itself(self, catalog: Catalog) -> None:
        supplier = a_supplier()

        async with catalog.unit() as unit:
            await unit.suppliers.add(supplier)
            await unit.items.merge(supplier.id, [a_priced_row("a", "1.00")], at=NOW)
            await unit.items.merge(supplier.id, [a_priced_row("b", "1.00")], at=NOW)
            seen = await unit.items.count_unmatched(supplier.id)

        assert seen == 2

    async def test_a_unit_that_raises_leaves_nothing(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier = await stored_supplier(catalog)
        await merged(catalog, supplier.id, a_priced_row("known", "1.00"))
        newcomer = a_supplier()

        with pytest.raises(ZeroDivisionError):
            await _write_everything_and_raise(catalog, supplier, newcomer)

        known = (await peek.items(supplier.id))["known"]
        assert str(known.price) == "1.00"
        assert known.match_status == "unmatched"
        assert len(await peek.prices(supplier.id)) == 1
        assert await peek.products() == {}
        assert await peek.log() == []
        assert len(await claimed(catalog, supplier.id)) == 1
        with pytest.raises(SupplierNotFoundError):
            await _get(catalog, newcomer.id)

    async def test_after_a_unit_that_raised_the_next_one_works(self, catalog: Catalog) -> None:
        supplier = a_supplier()
        with pytest.raises(ZeroDivisionError):
            await _add_and_raise(catalog, supplier)

        async with catalog.unit() as unit:
            await unit.suppliers.add(supplier)

        assert (await _get(catalog, supplier.id)).name == supplier.name


class SuppliersContract:
    """Suppliers are known by their names, case aside."""

    async def test_of_several_suppliers_those_that_are_stored_come_back(
        self, catalog: Catalog
    ) -> None:
        stored = [await stored_supplier(catalog) for _ in range(2)]

        async with catalog.unit() as unit:
            found = await unit.suppliers.get_all([stored[1].id, SupplierId(fresh_id())])
            nobody = await unit.suppliers.get_all([])

        assert found == {stored[1].id: stored[1]}
        assert nobody == {}

    async def test_a_supplier_comes_back_as_it_was_stored(self, catalog: Catalog) -> None:
        metadata = {"source_url": "https://example.com/x", "notes": None, "nested": {"a": [1]}}
        supplier = a_supplier(
            source_type=SourceType.CSV,
            is_active=False,
            use_ml_processing=False,
            metadata=metadata,
        )

        async with catalog.unit() as unit:
            stored = await unit.suppliers.add(supplier)

        assert await _get(catalog, supplier.id) == stored
        assert (stored.name, stored.source_type) == (supplier.name, SourceType.CSV)
        assert (stored.is_active, stored.use_ml_processing) == (False, False)
        kept = {**metadata, "is_active": False, "use_ml_processing": False}
        assert dict(stored.metadata) == kept

    async def test_a_supplier_without_a_wish_has_none(self, catalog: Catalog) -> None:
        stored = await stored_supplier(catalog)

        assert stored.is_active is True
        assert stored.use_ml_processing is None

    async def test_an_unknown_supplier_is_not_found(self, catalog: Catalog) -> None:
        with pytest.raises(SupplierNotFoundError):
            await _get(catalog, SupplierId(fresh_id()))

    async def test_a_supplier_is_found_whatever_the_case_and_the_blanks(
        self, catalog: Catalog
    ) -> None:
        supplier = await stored_supplier(catalog, name="ООО «Ромашка» Ltd")

        async with catalog.unit() as unit:
            assert await unit.suppliers.find("  ооо «РОМАШКА» LTD\t") == supplier
            assert await unit.suppliers.find("ООО «Ромашка»") is None

    async def test_a_name_that_is_known_gives_the_supplier_that_has_it(
        self, catalog: Catalog
    ) -> None:
        first = await stored_supplier(catalog, name="Молоко")

        second = await stored_supplier(catalog, name=" МОЛОКО ", is_active=False)

        assert second == first

    async def test_a_name_is_stored_without_the_blanks_around_it(self, catalog: Catalog) -> None:
        assert (await stored_supplier(catalog, name=" Молоко ")).name == "Молоко"

    async def test_two_units_that_add_one_name_at_once_end_with_one_supplier(
        self, catalog: Catalog
    ) -> None:
        async def add(name: str) -> Supplier:
            async with catalog.unit() as unit:
                added = await unit.suppliers.add(a_supplier(name=name))
                await asyncio.sleep(0)  # lets the other unit begin before this one commits
                return added

        first, *others = await asyncio.gather(*(add(name) for name in ("Сыр", "сыр", "СЫР")))

        assert [other.id for other in others] == [first.id, first.id]

    async def test_metadata_that_is_no_json_is_refused(self, catalog: Catalog) -> None:
        with pytest.raises(RefusedError):
            await stored_supplier(catalog, metadata={"ratio": float("nan")})


async def _get(catalog: Catalog, supplier_id: SupplierId) -> Supplier:
    async with catalog.unit() as unit:
        return await unit.suppliers.get(supplier_id)


async def _add_and_raise(catalog: Catalog, supplier: Supplier) -> None:
    async with catalog.unit() as unit:
        await unit.suppliers.add(supplier)
        raise ZeroDivisionError


async def _write_everything_and_raise(
    catalog: Catalog, supplier: Supplier, newcomer: Supplier
) -> None:
    async with catalog.unit() as unit:
        await unit.suppliers.add(newcomer)
        await unit.products.add([a_product()])
        rows = [a_priced_row("known", "2.00"), a_priced_row("new", "1.00")]
        await unit.items.merge(supplier.id, rows, at=NOW)
        [item] = await unit.items.claim_unmatched(supplier.id, limit=1)
        await unit.items.record_matches([drafted(item)], at=NOW)
        entry = LogEntry(task_id="t", level=LogLevel.INFO, message="m", key="k")
        await unit.log.record([entry], at=NOW)
        raise ZeroDivisionError
