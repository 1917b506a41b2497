"""A sync, its changes and its jobs, on memory adapters: whole, broken off, and in trouble."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from marketbel_adapters.testing.builders import a_supplier
from marketbel_adapters.testing.catalog_steps import (
    a_priced_row,
    claimed,
    linked,
    merged,
    recalculated,
    recorded,
    stored_product,
)
from marketbel_core.catalog import SourceType, Supplier
from marketbel_core.errors import RefusedError, StaleSyncError, UnavailableError
from marketbel_core.jobs import Phase, Reading
from marketbel_core.ports import (
    AtOnce,
    ChosenSheet,
    LogLevel,
    Step,
    StepQueue,
    SyncBusy,
    SyncNotDue,
    SyncState,
    SyncTurn,
    WhenDue,
)
from marketbel_core.use_cases import SyncReport, SyncRequest
from marketbel_runtime.lifespan import InMemory, memory
from marketbel_runtime.settings import Settings

SHEET = "https://docs.google.com/spreadsheets/d/abcdef"
HEADER = ("name", "url", "format", "active", "notes")
HOURS = timedelta(hours=8)


def a_world(**settings: object) -> InMemory:
    chosen = {"master_sheet_url": SHEET, **settings}
    return memory(Settings.model_validate({"_env_file": None, **chosen}))


def put(world: InMemory, *names: str) -> None:
    rows = [(name, f"https://{name}.example/list.csv", "csv") for name in names]
    world.master_sheet.put(SHEET, [HEADER, *rows])


def at_once(key: str = "one") -> SyncRequest:
    return SyncRequest(wish=AtOnce(task_id=f"sync-{key}", key=key))


async def synced(world: InMemory, request: SyncRequest | None = None) -> SyncReport:
    report = await world.container.sync_suppliers()(request or at_once())
    assert isinstance(report, SyncReport)
    return report


async def known(world: InMemory, supplier: Supplier) -> Supplier:
    async with world.catalog.unit() as unit:
        return await unit.suppliers.add(supplier)


async def downloading(world: InMemory) -> list[str]:
    jobs = await world.jobs.list_in(Phase.DOWNLOADING, limit=500)
    return sorted(job.supplier_name for job in jobs)


async def test_suppliers_come_from_the_sheet_and_each_gets_a_job() -> None:
    world = a_world()
    put(world, "b", "a")

    report = await synced(world)

    assert (report.run.figures.created, report.run.figures.queued) == (2, 2)
    assert [one.name for one in world.catalog.suppliers()] == ["b", "a"]
    assert await downloading(world) == ["a", "b"]
    assert world.catalog.outbox() == []
    assert len(world.queue) == 2
    assert report.drained.errors == ()
    assert len(report.drained.ml_job_ids) == 2
    view = await world.board.view()
    assert (view.state, view.holder, view.last_run) == (SyncState.IDLE, None, world.clock.now())
    assert [line.level for line in world.catalog.log()] == [LogLevel.SUCCESS]


async def test_a_list_is_read_here_when_ml_is_off_or_the_supplier_wishes_so() -> None:
    world = a_world(use_ml_processing=False)
    put(world, "a")
    assert len((await synced(world)).drained.local_job_ids) == 1

    world = a_world()
    put(world, "a", "b")
    await known(world, a_supplier(name="b", use_ml_processing=False))

    report = await synced(world)

    assert (len(report.drained.ml_job_ids), len(report.drained.local_job_ids)) == (1, 1)
    jobs = await world.jobs.list_in(Phase.DOWNLOADING, limit=9)
    assert {job.supplier_name: job.reading for job in jobs} == {
        "a": Reading.ML,
        "b": Reading.LOCAL,
    }


async def test_the_sheet_chosen_in_the_admin_interface_wins_and_the_callers_wins_over_it() -> None:
    world = a_world()
    for number, place in enumerate((SHEET, "https://chosen.example/", "https://said.example/")):
        world.master_sheet.put(place, [HEADER, (str(number), "https://x.example/", "csv")])

    await synced(world, at_once("1"))
    world.board.chosen = ChosenSheet(location="https://chosen.example/")
    await synced(world, at_once("2"))
    said = SyncRequest(wish=AtOnce(task_id="3", key="3"), location="https://said.example/")
    await synced(world, said)

    assert [one.name for one in world.catalog.suppliers()] == ["0", "1", "2"]
    assert [one.is_active for one in world.catalog.suppliers()] == [False, False, True]


async def test_without_a_sheet_the_known_suppliers_are_due() -> None:
    world = a_world(master_sheet_url=None)
    await known(world, a_supplier(name="a", metadata={"source_url": "https://a.example/x.csv"}))
    await known(world, a_supplier(name="b"))

    report = await synced(world)

    assert report.run.figures.queued == 1
    assert await downloading(world) == ["a"]
    assert [line.level for line in world.catalog.log()] == [LogLevel.WARNING, LogLevel.SUCCESS]


@pytest.mark.parametrize("error", [RefusedError("http.gone", "no"), UnavailableError("later")])
async def test_a_sheet_in_trouble_stops_no_price_list(
    error: RefusedError | UnavailableError,
) -> None:
    world = a_world()
    await known(world, a_supplier(name="a", metadata={"source_url": "https://a.example/x.csv"}))
    world.master_sheet.fail(SHEET, error)

    report = await synced(world)

    assert (report.run.figures.errors, report.run.figures.queued) == ((str(error),), 1)
    assert world.catalog.suppliers()[0].is_active
    assert [line.level for line in world.catalog.log()] == [LogLevel.ERROR]


async def test_a_sheet_that_was_named_for_the_sync_and_cannot_be_read_ends_it() -> None:
    world = a_world()
    put(world, "a")
    await synced(world)
    request = SyncRequest(
        wish=AtOnce(task_id="sync-two", key="two"), location="https://x.example/mistyped"
    )

    with pytest.raises(RefusedError):
        await world.container.sync_suppliers()(request)

    view = await world.board.view()
    assert (view.holder, view.completed) == (None, 1)
    assert len(world.queue) == 1


async def test_a_supplier_whose_job_is_unfinished_gets_no_second_one() -> None:
    world = a_world()
    put(world, "a", "b")
    await synced(world, at_once("1"))

    report = await synced(world, at_once("2"))

    assert (report.run.figures.queued, report.run.figures.waiting) == (0, 2)
    assert await downloading(world) == ["a", "b"]


async def test_a_sheet_that_lacks_many_is_held_until_a_person_accepts_it() -> None:
    world = a_world()
    put(world, *"abcdef")
    await synced(world, at_once("1"))
    put(world, "a", "new")

    held = await synced(world, at_once("2"))

    assert held.run.figures.held
    assert held.run.figures.missing == 5
    assert [one.is_active for one in world.catalog.suppliers()] == [True] * 6
    assert world.catalog.log()[-1].level is LogLevel.ERROR
    accepted = SyncRequest(wish=AtOnce(task_id="3", key="3"), accept_missing=True)
    assert (await synced(world, accepted)).run.figures.deactivated == 5
    assert [one.name for one in world.catalog.suppliers() if one.is_active] == ["a", "new"]


async def test_a_supplier_made_by_hand_is_spared_by_the_sync_that_it_caused() -> None:
    world = a_world()
    put(world, "a")
    new = await known(world, a_supplier(name="new"))

    await synced(world, SyncRequest(wish=AtOnce(task_id="1", key="1"), spared=[new.id]))
    spared = [one.is_active for one in world.catalog.suppliers()]
    await synced(world, at_once("2"))

    assert spared == [True, True]
    assert [one.is_active for one in world.catalog.suppliers()] == [False, True]


async def test_one_suppliers_bad_entry_stands_in_nobodys_way() -> None:
    world = a_world(master_sheet_url=None)
    for number in range(50):
        metadata = {"source_url": f"https://{number}.example/x.csv"}
        bad = {"header_row": "zero"} if number == 25 else {}
        await known(
            world,
            a_supplier(
                name=f"{number:02}", source_type=SourceType.CSV, metadata={**metadata, **bad}
            ),
        )

    report = await synced(world)

    assert len(report.drained.errors) == 1
    assert len(await downloading(world)) == 49
    [error] = [line for line in world.catalog.log() if line.level is LogLevel.ERROR]
    assert error.supplier_id == world.catalog.suppliers()[25].id
    assert world.catalog.outbox() == []


async def test_a_second_sync_at_once_is_told_who_is_at_it() -> None:
    world = a_world()
    put(world, "a")
    async with world.container.turns().take(AtOnce(task_id="first", key="first")) as turn:
        assert isinstance(turn, SyncTurn)

        assert await world.container.sync_suppliers()(at_once()) == SyncBusy(task_id="first")

    assert (await world.board.view()).last_run is None
    assert (await synced(world)).run.figures.created == 1


async def test_a_due_sync_runs_once_an_interval() -> None:
    world = a_world()
    put(world, "a")
    due = SyncRequest(wish=WhenDue(every=HOURS), triggered_by="schedule")

    first = await synced(world, due)
    world.clock.tick(HOURS - timedelta(seconds=1))
    early = await world.container.sync_suppliers()(due)
    world.clock.tick(timedelta(seconds=1))
    second = await synced(world, due)

    assert early == SyncNotDue(next_at=first.run.applied_at + HOURS)
    assert first.run.key != second.run.key
    assert second.run.task_id.startswith("sync-scheduled-")


class _DeadQueue(StepQueue):
    """A queue under which the worker dies."""

    async def ask(self, step: Step, *, not_before: datetime | None = None) -> bool:
        del step, not_before
        raise UnavailableError("no queue")

    async def ask_all(self, steps: Sequence[Step]) -> None:
        del steps
        raise UnavailableError("no queue")


async def test_a_sync_that_broke_off_after_its_commit_is_finished_and_not_repeated() -> None:
    world = a_world()
    put(world, "a", "b")
    due = SyncRequest(wish=WhenDue(every=HOURS))
    with pytest.raises(UnavailableError):
        await world.container.sync_suppliers(queue=_DeadQueue())(due)
    assert len(world.catalog.outbox()) == 2
    assert (await world.board.view()).last_run is None
    put(world, "a", "b", "c")

    report = await synced(world, due)

    assert (report.repeated, report.run.figures.created) == (True, 2)
    assert await downloading(world) == ["a", "b"]
    assert world.catalog.outbox() == []
    assert (await world.board.view()).completed == 1


async def test_the_relay_starts_what_a_dead_sync_has_left() -> None:
    world = a_world()
    put(world, "a", "b")
    with pytest.raises(UnavailableError):
        await world.container.sync_suppliers(queue=_DeadQueue())(at_once())

    relayed = await world.container.relay_outbox()()
    again = await world.container.relay_outbox()()

    assert (relayed.started, relayed.refused, again.started) == (2, 0, 0)
    assert await downloading(world) == ["a", "b"]
    assert len(world.queue) == 2


async def test_the_relay_leaves_the_outbox_to_a_sync_that_is_at_it() -> None:
    world = a_world()
    put(world, "a")
    with pytest.raises(UnavailableError):
        await world.container.sync_suppliers(queue=_DeadQueue())(at_once())

    turn = await world.board.claim(AtOnce(task_id="x", key="x"), duration=HOURS)
    assert isinstance(turn, SyncTurn)
    during = await world.container.relay_outbox()()
    await world.board.finish(turn, succeeded=True)
    after = await world.container.relay_outbox()()

    assert (during.started, after.started) == (0, 1)


async def test_the_relay_tells_of_a_supplier_whose_job_cannot_be_started() -> None:
    world = a_world(master_sheet_url=None)
    supplier = await known(
        world, a_supplier(metadata={"source_url": "https://x.example/", "header_row": 0})
    )
    with pytest.raises(UnavailableError):
        await world.container.sync_suppliers(catalog=_Once(world))(at_once())

    relayed = await world.container.relay_outbox()()

    assert (relayed.started, relayed.refused) == (0, 1)
    assert world.catalog.log()[-1].supplier_id == supplier.id


class _Once:
    """The catalogue, which is away after its second unit: the sync's own commit."""

    def __init__(self, world: InMemory) -> None:
        self._catalog = world.catalog
        self._left = 2

    @asynccontextmanager
    async def unit(self) -> AsyncGenerator[object]:
        self._left -= 1
        if self._left < 0:
            raise UnavailableError("away")
        async with self._catalog.unit() as unit:
            yield unit


