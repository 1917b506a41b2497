"""The catalogue in PostgreSQL under units at once, neighbours in between and lost connections."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncEngine

from marketbel_adapters.index import TantivyCandidateIndex
from marketbel_adapters.memory import MemoryCandidateIndex
from marketbel_adapters.postgres.catalog import PostgresCatalog
from marketbel_adapters.postgres.url import create_engine
from marketbel_adapters.testing.builders import NOW, a_product, a_row
from marketbel_adapters.testing.catalog_imports import an_import
from marketbel_adapters.testing.catalog_steps import (
    LATER,
    a_priced_row,
    claimed,
    drafted,
    linked,
    merged,
    recalculated,
    recorded,
    stored_product,
    stored_supplier,
)
from marketbel_core.catalog import ExchangeRates, ProductAggregates, aggregate
from marketbel_core.errors import (
    SupplierNotFoundError,
    UnavailableError,
)
from marketbel_core.ids import SupplierId
from marketbel_core.ports import ImportFigures, LogEntry, LogLevel
from marketbel_runtime.lifespan import memory

pytestmark = pytest.mark.postgres


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


async def test_a_claim_passes_over_what_another_unit_has_claimed(
    catalog: PostgresCatalog,
) -> None:
    supplier = await stored_supplier(catalog)
    await merged(catalog, supplier.id, *(a_priced_row(sku, "1.00") for sku in "abcd"))

    async with catalog.unit() as first, catalog.unit() as second:
        of_first = await first.items.claim_unmatched(supplier.id, limit=3)
        of_second = await second.items.claim_unmatched(supplier.id, limit=3)
        waiting = await second.items.count_unmatched(supplier.id)

    assert (len(of_first), len(of_second)) == (3, 1)
    assert {item.sku for item in of_first + of_second} == set("abcd")
    assert waiting == 4
    assert len(await claimed(catalog, supplier.id)) == 4


async def test_many_units_match_a_backlog_and_each_item_once(
    catalog: PostgresCatalog, engine: AsyncEngine
) -> None:
    supplier = await stored_supplier(catalog)
    await merged(catalog, supplier.id, *(a_priced_row(str(n), "1.00") for n in range(60)))
    seen: list[UUID] = []

    async def drain() -> None:
        while True:
            async with catalog.unit() as unit:
                items = await unit.items.claim_unmatched(supplier.id, limit=7)
                if not items:
                    return
                seen.extend(item.id for item in items)
                await unit.items.record_matches([drafted(item) for item in items], at=LATER)

    await asyncio.gather(*(drain() for _ in range(4)))

    assert len(seen) == len(set(seen)) == 60
    assert await value_of(engine, "SELECT count(*) FROM products") == 60
    assert await value_of(engine, "SELECT count(*) FROM marketbel.drafts") == 60


async def test_aggregates_recomputed_by_many_at_once_end_right(
    catalog: PostgresCatalog,
) -> None:
    products = [await stored_product(catalog) for _ in range(3)]
    ids = [product.id for product in products]
    suppliers = [await stored_supplier(catalog) for _ in range(6)]
    for n, supplier in enumerate(suppliers):
        rows = [a_priced_row(str(k), f"{10 - n}.{k}0") for k in range(3)]
        await merged(catalog, supplier.id, *rows)

    async def link_and_recalculate(supplier_id: SupplierId) -> None:
        items = await claimed(catalog, supplier_id)
        await recorded(
            catalog,
            *(linked(item, product) for item, product in zip(items, products, strict=True)),
        )
        await recalculated(catalog, list(reversed(ids)))

    await asyncio.gather(*(link_and_recalculate(supplier.id) for supplier in suppliers))

    async with catalog.unit() as unit:
        offers = await unit.items.offers_of(ids)
    assert sum(offer.items for offer in offers) == 18
    assert await recalculated(catalog, ids) == 0
    for product_id in ids:
        of_product = [offer for offer in offers if offer.product_id == product_id]
        assert aggregate(of_product, rates=ExchangeRates()).min_price is not None


async def test_a_unit_that_links_does_not_wait_for_one_that_recalculates(
    catalog: PostgresCatalog,
) -> None:
    product, supplier = await stored_product(catalog), await stored_supplier(catalog)
    await merged(catalog, supplier.id, a_priced_row("a", "1.00"))
    [item] = await claimed(catalog, supplier.id)

    async with catalog.unit() as recalculating:
        await recalculating.products.lock([product.id])
        async with asyncio.timeout(60):
            await recorded(catalog, linked(item, product))

    assert await recalculated(catalog, [product.id]) == 1


async def test_a_locked_product_makes_the_next_one_wait(
    catalog: PostgresCatalog, engine: AsyncEngine
) -> None:
    product = await stored_product(catalog)
    figures = ProductAggregates(min_price=Decimal("1.00"), availability=True)

    async def write() -> int:
        async with catalog.unit() as unit:
            locked = await unit.products.lock([product.id])
            return await unit.products.record_aggregates(dict.fromkeys(locked, figures), at=NOW)

    async with catalog.unit() as first:
        await first.products.lock([product.id])
        second = asyncio.create_task(write())
        await until_somebody_waits(engine)
        written = await first.products.record_aggregates({product.id: figures}, at=NOW)

    assert (written, await second) == (1, 0)


async def until_somebody_waits(engine: AsyncEngine) -> None:
    """Return as soon as a connection to this database waits for a lock."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(60):
        while not await value_of(engine, waiting):
            pass


