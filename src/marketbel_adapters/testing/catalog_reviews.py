"""What every catalogue keeps of people's decisions, and notices of what neighbours do."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from marketbel_adapters.testing.builders import a_product, a_row, fresh_id
from marketbel_adapters.testing.catalog_peek import CatalogPeek
from marketbel_adapters.testing.catalog_steps import (
    LATER,
    a_priced_row,
    claimed,
    doubted,
    linked,
    merged,
    recorded,
    stored_product,
    stored_supplier,
)
from marketbel_core.catalog import (
    MatchStatus,
    Money,
    Product,
    ProductAggregates,
    ProductStatus,
    SupplierItem,
)
from marketbel_core.errors import ItemNotFoundError
from marketbel_core.ids import ProductId, SupplierItemId
from marketbel_core.matching import (
    Action,
    ItemReview,
    PairVerdict,
    ReviewDecision,
    Reviewer,
    Verdict,
    approved,
    expired,
    rejected,
    unsure,
)
from marketbel_core.ports import Catalog, NamedVerdict

__all__ = ["LinksContract", "ReviewsContract", "VerdictsContract"]

_ANNA = Reviewer(name="Анна", user_id=UUID(int=7))


async def _doubt(
    catalog: Catalog, *products: Product, price: str = "5.00", score: float = 81.5
) -> SupplierItem:
    """Store an item of a new supplier that waits for a person with these candidates."""
    supplier = await stored_supplier(catalog)
    await merged(catalog, supplier.id, a_priced_row("a", price))
    [item] = await claimed(catalog, supplier.id)
    await recorded(catalog, doubted(item, *products, score=score))
    return item


async def _opened(catalog: Catalog, item_id: SupplierItemId) -> ItemReview:
    async with catalog.unit() as unit:
        return await unit.reviews.open(item_id)


async def _approve(catalog: Catalog, item: SupplierItem, product: Product) -> ReviewDecision:
    review = await _opened(catalog, item.id)
    after = approved(review.state, product.id, by=_ANNA, at=LATER)
    decision = replace(_decision(review, Action.APPROVE), after=after, product_id=product.id)
    async with catalog.unit() as unit:
        await unit.reviews.record([decision])
    return decision


def _decision(review: ItemReview, action: Action, *, at: datetime = LATER) -> ReviewDecision:
    return ReviewDecision(
        id=fresh_id(),
        item_id=review.item.id,
        action=action,
        by=_ANNA,
        at=at,
        before=review.state,
        after=review.state,
    )


class ReviewsContract:
    """Decisions are written whole, kept, and taken back whole."""

    async def test_an_item_tells_where_its_match_stands(self, catalog: Catalog) -> None:
        product = await stored_product(catalog)
        item = await _doubt(catalog, product)

        review = await _opened(catalog, item.id)

        assert (review.item.id, review.item.sku) == (item.id, "a")
        assert review.state.status is MatchStatus.POTENTIAL_MATCH
        assert review.state.score == 81.5
        assert review.state.row is not None
        assert review.state.row.candidates == review.state.candidates
        assert review.state.row.expires_at == LATER + timedelta(days=30)
        assert (review.state.verdicts, review.known_product_id) == ((), None)

    async def test_an_item_that_is_not_there_is_told(self, catalog: Catalog) -> None:
        with pytest.raises(ItemNotFoundError):
            await _opened(catalog, SupplierItemId(fresh_id()))

    async def test_a_decision_is_written_and_kept(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        first, second = await stored_product(catalog), await stored_product(catalog)
        item = await _doubt(catalog, first, second)

        decision = await _approve(catalog, item, second)

        after = await _opened(catalog, item.id)
        assert after.state == decision.after
        assert (after.state.product_id, after.known_product_id) == (second.id, second.id)
        assert [(one.verdict, one.score) for one in after.state.verdicts] == [(Verdict.SAME, 81.5)]
        assert {one.status for one in (await peek.reviews()).values()} == {"approved"}
        async with catalog.unit() as unit:
            assert await unit.reviews.decision(decision.id) == decision
            assert await unit.reviews.decisions(item.id, limit=9) == [decision]
            assert await unit.reviews.decisions(limit=9) == [decision]
            assert await unit.reviews.decision(fresh_id()) is None

    async def test_what_is_taken_back_is_as_it_was(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        item = await _doubt(catalog, await stored_product(catalog))
        before = await _opened(catalog, item.id)
        founded = a_product(status=ProductStatus.DRAFT, drafted_for=item.supplier_id)
        decision = replace(
            _decision(before, Action.REJECT),
            after=rejected(before.state, founded.id, by=_ANNA, at=LATER),
            product_id=founded.id,
            founded=founded,
        )
        async with catalog.unit() as unit:
            await unit.reviews.record([decision])
            assert await unit.reviews.product(founded.id) == founded

        async with catalog.unit() as unit:
            await unit.reviews.take_back(decision, by="Борис", at=LATER)

        assert await _opened(catalog, item.id) == before
        assert founded.id not in await peek.products()
        async with catalog.unit() as unit:
            undone = await unit.reviews.decision(decision.id)
        assert undone is not None
        assert undone.undone_at == LATER

    async def test_a_founded_product_that_others_use_stays(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        item, other = await _doubt(catalog), await _doubt(catalog)
        before = await _opened(catalog, item.id)
        founded = a_product(status=ProductStatus.DRAFT)
        decision = replace(
            _decision(before, Action.REJECT),
            after=rejected(before.state, founded.id, by=_ANNA, at=LATER),
            founded=founded,
        )
        async with catalog.unit() as unit:
            await unit.reviews.record([decision])
        await peek.set_match(other.id, MatchStatus.POTENTIAL_MATCH, founded.id)

        async with catalog.unit() as unit:
            await unit.reviews.take_back(decision, by="Борис", at=LATER)

        assert founded.id in await peek.products()

    async def test_verdicts_on_products_that_are_gone_are_not_kept(self, catalog: Catalog) -> None:
        item = await _doubt(catalog, a_product())
        review = await _opened(catalog, item.id)
        after = unsure(review.state, None, by=_ANNA, at=LATER, review_for=timedelta(days=30))

        async with catalog.unit() as unit:
            await unit.reviews.record([replace(_decision(review, Action.UNSURE), after=after)])

        assert (await _opened(catalog, item.id)).state.verdicts == ()

    async def test_what_waits_comes_by_impact_and_what_nobody_could_tell_comes_last(
        self, catalog: Catalog
    ) -> None:
        dear = await stored_product(catalog)
        async with catalog.unit() as unit:
            from_offer = {dear.id: ProductAggregates(min_price=Decimal("4.00"), availability=True)}
            await unit.products.record_aggregates(from_offer, at=LATER)
        sure = await _doubt(catalog, dear, price="5.00", score=90.0)
        cheaper = await _doubt(catalog, dear, price="3.00", score=75.0)
        doubtful = await _doubt(catalog, dear, price="5.00", score=72.0)
        set_aside = await _doubt(catalog, dear, price="1.00", score=94.0)
        review = await _opened(catalog, set_aside.id)
        after = unsure(review.state, None, by=_ANNA, at=LATER, review_for=timedelta(days=30))
        async with catalog.unit() as unit:
            await unit.reviews.record([replace(_decision(review, Action.UNSURE), after=after)])

            queue = await unit.reviews.waiting(limit=9)
            first = await unit.reviews.waiting(limit=1)

        order = [one.review.item.id for one in queue.waiting]
        assert order == [cheaper.id, sure.id, doubtful.id, set_aside.id]
        assert [one.lowers_price for one in queue.waiting] == [True, False, False, True]
        assert {one.in_stock for one in queue.waiting} == {True}
        assert dict(queue.counts) == {"pending": 4}
        assert [one.review.item.id for one in first.waiting] == [cheaper.id]

    async def test_what_nobody_looked_at_in_time_is_overdue(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        item = await _doubt(catalog, await stored_product(catalog))
        late = LATER + timedelta(days=30, seconds=1)
        async with catalog.unit() as unit:
            assert await unit.reviews.overdue(at=late - timedelta(seconds=2), limit=9) == []
            [review] = await unit.reviews.overdue(at=late, limit=9)
            decision = replace(
                _decision(review, Action.EXPIRE, at=late), after=expired(review.state)
            )
            await unit.reviews.record([decision])

        assert (await peek.reviews())[item.id].status == "expired"
        assert [one.id for one in await claimed(catalog, None)] == [item.id]
        async with catalog.unit() as unit:
            assert await unit.reviews.overdue(at=late, limit=9) == []


class VerdictsContract:
    """Verdicts of a batch of items; verdicts that leave and come."""

    async def test_verdicts_of_items_come_by_item(self, catalog: Catalog) -> None:
        product = await stored_product(catalog)
        item, other = await _doubt(catalog, product), await _doubt(catalog, product)
        decision = await _approve(catalog, item, product)

        async with catalog.unit() as unit:
            assert await unit.verdicts.of([item.id, other.id]) == {
                item.id: decision.after.verdicts
            }
            assert await unit.verdicts.of([]) == {}

    async def test_verdicts_leave_page_by_page_and_find_their_pair_again(
        self, catalog: Catalog
    ) -> None:
        product = await stored_product(catalog)
        for _ in range(3):
            await _approve(catalog, await _doubt(catalog, product), product)
        async with catalog.unit() as unit:
            first = await unit.verdicts.page(after=None, limit=2)
            last = (first[-1].item_id, first[-1].verdict.product_id)
            rest = await unit.verdicts.page(after=last, limit=2)
        assert (len(first), len(rest)) == (2, 1)
        moved = replace(
            rest[0],
            item_id=SupplierItemId(fresh_id()),
            supplier_name=rest[0].supplier_name.upper() + " ",
            verdict=replace(
                rest[0].verdict,
                product_id=ProductId(fresh_id()),
                verdict=Verdict.DIFFERENT,
                at=LATER + timedelta(days=1),
            ),
        )
        unknown = replace(moved, sku="another", product_sku="PROD-1-NONE")

        async with catalog.unit() as unit:
            assert await unit.verdicts.put([moved, unknown]) == [True, False]
            [said] = (await unit.verdicts.of([rest[0].item_id]))[rest[0].item_id]

        assert (said.product_id, said.verdict) == (product.id, Verdict.DIFFERENT)

    async def test_an_older_verdict_does_not_replace_a_newer_one(self, catalog: Catalog) -> None:
        product = await stored_product(catalog)
        item = await _doubt(catalog, product)
        decision = await _approve(catalog, item, product)
        old = NamedVerdict(
            item_id=item.id,
            supplier_name="",
            sku="",
            item_name="",
            product_sku="",
            product_name="",
            verdict=PairVerdict(
                product_id=product.id,
                verdict=Verdict.DIFFERENT,
                by="before",
                at=LATER - timedelta(days=1),
            ),
        )

        async with catalog.unit() as unit:
            assert await unit.verdicts.put([old]) == [True]
            assert await unit.verdicts.of([item.id]) == {item.id: decision.after.verdicts}


class LinksContract:
    """What neighbours do to links and offers past us is noticed, once."""

    async def test_links_that_the_matcher_wrote_have_not_drifted(self, catalog: Catalog) -> None:
        supplier, product = await stored_supplier(catalog), await stored_product(catalog)
        await merged(catalog, supplier.id, a_priced_row("a", "1.00"), a_priced_row("b", "1.00"))
        first, second = await claimed(catalog, supplier.id)
        await recorded(catalog, linked(first, product), doubted(second, product))

        async with catalog.unit() as unit:
            assert await unit.links.drifted(None, limit=9) == []

    async def test_links_that_a_neighbour_made_and_took_have_drifted(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        product = await stored_product(catalog)
        waiting, settled = await _doubt(catalog, product), await _doubt(catalog, product)
        await _approve(catalog, settled, product)
        await peek.set_match(waiting.id, MatchStatus.POTENTIAL_MATCH, product.id)
        await peek.set_match(settled.id, MatchStatus.VERIFIED_MATCH, None)

        async with catalog.unit() as unit:
            found = await unit.links.drifted(None, limit=9)
            alone = await unit.links.drifted(waiting.supplier_id, limit=9)

        assert {one.item.id: one.known_product_id for one in found} == {
            waiting.id: None,
            settled.id: product.id,
        }
        assert [one.item.id for one in alone] == [waiting.id]

    async def test_adopted_links_have_not_drifted_any_more(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        product = await stored_product(catalog)
        item = await _doubt(catalog, product)
        await peek.set_match(item.id, MatchStatus.AUTO_MATCHED, product.id)

        async with catalog.unit() as unit:
            [found] = await unit.links.drifted(None, limit=9)
            await unit.links.adopt([found.item.id])
            assert await unit.links.drifted(None, limit=9) == []

    async def test_products_of_items_that_are_gone_are_told_once(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        product = await stored_product(catalog)
        item = await _doubt(catalog, product)
        await _approve(catalog, item, product)
        await peek.delete_supplier(item.supplier_id)

        async with catalog.unit() as unit:
            assert await unit.links.repriced(limit=9) == [product.id]
            assert await unit.links.repriced(limit=9) == []

    async def test_products_of_a_supplier_that_was_switched_are_told_once(
        self, catalog: Catalog
    ) -> None:
        product = await stored_product(catalog)
        supplier = await stored_supplier(catalog, is_active=False)
        await merged(catalog, supplier.id, a_row(price=Money(Decimal("1.00"))))
        [item] = await claimed(catalog, supplier.id)
        await recorded(catalog, linked(item, product))

        async with catalog.unit() as unit:
            assert await unit.links.repriced(limit=9) == [product.id]
            assert await unit.links.repriced(limit=9) == []
