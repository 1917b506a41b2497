"""The sweep: steps whose ask was lost are asked for again, and no others."""

from dataclasses import replace
from datetime import timedelta

import pytest

from marketbel_adapters.testing.builders import NOW, a_job
from marketbel_core.ids import AnalysisId, FileKey
from marketbel_core.jobs import Deferred, Failure, Job, Phase
from marketbel_core.ports import CourierStep, ImportStep, MatchStep
from marketbel_core.use_cases import RescueResult
from marketbel_runtime.lifespan import InMemory, memory

LATE = timedelta(seconds=60)


async def a_world(job: Job, *, waited: timedelta = LATE) -> InMemory:
    world = memory()
    await world.jobs.add(replace(job, changed_at=world.clock.now()))
    world.clock.tick(waited)
    return world


def in_phase(phase: Phase, **changes: object) -> Job:
    job = replace(a_job(), phase=phase, file_key=FileKey("list.csv"))
    return replace(job, **changes)  # type: ignore[arg-type] # fields of Job, by name


@pytest.mark.parametrize(
    ("job", "step"),
    [
        (in_phase(Phase.DOWNLOADING), CourierStep),
        (in_phase(Phase.ANALYZING), ImportStep),
        (in_phase(Phase.MATCHING), MatchStep),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
async def test_a_step_that_nobody_remembers_is_asked_for_again(
    job: Job, step: type[CourierStep | ImportStep | MatchStep]
) -> None:
    world = await a_world(job)

    result = await world.container.rescue_jobs()()

    assert result == RescueResult(waiting=1, asked=1)
    asked = await world.queue.take()
    assert isinstance(asked, step)
    assert (asked.job_id, asked.attempt) == (job.id, job.attempt)


async def test_a_step_that_waits_in_the_queue_is_not_asked_for_twice() -> None:
    job = in_phase(Phase.MATCHING)
    world = await a_world(job)
    await world.container.rescue_jobs()()

    assert await world.container.rescue_jobs()() == RescueResult(waiting=1, asked=0)
    assert len(world.queue) == 1


@pytest.mark.parametrize(
    "job",
    [
        in_phase(Phase.ANALYZING, analysis_id=AnalysisId("a1")),
        in_phase(Phase.COMPLETE),
        in_phase(Phase.FAILED),
    ],
    ids=["read at ml-analyze", "complete", "failed"],
)
async def test_a_job_that_waits_for_no_step_of_ours_is_left_alone(job: Job) -> None:
    world = await a_world(job)

    assert await world.container.rescue_jobs()() == RescueResult()
    assert len(world.queue) == 0


async def test_a_job_that_somebody_holds_is_left_alone_until_the_lease_runs_out() -> None:
    job = in_phase(Phase.DOWNLOADING, started_at=NOW)
    world = await a_world(job)
    await world.jobs.claim(job.id, duration=timedelta(seconds=30))

    assert await world.container.rescue_jobs()() == RescueResult()
    world.clock.tick(timedelta(seconds=30))
    assert await world.container.rescue_jobs()() == RescueResult(reaped=1, asked=1)

    reaped = await world.jobs.get(job.id)
    assert (reaped.phase, reaped.attempt, reaped.deliveries) == (Phase.DOWNLOADING, 1, 1)
    assert await world.queue.take() == CourierStep(job_id=job.id, attempt=1, delivery=1)


async def test_a_deferred_step_is_asked_for_when_its_time_has_come_and_not_before() -> None:
    world = await a_world(in_phase(Phase.DOWNLOADING))
    [job] = await world.jobs.list_in(Phase.DOWNLOADING, limit=1)
    failure = Failure(code="http.unavailable", message="closed")
    until = world.clock.now() + timedelta(minutes=5)
    await world.container.mover().move(job, Deferred(failure=failure, until=until))

    world.clock.tick(timedelta(minutes=5))
    assert await world.container.rescue_jobs()() == RescueResult()
    world.clock.tick(LATE)

    assert await world.container.rescue_jobs()() == RescueResult(waiting=1, asked=1)


@pytest.mark.parametrize("phase", [Phase.DOWNLOADING, Phase.ANALYZING, Phase.MATCHING])
async def test_a_job_that_a_sweep_died_over_is_buried_by_the_next_one(phase: Phase) -> None:
    job = in_phase(phase)
    world = await a_world(job)
    for _ in range(5):
        await world.jobs.claim(job.id, duration=timedelta(seconds=30))
        world.clock.tick(timedelta(seconds=31))
        await world.jobs.reap(limit=1)  # and the sweep dies before it goes on
    world.clock.tick(LATE)

    assert await world.container.rescue_jobs()() == RescueResult(waiting=1, buried=1)
    buried = await world.jobs.get(job.id)
    assert buried.failure is not None
    assert (buried.phase, buried.failure.code) == (Phase.FAILED, "job.worker_killed")


async def test_a_job_that_takes_workers_with_it_runs_alone_and_is_then_buried() -> None:
    job = in_phase(Phase.ANALYZING)
    world = await a_world(job)
    alone: list[bool] = []
    results: list[RescueResult] = []
    for _ in range(5):
        held = await world.jobs.claim(job.id, duration=timedelta(seconds=30))
        assert held is not None
        alone.append(held.runs_alone)
        world.clock.tick(timedelta(seconds=31))
        results.append(await world.container.rescue_jobs()())

    assert alone == [False, False, True, True, True]
    assert results[-1] == RescueResult(reaped=1, buried=1)
    buried = await world.jobs.get(job.id)
    assert (buried.phase, buried.attempt) == (Phase.FAILED, 1)
    assert buried.failure is not None
    assert buried.failure.code == "job.worker_killed"
    assert await world.jobs.dead_letters(limit=10) == [job.id]


async def test_a_job_that_has_just_moved_is_given_time() -> None:
    world = await a_world(in_phase(Phase.MATCHING), waited=LATE - timedelta(seconds=1))

    assert await world.container.rescue_jobs()() == RescueResult()
