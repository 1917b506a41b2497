"""A price list sets out: which supplier, which job, who reads, what is asked."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import pytest

from marketbel_adapters.testing.builders import a_supplier, fresh_id
from marketbel_core.catalog import SourceRef, SourceType, Supplier
from marketbel_core.errors import RefusedError, SupplierNotFoundError, UnavailableError
from marketbel_core.ids import JobId, SupplierId
from marketbel_core.jobs import AttemptFailed, Failure, Phase, Reading
from marketbel_core.ports import CourierStep, Step, StepQueue
from marketbel_core.use_cases import StartRequest
from marketbel_runtime.lifespan import InMemory, memory
from marketbel_runtime.settings import Settings

_SOURCE = SourceRef(type=SourceType.CSV, location="https://example.com/lists/march.csv")


class _SilentQueue(StepQueue):
    """A queue that cannot be reached."""

    async def ask(self, step: Step, *, not_before: datetime | None = None) -> bool:
        del not_before
        raise UnavailableError(f"cannot ask for {type(step).__name__}", code="queue.unavailable")

    async def ask_all(self, steps: Sequence[Step]) -> None:
        for step in steps:
            await self.ask(step)


async def known(world: InMemory, supplier: Supplier) -> Supplier:
    async with world.catalog.unit() as unit:
        return await unit.suppliers.add(supplier)


async def test_an_unknown_name_makes_a_supplier_and_a_job_is_asked_for() -> None:
    world = memory()

    job = await world.container.start_ingestion()(
        StartRequest(source=_SOURCE, supplier_name="  ООО «Ромашка» ", attempts_max=2)
    )

    (supplier,) = world.catalog.suppliers()
    assert (supplier.name, supplier.source_type) == ("ООО «Ромашка»", SourceType.CSV)
    assert (job.supplier_id, job.supplier_name) == (supplier.id, supplier.name)
    assert (job.phase, job.reading, job.source) == (Phase.DOWNLOADING, Reading.ML, _SOURCE)
    assert (job.attempt, job.attempts_max, job.created_at) == (1, 2, world.clock.now())
    assert await world.jobs.get(job.id) == job
    assert await world.queue.take() == CourierStep(job_id=job.id, attempt=1)


async def test_a_known_name_is_found_without_regard_to_case() -> None:
    world = memory()
    supplier = await known(world, a_supplier(name="ООО «Ромашка»"))

    job = await world.container.start_ingestion()(
        StartRequest(source=_SOURCE, supplier_name=" ооо «РОМАШКА»")
    )

    assert job.supplier_id == supplier.id
    assert len(world.catalog.suppliers()) == 1


async def test_an_id_wins_over_a_name() -> None:
    world = memory()
    supplier = await known(world, a_supplier())

    job = await world.container.start_ingestion()(
        StartRequest(source=_SOURCE, supplier_id=supplier.id, supplier_name="Somebody else")
    )

    assert job.supplier_name == supplier.name
    assert world.catalog.suppliers() == [supplier]


async def test_a_name_longer_than_its_column_is_cut_and_found_again() -> None:
    world = memory()
    request = StartRequest(source=_SOURCE, supplier_name="Я" * 300)

    first = await world.container.start_ingestion()(request)
    second = await world.container.start_ingestion()(request)

    assert first.supplier_id == second.supplier_id
    assert first.supplier_name == "Я" * 255


async def test_an_unknown_id_is_refused_and_starts_nothing() -> None:
    world = memory()
    nobody = SupplierId(fresh_id())

    with pytest.raises(SupplierNotFoundError) as caught:
        await world.container.start_ingestion()(
            StartRequest(source=_SOURCE, supplier_id=nobody, supplier_name="Known")
        )

    assert caught.value.supplier_id == nobody
    assert world.catalog.suppliers() == []
    assert len(world.queue) == 0


@pytest.mark.parametrize("name", [None, "", "  \t"])
async def test_a_request_without_a_supplier_is_refused(name: str | None) -> None:
    world = memory()

    with pytest.raises(RefusedError, match="supplier_name") as caught:
        await world.container.start_ingestion()(StartRequest(source=_SOURCE, supplier_name=name))

    assert caught.value.code == "job.invalid"
    assert len(world.queue) == 0


@pytest.mark.parametrize(
    ("read_here", "wish", "ml_enabled", "reading"),
    [
        (False, None, True, Reading.ML),
        (False, True, True, Reading.ML),
        (True, True, True, Reading.LOCAL),
        (False, False, True, Reading.LOCAL),
        (False, True, False, Reading.LOCAL),
    ],
)
async def test_the_caller_the_supplier_and_the_deployment_may_each_have_it_read_here(
    *, read_here: bool, wish: bool | None, ml_enabled: bool, reading: Reading
) -> None:
    world = memory(Settings(_env_file=None, use_ml_processing=ml_enabled))
    supplier = await known(world, a_supplier(use_ml_processing=wish))

    job = await world.container.start_ingestion()(
        StartRequest(source=_SOURCE, supplier_id=supplier.id, read_here=read_here)
    )

    assert job.reading is reading


async def test_a_job_id_given_twice_starts_one_job() -> None:
    world = memory()
    start = world.container.start_ingestion()
    job_id = JobId(UUID(int=7))
    elsewhere = SourceRef(type=SourceType.EXCEL, location="/elsewhere.xlsx")

    first = await start(StartRequest(source=_SOURCE, supplier_name="One", job_id=job_id))
    second = await start(StartRequest(source=elsewhere, supplier_name="One", job_id=job_id))

    assert first == second
    assert first.source == _SOURCE
    assert len(world.queue) == 1


async def test_a_job_that_has_ended_is_returned_and_not_asked_for() -> None:
    world = memory()
    request = StartRequest(source=_SOURCE, supplier_name="One", job_id=JobId(UUID(int=7)))
    job = await world.container.start_ingestion()(request, ask=False)
    failure = Failure(code="http.denied", message="no")
    ended = await world.container.mover().move(job, AttemptFailed(failure=failure))

    again = await world.container.start_ingestion()(request)

    assert again == ended
    assert len(world.queue) == 0


async def test_a_caller_that_runs_the_courier_itself_has_nothing_asked() -> None:
    world = memory()

    await world.container.start_ingestion()(
        StartRequest(source=_SOURCE, supplier_name="One"), ask=False
    )

    assert len(world.queue) == 0


async def test_a_start_whose_ask_was_lost_can_be_said_again() -> None:
    world = memory()
    request = StartRequest(source=_SOURCE, supplier_name="One", job_id=JobId(UUID(int=7)))
    without_queue = world.container.start_ingestion(queue=_SilentQueue())
    with pytest.raises(UnavailableError):
        await without_queue(request)

    job = await world.container.start_ingestion()(request)

    assert job.id == request.job_id
    assert len(world.queue) == 1
    assert len(world.catalog.suppliers()) == 1
