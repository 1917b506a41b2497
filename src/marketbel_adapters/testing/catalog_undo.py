"""What every catalogue keeps of undoing an import: no trace of it, but for what changed since."""

from collections.abc import Sequence
from dataclasses import replace

from marketbel_adapters.testing.builders import NOW
from marketbel_adapters.testing.catalog_imports import (
    an_import,
    an_unpriced_row,
    dump_of,
    imported,
    undone,
)
from marketbel_adapters.testing.catalog_peek import CatalogPeek
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
from marketbel_core.catalog import MatchStatus
from marketbel_core.intake.plan import MissingPolicy
from marketbel_core.matching import PairVerdict, Verdict
from marketbel_core.ports import Catalog, ImportState, NamedVerdict, UndoOutcome

__all__ = ["ImportUndoContract"]


class ImportUndoContract:
    """An import is taken back without a trace, but for what somebody changed since."""

    async def test_after_an_undo_everything_is_as_before(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier = await stored_supplier(catalog)
        stale = MissingPolicy.STALE
        rows = [a_priced_row(sku, "1.00") for sku in ("a", "b", "c", "d")]
        await imported(catalog, supplier.id, *rows, missing=stale)
        await imported(catalog, supplier.id, *rows[:3], missing=stale)
        before = await dump_of(peek, supplier.id)
        last = await imported(
            catalog,
            supplier.id,
            a_priced_row("a", "2.00"),
            a_priced_row("b", "1.00", in_stock=False),
            an_unpriced_row("c"),
            rows[3],
            a_priced_row("new", "3.00"),
            missing=stale,
            at=LATER,
        )

        outcome = await undone(catalog, last.id)

        assert outcome == UndoOutcome(reversed=5)
        assert await dump_of(peek, supplier.id) == before
        async with catalog.unit() as unit:
            record = await unit.imports.get(last.id)
        assert (record.state, record.undone_at) == (ImportState.UNDONE, LATER)

    async def test_an_undone_list_can_be_imported_again(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier = await stored_supplier(catalog)
        await imported(catalog, supplier.id, a_priced_row("a", "1.00"))
        rows = [a_priced_row("a", "2.00"), a_priced_row("b", "1.00")]
        first = await imported(catalog, supplier.id, *rows)
        await undone(catalog, first.id)

        again = await imported(catalog, supplier.id, *rows)

        assert again.figures == first.figures
        assert set(await peek.items(supplier.id)) == {"a", "b"}

    async def test_what_somebody_changed_since_is_kept_and_told(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier, product = await stored_supplier(catalog), await stored_product(catalog)
        await imported(catalog, supplier.id, *(a_priced_row(sku, "1.00") for sku in "abc"))
        last = await imported(
            catalog,
            supplier.id,
            *(a_priced_row(sku, "2.00") for sku in "abcde"),
            at=LATER,
        )
        items = await peek.items(supplier.id)
        await peek.edit(items["a"].id, name="edited", characteristics={"in_stock": True})
        await peek.set_match(items["b"].id, MatchStatus.VERIFIED_MATCH, product.id)
        await peek.set_match(items["d"].id, MatchStatus.VERIFIED_MATCH, product.id)
        await peek.delete_item(items["c"].id)

        outcome = await undone(catalog, last.id)

        assert outcome == UndoOutcome(
            reversed=2, kept=2, failed=1, kept_skus=("a", "d"), product_ids=(product.id,)
        )
        after = await peek.items(supplier.id)
        assert {sku: (item.name, str(item.price)) for sku, item in after.items()} == {
            "a": ("edited", "2.00"),
            "b": (items["b"].name, "1.00"),
            "d": (items["d"].name, "2.00"),
        }
        assert after["b"].product_id == product.id

    async def test_an_item_that_a_later_import_changed_is_kept(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier = await stored_supplier(catalog)
        prices = ("1.00", "2.00", "3.00", "2.00")
        done = [await imported(catalog, supplier.id, a_priced_row("a", price)) for price in prices]

        outcome = await undone(catalog, done[1].id)
        in_turn = [await undone(catalog, each.id) for each in reversed(done)]

        assert outcome == UndoOutcome(kept=1, kept_skus=("a",))
        assert [each.reversed for each in in_turn] == [1, 1, 0, 0]
        assert [str(line.price) for line in await peek.prices(supplier.id)] == ["1.00", "2.00"]

    async def test_an_item_on_which_there_is_a_verdict_is_kept(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier, product = await stored_supplier(catalog), await stored_product(catalog)
        done = await imported(catalog, supplier.id, *(a_priced_row(sku, "1.00") for sku in "ab"))
        item = (await peek.items(supplier.id))["a"]
        said = PairVerdict(product_id=product.id, verdict=Verdict.DIFFERENT, by="I", at=NOW)
        async with catalog.unit() as unit:
            await unit.verdicts.put(
                [
                    NamedVerdict(
                        item_id=item.id,
                        supplier_name=supplier.name,
                        sku="a",
                        item_name=item.name,
                        product_sku=product.internal_sku,
                        product_name=product.name,
                        verdict=said,
                    )
                ]
            )

        outcome = await undone(catalog, done.id)

        assert (outcome.reversed, outcome.kept_skus) == (1, ("a",))
        async with catalog.unit() as unit:
            assert await unit.verdicts.of([item.id])

    async def test_what_the_matcher_made_of_an_item_goes_with_it(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier, product = await stored_supplier(catalog), await stored_product(catalog)
        products = await peek.products()
        done = await imported(catalog, supplier.id, *(a_priced_row(sku, "1.00") for sku in "abc"))
        a, b, c = sorted(await claimed(catalog, supplier.id), key=lambda item: item.sku)
        await recorded(catalog, drafted(a), linked(b, product), doubted(c, product))

        outcome = await undone(catalog, done.id)

        assert outcome == UndoOutcome(reversed=3, drafts=1, product_ids=(product.id,))
        assert await dump_of(peek, supplier.id) == ({}, [])
        assert await peek.products() == products
        assert c.id not in await peek.reviews()
        async with catalog.unit() as unit:
            assert not await unit.links.drifted(supplier.id, limit=5)

    async def test_a_draft_that_something_else_speaks_of_stays(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier, other = await stored_supplier(catalog), await stored_supplier(catalog)
        await imported(catalog, other.id, a_priced_row("x", "1.00"), a_priced_row("y", "1.00"))
        done = await imported(catalog, supplier.id, *(a_priced_row(sku, "1.00") for sku in "abc"))
        a, b, c = sorted(await claimed(catalog, supplier.id), key=lambda item: item.sku)
        x, y = sorted(await claimed(catalog, other.id), key=lambda item: item.sku)
        drafts = [drafted(item) for item in (a, b, c)]
        await recorded(catalog, *drafts)
        await recorded(catalog, linked(x, drafts[0].product), doubted(y, drafts[1].product))

        outcome = await undone(catalog, done.id)

        kept = [each.product.id for each in drafts[:2]]
        assert outcome == UndoOutcome(reversed=3, drafts=1, product_ids=tuple(sorted(kept)))
        left = await peek.products()
        assert [each.product.id in left for each in drafts] == [True, True, False]
        assert (await peek.items(other.id))["x"].product_id == kept[0]

    async def test_what_a_neighbour_linked_anew_is_kept_with_its_draft(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier, product = await stored_supplier(catalog), await stored_product(catalog)
        done = await imported(catalog, supplier.id, *(a_priced_row(sku, "1.00") for sku in "ab"))
        a, b = sorted(await claimed(catalog, supplier.id), key=lambda item: item.sku)
        await recorded(catalog, drafted(a), drafted(b))
        products = await peek.products()
        await peek.set_match(a.id, MatchStatus.AUTO_MATCHED, product.id)  # as the API links
        await peek.set_match(b.id, MatchStatus.AUTO_MATCHED, None)  # and as it unlinks

        outcome = await undone(catalog, done.id)

        assert outcome == UndoOutcome(kept=2, kept_skus=("a", "b"))
        assert (await peek.items(supplier.id))["a"].product_id == product.id
        assert await peek.products() == products

    async def test_only_an_applied_import_is_undone(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier = await stored_supplier(catalog)
        done = await imported(catalog, supplier.id, a_priced_row("a", "1.00"))
        held = replace(an_import(supplier.id), state=ImportState.HELD)
        async with catalog.unit() as unit:
            await unit.imports.note(held)
        await undone(catalog, done.id)
        await merged(catalog, supplier.id, a_priced_row("a", "1.00"))

        assert await undone(catalog, done.id) == UndoOutcome()
        assert await undone(catalog, held.id) == UndoOutcome()

        assert len(await peek.items(supplier.id)) == 1
        assert len(await claimed(catalog, supplier.id)) == 1

    async def test_an_import_undone_by_mistake_twice_touches_no_other_supplier(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        mine, other = await stored_supplier(catalog), await stored_supplier(catalog)
        done = await imported(catalog, mine.id, a_priced_row("a", "1.00"))
        await imported(catalog, other.id, a_priced_row("a", "1.00"))
        before = await dump_of(peek, other.id)

        outcomes: Sequence[UndoOutcome] = [await undone(catalog, done.id) for _ in range(2)]

        assert [each.reversed for each in outcomes] == [1, 0]
        assert await dump_of(peek, other.id) == before
