"""What every catalogue keeps about the matcher's work: items waiting for it, and its outcomes."""

from datetime import timedelta
from decimal import Decimal

import pytest

from marketbel_adapters.testing.builders import NOW, a_product
from marketbel_adapters.testing.catalog_peek import CatalogPeek, PeekedReview
from marketbel_adapters.testing.catalog_steps import (
    LATER,
    a_priced_row,
    claimed,
    doubted,
    drafted,
    linked,
    merged,
    recorded,
    stored_product,
    stored_supplier,
)
from marketbel_core.catalog import MatchStatus, Supplier, SupplierItem
from marketbel_core.errors import UnavailableError
from marketbel_core.matching import Drafted
from marketbel_core.ports import Catalog

__all__ = ["MatchesContract", "WaitingItemsContract"]


async def _waiting(catalog: Catalog, *skus: str) -> tuple[Supplier, list[SupplierItem]]:
    """Store a supplier with these items; return both, the items by sku."""
    supplier = await stored_supplier(catalog)
    await merged(catalog, supplier.id, *(a_priced_row(sku, "1.00") for sku in skus))
    items = await claimed(catalog, supplier.id)
    return supplier, sorted(items, key=lambda item: item.sku)


class WaitingItemsContract:
    """Items without a link and without a decision wait for the matcher."""

    async def test_items_are_claimed_oldest_first_up_to_the_limit(self, catalog: Catalog) -> None:
        supplier = await stored_supplier(catalog)
        for age, sku in enumerate(("young", "middle", "old")):
            at = NOW - timedelta(days=age)
            await merged(catalog, supplier.id, a_priced_row(sku, "1.00"), at=at)

        items = await claimed(catalog, supplier.id, limit=2)

        assert [item.sku for item in items] == ["old", "middle"]

    async def test_items_of_one_supplier_or_of_all_are_claimed_and_counted(
        self, catalog: Catalog
    ) -> None:
        first, _ = await _waiting(catalog, "a", "b")
        await _waiting(catalog, "c")

        assert {item.sku for item in await claimed(catalog, first.id)} == {"a", "b"}
        assert {item.sku for item in await claimed(catalog, None)} == {"a", "b", "c"}
        async with catalog.unit() as unit:
            assert await unit.items.count_unmatched(first.id) == 2
            assert await unit.items.count_unmatched(None) == 3

    @pytest.mark.parametrize("status", list(MatchStatus))
    async def test_an_item_waits_only_without_a_link_and_without_a_decision(
        self, catalog: Catalog, peek: CatalogPeek, status: MatchStatus
    ) -> None:
        supplier, [bare, linked_by_hand] = await _waiting(catalog, "bare", "linked")
        product = await stored_product(catalog)
        await peek.set_match(bare.id, status, None)
        await peek.set_match(linked_by_hand.id, status, product.id)

        left = await claimed(catalog, supplier.id)

        expected = ["bare"] if status is MatchStatus.UNMATCHED else []
        assert [item.sku for item in left] == expected

    async def test_an_item_given_back_waits_again(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier, [item] = await _waiting(catalog, "a")
        await recorded(catalog, linked(item, await stored_product(catalog)))
        assert await claimed(catalog, supplier.id) == []

        await peek.set_match(item.id, MatchStatus.UNMATCHED, None)

        assert await claimed(catalog, supplier.id) == [item]


class MatchesContract:
    """Outcomes are written to items that still wait, once."""

    async def test_a_link_is_written_with_score_and_candidates(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier, [item] = await _waiting(catalog, "a")
        product = await stored_product(catalog)

        await recorded(catalog, linked(item, product, score=97.126))

        stored = (await peek.items(supplier.id))["a"]
        assert (stored.product_id, stored.match_status) == (product.id, "auto_matched")
        assert stored.match_score == Decimal("97.13")
        assert stored.candidates == ((product.id, 97.13),)
        assert await claimed(catalog, supplier.id) == []

    async def test_a_doubt_becomes_a_review_task(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier, [item] = await _waiting(catalog, "a")
        first, second = await stored_product(catalog), await stored_product(catalog)

        await recorded(catalog, doubted(item, first, second, score=81.5))

        stored = (await peek.items(supplier.id))["a"]
        candidates = ((first.id, 81.5), (second.id, 81.5))
        assert (stored.product_id, stored.match_status) == (None, "potential_match")
        assert (stored.match_score, stored.candidates) == (Decimal("81.50"), candidates)
        review = PeekedReview(
            candidates=candidates, status="pending", expires_at=LATER + timedelta(days=30)
        )
        assert await peek.reviews() == {item.id: review}

    async def test_a_later_doubt_replaces_the_review_task(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        _, [item] = await _waiting(catalog, "a")
        first, second = await stored_product(catalog), await stored_product(catalog)
        await recorded(catalog, doubted(item, first))
        await peek.set_match(item.id, MatchStatus.UNMATCHED, None)

        await recorded(catalog, doubted(item, second, score=70.0, at=LATER + timedelta(days=1)))

        review = PeekedReview(
            candidates=((second.id, 70.0),),
            status="pending",
            expires_at=LATER + timedelta(days=31),
        )
        assert await peek.reviews() == {item.id: review}

    async def test_an_item_that_is_like_nothing_founds_a_draft(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier, [item] = await _waiting(catalog, "a")
        outcome = drafted(item)

        await recorded(catalog, outcome)

        stored = (await peek.items(supplier.id))["a"]
        assert (stored.product_id, stored.match_status) == (outcome.product.id, "auto_matched")
        assert (stored.match_score, stored.candidates) == (Decimal("100.00"), ())
        product = (await peek.products())[outcome.product.id]
        assert (product.status, product.name) == ("draft", item.name)
        assert product.internal_sku == outcome.product.internal_sku

    async def test_a_draft_that_exists_is_left_as_it_is(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier, [item] = await _waiting(catalog, "a")
        outcome = drafted(item)
        await recorded(catalog, outcome)
        await peek.set_match(item.id, MatchStatus.UNMATCHED, None)
        renamed = a_product(id=outcome.product.id, name="another name")

        await recorded(catalog, Drafted(item=item, product=renamed))

        assert (await peek.products())[outcome.product.id].name == item.name
        assert (await peek.items(supplier.id))["a"].product_id == outcome.product.id

    async def test_drafts_never_share_an_article_number(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        _, items = await _waiting(catalog, "a", "b", "c")
        taken = "PROD-1773480413589-AAAA"
        await stored_product(catalog, internal_sku=taken)
        drafts = [a_product(internal_sku=taken) for _ in items]

        await recorded(
            catalog,
            *(Drafted(item=item, product=made) for item, made in zip(items, drafts, strict=True)),
        )

        skus = {product.internal_sku for product in (await peek.products()).values()}
        assert skus == {taken, *(f"PROD-177348041359{n}-AAAA" for n in range(3))}

    async def test_all_three_outcomes_go_in_one_write(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier, [first, second, third] = await _waiting(catalog, "a", "b", "c")
        product = await stored_product(catalog)

        await recorded(catalog, drafted(first), doubted(second, product), linked(third, product))

        items = await peek.items(supplier.id)
        assert {sku: item.match_status for sku, item in items.items()} == {
            "a": "auto_matched",
            "b": "potential_match",
            "c": "auto_matched",
        }

    async def test_writing_outcomes_again_changes_nothing(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier, [first, second, third] = await _waiting(catalog, "a", "b", "c")
        product = await stored_product(catalog)
        outcomes = (drafted(first), doubted(second, product), linked(third, product))
        await recorded(catalog, *outcomes)
        before = (await peek.items(supplier.id), await peek.products(), await peek.reviews())

        await recorded(catalog, *outcomes, at=LATER + timedelta(days=1))

        after = (await peek.items(supplier.id), await peek.products(), await peek.reviews())
        assert after == before

    async def test_an_item_that_somebody_decided_meanwhile_keeps_the_decision(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier, items = await _waiting(catalog, "a", "b", "c")
        chosen, other = await stored_product(catalog), await stored_product(catalog)
        for item in items:
            await peek.set_match(item.id, MatchStatus.UNMATCHED, chosen.id)

        first, second, third = items
        await recorded(catalog, linked(first, other), doubted(second, other), drafted(third))

        stored = await peek.items(supplier.id)
        assert {item.product_id for item in stored.values()} == {chosen.id}
        assert await peek.reviews() == {}
        assert set(await peek.products()) == {chosen.id, other.id}

    async def test_a_link_to_a_product_that_is_gone_may_be_tried_again(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier, [item] = await _waiting(catalog, "a")

        with pytest.raises(UnavailableError):
            await recorded(catalog, linked(item, a_product()))

        assert (await peek.items(supplier.id))["a"].match_status == "unmatched"

    async def test_an_item_that_is_gone_is_passed_over(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier, [item] = await _waiting(catalog, "a")
        await peek.delete_supplier(supplier.id)

        await recorded(catalog, drafted(item), doubted(item))

        assert (await peek.products(), await peek.reviews()) == ({}, {})
