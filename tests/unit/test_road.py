"""The whole road on in-memory adapters: plain, with every step repeated, with asks lost."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketbel_adapters.memory.catalog_state import PriceRecord, StoredItem
from marketbel_adapters.testing.builders import NOW, a_product, a_row
from marketbel_core.catalog import Product, ProductAggregates, SourceRef, SourceType
from marketbel_core.errors import RefusedError, UnavailableError
from marketbel_core.ids import JobId, ProductId, SupplierItemId
from marketbel_core.jobs import Failure, Job, JobProgress, Phase
from marketbel_core.matching import ReviewRow
from marketbel_core.ports import (
    AnalysisFinished,
    AnalysisRunning,
    CourierStep,
    Import,
    ImportStep,
    LogEntry,
    LogLevel,
    MatchStep,
    RecalculateStep,
    Step,
)
from marketbel_core.use_cases import StartRequest
from marketbel_runtime.lifespan import InMemory, memory
from marketbel_runtime.steps import run_step

_PLACE: Final = "/lists/march.csv"
_LIST: Final = """Артикул;Наименование;Цена;Наличие
A-1;Дрель ударная Bosch GSB 13 RE 600 Вт;189,90;да
A-2;Дрель ударная Bosch GSB 13 RE 800 Вт;150,00;да
A-3;Насос Makita X1;100,00;нет
A-4;Краска белая 1,5 л;по запросу;да
"""
_DRILL: Final = a_product(
    id=ProductId(UUID(int=99)), name="Bosch дрель ударная GSB 13 RE 600Вт", created_at=NOW
)
_JOB: Final = JobId(UUID(int=7))
_STEPS: Final = (CourierStep, ImportStep, MatchStep, RecalculateStep)


@dataclass(frozen=True, slots=True)
class End:
    """Everything that a run leaves behind, but for how often its job was written."""

    job: Job
    items: list[StoredItem]
    products: list[Product]
    aggregates: dict[ProductId, ProductAggregates]
    reviews: dict[SupplierItemId, ReviewRow]
    prices: list[PriceRecord]
    log: list[LogEntry]
    imports: list[Import]


async def end_of(world: InMemory) -> End:
    catalog = world.catalog
    return End(
        job=replace(await world.jobs.get(_JOB), version=0, token=0),
        items=catalog.stored_items(),
        products=catalog.products(),
        aggregates=catalog.aggregates(),
        reviews=catalog.reviews(),
        prices=catalog.price_history(),
        log=catalog.log(),
        imports=catalog.imports(),
    )


async def set_out(*, read_here: bool = True) -> InMemory:
    """Return a world with one product, in which one list has set out."""
    world = memory()
    async with world.catalog.unit() as unit:
        await unit.products.add([_DRILL])
    world.sources.put(_PLACE, _LIST.encode())
    await world.container.start_ingestion()(
        StartRequest(
            source=SourceRef(type=SourceType.CSV, location=_PLACE),
            supplier_name="ООО «Ромашка»",
            read_here=read_here,
            job_id=_JOB,
        )
    )
    return world


async def undisturbed() -> End:
    world = await set_out()
    await world.run()
    return await end_of(world)


async def next_step(world: InMemory) -> Step | None:
    step = await world.queue.take()
    if step is not None:
        await world.queue.done(step)
    return step


async def test_a_list_that_is_read_here_ends_in_the_catalogue() -> None:
    world = await set_out()

    ran = await world.run()

    job = await world.jobs.get(_JOB)
    assert ran == len(_STEPS) + 1  # the names are read for facts beside the road
    assert (job.phase, job.attempt, job.failure) == (Phase.COMPLETE, 1, None)
    size = len(_LIST.encode())
    assert job.progress == JobProgress(
        download_bytes=size,
        download_total=size,
        items_processed=4,
        items_total=4,
        matches_found=1,
        review_queue_count=1,
        error_count=1,
    )
    linked, doubtful, new = world.catalog.items()
    assert linked.product_id == _DRILL.id
    assert doubtful.product_id is None
    assert list(world.catalog.reviews()) == [doubtful.id]
    assert new.product_id is not None
    assert world.catalog.aggregates() == {
        _DRILL.id: ProductAggregates(min_price=Decimal("189.90"), availability=True),
        new.product_id: ProductAggregates(min_price=Decimal("100.00"), availability=False),
    }
    assert [entry.level for entry in world.catalog.log()] == [LogLevel.ROW, LogLevel.SUCCESS]
    assert world.catalog.log()[-1].message == (
        "4 rows read, 1 rejected, 1 linked, 1 sent to review"
    )
    assert [world.telemetry.counts[f"job.{phase}"] for phase in Phase] == [2, 1, 1, 1, 0]


async def test_a_list_that_ml_analyze_reads_ends_in_the_catalogue() -> None:
    world = await set_out(read_here=False)
    world.analyzer.script(
        _JOB,
        AnalysisRunning(items_processed=1, items_total=3),
        AnalysisFinished(items_processed=3, items_total=3, error_count=1),
    )

    await world.run()
    await world.container.collect_items()()
    running = await world.jobs.get(_JOB)
    async with world.catalog.unit() as unit:  # ml-analyze writes the items itself
        rows = [a_row(sku="A-1", name=_DRILL.name), a_row(sku="A-2", name="Насос Makita X1")]
        await unit.items.merge(running.supplier_id, rows, at=world.clock.now())
    await world.container.collect_items()()
    await world.run()

    job = await world.jobs.get(_JOB)
    assert (running.phase, running.progress.items_processed) == (Phase.ANALYZING, 1)
    assert job.phase is Phase.COMPLETE
    figures = job.progress
    assert (figures.items_total, figures.error_count, figures.matches_found) == (3, 1, 1)
    assert all(item.product_id is not None for item in world.catalog.items())
    assert world.catalog.aggregates()[_DRILL.id].min_price == Decimal("189.90")
    assert world.catalog.imports() == []


async def test_every_step_twice_leaves_what_each_once_leaves() -> None:
    world = await set_out()

    while (step := await next_step(world)) is not None:
        await run_step(world.container, step)
        await run_step(world.container, step)

    assert await end_of(world) == await undisturbed()


async def run_with_repeats(choices: Sequence[int]) -> End:
    """Run the road; before each step some of the earlier ones are delivered again."""
    world = await set_out()
    earlier: list[Step] = []
    left = list(choices)
    while (step := await next_step(world)) is not None:
        earlier.append(step)
        await run_step(world.container, step)
        for choice in left[:3]:
            await run_step(world.container, earlier[choice % len(earlier)])
        left = left[3:]
    return await end_of(world)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 11), max_size=15))
def test_steps_delivered_again_in_any_order_change_nothing(choices: list[int]) -> None:
    with asyncio.Runner() as runner:
        assert runner.run(run_with_repeats(choices)) == runner.run(undisturbed())


@settings(max_examples=20)
@given(st.permutations(_STEPS))
def test_steps_delivered_again_after_the_end_change_nothing(
    order: list[type[Step]],
) -> None:
    async def again() -> tuple[End, End, int]:
        world = await set_out()
        steps: dict[type[Step], Step] = {}
        while (step := await next_step(world)) is not None:
            steps[type(step)] = step
            await run_step(world.container, step)
        before = await end_of(world)
        for kind in order:
            await run_step(world.container, steps[kind])
        return before, await end_of(world), len(world.queue)

    with asyncio.Runner() as runner:
        before, after, asked = runner.run(again())

    assert after == before
    assert asked == 0


@pytest.mark.parametrize("lost", _STEPS[1:], ids=lambda kind: kind.__name__)
async def test_an_ask_that_was_lost_is_made_again_by_the_step_before(lost: type[Step]) -> None:
    world = await set_out()
    before: Step | None = None
    while (step := await next_step(world)) is not None:
        if type(step) is lost:
            break
        await run_step(world.container, step)
        before = step
    assert before is not None
    assert len(world.queue) == (lost is RecalculateStep)  # facts are asked for beside it

    await run_step(world.container, before)
    await world.run()

    assert await end_of(world) == await undisturbed()


async def test_a_step_that_cannot_reach_its_neighbour_is_delivered_until_it_can() -> None:
    world = await set_out()
    world.sources.put(_PLACE, UnavailableError("closed", code="http.unavailable"))
    step = await next_step(world)
    assert step is not None

    for tries in range(1, 4):
        await run_step(world.container, step)
        assert (await world.jobs.get(_JOB)).deferrals == tries
        assert await world.queue.take() is None  # it waits for its instant
        world.clock.tick(timedelta(minutes=10))
        step = await next_step(world)
        assert isinstance(step, CourierStep)
        assert step.delivery == tries
    world.sources.put(_PLACE, _LIST.encode())
    await run_step(world.container, step)
    await world.run()

    job = await world.jobs.get(_JOB)
    assert (job.phase, job.attempt, job.deferrals) == (Phase.COMPLETE, 1, 3)
    assert (await end_of(world)).aggregates == (await undisturbed()).aggregates


async def test_a_list_that_is_refused_ends_its_road_and_no_other() -> None:
    world = await set_out()
    world.sources.put("/lists/other.csv", RefusedError("http.denied", "share the file"))
    refused = await world.container.start_ingestion()(
        StartRequest(
            source=SourceRef(type=SourceType.CSV, location="/lists/other.csv"),
            supplier_name="ИП Ёлкин",
            read_here=True,
        )
    )

    await world.run()

    failed = await world.jobs.get(refused.id)
    assert failed.phase is Phase.FAILED
    assert (await world.jobs.get(_JOB)).phase is Phase.COMPLETE
    told = [entry for entry in world.catalog.log() if entry.task_id == str(refused.id)]
    assert [(entry.level, entry.message) for entry in told] == [
        (LogLevel.ERROR, "http.denied: share the file")
    ]


async def test_the_next_list_of_a_supplier_moves_the_lowest_price() -> None:
    world = await set_out()
    await world.run()
    world.sources.put(_PLACE, _LIST.replace("189,90", "169,90").encode())
    await world.container.start_ingestion()(
        StartRequest(
            source=SourceRef(type=SourceType.CSV, location=_PLACE),
            supplier_name="ооо «ромашка»",
            read_here=True,
        )
    )
    items = [item.id for item in world.catalog.items()]

    await world.run()

    assert world.catalog.aggregates()[_DRILL.id].min_price == Decimal("169.90")
    assert [item.id for item in world.catalog.items()] == items
    assert len(world.catalog.suppliers()) == 1
    assert len(world.catalog.price_history()) == len(items) + 1


async def test_a_second_suppliers_list_meets_the_first_ones_drafts() -> None:
    world = await set_out()
    await world.run()
    world.sources.put("/lists/other.csv", _LIST.replace("100,00", "90,00").encode())
    job = await world.container.start_ingestion()(
        StartRequest(
            source=SourceRef(type=SourceType.CSV, location="/lists/other.csv"),
            supplier_name="ИП Ёлкин",
            read_here=True,
        )
    )
    products = world.catalog.products()

    await world.run()

    assert world.catalog.products() == products
    assert (await world.jobs.get(job.id)).progress.matches_found == 2
    draft = next(product for product in products if product.id != _DRILL.id)
    assert world.catalog.aggregates()[draft.id].min_price == Decimal("90.00")


def delete_the_supplier(world: InMemory, job: Job) -> None:
    """Do what the admin interface does: the supplier goes, and its items with it."""
    state = world.catalog._state
    del state.suppliers[job.supplier_id]
    for key in [key for key in state.item_ids if key[0] == job.supplier_id]:
        del state.items[state.item_ids.pop(key)]


@pytest.mark.parametrize("when", ["while it is read", "before it is matched", "once matched"])
async def test_a_supplier_deleted_on_the_way_fails_its_job_and_nothing_else(when: str) -> None:
    world = await set_out(read_here=False)
    other = await world.container.start_ingestion()(
        StartRequest(
            source=SourceRef(type=SourceType.CSV, location=_PLACE), supplier_name="ИП Ёлкин"
        )
    )
    await world.run()
    job = await world.jobs.get(_JOB)
    async with world.catalog.unit() as unit:
        for supplier_id in (job.supplier_id, other.supplier_id):
            await unit.items.merge(supplier_id, [a_row(sku="A-1", name="Насос")], at=NOW)

    if when == "while it is read":
        delete_the_supplier(world, job)
    polled = await world.container.collect_items()()
    if when == "before it is matched":
        delete_the_supplier(world, job)
    if when == "once matched":
        while type(step := await next_step(world)) is not RecalculateStep:
            assert step is not None
            await run_step(world.container, step)
        delete_the_supplier(world, job)
        await world.queue.ask(step)
    await world.run()

    failed = await world.jobs.get(_JOB)
    assert (polled.moved, polled.errors) == (2, ())
    assert (failed.phase, failed.failure and failed.failure.code) == (
        Phase.FAILED,
        "supplier.not_found",
    )
    assert (await world.jobs.get(other.id)).phase is Phase.COMPLETE
    (item,) = world.catalog.items()
    assert item.supplier_id == other.supplier_id
    assert item.product_id is not None
    assert world.catalog.aggregates()[item.product_id].min_price == item.price.amount
    (line,) = [line for line in world.catalog.log() if line.level is LogLevel.ERROR]
    assert (line.task_id, line.supplier_id) == (str(_JOB), None)


async def test_a_step_of_an_earlier_attempt_leaves_the_present_one_alone() -> None:
    world = await set_out()
    while type(step := await next_step(world)) is not MatchStep:
        assert step is not None
        await run_step(world.container, step)
    present = await world.jobs.get(_JOB)
    failed = await world.container.mover().fail(present, Failure(code="a.b", message="broken"))
    await world.container.retry_job()(failed.id)
    while type(await next_step(world)) is not CourierStep:
        pass
    moved = await world.jobs.get(_JOB)

    await run_step(world.container, step)
    await run_step(world.container, RecalculateStep(job_id=_JOB, attempt=1))

    assert await world.jobs.get(_JOB) == moved
    assert len(world.queue) == 0