async def test_another_worker_that_relays_is_left_to_it() -> None:
    world = a_world()
    await world.container.leases().acquire("outbox", duration=HOURS)

    assert (await world.container.relay_outbox()()).started == 0


async def test_a_sync_that_lost_its_turn_finishes_nothing() -> None:
    world = a_world()
    put(world, "a")
    lost = timedelta(minutes=1)

    class _Slow(type(world.master_sheet)):  # type: ignore[misc]  # a class made here
        async def read(self, location: str, *, sheet_name: str | None = None) -> object:
            world.clock.tick(lost)
            other = await world.board.claim(AtOnce(task_id="o", key="o"), duration=lost)
            assert isinstance(other, SyncTurn)
            async with world.catalog.unit() as unit:
                await unit.syncs.begin(other)
            return await world.master_sheet.read(location, sheet_name=sheet_name)

    with pytest.raises(StaleSyncError):
        await world.container.sync_suppliers(sheet=_Slow())(at_once())

    assert (await world.board.view()).holder == "o"
    assert (await world.board.view()).completed == 0


async def test_a_plan_is_shown_and_nothing_is_written() -> None:
    world = a_world()
    put(world, "a")
    gone = await known(world, a_supplier(name="gone"))
    syncing = world.container.sync_suppliers()

    plan = await syncing.plan(at_once())

    assert [row.name for row in plan.creations] == ["a"]
    assert [one.supplier_id for one in plan.deactivations] == [gone.id]
    assert not syncing.is_held(plan)
    assert [one.name for one in world.catalog.suppliers()] == ["gone"]
    assert (await world.board.view()).completed == 0


