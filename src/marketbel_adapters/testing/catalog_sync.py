"""What every catalogue keeps about suppliers that a sync amends, its outbox and its runs."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from marketbel_adapters.testing.builders import NOW, a_supplier, fresh_id
from marketbel_adapters.testing.catalog_steps import stored_supplier
from marketbel_core.catalog import SourceType, Supplier
from marketbel_core.errors import RefusedError, StaleSyncError
from marketbel_core.ids import JobId, SupplierId
from marketbel_core.intake.supplier_plan import SupplierUpdate
from marketbel_core.ports import Catalog, OutboxEntry, SyncFigures, SyncRun, SyncTurn

__all__ = ["AmendedSuppliersContract", "OutboxContract", "SyncRunsContract"]


class AmendedSuppliersContract:
    """Suppliers read and changed many at a time."""

    async def test_all_suppliers_are_read_oldest_first(self, catalog: Catalog) -> None:
        stored = [await stored_supplier(catalog, name=name) for name in ("b", "a", "c")]

        assert await _all(catalog) == stored

    async def test_new_suppliers_are_stored_but_none_twice(self, catalog: Catalog) -> None:
        known = await stored_supplier(catalog, name="Молоко")
        new = [
            a_supplier(name=" Хлеб ", metadata={"source_url": "https://x.example/"}),
            a_supplier(name="МОЛОКО"),
        ]

        async with catalog.unit() as unit:
            await unit.suppliers.amend(new=new, at=NOW)

        assert [one.name for one in await _all(catalog)] == ["Молоко", "Хлеб"]
        [first, second] = await _all(catalog)
        assert first == known
        assert dict(second.metadata) == {"source_url": "https://x.example/", "is_active": True}

    async def test_changes_are_merged_key_by_key(self, catalog: Catalog) -> None:
        before = {"source_url": "https://old.example/", "notes": "n", "contact": {"a": [1]}}
        supplier = await stored_supplier(
            catalog, use_ml_processing=False, source_type=SourceType.EXCEL, metadata=before
        )
        other = await stored_supplier(catalog)
        update = _update(supplier, source_url="https://new.example/", is_active=False, notes=None)

        async with catalog.unit() as unit:
            await unit.suppliers.amend(changed=[update], at=NOW)

        [changed, unchanged] = await _all(catalog)
        assert unchanged == other
        assert (changed.source_type, changed.is_active) == (SourceType.CSV, False)
        assert dict(changed.metadata) == {
            "source_url": "https://new.example/",
            "notes": None,
            "contact": {"a": [1]},
            "is_active": False,
            "use_ml_processing": False,
        }

    async def test_a_change_of_a_supplier_that_is_gone_is_passed_over(
        self, catalog: Catalog
    ) -> None:
        async with catalog.unit() as unit:
            await unit.suppliers.amend(changed=[_update(a_supplier(), notes="x")], at=NOW)

        assert await _all(catalog) == []

    async def test_a_change_that_cannot_be_stored_is_refused(self, catalog: Catalog) -> None:
        supplier = await stored_supplier(catalog)

        with pytest.raises(RefusedError):
            await _amend(catalog, _update(supplier, notes="a\0b"))

        assert await _all(catalog) == [supplier]

    async def test_names_that_are_added_meanwhile_are_kept_apart(self, catalog: Catalog) -> None:
        async def sync() -> None:
            async with catalog.unit() as unit:
                known = {one.name for one in await unit.suppliers.all()}
                await asyncio.sleep(0)
                await unit.suppliers.amend(new=_named({"a", "b"} - known), at=NOW)

        async def add(name: str) -> None:
            async with catalog.unit() as unit:
                await unit.suppliers.add(a_supplier(name=name))

        await asyncio.gather(sync(), add("a"), add("B"), sync())

        assert sorted(one.name.lower() for one in await _all(catalog)) == ["a", "b"]


class OutboxContract:
    """Jobs that are to be started."""

    async def test_entries_come_in_their_order_until_they_are_done(self, catalog: Catalog) -> None:
        entries = [_entry(await stored_supplier(catalog)) for _ in range(3)]

        async with catalog.unit() as unit:
            assert await unit.outbox.put(entries, at=NOW) == 3

        async with catalog.unit() as unit:
            assert await unit.outbox.oldest(limit=2) == entries[:2]
            assert await unit.outbox.suppliers() == {one.supplier_id for one in entries}
            await unit.outbox.done([entries[0].job_id])
            await unit.outbox.done([entries[0].job_id])
            assert await unit.outbox.oldest(limit=9) == entries[1:]

    async def test_a_supplier_has_one_entry(self, catalog: Catalog) -> None:
        supplier = await stored_supplier(catalog)
        first = _entry(supplier)
        async with catalog.unit() as unit:
            await unit.outbox.put([first], at=NOW)

        async with catalog.unit() as unit:
            assert await unit.outbox.put([_entry(supplier)], at=NOW) == 0
            assert await unit.outbox.oldest(limit=9) == [first]

    async def test_nobody_is_asked_for_whom_nobody_knows(self, catalog: Catalog) -> None:
        async with catalog.unit() as unit:
            assert await unit.outbox.put([_entry(a_supplier())], at=NOW) == 0
            assert await unit.outbox.put([], at=NOW) == 0
            assert await unit.outbox.oldest(limit=9) == []
            assert await unit.outbox.oldest(limit=-1) == []
            await unit.outbox.done([])

    async def test_entries_of_a_unit_that_raises_are_none(self, catalog: Catalog) -> None:
        supplier = await stored_supplier(catalog)

        with pytest.raises(ZeroDivisionError):
            await _put_and_raise(catalog, supplier)

        async with catalog.unit() as unit:
            assert await unit.outbox.suppliers() == frozenset()


class SyncRunsContract:
    """The syncs that were applied, each once."""

    async def test_a_run_is_known_by_what_it_was_for(self, catalog: Catalog) -> None:
        turn = _turn("one", token=1)
        run = _run(turn)

        async with catalog.unit() as unit:
            assert await unit.syncs.begin(turn) is None
            await unit.syncs.record(run)

        async with catalog.unit() as unit:
            assert await unit.syncs.begin(replace(turn, token=2)) == run
            assert await unit.syncs.begin(_turn("two", token=2)) is None

    async def test_a_turn_that_was_overtaken_applies_nothing(self, catalog: Catalog) -> None:
        late, later = _turn("late", token=1), _turn("later", token=2)
        async with catalog.unit() as unit:
            await unit.syncs.begin(later)
            await unit.syncs.record(_run(later))

        async with catalog.unit() as unit:
            with pytest.raises(StaleSyncError):
                await unit.syncs.begin(late)
            assert await unit.syncs.begin(replace(late, era="another")) is None

    async def test_the_newest_runs_come_first(self, catalog: Catalog) -> None:
        runs = [
            replace(_run(_turn(str(n), token=n)), applied_at=NOW + timedelta(hours=n))
            for n in (1, 2, 3)
        ]
        for run in runs:
            async with catalog.unit() as unit:
                await unit.syncs.record(run)

        async with catalog.unit() as unit:
            assert await unit.syncs.latest(limit=2) == [runs[2], runs[1]]
            assert await unit.syncs.latest(limit=0) == []


async def _all(catalog: Catalog) -> list[Supplier]:
    async with catalog.unit() as unit:
        return await unit.suppliers.all()


async def _amend(catalog: Catalog, update: SupplierUpdate) -> None:
    async with catalog.unit() as unit:
        await unit.suppliers.amend(changed=[update], at=NOW)


async def _put_and_raise(catalog: Catalog, supplier: Supplier) -> None:
    async with catalog.unit() as unit:
        await unit.outbox.put([_entry(supplier)], at=NOW)
        raise ZeroDivisionError


def _named(names: set[str]) -> list[Supplier]:
    return [a_supplier(name=name) for name in names]


def _update(supplier: Supplier, **metadata: object) -> SupplierUpdate:
    return SupplierUpdate(
        supplier_id=supplier.id,
        name=supplier.name,
        source_type=SourceType.CSV,
        metadata=metadata,
        changed=tuple(metadata),
    )


def _entry(supplier: Supplier) -> OutboxEntry:
    return OutboxEntry(
        job_id=JobId(fresh_id()), supplier_id=SupplierId(supplier.id), run_key="scheduled:1"
    )


def _turn(key: str, *, token: int) -> SyncTurn:
    return SyncTurn(task_id=f"sync-{key}", key=key, era="1", token=token, started_at=NOW)


def _run(turn: SyncTurn) -> SyncRun:
    return SyncRun(
        key=turn.key,
        task_id=turn.task_id,
        triggered_by="manual",
        era=turn.era,
        token=turn.token,
        served=("ab", "cd"),
        applied_at=NOW,
        figures=SyncFigures(parsed=3, created=1, held=True, errors=("нет", "no")),
    )
