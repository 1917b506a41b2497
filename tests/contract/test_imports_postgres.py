"""Imports on a real server: constraints of neighbours, killed connections, dumps compared."""

import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import pytest
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncEngine

from marketbel_adapters.postgres.catalog import PostgresCatalog
from marketbel_adapters.postgres.url import create_engine
from marketbel_adapters.row_lines import RowLines
from marketbel_adapters.system import SystemClock, TimeOrderedIdSource
from marketbel_adapters.testing.builders import a_row
from marketbel_adapters.testing.catalog_imports import an_unpriced_row, imported, undone
from marketbel_adapters.testing.catalog_steps import (
    LATER,
    a_priced_row,
    claimed,
    doubted,
    drafted,
    linked,
    recorded,
    stored_product,
    stored_supplier,
)
from marketbel_core.catalog import FileType, GivenLayout, Supplier
from marketbel_core.errors import UnavailableError
from marketbel_core.ids import FileKey, SupplierId
from marketbel_core.intake.plan import ImportFigures, ImportRules, MissingPolicy
from marketbel_core.intake.remembered import RememberedLayout
from marketbel_core.intake.rows import AcceptedRow, RowRejection
from marketbel_core.ports import ListedRow, RowBatch, RowReader, UndoOutcome
from marketbel_core.use_cases import ListImporter, ListToImport

pytestmark = pytest.mark.postgres

_SHARED: Final = (
    *("suppliers", "supplier_items", "price_history", "products", "match_review_queue"),
    *("marketbel.drafts", "marketbel.known_links", "marketbel.missing_items"),
)
_KILL: Final = (
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND state = 'idle in transaction'"
)


