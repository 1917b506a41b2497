"""What every catalogue keeps about products: offers, aggregates, who may be linked to."""

from datetime import timedelta
from decimal import Decimal

import pytest

from marketbel_adapters.testing.builders import NOW, a_product, a_row, fresh_id
from marketbel_adapters.testing.catalog_peek import CatalogPeek
from marketbel_adapters.testing.catalog_steps import (
    LATER,
    a_priced_row,
    claimed,
    doubted,
    drafted,
    linked,
    merged,
    recalculated,
    recorded,
    stored_product,
    stored_supplier,
)
from marketbel_core.catalog import (
    MatchStatus,
    Money,
    Offer,
    Product,
    ProductAggregates,
    ProductStatus,
)
from marketbel_core.errors import UnavailableError
from marketbel_core.ids import ProductId
from marketbel_core.intake.rows import AcceptedRow
from marketbel_core.ports import Catalog

__all__ = ["AggregatesContract", "ProductsContract"]


async def _offered(
    catalog: Catalog, product: Product, row: AcceptedRow, *, is_active: bool = True
) -> None:
    """Link a new supplier's only item to the product."""
    supplier = await stored_supplier(catalog, is_active=is_active)
    await merged(catalog, supplier.id, row)
    [item] = await claimed(catalog, supplier.id)
    await recorded(catalog, linked(item, product))


async def _offers(catalog: Catalog, *product_ids: ProductId) -> list[Offer]:
    async with catalog.unit() as unit:
        return await unit.items.offers_of(product_ids)


