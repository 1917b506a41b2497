"""What every catalogue keeps of keys and categories, and who may found drafts."""

from marketbel_adapters.testing.builders import fresh_id
from marketbel_adapters.testing.catalog_peek import CatalogPeek
from marketbel_adapters.testing.catalog_steps import (
    a_priced_row,
    claimed,
    drafted,
    linked,
    merged,
    recorded,
    stored_product,
    stored_supplier,
)
from marketbel_core.catalog import Category, MatchStatus, Money, SupplierItem
from marketbel_core.ids import CategoryId, SupplierItemId
from marketbel_core.matching import Columns, ItemKeys, SharedKeys
from marketbel_core.ports import Catalog

__all__ = ["KeysContract"]


async def _items(catalog: Catalog, *skus: str) -> list[SupplierItem]:
    """Store a supplier with these items; return them by sku."""
    supplier = await stored_supplier(catalog)
    await merged(catalog, supplier.id, *(a_priced_row(sku, "1.00") for sku in skus))
    return sorted(await claimed(catalog, supplier.id), key=lambda item: item.sku)


def _keys(item: SupplierItem, *, name: str = "", code: str = "", gtin: str = "") -> ItemKeys:
    return ItemKeys(
        item_id=item.id,
        supplier_id=item.supplier_id,
        name=name or f"name of {item.id}",
        vendor_code=code,
        gtin=gtin,
    )


async def _kept(catalog: Catalog, *keys: ItemKeys) -> None:
    async with catalog.unit() as unit:
        await unit.keys.record(keys)


async def _shared(catalog: Catalog, *keys: ItemKeys) -> dict[SupplierItemId, SharedKeys]:
    async with catalog.unit() as unit:
        return await unit.keys.shared(keys)


class KeysContract:
    """Linked items lend their products to items that share a key with them."""

    async def test_codes_are_shared_by_all_and_names_within_a_supplier(
        self, catalog: Catalog
    ) -> None:
        mine, twin = await _items(catalog, "a", "b")
        [theirs] = await _items(catalog, "c")
        product = await stored_product(catalog)
        await _kept(catalog, _keys(mine, name="насос ✓", code="gsb13", gtin="04600682000013"))
        await recorded(catalog, linked(mine, product))
        by_code = SharedKeys(by_code=frozenset({product.id}))
        by_name = SharedKeys(by_name=frozenset({product.id}))

        assert await _shared(catalog, _keys(theirs, gtin="04600682000013")) == {theirs.id: by_code}
        assert await _shared(catalog, _keys(theirs, code="gsb13")) == {theirs.id: by_code}
        assert await _shared(catalog, _keys(twin, name="насос ✓")) == {twin.id: by_name}
        assert await _shared(catalog, _keys(theirs, name="насос ✓")) == {}
        assert await _shared(catalog, _keys(theirs, code="gsb14", gtin="1")) == {}

    async def test_an_item_shares_nothing_with_itself_nor_with_one_that_is_not_linked(
        self, catalog: Catalog
    ) -> None:
        mine, twin = await _items(catalog, "a", "b")
        await _kept(catalog, _keys(mine, code="gsb13"), _keys(twin, code="gsb13"))
        await recorded(catalog, linked(mine, await stored_product(catalog)))

        assert await _shared(catalog, _keys(mine, code="gsb13")) == {}
        assert set(await _shared(catalog, _keys(twin, code="gsb13"))) == {twin.id}

    async def test_links_are_those_of_now_and_keys_those_kept_last(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        mine, twin = await _items(catalog, "a", "b")
        first, second = await stored_product(catalog), await stored_product(catalog)
        await _kept(catalog, _keys(mine, code="old1"))
        await _kept(catalog, _keys(mine, code="gsb13"))
        await recorded(catalog, linked(mine, first))

        await peek.set_match(mine.id, MatchStatus.AUTO_MATCHED, second.id)

        assert await _shared(catalog, _keys(twin, code="old1")) == {}
        found = await _shared(catalog, _keys(twin, code="gsb13"))
        assert found[twin.id].by_code == {second.id}

    async def test_keys_of_items_that_are_gone_are_none(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        mine, twin = await _items(catalog, "a", "b")
        await recorded(catalog, linked(mine, await stored_product(catalog)))
        await peek.delete_item(mine.id)

        await _kept(catalog, _keys(mine, code="gsb13"))

        assert await _shared(catalog, _keys(twin, code="gsb13")) == {}

    async def test_offers_say_what_their_columns_say_each_line_once(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        items = await _items(catalog, "a", "b", "c")
        product, bare = await stored_product(catalog), await stored_product(catalog)
        said = {"brand": "Bosch", "vendor_code": "GSB 13", "barcode": 46}
        await peek.edit(items[0].id, name="x", characteristics=said)
        await peek.edit(items[1].id, name="y", characteristics=said)
        await peek.edit(items[2].id, name="z", characteristics={"brand": ["no", "text"]})
        await recorded(catalog, *(linked(item, product) for item in items))

        async with catalog.unit() as unit:
            found = await unit.keys.offers([product.id, bare.id])

        price = Money(items[0].price.amount)
        assert set(found) == {product.id}
        assert sorted(found[product.id], key=lambda one: one.brand) == [
            Columns(price=price),
            Columns(brand="Bosch", vendor_code="GSB 13", barcode="46", price=price),
        ]

    async def test_categories_are_told(self, catalog: Catalog, peek: CatalogPeek) -> None:
        tools = Category(id=CategoryId(fresh_id()), name="Инструмент")
        drills = Category(id=CategoryId(fresh_id()), name="Дрели", parent_id=tools.id)
        await peek.categorise(tools)
        await peek.categorise(drills)

        async with catalog.unit() as unit:
            assert await unit.categories.all() == [tools, drills]

    async def test_who_founds_drafts_is_told_of_those_founded_since(
        self, catalog: Catalog
    ) -> None:
        first, second, third = await _items(catalog, "a", "b", "c")
        await recorded(catalog, drafted(first))
        async with catalog.unit() as unit:
            position = await unit.products.founded()
        outcomes = [drafted(second), drafted(third)]
        await recorded(catalog, *outcomes)

        async with catalog.unit() as unit:
            later = await unit.products.found_alone(since=position)
            none = await unit.products.found_alone(since=later.position)

        assert {one.id for one in later.products} == {one.product.id for one in outcomes}
        assert {one.drafted_for for one in later.products} == {first.supplier_id}
        assert (list(none.products), none.position) == ([], later.position)
