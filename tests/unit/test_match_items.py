"""The match step: a whole backlog is decided, batch by batch, and what is asked afterwards."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from marketbel_adapters.memory import MemoryCatalog
from marketbel_adapters.memory.catalog import MemoryCatalogUnit
from marketbel_adapters.memory.catalog_items import MemorySupplierItems
from marketbel_adapters.testing.builders import NOW, a_job, a_product, a_row, a_supplier
from marketbel_core.catalog import MatchStatus, Product, ProductStatus, SupplierItem
from marketbel_core.errors import JobNotFoundError, UnavailableError
from marketbel_core.ids import JobId, SupplierId
from marketbel_core.jobs import Cancelled, Job, JobProgress, Phase
from marketbel_core.matching import Wanted, features_of
from marketbel_core.ports import Catalog, CatalogUnit, EnrichStep, MatchStep, RecalculateStep
from marketbel_core.use_cases import MatchItems
from marketbel_runtime.lifespan import InMemory, memory
from marketbel_runtime.settings import Settings

_ONE_AT_A_TIME = Settings(_env_file=None, match_batch_size=1)


class _HeldItems(MemorySupplierItems):
    """Another unit holds the items called HELD: they are counted and cannot be claimed."""

    async def claim_unmatched(
        self, supplier_id: SupplierId | None, *, limit: int
    ) -> list[SupplierItem]:
        waiting = await super().claim_unmatched(supplier_id, limit=1_000)
        return [item for item in waiting if item.sku != "HELD"][:limit]


class _HoldingUnit(MemoryCatalogUnit):
    """A unit beside one that holds items."""

    @property
    def items(self) -> MemorySupplierItems:
        return _HeldItems(self._items._draft, self._items._ids)


class _HoldingCatalog(MemoryCatalog):
    """A catalogue in which another worker is at work, until it is told otherwise."""

    held = True

    @asynccontextmanager
    async def unit(self) -> AsyncGenerator[CatalogUnit]:
        async with super().unit() as unit:
            assert isinstance(unit, MemoryCatalogUnit)
            yield _HoldingUnit(unit._items._draft, unit._items._ids) if self.held else unit


class _FailingCommits(Catalog):
    """Loses the commit of one unit after `before` others."""

    def __init__(self, inner: Catalog, *, before: int) -> None:
        self._inner = inner
        self._before = before

    @asynccontextmanager
    async def unit(self) -> AsyncGenerator[CatalogUnit]:
        async with self._inner.unit() as unit:
            yield unit
            self._before -= 1
            if self._before == -1:
                raise UnavailableError("the commit was lost", code="postgres.unavailable")


async def supplied(catalog: Catalog, **names: str) -> SupplierId:
    """Return a new supplier that offers items of these names, by sku."""
    async with catalog.unit() as unit:
        supplier = await unit.suppliers.add(a_supplier())
        rows = [a_row(sku=sku, name=name) for sku, name in names.items()]
        await unit.items.merge(supplier.id, rows, at=NOW)
    return supplier.id


async def known(catalog: Catalog, *products: Product) -> None:
    async with catalog.unit() as unit:
        await unit.products.add(products)


async def matching(world: InMemory, supplier_id: SupplierId) -> Job:
    job = a_job(supplier_id=supplier_id, phase=Phase.MATCHING)
    await world.jobs.add(job)
    return job


def matcher_of(world: InMemory, catalog: Catalog, *, batch_size: int = 1) -> MatchItems:
    return world.container.match_items(
        mover=world.container.mover(catalog=catalog), catalog=catalog, batch_size=batch_size
    )


def by_sku(catalog: MemoryCatalog) -> dict[str, SupplierItem]:
    return {item.sku: item for item in catalog.items()}


async def test_items_are_linked_sent_to_review_or_found_drafts() -> None:
    world = memory()
    pump = a_product(name="Насос Makita X1 600 Вт")
    await known(world.catalog, pump)
    supplier_id = await supplied(
        world.catalog,
        SAME="насос MAKITA X1 600Вт",
        ALIKE="Насос Makita X1 800 Вт",
        OTHER="Краска белая",
    )

    result = await world.container.match_items()(supplier_id=supplier_id)

    assert (result.linked, result.for_review, result.drafted, result.items) == (1, 1, 1, 3)
    items = by_sku(world.catalog)
    assert (items["SAME"].product_id, items["SAME"].match_status) == (
        pump.id,
        MatchStatus.AUTO_MATCHED,
    )
    assert (items["ALIKE"].product_id, items["ALIKE"].match_status) == (
        None,
        MatchStatus.POTENTIAL_MATCH,
    )
    draft = next(one for one in world.catalog.products() if one.id == items["OTHER"].product_id)
    assert (draft.status, draft.name) == (ProductStatus.DRAFT, "Краска белая")
    task = world.catalog.reviews()[items["ALIKE"].id]
    assert task.candidates[0]["product_id"] == str(pump.id)
    assert task.expires_at == world.clock.now() + timedelta(days=30)
    assert result.product_ids == tuple(sorted([pump.id, draft.id]))


@pytest.mark.parametrize("batch_size", [1, 2, 100])
async def test_a_backlog_is_drained_whatever_the_batch(batch_size: int) -> None:
    world = memory(Settings(_env_file=None, match_batch_size=batch_size))
    await supplied(world.catalog, **{f"S{number}": f"Товар k{number}" for number in range(5)})

    result = await world.container.match_items()()

    assert result.drafted == 5
    assert all(item.product_id is not None for item in world.catalog.items())


async def test_a_draft_is_a_candidate_for_the_next_suppliers_item_at_once() -> None:
    world = memory(_ONE_AT_A_TIME)
    await supplied(world.catalog, A="Насос Makita X1")
    await supplied(world.catalog, B="НАСОС makita Х1")

    result = await world.container.match_items()()

    assert (result.drafted, result.linked) == (1, 1)
    assert len(world.catalog.products()) == 1
    items = by_sku(world.catalog)
    assert items["A"].product_id == items["B"].product_id


async def test_two_lines_of_one_list_are_two_products() -> None:
    world = memory(_ONE_AT_A_TIME)
    await supplied(world.catalog, A="Насос Makita X1", B="Насос Makita X1")

    result = await world.container.match_items()()

    assert (result.drafted, result.linked) == (2, 0)


async def test_an_archived_product_is_no_candidate_even_if_the_index_knows_it() -> None:
    world = memory()
    archived = a_product(name="Насос Makita X1", status=ProductStatus.ARCHIVED)
    await known(world.catalog, archived)
    await world.container.candidates().put([archived])
    await supplied(world.catalog, A="Насос Makita X1")

    result = await world.container.match_items()()

    assert (result.drafted, result.linked) == (1, 0)


async def test_only_the_named_suppliers_backlog_is_matched() -> None:
    world = memory()
    named = await supplied(world.catalog, MINE="Насос")
    await supplied(world.catalog, THEIRS="Краска")

    result = await world.container.match_items()(supplier_id=named)

    assert result.items == 1
    assert by_sku(world.catalog)["THEIRS"].match_status is MatchStatus.UNMATCHED


async def test_a_second_run_finds_nothing_to_do() -> None:
    world = memory()
    await supplied(world.catalog, A="Насос Makita X1", B="Краска белая")
    await world.container.match_items()()
    items, products = world.catalog.stored_items(), world.catalog.products()

    again = await world.container.match_items()()

    assert again.items == 0
    assert (world.catalog.stored_items(), world.catalog.products()) == (items, products)


async def test_without_a_job_the_touched_products_are_asked_for_a_hundred_at_a_time() -> None:
    world = memory()
    await supplied(world.catalog, **{f"S{number}": f"Товар k{number}" for number in range(250)})

    result = await world.container.match_items()()

    steps = [await world.queue.take() for _ in range(len(world.queue))]
    assert all(isinstance(step, RecalculateStep) and step.job_id is None for step in steps)
    asked = [step.product_ids for step in steps if isinstance(step, RecalculateStep)]
    assert [len(chunk) for chunk in asked] == [100, 100, 50]
    assert tuple(product_id for chunk in asked for product_id in chunk) == result.product_ids


async def test_with_a_job_its_figures_follow_and_its_supplier_is_asked_for() -> None:
    world = memory()
    await known(world.catalog, a_product(name="Насос Makita X1 600 Вт"))
    supplier_id = await supplied(
        world.catalog, SAME="Насос Makita X1 600 Вт", ALIKE="Насос Makita X1 800 Вт"
    )
    job = await matching(world, supplier_id)

    await world.container.match_items()(job_id=job.id)

    after = await world.jobs.get(job.id)
    assert after.progress == JobProgress(matches_found=1, review_queue_count=1)
    assert (after.phase, after.version) == (Phase.MATCHING, job.version)
    assert await world.queue.take() == RecalculateStep(
        job_id=job.id, attempt=1, supplier_id=supplier_id
    )
    facts = EnrichStep(supplier_id=supplier_id, asked_at=world.clock.now())
    assert await world.queue.take() == facts
    assert len(world.queue) == 0


async def test_a_second_delivery_keeps_the_figures_and_asks_again() -> None:
    world = memory()
    job = await matching(world, await supplied(world.catalog, A="Насос"))
    await world.container.match_items()(job_id=job.id)
    lost = await world.queue.take()
    assert lost is not None
    await world.queue.done(lost)
    facts = await world.queue.take()
    assert isinstance(facts, EnrichStep)
    await world.queue.done(facts)
    before = await world.jobs.get(job.id)

    again = await world.container.match_items()(job_id=job.id)

    assert again.items == 0
    assert await world.jobs.get(job.id) == replace(before, token=before.token + 1)
    assert await world.queue.take() == lost


@pytest.mark.parametrize("phase", [p for p in Phase if p is not Phase.MATCHING])
async def test_a_job_in_another_phase_is_left_alone(phase: Phase) -> None:
    world = memory()
    supplier_id = await supplied(world.catalog, A="Насос")
    job = a_job(supplier_id=supplier_id, phase=phase)
    await world.jobs.add(job)

    result = await world.container.match_items()(job_id=job.id)

    assert result.items == 0
    assert by_sku(world.catalog)["A"].match_status is MatchStatus.UNMATCHED
    assert len(world.queue) == 0


async def test_an_unknown_job_is_told() -> None:
    with pytest.raises(JobNotFoundError):
        await memory().container.match_items()(job_id=JobId(UUID(int=7)))


async def test_items_that_another_worker_holds_are_waited_for() -> None:
    world, catalog = memory(), _HoldingCatalog()
    pump = a_product(name="Насос")
    await known(catalog, pump)
    job = await matching(world, await supplied(catalog, FREE="Насос", HELD="Краска"))
    match_items = matcher_of(world, catalog)

    for _ in range(5):  # however long: nobody erred
        await match_items(job_id=job.id)
    waiting = await world.jobs.get(job.id)
    world.clock.tick(timedelta(minutes=1))
    asked = await world.queue.take()
    catalog.held = False
    result = await match_items(job_id=job.id)

    assert waiting.deferred_by is not None
    assert (waiting.deferred_by.code, waiting.deferrals) == ("match.busy", 0)
    assert "1 items" in waiting.deferred_by.message
    assert (waiting.phase, waiting.progress.matches_found) == (Phase.MATCHING, 1)
    assert asked == MatchStep(job_id=job.id, attempt=1, supplier_id=job.supplier_id, delivery=1)
    assert (result.linked, result.drafted) == (0, 1)
    assert (await world.jobs.get(job.id)).progress.matches_found == 1


async def test_products_touched_before_it_broke_off_are_asked_for_all_the_same() -> None:
    world, catalog = memory(), _HoldingCatalog()
    pump = a_product(name="Насос")
    await known(catalog, pump)
    await supplied(catalog, FREE="Насос", HELD="Краска")

    with pytest.raises(UnavailableError):
        await matcher_of(world, catalog)()

    assert await world.queue.take() == RecalculateStep(
        product_ids=(pump.id,), asked_at=world.clock.now()
    )


async def test_a_commit_that_is_lost_leaves_its_batch_unmatched_and_no_draft_in_the_index() -> (
    None
):
    world = memory()
    job = await matching(world, await supplied(world.catalog, A="Насос", B="Краска"))
    failing = _FailingCommits(world.catalog, before=2)  # the index, the first batch

    await matcher_of(world, failing)(job_id=job.id)

    statuses = sorted(item.match_status for item in world.catalog.items())
    assert statuses == [MatchStatus.AUTO_MATCHED, MatchStatus.UNMATCHED]
    assert len(world.catalog.products()) == 1
    wanted = Wanted(name="Краска", features=features_of("Краска"))
    index = world.container.candidates()
    assert await index.consult(lambda lookup: lookup.nearest(wanted, limit=5)) == []
    result = await world.container.match_items()(job_id=job.id)
    assert result.drafted == 1
    assert len(world.catalog.products()) == 2


async def test_a_job_that_is_called_off_while_it_is_matched_stays_called_off() -> None:
    world, catalog = memory(), _HoldingCatalog()
    job = await matching(world, await supplied(catalog, HELD="Краска"))

    class _CallingOff(_FailingCommits):
        @asynccontextmanager
        async def unit(self) -> AsyncGenerator[CatalogUnit]:
            stored = await world.jobs.get(job.id)
            if stored.is_active:
                await world.container.mover().move(stored, Cancelled())
            async with catalog.unit() as unit:
                yield unit

    await matcher_of(world, _CallingOff(catalog, before=99))(job_id=job.id)

    failure = (await world.jobs.get(job.id)).failure
    assert failure is not None
    assert failure.code == "job.cancelled"


async def test_verified_and_reviewed_items_are_never_matched_again() -> None:
    world = memory()
    supplier_id = await supplied(world.catalog, A="Насос")
    state = world.catalog._state
    ((item_id, stored),) = state.items.items()
    product = a_product()
    async with world.catalog.unit() as unit:
        await unit.products.add([product])
    verified = replace(stored.item, match_status=MatchStatus.VERIFIED_MATCH, product_id=product.id)
    state = world.catalog._state
    state.items[item_id] = replace(stored, item=verified, match_score=Decimal("71.00"))

    result = await world.container.match_items()(supplier_id=supplier_id)

    assert result.items == 0
    assert world.catalog.items() == [verified]