class ProductsContract:
    """Products are stored once; which of them an item may be linked to."""

    async def test_a_product_comes_back_as_it_was_stored(self, catalog: Catalog) -> None:
        product = await stored_product(catalog, name="Молоко 3,2 % 🥛", status=ProductStatus.DRAFT)

        async with catalog.unit() as unit:
            assert await unit.products.matchable() == [product]

    async def test_a_product_that_is_stored_already_is_left_as_it_is(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        product = await stored_product(catalog, name="first")

        async with catalog.unit() as unit:
            again = a_product(id=product.id, name="second")
            await unit.products.add([again, a_product(id=again.id, name="third")])

        assert [stored.name for stored in (await peek.products()).values()] == ["first"]

    async def test_an_article_number_that_is_taken_is_a_conflict(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        product = await stored_product(catalog)

        with pytest.raises(UnavailableError):
            await stored_product(catalog, internal_sku=product.internal_sku)

        assert set(await peek.products()) == {product.id}

    async def test_matchable_products_are_not_archived_and_come_oldest_first(
        self, catalog: Catalog
    ) -> None:
        young = await stored_product(catalog, created_at=LATER)
        old = await stored_product(
            catalog, created_at=NOW - timedelta(days=1), status=ProductStatus.DRAFT
        )
        await stored_product(catalog, status=ProductStatus.ARCHIVED)
        twins = [await stored_product(catalog) for _ in range(2)]

        async with catalog.unit() as unit:
            found = await unit.products.matchable()

        assert [product.id for product in found] == [old.id, *(t.id for t in twins), young.id]

    async def test_changes_tell_of_everything_at_first(self, catalog: Catalog) -> None:
        product = await stored_product(catalog)
        await stored_product(catalog, status=ProductStatus.ARCHIVED)

        async with catalog.unit() as unit:
            changes = await unit.products.changes(None)
            ids = await unit.products.matchable_ids()

        assert list(changes.products) == [product]
        assert changes.total == 1
        assert ids == {product.id}

    async def test_changes_tell_of_what_came_since_the_mark(self, catalog: Catalog) -> None:
        await stored_product(catalog, created_at=LATER)
        async with catalog.unit() as unit:
            before = await unit.products.changes(None)
        product = await stored_product(catalog, created_at=NOW - timedelta(days=1))

        async with catalog.unit() as unit:
            changes = await unit.products.changes(before.mark)
            at_last = await unit.products.changes("not a mark")

        assert product in changes.products
        assert changes.total == len(at_last.products) == 2

    async def test_a_draft_tells_whose_item_founded_it(self, catalog: Catalog) -> None:
        supplier = await stored_supplier(catalog)
        await merged(catalog, supplier.id, a_priced_row("a", "1.00"))
        [item] = await claimed(catalog, supplier.id)
        outcome = drafted(item)
        await recorded(catalog, outcome)

        async with catalog.unit() as unit:
            assert await unit.products.matchable() == [outcome.product]

    async def test_locking_returns_the_products_that_exist_sorted(self, catalog: Catalog) -> None:
        products = [await stored_product(catalog) for _ in range(3)]
        ids = [product.id for product in products]
        asked = [*reversed(ids), ProductId(fresh_id()), ids[0]]

        async with catalog.unit() as unit:
            assert await unit.products.lock(asked) == sorted(ids)
            assert await unit.products.lock([]) == []


class AggregatesContract:
    """Offers of linked items, and the figures recomputed from them."""

    async def test_offers_are_linked_items_whoever_linked_them(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        product, other = await stored_product(catalog), await stored_product(catalog)
        supplier = await stored_supplier(catalog)
        prices = {"auto": "1.00", "verified": "2.00", "doubted": "3.00", "by hand": "4.00"}
        await merged(catalog, supplier.id, *(a_priced_row(k, v) for k, v in prices.items()))
        items = {item.sku: item for item in await claimed(catalog, supplier.id)}
        await recorded(catalog, linked(items["auto"], product), doubted(items["doubted"], product))
        await peek.set_match(items["verified"].id, MatchStatus.VERIFIED_MATCH, product.id)
        await peek.set_match(items["by hand"].id, MatchStatus.UNMATCHED, product.id)

        offers = await _offers(catalog, product.id, other.id)

        [offer] = offers
        assert (offer.product_id, offer.price.amount, offer.items) == (product.id, Decimal(1), 3)

    async def test_items_alike_but_for_the_price_come_as_the_lowest_of_them(
        self, catalog: Catalog
    ) -> None:
        product = await stored_product(catalog)
        rows = [
            a_row(price=Money(Decimal(price), currency), characteristics={"in_stock": stock})
            for price, currency, stock in (
                ("3.00", "BYN", "yes"),
                ("2.00", "BYN", 1),
                ("9.00", "BYN", "on request"),
                ("0.10", "USD", True),
                ("8.00", "BYN", "  TRUE "),
            )
        ]
        for row in rows:
            await _offered(catalog, product, row)
        await _offered(catalog, product, a_priced_row("off", "0.01"), is_active=False)

        told = {
            (offer.price.currency, offer.in_stock, offer.supplier_active): (
                str(offer.price.amount),
                offer.items,
            )
            for offer in await _offers(catalog, product.id)
        }

        assert told == {
            ("BYN", True, True): ("2.00", 3),
            ("BYN", False, True): ("9.00", 1),
            ("USD", True, True): ("0.10", 1),
            ("BYN", True, False): ("0.01", 1),
        }

    async def test_an_offer_tells_price_stock_and_whether_its_supplier_is_active(
        self, catalog: Catalog
    ) -> None:
        product = await stored_product(catalog)
        dollars = Money(Decimal("5.00"), "USD")
        row = a_row(price=dollars, characteristics={"in_stock": "Yes"})

        await _offered(catalog, product, row, is_active=False)

        assert await _offers(catalog, product.id) == [
            Offer(product_id=product.id, price=dollars, in_stock=True, supplier_active=False)
        ]

    async def test_products_of_a_supplier_come_sorted_and_once(self, catalog: Catalog) -> None:
        supplier = await stored_supplier(catalog)
        products = [await stored_product(catalog) for _ in range(2)]
        await merged(catalog, supplier.id, *(a_priced_row(sku, "1.00") for sku in "abcd"))
        first, second, third, _ = await claimed(catalog, supplier.id)
        await recorded(
            catalog,
            linked(first, products[1]),
            linked(second, products[0]),
            linked(third, products[1]),
        )

        async with catalog.unit() as unit:
            found = await unit.items.products_of(supplier.id)

        assert found == sorted(product.id for product in products)

    async def test_aggregates_follow_the_offers(self, catalog: Catalog, peek: CatalogPeek) -> None:
        product = await stored_product(catalog)
        await _offered(catalog, product, a_priced_row("a", "7.50", in_stock=False))
        await _offered(catalog, product, a_priced_row("b", "5.25", in_stock=True))
        await _offered(catalog, product, a_priced_row("c", "1.00"), is_active=False)
        await _offered(catalog, product, a_row(price=Money(Decimal("0.10"), "USD")))

        assert await recalculated(catalog, [product.id]) == 1

        stored = (await peek.products())[product.id]
        assert (str(stored.min_price), stored.availability) == ("5.25", True)

    async def test_aggregates_that_are_the_same_change_no_product(self, catalog: Catalog) -> None:
        product, empty = await stored_product(catalog), await stored_product(catalog)
        await _offered(catalog, product, a_priced_row("a", "7.50"))

        assert await recalculated(catalog, [product.id, empty.id]) == 1
        assert await recalculated(catalog, [product.id, empty.id]) == 0

    async def test_a_lowest_price_is_taken_back_when_no_offer_is_left(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        product = await stored_product(catalog)
        figures = ProductAggregates(min_price=Decimal("7.50"), availability=True)
        async with catalog.unit() as unit:
            await unit.products.record_aggregates({product.id: figures}, at=NOW)

        assert await recalculated(catalog, [product.id]) == 1

        stored = (await peek.products())[product.id]
        assert (stored.min_price, stored.availability) == (None, False)

    async def test_aggregates_of_a_product_that_is_gone_are_dropped(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        figures = ProductAggregates(min_price=None, availability=True)
        async with catalog.unit() as unit:
            gone = {ProductId(fresh_id()): figures}
            assert await unit.products.record_aggregates(gone, at=NOW) == 0
            assert await unit.products.record_aggregates({}, at=NOW) == 0

        assert await peek.products() == {}
