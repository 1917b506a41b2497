"""The last step: lowest price and availability from the rows, and the job complete, once."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest

from marketbel_adapters.testing.builders import (
    NOW,
    a_job,
    a_product,
    a_row,
    a_supplier,
    fresh_id,
)
from marketbel_core.catalog import Money, Product, ProductAggregates
from marketbel_core.errors import JobNotFoundError, UnavailableError
from marketbel_core.ids import JobId, ProductId, SupplierId
from marketbel_core.jobs import Cancelled, ItemsMatched, Job, JobProgress, Phase
from marketbel_core.ports import Catalog, CatalogUnit, LogLevel
from marketbel_core.use_cases import RecalculateAggregates, RecalculateResult
from marketbel_runtime.lifespan import InMemory, memory
from marketbel_runtime.settings import Settings

_NAME = "Насос Makita X1"


class _Away(Catalog):
    """A catalogue that cannot be reached."""

    def unit(self) -> AbstractAsyncContextManager[CatalogUnit]:
        raise UnavailableError("no catalogue", code="postgres.unavailable")


class _Meanwhile(Catalog):
    """Lets another delivery of the step run first, once."""

    def __init__(self, world: InMemory, job: Job) -> None:
        self._world = world
        self._job: Job | None = job

    @asynccontextmanager
    async def unit(self) -> AsyncGenerator[CatalogUnit]:
        job, self._job = self._job, None
        if job is not None:
            await self._world.container.recalculate_aggregates()(job_id=job.id)
        async with self._world.catalog.unit() as unit:
            yield unit


async def offered(
    world: InMemory,
    price: str,
    *,
    currency: str = "BYN",
    in_stock: bool = True,
    active: bool = True,
    name: str = _NAME,
) -> SupplierId:
    """Return a new supplier whose only item is matched."""
    async with world.catalog.unit() as unit:
        supplier = await unit.suppliers.add(a_supplier(is_active=active))
    await priced(world, supplier.id, price, currency=currency, in_stock=in_stock, name=name)
    return supplier.id


async def priced(
    world: InMemory,
    supplier_id: SupplierId,
    price: str,
    *,
    currency: str = "BYN",
    in_stock: bool = True,
    name: str = _NAME,
) -> None:
    row = a_row(
        sku="A",
        name=name,
        price=Money(Decimal(price), currency),
        characteristics={"in_stock": in_stock},
    )
    async with world.catalog.unit() as unit:
        await unit.items.merge(supplier_id, [row], at=NOW)
    await world.container.match_items()(supplier_id=supplier_id)


async def the_product(world: InMemory, name: str = _NAME) -> Product:
    product = a_product(name=name)
    async with world.catalog.unit() as unit:
        await unit.products.add([product])
    return product


async def matching(world: InMemory, supplier_id: SupplierId) -> Job:
    job = a_job(
        supplier_id=supplier_id,
        phase=Phase.MATCHING,
        progress=JobProgress(
            items_processed=9, error_count=2, matches_found=4, review_queue_count=3
        ),
    )
    await world.jobs.add(job)
    return job


def step_of(world: InMemory, catalog: Catalog) -> RecalculateAggregates:
    return world.container.recalculate_aggregates(
        mover=world.container.mover(catalog=catalog), catalog=catalog
    )


async def test_the_lowest_offer_of_all_suppliers_is_the_products_price() -> None:
    world = memory()
    product = await the_product(world)
    await offered(world, "12.00", in_stock=False)
    await offered(world, "10.50")
    await offered(world, "11.00")

    result = await world.container.recalculate_aggregates()(product_ids=[product.id])

    assert result == RecalculateResult(processed=1, updated=1)
    assert world.catalog.aggregates()[product.id] == ProductAggregates(
        min_price=Decimal("10.50"), availability=True
    )


async def test_the_price_follows_a_change_of_the_list_up_and_down() -> None:
    world = memory()
    product = await the_product(world)
    supplier_id = await offered(world, "10.00")
    await offered(world, "12.00")
    seen = []
    for price in ("9.00", "20.00"):
        await priced(world, supplier_id, price)
        await world.container.recalculate_aggregates()(supplier_id=supplier_id)
        seen.append(world.catalog.aggregates()[product.id].min_price)

    assert seen == [Decimal("9.00"), Decimal("12.00")]


async def test_an_inactive_supplier_sets_no_price_and_has_nothing() -> None:
    world = memory()
    product = await the_product(world)
    await offered(world, "2.00", active=False)
    await offered(world, "5.00", in_stock=False)

    await world.container.recalculate_aggregates()(product_ids=[product.id])

    assert world.catalog.aggregates()[product.id] == ProductAggregates(
        min_price=Decimal("5.00"), availability=False
    )


async def test_only_the_catalogues_currency_is_compared() -> None:
    world = memory(Settings(_env_file=None, catalogue_currency="USD"))
    product = await the_product(world)
    await offered(world, "1.00", currency="BYN")
    await offered(world, "5.00", currency="USD", in_stock=False)

    await world.container.recalculate_aggregates()(product_ids=[product.id])

    assert world.catalog.aggregates()[product.id] == ProductAggregates(
        min_price=Decimal("5.00"), availability=True
    )


async def test_an_item_that_waits_for_a_person_sets_no_price() -> None:
    world = memory()
    product = await the_product(world, "Насос Makita X1 600 Вт")
    await offered(world, "1.00", name="Насос Makita X1 800 Вт")

    await world.container.recalculate_aggregates()(product_ids=[product.id])

    assert world.catalog.aggregates()[product.id] == ProductAggregates(
        min_price=None, availability=False
    )


async def test_running_again_changes_nothing() -> None:
    world = memory()
    product = await the_product(world)
    supplier_id = await offered(world, "10.00")
    await world.container.recalculate_aggregates()(supplier_id=supplier_id)

    again = await world.container.recalculate_aggregates()(
        supplier_id=supplier_id, product_ids=[product.id, product.id]
    )

    assert again == RecalculateResult(processed=1, updated=0)


async def test_products_that_do_not_exist_are_passed_over() -> None:
    world = memory()

    result = await world.container.recalculate_aggregates()(product_ids=[ProductId(fresh_id())])

    assert result.updated == 0
    assert world.catalog.aggregates() == {}


async def test_more_products_than_a_transaction_takes_are_all_recomputed() -> None:
    world = memory()
    products = [a_product(name=f"Товар k{number}") for number in range(1_001)]
    async with world.catalog.unit() as unit:
        await unit.products.add(products)

    result = await world.container.recalculate_aggregates()(
        product_ids=[product.id for product in products]
    )

    assert result.processed == 1_001


async def test_the_job_is_complete_and_people_are_told() -> None:
    world = memory()
    product = await the_product(world)
    supplier_id = await offered(world, "10.00")
    job = await matching(world, supplier_id)

    result = await world.container.recalculate_aggregates()(job_id=job.id)

    done = await world.jobs.get(job.id)
    assert result == RecalculateResult(processed=1, updated=1)
    assert (done.phase, done.completed_at) == (Phase.COMPLETE, world.clock.now())
    assert done.progress == job.progress
    assert world.catalog.aggregates()[product.id].min_price == Decimal("10.00")
    (entry,) = world.catalog.log()
    assert (entry.task_id, entry.level) == (str(job.id), LogLevel.SUCCESS)
    assert entry.message == "9 rows read, 2 rejected, 4 linked, 3 sent to review"
    assert entry.supplier_id == supplier_id


async def test_a_second_delivery_completes_nothing_twice() -> None:
    world = memory()
    job = await matching(world, await offered(world, "10.00"))
    await world.container.recalculate_aggregates()(job_id=job.id)
    done = await world.jobs.get(job.id)

    again = await world.container.recalculate_aggregates()(job_id=job.id)

    assert again == RecalculateResult()
    assert await world.jobs.get(job.id) == done
    assert len(world.catalog.log()) == 1


async def test_of_two_deliveries_at_once_one_completes_the_job() -> None:
    world = memory()
    job = await matching(world, await offered(world, "10.00"))

    await step_of(world, _Meanwhile(world, job))(job_id=job.id)

    done = await world.jobs.get(job.id)
    assert (done.phase, done.version) == (Phase.COMPLETE, job.version + 1)
    assert len(world.catalog.log()) == 1


async def test_a_job_that_is_called_off_meanwhile_stays_called_off() -> None:
    world = memory()
    job = await matching(world, await offered(world, "10.00"))

    class _CallingOff(_Away):
        @asynccontextmanager
        async def unit(self) -> AsyncGenerator[CatalogUnit]:
            stored = await world.jobs.get(job.id)
            if stored.is_active:
                await world.container.mover().move(stored, Cancelled())
            async with world.catalog.unit() as unit:
                yield unit

    await step_of(world, _CallingOff())(job_id=job.id)

    failure = (await world.jobs.get(job.id)).failure
    assert failure is not None
    assert failure.code == "job.cancelled"
    assert world.catalog.log() == []


@pytest.mark.parametrize("phase", [p for p in Phase if p is not Phase.MATCHING])
async def test_a_job_in_another_phase_is_left_alone(phase: Phase) -> None:
    world = memory()
    job = a_job(phase=phase)
    await world.jobs.add(job)

    assert await world.container.recalculate_aggregates()(job_id=job.id) == RecalculateResult()
    assert await world.jobs.get(job.id) == job


async def test_an_unknown_job_is_told() -> None:
    with pytest.raises(JobNotFoundError):
        await memory().container.recalculate_aggregates()(job_id=JobId(UUID(int=7)))


async def test_a_catalogue_that_is_away_is_waited_for_three_times_and_then_fails_the_job() -> None:
    world = memory()
    job = await matching(world, await offered(world, "10.00"))
    step = step_of(world, _Away())

    for tries in (1, 2, 3):
        await step(job_id=job.id)
        waiting = await world.jobs.get(job.id)
        assert (waiting.phase, waiting.deferrals, waiting.attempt) == (Phase.MATCHING, tries, 1)
        assert waiting.not_before is not None
        assert waiting.not_before > world.clock.now()
    await step(job_id=job.id)

    failed = await world.jobs.get(job.id)
    assert failed.failure is not None
    assert failed.failure.code == "postgres.unavailable"


async def test_a_job_is_complete_even_if_the_row_log_cannot_be_told() -> None:
    world = memory()
    job = await matching(world, await offered(world, "10.00"))
    step = world.container.recalculate_aggregates(mover=world.container.mover(catalog=_Away()))

    result = await step(job_id=job.id)

    assert result.processed == 1
    assert (await world.jobs.get(job.id)).phase is Phase.COMPLETE
    assert "log.lost" in [name for name, _ in world.telemetry.events]


async def test_figures_shown_while_the_prices_follow_are_kept() -> None:
    world = memory()
    job = await matching(world, await offered(world, "10.00"))
    mover = world.container.mover()

    await mover.progress(job, replace(job.progress, matches_found=5))
    await world.container.recalculate_aggregates()(job_id=job.id)

    assert (await world.jobs.get(job.id)).progress.matches_found == 5
    assert ItemsMatched.__name__ in [facts.get("moved_by") for _, facts in world.telemetry.events]


async def test_a_rate_lets_another_currency_take_part_and_what_has_none_is_told() -> None:
    world = memory(Settings(_env_file=None, currency_rates="USD=3.2"))
    product = await the_product(world)
    await offered(world, "17.00")
    await offered(world, "5.00", currency="USD")
    supplier_id = await offered(world, "1.00", currency="EUR")
    job = await matching(world, supplier_id)

    result = await world.container.recalculate_aggregates()(job_id=job.id)

    assert world.catalog.aggregates()[product.id].min_price == Decimal("16.00")
    assert result.without_worth == {"EUR": 1}
    (entry,) = world.catalog.log()
    assert entry.message.endswith("; set no lowest price, for want of a rate: EUR 1")
