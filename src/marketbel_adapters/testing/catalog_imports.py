"""What every catalogue keeps about whole lists: compared, and applied with a record."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

import pytest

from marketbel_adapters.testing.builders import NOW, a_row, fresh_id
from marketbel_adapters.testing.catalog_peek import CatalogPeek, PeekedItem, PeekedPrice
from marketbel_adapters.testing.catalog_steps import (
    LATER,
    a_priced_row,
    stored_supplier,
)
from marketbel_core.catalog import MatchStatus, Money
from marketbel_core.errors import ImportNotFoundError, RefusedError, SupplierNotFoundError
from marketbel_core.ids import ImportId, JobId, SupplierId
from marketbel_core.intake.plan import (
    Difference,
    DifferenceKind,
    HoldReason,
    ImportFigures,
    MissingPolicy,
)
from marketbel_core.intake.rows import RowRejection, UnpricedRow
from marketbel_core.ports import (
    Catalog,
    Import,
    ImportState,
    ListedRow,
    UndoOutcome,
)

__all__ = [
    "ImportRecordsContract",
    "Imported",
    "ImportsContract",
    "an_import",
    "an_unpriced_row",
    "dump_of",
    "imported",
    "undone",
]

_LIMIT: Final = Decimal(50)


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What came of a list that was applied."""

    id: ImportId
    figures: ImportFigures
    refused: tuple[RowRejection, ...]


def an_import(supplier_id: SupplierId) -> Import:
    """Return the record of an applied import."""
    return Import(
        id=ImportId(fresh_id()),
        supplier_id=supplier_id,
        state=ImportState.APPLIED,
        noted_at=NOW,
        task_id="task",
    )


def an_unpriced_row(sku: str) -> UnpricedRow:
    """Return a row of this sku that names no price."""
    return UnpricedRow(
        sheet="s", row_number=9, sku=sku, name=f"item {sku}", value="-", message="no price"
    )


async def imported(
    catalog: Catalog,
    supplier_id: SupplierId,
    *rows: ListedRow,
    missing: MissingPolicy = MissingPolicy.KEEP,
    at: datetime = NOW,
) -> Imported:
    """Apply a list under a record of its own."""
    record = replace(an_import(supplier_id), noted_at=at)
    async with catalog.unit() as unit:
        staged = await unit.imports.stage(supplier_id)
        refused = await staged.add(rows)
        figures = await staged.compare(price_move_max_percent=_LIMIT)
        await unit.imports.note(replace(record, figures=figures))
        await staged.apply(record.id, missing=missing, at=at)
    return Imported(id=record.id, figures=figures, refused=tuple(refused))


async def undone(catalog: Catalog, import_id: ImportId, *, at: datetime = LATER) -> UndoOutcome:
    """Take an import back."""
    async with catalog.unit() as unit:
        return await unit.imports.undo(import_id, at=at)


type Dump = tuple[dict[str, PeekedItem], list[PeekedPrice]]


async def dump_of(peek: CatalogPeek, supplier_id: SupplierId) -> Dump:
    """Return the supplier's items and their prices."""
    return await peek.items(supplier_id), await peek.prices(supplier_id)


