"""What every catalogue keeps about imports: the merge by sku, the prices, what is refused."""

from dataclasses import replace
from decimal import Decimal

import pytest

from marketbel_adapters.testing.builders import NOW, a_row, fresh_id
from marketbel_adapters.testing.catalog_peek import CatalogPeek
from marketbel_adapters.testing.catalog_steps import (
    LATER,
    a_priced_row,
    claimed,
    linked,
    merged,
    recorded,
    stored_product,
    stored_supplier,
)
from marketbel_core.catalog import (
    RETAIL_PRICE_KEY,
    WHOLESALE_PRICE_KEY,
    MatchStatus,
    Money,
    price_currency_key,
)
from marketbel_core.errors import DomainError, SupplierNotFoundError
from marketbel_core.ids import SupplierId
from marketbel_core.intake.rows import AcceptedRow
from marketbel_core.ports import Catalog, ImportFigures

__all__ = ["ItemsContract", "UnstorableRowsContract"]


class ItemsContract:
    """Items are merged by sku; what people and the matcher decided about them stays."""

    async def test_an_import_tells_what_it_did(self, catalog: Catalog, peek: CatalogPeek) -> None:
        supplier = await stored_supplier(catalog)
        same, dearer = a_priced_row("same", "1.00"), a_priced_row("dearer", "2.00")
        first = await merged(catalog, supplier.id, same, dearer)

        second = await merged(
            catalog,
            supplier.id,
            same,
            a_priced_row("new", "3.00"),
            a_priced_row("dearer", "2.10"),
            a_priced_row("dearer", "2.50"),
            at=LATER,
        )

        assert first == ImportFigures(inserted=2)
        assert second == ImportFigures(inserted=1, updated=1, unchanged=1, merged=1, repriced=1)
        assert second.accepted == 4
        items = await peek.items(supplier.id)
        assert {sku: str(item.price) for sku, item in items.items()} == {
            "same": "1.00",
            "dearer": "2.50",
            "new": "3.00",
        }

    async def test_an_import_of_nothing_changes_nothing(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier = await stored_supplier(catalog)
        await merged(catalog, supplier.id, a_priced_row("a", "1.00"))

        assert await merged(catalog, supplier.id, at=LATER) == ImportFigures()

        assert set(await peek.items(supplier.id)) == {"a"}

    async def test_an_import_repeated_finds_everything_unchanged(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier = await stored_supplier(catalog)
        rows = [
            a_row(price=Money(Decimal("5.00"), "USD"), characteristics={"n": 1.5, "l": [True, 1]}),
            a_row(characteristics={"_price_wholesale": "3.20", "цвет": "красный \\u0000 \\"}),
        ]
        await merged(catalog, supplier.id, *rows)
        before = await peek.items(supplier.id)

        again = await merged(catalog, supplier.id, *rows, at=LATER)

        assert again == ImportFigures(unchanged=2)
        assert await peek.items(supplier.id) == before

    @pytest.mark.parametrize(
        "changes",
        [
            {"name": "another name"},
            {"price": Money(Decimal("9.99"))},
            {"price": Money(Decimal("1.00"), "USD")},
            {"characteristics": {"in_stock": False}},
            {"characteristics": {"in_stock": 1}},
            {"characteristics": {}},
        ],
        ids=str,
    )
    async def test_a_row_that_says_something_new_updates_its_item(
        self, catalog: Catalog, peek: CatalogPeek, changes: dict[str, object]
    ) -> None:
        supplier = await stored_supplier(catalog)
        row = a_priced_row("a", "1.00")
        await merged(catalog, supplier.id, row)
        fields = {"name": row.name, "price": row.price, "characteristics": row.characteristics}
        changed = AcceptedRow(sheet="s", row_number=3, sku="a", **{**fields, **changes})  # type: ignore[arg-type]  # the parameters above are of the right types

        assert await merged(catalog, supplier.id, changed, at=LATER) == ImportFigures(
            updated=1, repriced=int("price" in changes)
        )

        item = (await peek.items(supplier.id))["a"]
        assert (item.name, item.price) == (changed.name, changed.price.amount)
        assert item.last_ingested_at == LATER

    async def test_a_sku_belongs_to_its_supplier(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        first, second = await stored_supplier(catalog), await stored_supplier(catalog)
        await merged(catalog, first.id, a_priced_row("a", "1.00"))

        assert await merged(catalog, second.id, a_priced_row("a", "2.00")) == ImportFigures(
            inserted=1
        )

        assert str((await peek.items(first.id))["a"].price) == "1.00"

    async def test_items_that_a_list_does_not_name_stay(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier = await stored_supplier(catalog)
        await merged(catalog, supplier.id, a_priced_row("a", "1.00"))

        await merged(catalog, supplier.id, a_priced_row("b", "1.00"), at=LATER)

        assert set(await peek.items(supplier.id)) == {"a", "b"}

    async def test_the_price_history_has_the_first_price_and_each_change(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier = await stored_supplier(catalog)
        row = a_priced_row("a", "1.00")
        await merged(catalog, supplier.id, row)
        await merged(catalog, supplier.id, replace(row, name="only the name"), at=LATER)
        await merged(catalog, supplier.id, a_priced_row("a", "2.00"), at=LATER)

        history = await peek.prices(supplier.id)

        assert [(str(line.price), line.recorded_at) for line in history] == [
            ("1.00", NOW),
            ("2.00", LATER),
        ]

    async def test_links_scores_and_verdicts_survive_an_import(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier, product = await stored_supplier(catalog), await stored_product(catalog)
        await merged(catalog, supplier.id, a_priced_row("a", "1.00"), a_priced_row("b", "1.00"))
        first, second = await claimed(catalog, supplier.id)
        await recorded(catalog, linked(first, product))
        await peek.set_match(second.id, MatchStatus.VERIFIED_MATCH, product.id)
        before = await peek.items(supplier.id)

        await merged(
            catalog, supplier.id, a_priced_row("a", "2.00"), a_priced_row("b", "2.00"), at=LATER
        )

        after = await peek.items(supplier.id)
        for sku in ("a", "b"):
            told = replace(after[sku], price=before[sku].price, last_ingested_at=NOW)
            assert told == before[sku]
            assert str(after[sku].price) == "2.00"

    async def test_an_item_comes_back_as_its_row_said(self, catalog: Catalog) -> None:
        supplier = await stored_supplier(catalog)
        row = a_row(
            sku="0123",
            name="Молоко «Простоквашино» 🥛",
            price=Money(Decimal("99999999.99"), "USD"),
            characteristics={"in_stock": True, "вес": 1.5, "ean": "0123", "none": None},
        )
        await merged(catalog, supplier.id, row)

        [item] = await claimed(catalog, supplier.id)

        assert (item.supplier_id, item.sku, item.name) == (supplier.id, "0123", row.name)
        assert item.price == row.price
        assert dict(item.characteristics) == {**row.characteristics, "_currency": "USD"}
        assert (item.match_status, item.product_id) == (MatchStatus.UNMATCHED, None)
        assert item.created_at == NOW

    async def test_a_currency_that_the_price_does_not_have_is_not_kept(
        self, catalog: Catalog
    ) -> None:
        supplier = await stored_supplier(catalog)
        await merged(catalog, supplier.id, a_row(characteristics={"_currency": "USD"}))

        [item] = await claimed(catalog, supplier.id)

        assert item.price.currency == "BYN"
        assert dict(item.characteristics) == {}

    async def test_further_prices_follow_what_the_last_import_said(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier = await stored_supplier(catalog)
        row = a_row(sku="a", price=Money(Decimal("1.00")), characteristics={})
        kinds = {WHOLESALE_PRICE_KEY: "0.90", RETAIL_PRICE_KEY: "1.20"}
        abroad = {**kinds, price_currency_key(WHOLESALE_PRICE_KEY): "USD"}
        columns = []

        for said in (kinds, abroad, {}):
            await merged(catalog, supplier.id, replace(row, characteristics=said))
            item = (await peek.items(supplier.id))["a"]
            columns.append((item.price_opt, item.price_rrc))

        assert columns == [
            (Decimal("0.90"), Decimal("1.20")),
            (None, Decimal("1.20")),
            (None, None),
        ]

    async def test_items_of_a_supplier_that_is_gone_are_not_stored(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier = await stored_supplier(catalog)
        await peek.delete_supplier(supplier.id)

        for supplier_id in (supplier.id, SupplierId(fresh_id())):
            with pytest.raises(SupplierNotFoundError):
                await merged(catalog, supplier_id, a_priced_row("a", "1.00"))


class UnstorableRowsContract:
    """A row that the database would refuse is named, and nothing of its list is stored."""

    @pytest.mark.parametrize(
        "row",
        [
            a_row(row_number=7, sku="s" * 256),
            a_row(row_number=7, sku=""),
            a_row(row_number=7, sku="with\x00zero"),
            a_row(row_number=7, name="n" * 501),
            a_row(row_number=7, name="half a pair \ud83e"),
            a_row(row_number=7, characteristics={"a": float("nan")}),
            a_row(row_number=7, characteristics={"a": [{"b": "\x00"}]}),
            a_row(row_number=7, characteristics={"\x00": 1}),
            a_row(row_number=7, characteristics={"a": Decimal("1.5")}),
        ],
        ids=[
            "long sku",
            "empty sku",
            "U+0000 in the sku",
            "long name",
            "half a character",
            "NaN",
            "U+0000 in a value",
            "U+0000 in a key",
            "no JSON",
        ],
    )
    async def test_a_row_that_cannot_be_stored_is_named(
        self, catalog: Catalog, peek: CatalogPeek, row: AcceptedRow
    ) -> None:
        supplier = await stored_supplier(catalog)

        with pytest.raises(DomainError, match="row 7 "):
            await merged(catalog, supplier.id, a_priced_row("good", "1.00"), row)

        assert await peek.items(supplier.id) == {}

    async def test_the_longest_names_are_stored(self, catalog: Catalog) -> None:
        supplier = await stored_supplier(catalog)
        row = a_row(sku="Щ" * 255, name="🥛" * 500, price=Money(Decimal(0)))

        assert await merged(catalog, supplier.id, row) == ImportFigures(inserted=1)
