"""What only the catalogue in PostgreSQL promises: values as neighbours have them, long lists."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from time import perf_counter
from typing import Any

import pytest
from sqlalchemy import Row, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from marketbel_adapters.postgres.catalog import PostgresCatalog
from marketbel_adapters.postgres.url import create_engine
from marketbel_adapters.testing.builders import a_product, a_row, a_supplier, fresh_id
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
from marketbel_core.catalog import Money
from marketbel_core.errors import (
    ProtocolError,
    RefusedError,
    UnavailableError,
)
from marketbel_core.ids import CategoryId, SupplierId
from marketbel_core.ports import ImportFigures

pytestmark = pytest.mark.postgres

LARGE_LIST_ROWS = 20_000
LARGE_LIST_SECONDS_MAX = 30.0  # measured: about one; a machine may be busy


@pytest.fixture
async def engine(migrated_database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(migrated_database_url)
    yield engine
    await engine.dispose()


@pytest.fixture
def catalog(engine: AsyncEngine) -> PostgresCatalog:
    return PostgresCatalog(engine)


async def rows_of(engine: AsyncEngine, sql: str, **values: object) -> list[Row[Any]]:
    async with engine.begin() as connection:
        result = await connection.execute(text(sql), values)
        return list(result) if result.returns_rows else []


async def value_of(engine: AsyncEngine, sql: str, **values: object) -> Any:
    [[value]] = await rows_of(engine, sql, **values)
    return value


async def test_names_are_told_apart_and_the_oldest_supplier_wins(
    catalog: PostgresCatalog, engine: AsyncEngine
) -> None:
    young, old = fresh_id(), fresh_id()
    await rows_of(
        engine,
        "INSERT INTO suppliers (id, name, source_type, created_at) VALUES"
        " (:young, 'молоко', 'csv', now()), (:old, ' МОЛОКО', 'csv', now() - interval '1 day')",
        young=young,
        old=old,
    )

    async with catalog.unit() as unit:
        found = await unit.suppliers.find("Молоко")
        added = await unit.suppliers.add(a_supplier(name="МОЛОКО"))

    assert found is not None
    assert (found.id, added.id) == (old, old)


@pytest.mark.parametrize(
    ("metadata", "is_active", "wish"),
    [
        ({}, True, None),
        ({"is_active": None, "use_ml_processing": None}, True, None),
        ({"is_active": False, "use_ml_processing": True, "source_url": "x"}, False, True),
        ({"use_ml_processing": "no"}, True, None),
    ],
)
async def test_a_neighbours_supplier_is_read_from_its_metadata(
    catalog: PostgresCatalog,
    engine: AsyncEngine,
    metadata: dict[str, object],
    is_active: bool,
    wish: bool | None,
) -> None:
    supplier_id = SupplierId(fresh_id())
    await rows_of(
        engine,
        "INSERT INTO suppliers (id, name, source_type, metadata)"
        " VALUES (:id, 'x', 'excel', CAST(:metadata AS jsonb))",
        id=supplier_id,
        metadata=json.dumps(metadata),
    )

    async with catalog.unit() as unit:
        supplier = await unit.suppliers.get(supplier_id)

    assert (supplier.is_active, supplier.use_ml_processing) == (is_active, wish)
    assert dict(supplier.metadata) == metadata


async def test_further_prices_of_a_row_have_columns_of_their_own(
    catalog: PostgresCatalog, engine: AsyncEngine
) -> None:
    supplier = await stored_supplier(catalog)
    prices = {"_price_wholesale": "7.5", "_price_retail": 12, "_price_dealer": "6.00"}
    odd = {"_price_wholesale": "по запросу", "_price_retail": -1}
    foreign = {**prices, "_price_wholesale_currency": "USD"}
    ours = {**prices, "_price_retail_currency": "BYN"}
    await merged(
        catalog,
        supplier.id,
        a_row(sku="a", characteristics=prices),
        a_row(sku="b", characteristics=odd),
        a_row(sku="c", characteristics=prices, price=Money(Decimal("9.00"), "USD")),
        a_row(sku="d", characteristics=foreign),
        a_row(sku="e", characteristics=ours, price=Money(Decimal("9.00"), "USD")),
    )

    rows = await rows_of(
        engine,
        "SELECT price_opt, price_rrc, characteristics FROM supplier_items ORDER BY supplier_sku",
    )

    assert [tuple(row) for row in rows] == [
        (Decimal("7.50"), Decimal("12.00"), prices),
        (None, None, odd),
        (None, None, {**prices, "_currency": "USD"}),
        (None, Decimal("12.00"), foreign),
        (None, Decimal("12.00"), {**ours, "_currency": "USD"}),
    ]


async def test_an_unchanged_row_is_not_rewritten(
    catalog: PostgresCatalog, engine: AsyncEngine
) -> None:
    supplier = await stored_supplier(catalog)
    rows = [a_priced_row("a", "1.00"), a_priced_row("b", "1.00")]
    await merged(catalog, supplier.id, *rows)
    versions = "SELECT supplier_sku, xmin::text, last_ingested_at FROM supplier_items ORDER BY 1"
    before = await rows_of(engine, versions)

    await merged(catalog, supplier.id, rows[0], a_priced_row("b", "2.00"), at=LATER)

    after = await rows_of(engine, versions)
    assert after[0] == before[0]
    assert after[1].last_ingested_at == LATER


async def test_an_unknown_currency_of_a_neighbour_is_compared_with_none(
    catalog: PostgresCatalog, engine: AsyncEngine
) -> None:
    product, supplier = await stored_product(catalog), await stored_supplier(catalog)
    await merged(catalog, supplier.id, *(a_priced_row(sku, "1.00") for sku in "abc"))
    for sku, currency in {"a": "руб.", "b": " usd", "c": ""}.items():
        await rows_of(
            engine,
            "UPDATE supplier_items SET product_id = :p, match_status = 'verified_match',"
            " characteristics = jsonb_build_object('_currency', CAST(:c AS text))"
            " WHERE supplier_sku = :s",
            p=product.id,
            c=currency,
            s=sku,
        )

    async with catalog.unit() as unit:
        offers = await unit.items.offers_of([product.id])

    assert sorted(offer.price.currency for offer in offers) == ["BYN", "USD", "XXX"]


async def test_a_verdict_given_on_a_task_is_cleared_when_the_task_is_renewed(
    catalog: PostgresCatalog, engine: AsyncEngine
) -> None:
    supplier, product = await stored_supplier(catalog), await stored_product(catalog)
    await merged(catalog, supplier.id, a_priced_row("a", "1.00"))
    [item] = await claimed(catalog, supplier.id)
    await recorded(catalog, doubted(item, product))
    await rows_of(engine, "UPDATE match_review_queue SET status = 'rejected', reviewed_at = now()")
    await rows_of(engine, "UPDATE supplier_items SET match_status = 'unmatched'")

    await recorded(catalog, doubted(item, product, at=LATER + timedelta(days=1)))

    [row] = await rows_of(engine, "SELECT status, reviewed_at FROM match_review_queue")
    assert tuple(row) == ("pending", None)


async def test_candidates_are_stored_as_the_neighbours_read_them(
    catalog: PostgresCatalog, engine: AsyncEngine
) -> None:
    supplier, product = await stored_supplier(catalog), await stored_product(catalog)
    await merged(catalog, supplier.id, a_priced_row("a", "1.00"))
    [item] = await claimed(catalog, supplier.id)
    outcome = linked(item, product, score=98.765)
    category_id = CategoryId(fresh_id())
    candidates = (*outcome.candidates, replace(outcome.candidates[0], category_id=category_id))

    await recorded(catalog, replace(outcome, candidates=candidates))

    told = {"product_id": str(product.id), "product_name": product.name, "score": 98.77}
    stored = await value_of(engine, "SELECT match_candidates FROM supplier_items")
    assert stored == [told, {**told, "category_id": str(category_id)}]


async def test_a_server_that_is_not_there_is_unavailable_and_no_password_is_told() -> None:
    engine = create_engine("postgresql://user:secret-word@127.0.0.1:1/nowhere")

    with pytest.raises(UnavailableError) as caught:
        await stored_supplier(PostgresCatalog(engine))

    assert caught.value.code == "postgres.unavailable"
    assert "secret-word" not in str(caught.value)
    await engine.dispose()


async def test_tables_that_are_not_there_are_a_broken_agreement(
    catalog: PostgresCatalog, engine: AsyncEngine
) -> None:
    await rows_of(engine, "DROP TABLE marketbel.drafts")

    with pytest.raises(ProtocolError, match="drafts") as caught:
        await matchable_names(catalog)

    assert "SELECT" not in str(caught.value)


async def matchable_names(catalog: PostgresCatalog) -> list[str]:
    async with catalog.unit() as unit:
        return [product.name for product in await unit.products.matchable()]


async def test_a_value_that_the_server_refuses_is_refused(catalog: PostgresCatalog) -> None:
    for changes in ({"name": "n" * 501}, {"name": "\x00"}, {"internal_sku": "s" * 101}):
        with pytest.raises(RefusedError):
            await stored_product(catalog, **changes)  # type: ignore[arg-type]  # fields of a product


async def test_a_large_list_is_merged_as_a_set(
    catalog: PostgresCatalog, record_property: Callable[[str, object], None]
) -> None:
    supplier = await stored_supplier(catalog)
    rows = [
        a_row(
            sku=f"sku-{n}",
            name=f"Дрель ударная Bosch GSB {n} RE",
            price=Money(Decimal(n) / 100),
            characteristics={"in_stock": n % 2 == 0, "бренд": "Bosch", "_price_wholesale": "1.5"},
        )
        for n in range(LARGE_LIST_ROWS)
    ]
    dearer = [
        replace(row, price=Money(row.price.amount + 1)) if n % 10 == 0 else row
        for n, row in enumerate(rows)
    ]

    for name, told, expected in (
        ("all new", rows, ImportFigures(inserted=20_000)),
        ("all unchanged", rows, ImportFigures(unchanged=20_000)),
        ("a tenth dearer", dearer, ImportFigures(updated=2_000, unchanged=18_000, repriced=2_000)),
    ):
        begun = perf_counter()
        figures = await merged(catalog, supplier.id, *told, at=LATER)
        seconds = perf_counter() - begun
        record_property(name, f"{seconds:.2f} s")
        print(f"{LARGE_LIST_ROWS} rows, {name}: {seconds:.2f} s")  # noqa: T201
        assert figures == expected
        assert seconds < LARGE_LIST_SECONDS_MAX


async def test_a_transaction_that_says_nothing_for_too_long_gives_its_locks_back(
    migrated_database_url: str, engine: AsyncEngine
) -> None:
    short = create_engine(
        migrated_database_url, idle_in_transaction_max=timedelta(milliseconds=50)
    )
    silent = PostgresCatalog(short)
    idle = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
    )

    async def add_two_with_a_long_pause() -> None:
        async with silent.unit() as unit:
            await unit.suppliers.add(a_supplier())
            async with asyncio.timeout(30):
                while await value_of(engine, idle):
                    await asyncio.sleep(0.01)
            await unit.suppliers.add(a_supplier())

    with pytest.raises(UnavailableError) as refused:
        await add_two_with_a_long_pause()

    assert refused.value.code == "postgres.unavailable"
    assert await value_of(engine, "SELECT count(*) FROM suppliers") == 0
    await short.dispose()


async def test_a_statement_whose_client_was_killed_is_ended_before_it_is_through(
    migrated_database_url: str, engine: AsyncEngine
) -> None:
    watched = create_engine(
        migrated_database_url, client_check_interval=timedelta(milliseconds=50)
    )
    running = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep%'"
    )
    connection = await watched.connect()
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    asked = asyncio.ensure_future(connection.execute(text("SELECT pg_sleep(3600)")))
    async with asyncio.timeout(30):
        while not await value_of(engine, running):
            await asyncio.sleep(0.01)

        driver.terminate()  # the socket closes, as when the process is killed

        with pytest.raises(DBAPIError):
            await asked
        while await value_of(engine, running):
            await asyncio.sleep(0.01)
    await connection.close()
    await watched.dispose()


async def test_changes_tell_of_what_changed_however_it_was_written_and_of_nothing_else(
    catalog: PostgresCatalog, engine: AsyncEngine
) -> None:
    names = ("left alone", "renamed", "archived", "deleted")
    products = [await stored_product(catalog, name=name) for name in names]
    async with catalog.unit() as unit:
        before = await unit.products.changes(None)
        nothing = await unit.products.changes(before.mark)

    async with engine.begin() as connection:  # as a neighbour does, without updated_at
        for name, change in (
            ("renamed", "UPDATE products SET name = 'another' WHERE name = :name"),
            ("archived", "UPDATE products SET status = 'archived' WHERE name = :name"),
            ("deleted", "DELETE FROM products WHERE name = :name"),
        ):
            await connection.execute(text(change), {"name": name})
    async with catalog.unit() as unit:
        changes = await unit.products.changes(nothing.mark)

    assert len(before.products) == 4
    assert list(nothing.products) == []
    assert [product.name for product in changes.products] == ["another"]
    assert list(changes.gone) == [products[2].id]
    assert changes.total == 2


async def test_what_was_committed_late_is_told_of_although_it_began_before_the_mark(
    catalog: PostgresCatalog,
) -> None:
    async with catalog.unit() as slow:
        await slow.products.add([a_product(name="late")])
        async with catalog.unit() as unit:
            before = await unit.products.changes(None)

    async with catalog.unit() as unit:
        changes = await unit.products.changes(before.mark)

    assert before.total == 0
    assert [product.name for product in changes.products] == ["late"]