async def test_two_imports_of_one_supplier_follow_each_other(
    catalog: PostgresCatalog, engine: AsyncEngine
) -> None:
    supplier = await stored_supplier(catalog)
    rows = [a_priced_row(str(n), "1.00") for n in range(50)]

    figures = await asyncio.gather(
        merged(catalog, supplier.id, *rows), merged(catalog, supplier.id, *reversed(rows))
    )

    assert sorted(figures, key=lambda each: each.inserted) == [
        ImportFigures(unchanged=50),
        ImportFigures(inserted=50),
    ]
    assert await value_of(engine, "SELECT count(*) FROM price_history") == 50


async def test_a_price_that_a_neighbour_changes_meanwhile_is_recorded_once(
    catalog: PostgresCatalog, engine: AsyncEngine
) -> None:
    supplier = await stored_supplier(catalog)
    await merged(catalog, supplier.id, a_priced_row("a", "1.00"))

    async with engine.begin() as neighbour:
        await neighbour.execute(text("UPDATE supplier_items SET current_price = 2.00"))
        importing = asyncio.create_task(merged(catalog, supplier.id, a_priced_row("a", "2.00")))
        await until_somebody_waits(engine)

    await importing
    assert await value_of(engine, "SELECT count(*) FROM price_history") == 1


async def test_a_connection_that_is_killed_is_told_and_leaves_nothing(
    catalog: PostgresCatalog, engine: AsyncEngine
) -> None:
    supplier = await stored_supplier(catalog)

    with pytest.raises(UnavailableError) as caught:
        await merge_on_a_killed_connection(catalog, engine, supplier.id)

    assert caught.value.code == "postgres.unavailable"
    assert caught.value.__cause__ is not None
    assert await value_of(engine, "SELECT count(*) FROM supplier_items") == 0
    assert await merged(catalog, supplier.id, a_priced_row("a", "1.00")) == ImportFigures(
        inserted=1
    )


async def test_a_connection_that_is_killed_before_the_commit_is_told(
    catalog: PostgresCatalog, engine: AsyncEngine
) -> None:
    with pytest.raises(UnavailableError):
        await add_on_a_connection_killed_at_last(catalog, engine)

    assert await value_of(engine, "SELECT count(*) FROM products") == 0


async def merge_on_a_killed_connection(
    catalog: PostgresCatalog, engine: AsyncEngine, supplier_id: SupplierId
) -> None:
    async with catalog.unit() as unit:
        await unit.items.merge(supplier_id, [a_priced_row("a", "1.00")], at=NOW)
        await kill_units(engine)
        await unit.items.count_unmatched(supplier_id)


async def add_on_a_connection_killed_at_last(
    catalog: PostgresCatalog, engine: AsyncEngine
) -> None:
    async with catalog.unit() as unit:
        await unit.products.add([a_product()])
        await kill_units(engine)


