"""`get_session` and the mapped classes, as callers outside of the worker use them."""

import asyncio
import gc
from collections.abc import Iterator
from decimal import Decimal
from typing import Final
from uuid import UUID

import pytest
from sqlalchemy import select, text

from marketbel_adapters.postgres import (
    DatabaseUrlError,
    Product,
    Supplier,
    SupplierItem,
    aclose_sessions,
    get_session,
)

pytestmark = pytest.mark.postgres

SOURCE: Final = "https://example.com/a.csv"


@pytest.fixture(autouse=True)
def database(migrated_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("DATABASE_URL", migrated_database_url)
    yield migrated_database_url
    gc.collect()  # an unclosed connection would warn now, and a warning is an error


async def a_supplier(metadata: dict[str, object]) -> UUID:
    async with get_session() as session:
        supplier = Supplier(name="Ромашка", source_type="csv", metadata=metadata)
        session.add(supplier)
        await session.commit()
        return supplier.id


async def metadata_of(supplier_id: UUID) -> dict[str, object]:
    async with get_session() as session:
        query = text("SELECT metadata FROM suppliers WHERE id = :id")
        stored: dict[str, object] = (
            await session.execute(query, {"id": supplier_id})
        ).scalar_one()
        return stored


async def test_what_was_committed_is_found_again_and_the_rest_is_not() -> None:
    async with get_session() as session:
        kept, dropped = (
            Product(internal_sku=f"PROD-{number}-AAAA", name="Дрель") for number in (1, 2)
        )
        session.add(kept)
        await session.commit()
        session.add(dropped)
        await session.flush()

    async with get_session() as session:
        found = await session.get(Product, kept.id)
        assert found is not None
        assert (found.name, found.status, found.availability) == ("Дрель", "draft", False)
        assert await session.get(Product, dropped.id) is None


async def test_what_the_server_filled_in_can_be_read_after_a_commit() -> None:
    async with get_session() as session:
        supplier = Supplier(name="A", source_type="csv")
        session.add(supplier)
        await session.commit()
        born = (supplier.created_at, supplier.updated_at)
        supplier.name = "B"
        await session.commit()

        assert (supplier.created_at, supplier.name) == (born[0], "B")
        assert supplier.updated_at > born[1]


async def test_an_attribute_of_the_metadata_is_saved_beside_the_others() -> None:
    supplier_id = await a_supplier({"notes": "n", "use_ml_processing": False})
    async with get_session() as session:
        supplier = await session.get_one(Supplier, supplier_id)
        supplier.is_active = False
        supplier.source_url = SOURCE
        await session.commit()

    assert await metadata_of(supplier_id) == {
        "notes": "n",
        "use_ml_processing": False,
        "is_active": False,
        "source_url": SOURCE,
    }


async def test_a_change_inside_of_the_metadata_is_noticed() -> None:
    supplier_id = await a_supplier({"is_active": True})
    async with get_session() as session:
        supplier = await session.get_one(Supplier, supplier_id)
        supplier.meta["is_active"] = False
        supplier.meta = supplier.meta  # the same object again: what once kept it from being saved
        await session.commit()

    assert await metadata_of(supplier_id) == {"is_active": False}


@pytest.mark.parametrize(
    ("metadata", "active"),
    [
        ({}, True),
        ({"is_active": True}, True),
        ({"is_active": None}, True),
        ({"is_active": "no idea"}, True),
        ({"is_active": False}, False),
        ({"is_active": "False"}, False),
    ],
)
async def test_the_database_and_the_object_agree_on_who_is_active(
    metadata: dict[str, object], *, active: bool
) -> None:
    supplier_id = await a_supplier(metadata)

    async with get_session() as session:
        supplier = await session.get_one(Supplier, supplier_id)
        query = select(Supplier.id)
        active_ids = (await session.scalars(query.where(Supplier.is_active))).all()
        others = (await session.scalars(query.where(~Supplier.is_active))).all()
        column = (await session.execute(select(Supplier.is_active))).scalar_one()

    assert (supplier.is_active, column) == (active, active)
    assert (active_ids, others) == (([supplier_id], []) if active else ([], [supplier_id]))


async def test_a_source_is_found_by_its_address() -> None:
    supplier_id = await a_supplier({"source_url": SOURCE})

    async with get_session() as session:
        query = select(Supplier.id, Supplier.source_url).where(Supplier.source_url == SOURCE)
        [row] = (await session.execute(query)).all()

    assert tuple(row) == (supplier_id, SOURCE)


async def test_an_item_has_the_names_of_the_description_and_those_of_the_table() -> None:
    supplier_id = await a_supplier({})
    async with get_session() as session:
        item = SupplierItem(supplier_id=supplier_id, sku="007", name="x", price=Decimal("1.50"))
        session.add(item)
        await session.commit()
        item.price += 1
        await session.commit()

    async with get_session() as session:
        query = select(SupplierItem.sku, SupplierItem.price).where(SupplierItem.price > 2)
        assert [tuple(row) for row in await session.execute(query)] == [("007", Decimal("2.50"))]
        stored = await session.get_one(SupplierItem, item.id)
        assert (stored.supplier_sku, stored.current_price) == ("007", Decimal("2.50"))


async def test_another_database_can_be_named(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://elsewhere")

    async with get_session(database) as session:
        assert (await session.execute(text("SELECT 1"))).scalar_one() == 1
    with pytest.raises(DatabaseUrlError):
        async with get_session():
            pass


async def test_a_failed_block_writes_nothing() -> None:
    async def fail() -> None:
        async with get_session() as session:
            session.add(Supplier(name="A", source_type="csv"))
            await session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()

    async with get_session() as session:
        assert (await session.scalars(select(Supplier))).all() == []


async def test_sessions_can_be_opened_after_they_were_closed() -> None:
    for _ in range(2):
        async with get_session() as session:
            assert (await session.scalars(select(Product))).all() == []
        await aclose_sessions()


def test_each_event_loop_may_have_sessions() -> None:
    async def count() -> int:
        async with get_session() as session:
            return len((await session.scalars(select(Product))).all())

    assert [asyncio.run(count()) for _ in range(3)] == [0, 0, 0]
