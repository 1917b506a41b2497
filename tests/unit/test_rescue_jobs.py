"""The sweep: steps whose ask was lost are asked for again, and no others."""

from dataclasses import replace
from datetime import timedelta

import pytest

from marketbel_adapters.testing.builders import NOW, a_job
from marketbel_core.ids import AnalysisId, FileKey
from marketbel_core.jobs import Job, Phase
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
        in_phase(Phase.DOWNLOADING, started_at=NOW),
        in_phase(Phase.ANALYZING, analysis_id=AnalysisId("a1")),
        in_phase(Phase.COMPLETE),
        in_phase(Phase.FAILED),
    ],
    ids=["a download that has begun", "read at ml-analyze", "complete", "failed"],
)
async def test_a_job_that_waits_for_no_step_of_ours_is_left_alone(job: Job) -> None:
    world = await a_world(job)

    assert await world.container.rescue_jobs()() == RescueResult()
    assert len(world.queue) == 0


async def test_a_download_that_has_outlived_every_step_is_asked_for_again() -> None:
    job = in_phase(Phase.DOWNLOADING, started_at=NOW)
    world = await a_world(job, waited=memory().container.settings().step_max + LATE)

    assert await world.container.rescue_jobs()() == RescueResult(waiting=1, asked=1)


async def test_a_job_that_has_just_moved_is_given_time() -> None:
    world = await a_world(in_phase(Phase.MATCHING), waited=LATE - timedelta(seconds=1))

    assert await world.container.rescue_jobs()() == RescueResult()