@pytest.fixture
async def engine(migrated_database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(migrated_database_url)
    yield engine
    await engine.dispose()


@pytest.fixture
def catalog(engine: AsyncEngine) -> PostgresCatalog:
    return PostgresCatalog(engine)


async def rows_of(engine: AsyncEngine, sql: str) -> list[Row[Any]]:
    async with engine.begin() as connection:
        result = await connection.execute(text(sql))
        return list(result) if result.returns_rows else []


async def dump_of(engine: AsyncEngine) -> dict[str, list[Row[Any]]]:
    """Return every row of every table that an import changes, audit apart."""
    return {name: await rows_of(engine, f"SELECT * FROM {name} ORDER BY 1") for name in _SHARED}


async def test_rows_that_a_neighbours_constraint_refuses_never_cost_the_others(
    catalog: PostgresCatalog, engine: AsyncEngine
) -> None:
    await rows_of(
        engine, "ALTER TABLE supplier_items ADD CONSTRAINT no_tests CHECK (name <> 'test')"
    )
    supplier = await stored_supplier(catalog)
    good = [a_priced_row(f"good-{n}", "1.00") for n in range(200)]
    bad = [a_row(row_number=1_000 + n, name="test") for n in range(10)]
    mixed: list[ListedRow] = [*good]
    for n, row in enumerate(bad):
        mixed.insert(17 * n, row)

    done = await imported(catalog, supplier.id, *mixed)

    assert done.figures == ImportFigures(inserted=200)
    assert sorted(row.row_number for row in done.refused) == [row.row_number for row in bad]
    assert {row.code for row in done.refused} == {"row.unstorable"}
    assert all("no_tests" in row.message for row in done.refused)


async def test_rows_that_come_as_lines_are_stored_like_any_others(
    catalog: PostgresCatalog, engine: AsyncEngine
) -> None:
    await rows_of(
        engine, "ALTER TABLE supplier_items ADD CONSTRAINT no_tests CHECK (name <> 'test')"
    )
    said = {"brand": 'O\\"Neill', "price_opt": "9.50", "price_rrc": "12.00", "stock": 3}
    rows = [
        replace(a_row(row_number=number, name=name), sku=f"sku-{number}", characteristics=said)
        for number, name in enumerate(["test" if n % 9 == 0 else f"name \\{n}" for n in range(40)])
    ]
    lines = RowLines.of(rows)
    assert lines is not None
    one, other = await stored_supplier(catalog), await stored_supplier(catalog)

    done = [
        await staged_and_applied(catalog, one.id, lines),
        await staged_and_applied(catalog, other.id, rows),
    ]

    assert done[0] == done[1]
    assert len(done[0][1]) == 5
    stored = [
        await rows_of(
            engine,
            "SELECT supplier_sku, name, current_price, characteristics, price_opt, price_rrc"
            f" FROM supplier_items WHERE supplier_id = '{supplier.id}' ORDER BY supplier_sku",
        )
        for supplier in (one, other)
    ]
    assert stored[0] == stored[1]
    assert len(stored[0]) == 35


async def staged_and_applied(
    catalog: PostgresCatalog, supplier_id: SupplierId, rows: Sequence[AcceptedRow]
) -> tuple[ImportFigures, list[RowRejection]]:
    async with catalog.unit() as unit:
        staged = await unit.imports.stage(supplier_id)
        refused = await staged.add(rows)
        figures = await staged.compare(price_move_max_percent=Decimal(50))
        await staged.apply(None, missing=MissingPolicy.KEEP, at=LATER)
    return figures, refused


async def test_a_list_may_come_in_more_batches_than_calls_may_be_nested(
    catalog: PostgresCatalog,
) -> None:
    supplier = await stored_supplier(catalog)

    async with catalog.unit() as unit:
        staged = await unit.imports.stage(supplier.id)
        for n in range(sys.getrecursionlimit() + 100):
            await staged.add([a_priced_row(f"sku-{n % 10}", "1.00")])
        figures = await staged.compare(price_move_max_percent=Decimal(50))

    assert figures.inserted == 10


async def test_the_dump_after_plan_apply_and_undo_equals_the_dump_before(
    catalog: PostgresCatalog, engine: AsyncEngine
) -> None:
    supplier, product = await stored_supplier(catalog), await stored_product(catalog)
    policy = MissingPolicy.UNAVAILABLE
    await imported(
        catalog, supplier.id, *(a_priced_row(sku, "10.00") for sku in "abcdef"), missing=policy
    )
    await imported(
        catalog, supplier.id, *(a_priced_row(sku, "10.00") for sku in "abcde"), missing=policy
    )
    await rows_of(
        engine,
        f"UPDATE supplier_items SET product_id = '{product.id}', match_status = 'verified_match'"
        " WHERE supplier_sku IN ('a', 'b')",
    )
    before = await dump_of(engine)
    rows: list[ListedRow] = [
        a_priced_row("a", "11.00"),
        a_priced_row("b", "10.00", in_stock=False),
        an_unpriced_row("c"),
        a_priced_row("f", "10.00"),
        *(a_priced_row(f"new-{n}", "1.00") for n in range(2_500)),
        a_priced_row("new-7", "2.00"),
    ]
    async with catalog.unit() as unit:
        staged = await unit.imports.stage(supplier.id)
        await staged.add(rows)
        planned = await staged.compare(price_move_max_percent=Decimal(50))
    assert await dump_of(engine) == before
    done = await imported(catalog, supplier.id, *rows, missing=policy, at=LATER)
    fresh = await claimed(catalog, supplier.id, limit=300)
    news = [item for item in fresh if item.sku.startswith("new-")]
    await recorded(
        catalog,
        *(drafted(item) for item in news[:100]),
        *(linked(item, product) for item in news[100:200]),
        *(doubted(item, product) for item in news[200:]),
    )
    assert await dump_of(engine) != before

    outcome = await undone(catalog, done.id)

    assert done.figures == planned
    # a, b, c, f; d and e became unavailable; and all that was new.
    assert (outcome.reversed, outcome.kept, outcome.failed) == (6 + 2_500, 0, 0)
    assert (outcome.drafts, outcome.product_ids) == (100, (product.id,))
    assert await dump_of(engine) == before


async def test_a_draft_that_a_person_took_up_keeps_its_item(
    catalog: PostgresCatalog, engine: AsyncEngine
) -> None:
    supplier = await stored_supplier(catalog)
    done = await imported(catalog, supplier.id, *(a_priced_row(sku, "1.00") for sku in "abc"))
    items = sorted(await claimed(catalog, supplier.id), key=lambda item: item.sku)
    active, priced, _ = drafts = [drafted(item) for item in items]
    await recorded(catalog, *drafts)
    await rows_of(
        engine, f"UPDATE products SET status = 'active' WHERE id = '{active.product.id}'"
    )
    await rows_of(engine, f"UPDATE products SET retail_price = 5 WHERE id = '{priced.product.id}'")

    outcome = await undone(catalog, done.id)

    assert outcome == UndoOutcome(
        reversed=2, kept=1, kept_skus=("a",), drafts=1, product_ids=(priced.product.id,)
    )
    left = await rows_of(engine, "SELECT id FROM products ORDER BY id")
    assert {row.id for row in left} == {active.product.id, priced.product.id}


class _KillingReader(RowReader):
    """Gives a list in two batches, and has the database kill the import in between, once."""

    def __init__(self, rows: Sequence[ListedRow], engine: AsyncEngine) -> None:
        self._rows = tuple(rows)
        self._engine = engine
        self._has_killed = False

    async def read(
        self,
        key: FileKey,  # noqa: ARG002  # there is but one list
        *,
        file_type: FileType,  # noqa: ARG002
        sheet_name: str | None = None,  # noqa: ARG002
        layout: GivenLayout | None = None,  # noqa: ARG002
        remembered: Mapping[str, RememberedLayout] | None = None,  # noqa: ARG002
    ) -> AsyncIterator[RowBatch]:
        half = len(self._rows) // 2
        yield RowBatch(events=self._rows[:half])
        yield RowBatch(events=self._rows[half : half + 1])
        if not self._has_killed:
            self._has_killed = True
            assert await rows_of(self._engine, _KILL)
        yield RowBatch(events=self._rows[half + 1 :])


def a_list(supplier: Supplier) -> ListToImport:
    return ListToImport(
        supplier=supplier.id,
        key=FileKey("list.csv"),
        file_type=FileType.CSV,
        source_name="list.csv",
        sha256="a" * 64,
    )


async def test_an_import_whose_connection_is_killed_leaves_nothing_and_the_retry_is_whole(
    catalog: PostgresCatalog, engine: AsyncEngine
) -> None:
    supplier, undisturbed = await stored_supplier(catalog), await stored_supplier(catalog)
    rows = [a_priced_row(f"sku-{n}", f"{n % 90 + 1}.00") for n in range(500)]
    importer = ListImporter(
        reader=_KillingReader(rows, engine),
        catalog=catalog,
        clock=SystemClock(),
        ids=TimeOrderedIdSource(),
        rules=ImportRules(),
    )
    before = await dump_of(engine)

    with pytest.raises(UnavailableError):
        await importer.carry_out(a_list(supplier))
    left = await dump_of(engine)
    noted = await rows_of(engine, "SELECT * FROM marketbel.imports")
    retried = await importer.carry_out(a_list(supplier))
    await importer.carry_out(a_list(undisturbed))

    assert (left, noted) == (before, [])
    assert retried.figures == ImportFigures(inserted=500)
    told = [
        await rows_of(
            engine,
            "SELECT supplier_sku, name, current_price, characteristics, match_status, h.price"
            " FROM supplier_items i JOIN price_history h ON h.supplier_item_id = i.id"
            f" WHERE supplier_id = '{each.id}' ORDER BY supplier_sku",
        )
        for each in (supplier, undisturbed)
    ]
    assert len(told[0]) == 500
    assert told[0] == told[1]


async def test_only_the_last_imports_of_a_supplier_can_be_undone(
    catalog: PostgresCatalog, engine: AsyncEngine
) -> None:
    supplier = await stored_supplier(catalog)
    for n in range(13):
        await imported(catalog, supplier.id, a_priced_row("a", f"{n}.00"))

    kept = await rows_of(
        engine,
        "SELECT count(DISTINCT import_id) FROM (SELECT import_id FROM marketbel.import_changes"
        " UNION ALL SELECT import_id FROM marketbel.import_insertions) x",
    )

    assert kept[0][0] == 10