class ImportsContract:
    """A list is compared as a whole, whatever it came in, and applied as a whole."""

    async def test_figures_tell_what_a_list_changes(self, catalog: Catalog) -> None:
        supplier = await stored_supplier(catalog)
        await imported(
            catalog, supplier.id, *(a_priced_row(sku, "10.00") for sku in ("a", "b", "c", "d"))
        )

        second = await imported(
            catalog,
            supplier.id,
            a_priced_row("a", "10.00"),
            a_priced_row("b", "14.00"),
            a_priced_row("b", "15.01"),
            a_priced_row("new", "1.00"),
            an_unpriced_row("c"),
            an_unpriced_row("unknown"),
            at=LATER,
        )

        assert second.figures == ImportFigures(
            inserted=1,
            updated=1,
            unchanged=1,
            merged=1,
            repriced=1,
            moved=1,
            unavailable=1,
            missing=1,
        )

    async def test_a_list_may_come_in_parts(self, catalog: Catalog, peek: CatalogPeek) -> None:
        supplier = await stored_supplier(catalog)
        record = an_import(supplier.id)

        async with catalog.unit() as unit:
            staged = await unit.imports.stage(supplier.id)
            await staged.add([a_priced_row("a", "1.00"), a_priced_row("b", "1.00")])
            await staged.add([])
            await staged.add([a_priced_row("a", "2.00")])
            figures = await staged.compare(price_move_max_percent=_LIMIT)
            await unit.imports.note(record)
            await staged.apply(record.id, missing=MissingPolicy.KEEP, at=NOW)

        assert figures == ImportFigures(inserted=2, merged=1)
        items = await peek.items(supplier.id)
        assert {sku: str(item.price) for sku, item in items.items()} == {"a": "2.00", "b": "1.00"}

    async def test_comparing_alone_changes_nothing(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier = await stored_supplier(catalog)
        await imported(catalog, supplier.id, a_priced_row("a", "1.00"))
        before = await dump_of(peek, supplier.id)

        async with catalog.unit() as unit:
            staged = await unit.imports.stage(supplier.id)
            await staged.add([a_priced_row("a", "2.00"), a_priced_row("b", "1.00")])
            await staged.compare(price_move_max_percent=_LIMIT)

        assert await dump_of(peek, supplier.id) == before

    async def test_the_largest_moves_are_told_first(self, catalog: Catalog) -> None:
        supplier = await stored_supplier(catalog)
        await imported(
            catalog, supplier.id, *(a_priced_row(sku, "10.00") for sku in ("a", "b", "gone"))
        )

        async with catalog.unit() as unit:
            staged = await unit.imports.stage(supplier.id)
            await staged.add(
                [
                    a_priced_row("a", "10.10"),
                    a_priced_row("b", "20.00"),
                    a_priced_row("n", "1.00"),
                ]
            )
            await staged.compare(price_move_max_percent=_LIMIT)
            told = await staged.differences(limit=2)

        price = Money(Decimal("10.00"))
        assert [(each.kind, each.sku, each.before, each.after) for each in told] == [
            (DifferenceKind.REPRICED, "b", price, Money(Decimal("20.00"))),
            (DifferenceKind.REPRICED, "a", price, Money(Decimal("10.10"))),
            (DifferenceKind.INSERTED, "n", None, Money(Decimal("1.00"))),
            (DifferenceKind.MISSING, "gone", price, None),
        ]

    async def test_a_known_item_without_a_price_keeps_it_and_becomes_unavailable(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier = await stored_supplier(catalog)
        await imported(catalog, supplier.id, a_priced_row("a", "1.00"))

        first = await imported(catalog, supplier.id, an_unpriced_row("a"), at=LATER)
        again = await imported(catalog, supplier.id, an_unpriced_row("a"), at=LATER)

        assert (first.figures.unavailable, again.figures.unavailable) == (1, 0)
        items = await peek.items(supplier.id)
        assert items["a"].characteristics == {"in_stock": False}
        assert str(items["a"].price) == "1.00"
        assert len(await peek.prices(supplier.id)) == 1

    @pytest.mark.parametrize(
        ("policy", "expected"),
        [
            (MissingPolicy.KEEP, {"in_stock": True}),
            (MissingPolicy.STALE, {"in_stock": True, "_stale": True}),
            (MissingPolicy.UNAVAILABLE, {"in_stock": False}),
        ],
    )
    async def test_an_item_that_a_list_leaves_out_follows_the_policy_until_it_is_back(
        self,
        catalog: Catalog,
        peek: CatalogPeek,
        policy: MissingPolicy,
        expected: dict[str, object],
    ) -> None:
        supplier = await stored_supplier(catalog)
        both = [a_priced_row("a", "1.00"), a_priced_row("b", "1.00")]
        await imported(catalog, supplier.id, *both, missing=policy)

        await imported(catalog, supplier.id, both[0], missing=policy, at=LATER)
        left_out = (await peek.items(supplier.id))["b"].characteristics
        await imported(catalog, supplier.id, *both, missing=policy, at=LATER)
        back = (await peek.items(supplier.id))["b"].characteristics

        assert (left_out, back) == (expected, {"in_stock": True})

    async def test_what_a_person_says_of_a_missing_item_is_not_overruled_by_the_next_list(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier = await stored_supplier(catalog)
        policy = MissingPolicy.STALE
        await imported(catalog, supplier.id, a_priced_row("a", "1.00"), a_priced_row("b", "1.00"))
        await imported(catalog, supplier.id, a_priced_row("b", "1.00"), missing=policy)
        item = (await peek.items(supplier.id))["a"]
        await peek.edit(item.id, name=item.name, characteristics={"in_stock": True})

        await imported(catalog, supplier.id, a_priced_row("b", "2.00"), missing=policy)

        assert (await peek.items(supplier.id))["a"].characteristics == {"in_stock": True}

    async def test_rows_that_cannot_be_stored_never_cost_the_others(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier = await stored_supplier(catalog)
        rows = [a_priced_row(f"good-{n}", "1.00") for n in range(90)]
        bad = [
            a_row(row_number=100 + n, name="with\x00zero", characteristics={}) for n in range(5)
        ]
        bad += [
            a_row(row_number=200 + n, characteristics={"n": 10**140_000 + n}) for n in range(5)
        ]
        mixed = [*rows[:30], *bad[:7], *rows[30:], *bad[7:]]

        done = await imported(catalog, supplier.id, *mixed)

        assert done.figures == ImportFigures(inserted=90)
        assert {row.code for row in done.refused} == {"row.unstorable"}
        assert sorted(row.row_number for row in done.refused) == [
            *range(100, 105),
            *range(200, 205),
        ]
        assert len(await peek.items(supplier.id)) == 90

    async def test_a_list_of_which_nothing_can_be_stored_is_refused(
        self, catalog: Catalog
    ) -> None:
        supplier = await stored_supplier(catalog)
        rows = [a_row(row_number=n + 1, name="\x00") for n in range(1_001)]

        with pytest.raises(RefusedError) as caught:
            await imported(catalog, supplier.id, *rows)

        assert caught.value.code == "import.unstorable"

    async def test_the_version_changes_with_items_and_imports_and_with_nothing_else(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        supplier, other = await stored_supplier(catalog), await stored_supplier(catalog)
        versions = [await _version(catalog, supplier.id)]
        await imported(catalog, supplier.id, a_priced_row("a", "1.00"))
        versions.append(await _version(catalog, supplier.id))
        item = (await peek.items(supplier.id))["a"]
        await peek.edit(item.id, name="edited", characteristics=item.characteristics)
        versions.append(await _version(catalog, supplier.id))
        async with catalog.unit() as unit:
            held = replace(an_import(supplier.id), state=ImportState.HELD)
            await unit.imports.note(held)
        versions.append(await _version(catalog, supplier.id))
        await imported(catalog, other.id, a_priced_row("a", "1.00"))
        await peek.set_match(item.id, MatchStatus.VERIFIED_MATCH, None)

        assert len(set(versions)) == len(versions)
        assert await _version(catalog, supplier.id) == versions[-1]

    async def test_a_supplier_that_is_gone_takes_no_list(self, catalog: Catalog) -> None:
        with pytest.raises(SupplierNotFoundError):
            async with catalog.unit() as unit:
                await unit.imports.stage(SupplierId(fresh_id()))


async def _version(catalog: Catalog, supplier_id: SupplierId) -> str:
    async with catalog.unit() as unit:
        return await (await unit.imports.stage(supplier_id)).version()


class ImportRecordsContract:
    """What became of an import is known afterwards."""

    async def test_a_record_comes_back_as_it_was_noted(self, catalog: Catalog) -> None:
        supplier = await stored_supplier(catalog)
        record = Import(
            id=ImportId(fresh_id()),
            supplier_id=supplier.id,
            state=ImportState.HELD,
            noted_at=NOW,
            task_id="task-1",
            job_id=JobId(fresh_id()),
            attempt=2,
            content_key="f" * 64,
            source_name="прайс.xlsx",
            figures=ImportFigures(
                inserted=1,
                updated=2,
                unchanged=3,
                merged=4,
                repriced=2,
                moved=1,
                rejected=5,
                no_price=6,
                unavailable=1,
                missing=7,
            ),
            reasons=(HoldReason(code="import.price_moves", message="too many"),),
            layouts={"Лист1": {"header_row": 1, "columns": {"name": 0}, "headers": {}}},
        )
        async with catalog.unit() as unit:
            await unit.imports.note(record)
            await unit.imports.note(replace(record, figures=ImportFigures()))

        async with catalog.unit() as unit:
            assert await unit.imports.get(record.id) == record

    async def test_the_latest_records_come_first(self, catalog: Catalog) -> None:
        first, second = await stored_supplier(catalog), await stored_supplier(catalog)
        records = [
            an_import(first.id),
            replace(an_import(second.id), content_key="a"),
            replace(an_import(first.id), state=ImportState.HELD, content_key="a"),
        ]
        async with catalog.unit() as unit:
            for record in records:
                await unit.imports.note(record)

        async with catalog.unit() as unit:
            everything = await unit.imports.recent(None, limit=10)
            of_first = await unit.imports.recent(first.id, limit=10)
            latest = await unit.imports.recent(None, limit=1)
            applied = await unit.imports.recent(None, limit=10, state=ImportState.APPLIED)
            same = await unit.imports.recent(first.id, limit=10, content_key="a")

        assert everything == records[::-1]
        assert of_first == [records[2], records[0]]
        assert latest == [records[2]]
        assert applied == [records[1], records[0]]
        assert same == [records[2]]

    async def test_imports_without_a_job_wait_to_be_followed_once(self, catalog: Catalog) -> None:
        supplier = await stored_supplier(catalog)
        records = [an_import(supplier.id) for _ in range(3)]
        others = [
            replace(an_import(supplier.id), job_id=JobId(fresh_id())),
            replace(an_import(supplier.id), state=ImportState.HELD),
            replace(an_import(supplier.id), state=ImportState.REPEATED),
        ]
        async with catalog.unit() as unit:
            for record in (*records, *others):
                await unit.imports.note(record)

        async with catalog.unit() as unit:
            first = await unit.imports.to_follow(limit=2)
            await unit.imports.followed([record.id for record in first], at=LATER)
        await undone(catalog, records[2].id)
        async with catalog.unit() as unit:
            left = await unit.imports.to_follow(limit=2)

        assert first == records[:2]
        assert left == []

    async def test_the_first_approval_stays(self, catalog: Catalog) -> None:
        supplier = await stored_supplier(catalog)
        record = replace(an_import(supplier.id), state=ImportState.HELD)
        async with catalog.unit() as unit:
            await unit.imports.note(record)
            await unit.imports.approve(record.id, by="Ivanova", at=NOW)
            await unit.imports.approve(record.id, by="Petrov", at=LATER)

        async with catalog.unit() as unit:
            approved = await unit.imports.get(record.id)

        assert (approved.approved_by, approved.approved_at) == ("Ivanova", NOW)

    async def test_what_an_import_changed_can_be_looked_up(self, catalog: Catalog) -> None:
        supplier = await stored_supplier(catalog)
        await imported(catalog, supplier.id, a_priced_row("a", "1.00"), a_priced_row("b", "1.00"))
        second = await imported(
            catalog,
            supplier.id,
            a_priced_row("a", "1.00", in_stock=False),
            a_priced_row("b", "2.00"),
            a_priced_row("c", "3.00"),
        )

        async with catalog.unit() as unit:
            told = await unit.imports.changes(second.id, limit=5)

        one = Money(Decimal("1.00"))
        assert [(each.kind, each.sku, each.before, each.after) for each in told] == [
            (DifferenceKind.REPRICED, "b", one, Money(Decimal("2.00"))),
            (DifferenceKind.UPDATED, "a", one, one),
            (DifferenceKind.INSERTED, "c", None, Money(Decimal("3.00"))),
        ]
        assert all(isinstance(each, Difference) for each in told)

    async def test_an_import_that_nobody_knows_is_not_found(self, catalog: Catalog) -> None:
        nobody = ImportId(fresh_id())
        async with catalog.unit() as unit:
            with pytest.raises(ImportNotFoundError):
                await unit.imports.get(nobody)
            with pytest.raises(ImportNotFoundError):
                await unit.imports.approve(nobody, by="x", at=NOW)
            with pytest.raises(ImportNotFoundError):
                await unit.imports.undo(nobody, at=NOW)

    async def test_an_import_for_a_supplier_that_is_gone_is_not_noted(
        self, catalog: Catalog, peek: CatalogPeek
    ) -> None:
        with pytest.raises(SupplierNotFoundError):
            async with catalog.unit() as unit:
                await unit.imports.note(an_import(SupplierId(fresh_id())))

        assert await peek.imports() == []
