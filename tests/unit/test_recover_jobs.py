"""Redis was lost: every unfinished job goes on from where it was last known to be, and ends."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Final

import pytest

from marketbel_adapters.testing.builders import a_job, a_row
from marketbel_core.catalog import SourceRef, SourceType
from marketbel_core.errors import StaleJobError
from marketbel_core.ids import AnalysisId, FileKey
from marketbel_core.jobs import DownloadStarted, Failure, Job, Phase, advance
from marketbel_core.ports import (
    AnalysisFinished,
    AnalysisRunning,
    CourierStep,
    ImportStep,
    MatchStep,
    Renewal,
)
from marketbel_core.use_cases import RecoverResult, StartRequest
from marketbel_runtime.lifespan import InMemory, memory
from marketbel_runtime.steps import run_step

_LIST: Final = "Артикул;Наименование;Цена\nA-1;Дрель Bosch GSB 13;189,90\n".encode()
_ADDRESS: Final = "https://user:secret@example.com/lists/{}.csv?token=1"
_STEPS: Final = 4
_LEASE: Final = timedelta(seconds=30)
_HOUR: Final = timedelta(hours=1)


def lose_redis(world: InMemory) -> None:
    world.jobs.lose_everything()
    world.queue.lose_everything()


async def start(world: InMemory, name: str, *, read_here: bool = True) -> Job:
    address = _ADDRESS.format(name)
    world.sources.put(address, _LIST)
    return await world.container.start_ingestion()(
        StartRequest(
            source=SourceRef(type=SourceType.CSV, location=address),
            supplier_name=name,
            read_here=read_here,
        )
    )


async def run_some(world: InMemory, count: int) -> None:
    for _ in range(count):
        step = await world.queue.take()
        assert step is not None
        await run_step(world.container, step)
        await world.queue.done(step)


async def phases(world: InMemory, jobs: Sequence[Job]) -> list[Phase]:
    return [(await world.jobs.get(job.id)).phase for job in jobs]


@pytest.mark.parametrize("steps", range(_STEPS))
@pytest.mark.parametrize("is_relayed", [True, False])
async def test_a_job_ends_wherever_it_was_when_redis_was_lost(
    steps: int, is_relayed: bool
) -> None:
    world = memory()
    job = await start(world, "a")
    await run_some(world, steps)
    if is_relayed:
        await world.container.relay_journal()()
    lose_redis(world)

    assert await world.container.recover_jobs()() == RecoverResult(
        unfinished=1, put_back=1, asked=1
    )
    await world.run()

    ended = await world.jobs.get(job.id)
    assert (ended.phase, ended.attempt, ended.deliveries) == (Phase.COMPLETE, 1, 0)
    [item] = world.catalog.items()
    [product_id] = world.catalog.aggregates()
    assert item.product_id == product_id
    assert world.catalog.aggregates()[product_id].min_price == Decimal("189.90")
    await world.container.relay_journal()()
    assert await world.archive.unfinished(limit=10) == []
    assert await world.container.recover_jobs()() == RecoverResult()


async def test_jobs_in_every_phase_end() -> None:
    world = memory()
    complete = [await start(world, f"a{number}") for number in range(4)]
    await run_some(world, 16)
    matching = [await start(world, f"b{number}") for number in range(4)]
    await run_some(world, 8)
    analyzing = [await start(world, f"c{number}") for number in range(4)]
    await run_some(world, 8)
    downloading = [await start(world, f"d{number}") for number in range(4)]
    jobs = [*complete, *matching, *analyzing, *downloading]
    assert set(await phases(world, jobs)) == set(Phase) - {Phase.FAILED}
    await world.container.relay_journal()()
    await run_some(world, 6)  # of these the archive does not hear
    lose_redis(world)

    result = await world.container.recover_jobs()()
    await world.run()

    assert result == RecoverResult(unfinished=12, put_back=12, asked=12)
    assert set(await phases(world, jobs[4:])) == {Phase.COMPLETE}
    await world.container.relay_journal()()
    assert await world.archive.unfinished(limit=100) == []
    assert len(world.catalog.items()) == len(world.catalog.imports()) == len(jobs)


async def test_a_reading_at_ml_analyze_is_left_to_the_polling_round() -> None:
    world = memory()
    job = await start(world, "a", read_here=False)
    world.analyzer.script(
        job.id,
        AnalysisRunning(items_processed=0, items_total=0),
        AnalysisFinished(items_processed=1, items_total=1),
    )
    await world.run()
    await world.container.relay_journal()()
    lose_redis(world)
    world.clock.tick(_HOUR)

    result = await world.container.recover_jobs()()
    await world.container.collect_items()()
    assert await phases(world, [job]) == [Phase.ANALYZING], "an hour without Redis is no stalling"
    async with world.catalog.unit() as unit:  # ml-analyze writes the items itself
        await unit.items.merge(job.supplier_id, [a_row()], at=world.clock.now())
    await world.container.collect_items()()
    await world.run()

    assert result == RecoverResult(unfinished=1, put_back=1, asked=0)
    assert await phases(world, [job]) == [Phase.COMPLETE]


@pytest.mark.parametrize(
    ("phase", "step"),
    [
        (Phase.DOWNLOADING, CourierStep),
        (Phase.ANALYZING, ImportStep),
        (Phase.MATCHING, MatchStep),
    ],
)
async def test_the_step_of_the_phase_is_asked_for(
    phase: Phase, step: type[CourierStep | ImportStep | MatchStep]
) -> None:
    world = memory()
    job = replace(a_job(phase=phase, file_key=FileKey("k"), attempt=2), deferrals=2)
    await world.archive.record(job)

    assert (await world.container.recover_jobs()()).asked == 1

    asked = await world.queue.take()
    assert isinstance(asked, step)
    assert (asked.job_id, asked.attempt) == (job.id, 2)
    assert asked.delivery > job.delivery, "a worker of before may still be ending the last one"


async def test_a_deferred_step_waits_for_its_instant() -> None:
    world = memory()
    until = world.clock.now() + _HOUR
    failure = Failure(code="http.unavailable", message="503")
    job = replace(a_job(), not_before=until, deferred_by=failure)
    await world.archive.record(job)

    await world.container.recover_jobs()()

    assert await world.queue.take() is None
    world.clock.tick(_HOUR)
    assert await world.queue.take() is not None


async def test_a_job_that_the_store_still_has_is_left_alone() -> None:
    world = memory()
    job = await start(world, "a")
    stored = await world.jobs.get(job.id)

    result = await world.container.recover_jobs()()

    assert result == RecoverResult(unfinished=1, kept=1)
    assert await world.jobs.get(job.id) == stored


@pytest.mark.parametrize("phase", [Phase.COMPLETE, Phase.FAILED])
async def test_a_job_that_has_ended_is_not_put_back(phase: Phase) -> None:
    world = memory()
    await world.archive.record(a_job(phase=phase))

    assert await world.container.recover_jobs()() == RecoverResult()
    assert len(world.queue) == 0


async def test_recovering_again_puts_nothing_back_twice() -> None:
    world = memory()
    await start(world, "a")
    lose_redis(world)
    await world.container.recover_jobs()()

    assert await world.container.recover_jobs()() == RecoverResult(unfinished=1, kept=1)
    assert len(world.queue) == 1


async def test_more_jobs_than_a_page_are_put_back() -> None:
    world = memory()
    jobs = [a_job() for _ in range(450)]
    for job in jobs:
        await world.archive.record(job)

    result = await world.container.recover_jobs()()

    assert result == RecoverResult(unfinished=450, put_back=450, asked=450)
    assert set(await phases(world, jobs)) == {Phase.DOWNLOADING}


async def test_a_worker_of_before_the_loss_finds_its_writes_refused() -> None:
    world = memory()
    job = await start(world, "a")
    await world.container.relay_journal()()
    zombie = job
    for _ in range(3):  # claims that the archive does not hear of
        claimed = await world.jobs.claim(job.id, duration=_LEASE)
        assert claimed is not None
        await world.jobs.release(claimed)
        zombie = claimed
    lose_redis(world)
    await world.container.recover_jobs()()
    put_back = await world.jobs.get(job.id)

    with pytest.raises(StaleJobError):
        await world.jobs.save(
            advance(zombie, DownloadStarted(), now=world.clock.now()),
            read=zombie,
            event=DownloadStarted,
        )

    assert await world.jobs.renew(zombie, duration=_LEASE) is Renewal.LOST
    assert await world.jobs.get(job.id) == put_back


async def test_no_secret_of_the_address_gets_into_the_store() -> None:
    world = memory()
    job = await start(world, "a")
    lose_redis(world)

    await world.container.recover_jobs()()

    assert "secret" not in repr(await world.jobs.get(job.id))
    source = await world.archive.source_of(job.id)
    assert source is not None
    assert source.location == _ADDRESS.format("a")


async def test_a_reading_that_ml_analyze_has_is_not_handed_over_again() -> None:
    world = memory()
    job = replace(a_job(phase=Phase.ANALYZING, file_key=FileKey("k"), analysis_id=AnalysisId("x")))
    await world.archive.record(job)

    assert await world.container.recover_jobs()() == RecoverResult(unfinished=1, put_back=1)
    assert len(world.queue) == 0