async def kill_units(engine: AsyncEngine) -> None:
    """End every connection that is in a transaction, but for the one that does it."""
    await rows_of(
        engine,
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND state = 'idle in transaction'",
    )


async def test_a_supplier_deleted_meanwhile_is_not_found(
    catalog: PostgresCatalog, engine: AsyncEngine
) -> None:
    supplier = await stored_supplier(catalog)

    async def note() -> None:
        async with catalog.unit() as unit:
            await unit.imports.note(an_import(supplier.id))

    async with engine.begin() as neighbour:
        await neighbour.execute(text("DELETE FROM suppliers"))
        noting = asyncio.create_task(note())
        await until_somebody_waits(engine)

    with pytest.raises(SupplierNotFoundError):
        await noting


async def test_a_product_deleted_meanwhile_is_a_conflict(
    catalog: PostgresCatalog, engine: AsyncEngine
) -> None:
    supplier, product = await stored_supplier(catalog), await stored_product(catalog)
    await merged(catalog, supplier.id, a_priced_row("a", "1.00"))
    [item] = await claimed(catalog, supplier.id)

    async with engine.begin() as neighbour:
        await neighbour.execute(text("DELETE FROM products"))
        linking = asyncio.create_task(recorded(catalog, linked(item, product)))
        await until_somebody_waits(engine)

    with pytest.raises(UnavailableError):
        await linking


async def test_two_units_that_log_one_entry_write_it_once(
    catalog: PostgresCatalog, engine: AsyncEngine
) -> None:
    entries = [
        LogEntry(task_id="t", level=LogLevel.ROW, message="m", key=str(n)) for n in range(40)
    ]

    async def record(told: list[LogEntry]) -> int:
        async with catalog.unit() as unit:
            return await unit.log.record(told, at=NOW)

    written = await asyncio.gather(record(entries), record(entries[::-1]), record(entries))

    assert sorted(written) == [0, 0, 40]
    assert await value_of(engine, "SELECT count(*) FROM parsing_logs") == 40


async def test_two_suppliers_new_articles_matched_at_once_found_each_product_once(
    catalog: PostgresCatalog, engine: AsyncEngine
) -> None:
    world = memory()
    names = [f"Насос Makita XR-{n}7 {n}00 Вт" for n in range(1, 41)]
    suppliers = [await stored_supplier(catalog) for _ in range(2)]
    for supplier, told in zip(suppliers, (names, [name.upper() for name in names]), strict=True):
        rows = [a_row(sku=str(n), name=name) for n, name in enumerate(told)]
        await merged(catalog, supplier.id, *rows)
    workers = [
        world.container.match_items(
            links=world.container.links(catalog=catalog),
            catalog=catalog,
            candidates=index(),
            batch_size=8,
        )
        for index in (TantivyCandidateIndex, MemoryCandidateIndex)
    ]

    results = await asyncio.gather(
        *(work(supplier_id=one.id) for work, one in zip(workers, suppliers, strict=True))
    )

    assert sum(result.items for result in results) == 80
    assert await value_of(engine, "SELECT count(*) FROM products") == 40
    shared = await rows_of(
        engine, "SELECT count(DISTINCT supplier_id) AS n FROM supplier_items GROUP BY product_id"
    )
    assert [row.n for row in shared] == [2] * 40


async def test_who_founds_drafts_keeps_the_next_founder_waiting(
    catalog: PostgresCatalog, engine: AsyncEngine
) -> None:
    supplier = await stored_supplier(catalog)
    await merged(catalog, supplier.id, a_priced_row("a", "1.00"))
    [item] = await claimed(catalog, supplier.id)
    outcome = drafted(item)

    async def founded_after() -> list[UUID]:
        async with catalog.unit() as unit:
            return [one.id for one in (await unit.products.found_alone(since=0)).products]

    async with catalog.unit() as unit:
        assert (await unit.products.found_alone(since=0)).products == []
        second = asyncio.create_task(founded_after())
        await until_somebody_waits(engine)
        await unit.items.record_matches([outcome], at=LATER)

    assert await second == [outcome.product.id]