async def test_a_plan_without_a_sheet_is_refused() -> None:
    with pytest.raises(RefusedError, match="MASTER_SHEET_URL") as caught:
        await a_world(master_sheet_url=None).container.sync_suppliers().plan(at_once())

    assert caught.value.code == "sync.no_sheet"


async def test_who_is_deactivated_sets_no_price_any_more_within_a_minute() -> None:
    world = a_world()
    put(world, "a", "b", "c")
    await synced(world)
    product = await stored_product(world.catalog)
    for name, price in (("a", "1.00"), ("b", "2.00")):
        [supplier] = [one for one in world.catalog.suppliers() if one.name == name]
        await merged(world.catalog, supplier.id, a_priced_row(name, price))
        [item] = await claimed(world.catalog, supplier.id)
        await recorded(world.catalog, linked(item, product))
    await recalculated(world.catalog, [product.id])
    await world.container.reconcile_links()()
    before = world.catalog.aggregates()[product.id].min_price
    put(world, "b", "c")

    report = await synced(world, at_once("two"))
    reconciled = await world.container.reconcile_links()()  # as each minute

    assert report.run.figures.deactivated == 1
    assert reconciled.repriced == 1
    after = world.catalog.aggregates()[product.id].min_price
    assert (before, after) == (Decimal("1.00"), Decimal("2.00"))
