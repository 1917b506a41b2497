"""Who may run beside whom: a job that took workers with it runs alone, and then no more."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta

import pytest
from arq import Retry

from marketbel_adapters.testing.builders import a_job
from marketbel_core.ids import JobId
from marketbel_runtime.lifespan import InMemory, memory
from marketbel_runtime.settings import Settings
from marketbel_runtime.tasks.place import KillsWorkersError, place_for

LEASE = timedelta(seconds=30)


async def a_world(*, deaths: int = 0) -> tuple[InMemory, JobId]:
    app = memory(Settings.model_validate({"job_timeout": 1}))
    job = replace(a_job(), deliveries=deaths)
    await app.jobs.add(job)
    return app, job.id


async def is_let_in(app: InMemory, function: str, job_id: JobId | None) -> bool:
    """Return whether a step gets in while whoever is inside already stays there."""
    kwargs: dict[str, object] = {} if job_id is None else {"job_id": str(job_id)}
    try:
        async with place_for(app.container, function, kwargs):
            return True
    except Retry:
        return False


@pytest.mark.parametrize(
    ("deaths", "others"),
    [
        (0, {"courier_task": True, "recalc_aggregates_task": True, "poll": True}),
        (1, {"courier_task": True, "recalc_aggregates_task": True, "poll": True}),
        (2, {"courier_task": False, "recalc_aggregates_task": False, "poll": True}),
        (4, {"courier_task": False, "recalc_aggregates_task": False, "poll": True}),
    ],
)
async def test_after_two_deaths_nothing_with_a_job_runs_beside_it(
    deaths: int, others: dict[str, bool]
) -> None:
    app, job_id = await a_world(deaths=deaths)
    other = replace(a_job(), id=JobId(app.container.ids().new_id()))
    await app.jobs.add(other)

    async with place_for(app.container, "courier_task", {"job_id": str(job_id)}):
        let_in = {
            name: await is_let_in(app, name, None if name == "poll" else other.id)
            for name in others
        }

    assert let_in == others
    assert await is_let_in(app, "courier_task", other.id)


async def test_a_job_that_is_to_run_alone_waits_for_the_others_to_end() -> None:
    app, job_id = await a_world(deaths=2)
    bulkhead = app.container.bulkhead()
    inside = asyncio.Event()

    async def run_it() -> None:
        async with place_for(app.container, "courier_task", {"job_id": str(job_id)}):
            inside.set()

    async with AsyncExitStack() as others:
        await others.enter_async_context(bulkhead.shared())
        running = asyncio.create_task(run_it())
        while not bulkhead.is_closed:
            await asyncio.sleep(0)
        assert not inside.is_set()
    await running

    assert inside.is_set()


async def test_a_worker_that_vanished_a_moment_ago_counts_before_the_sweep_has_come_by() -> None:
    app, job_id = await a_world(deaths=1)
    await app.jobs.claim(job_id, duration=LEASE)
    app.clock.tick(LEASE)

    async with place_for(app.container, "courier_task", {"job_id": str(job_id)}):
        assert app.container.bulkhead().is_closed


async def test_a_step_whose_job_somebody_holds_comes_again_until_the_claim_has_run_out() -> None:
    app, job_id = await a_world()
    held = await app.jobs.claim(job_id, duration=LEASE)
    assert held is not None

    assert not await is_let_in(app, "import_items_task", job_id)
    assert await is_let_in(app, "retry_job_task", job_id)
    app.clock.tick(LEASE)
    assert await is_let_in(app, "import_items_task", job_id)


async def test_a_job_that_somebody_works_on_has_lost_nobody() -> None:
    app, job_id = await a_world(deaths=1)
    await app.jobs.claim(job_id, duration=LEASE)

    async with place_for(app.container, "recalc_aggregates_task", {"job_id": str(job_id)}):
        assert not app.container.bulkhead().is_closed


async def test_a_job_that_killed_workers_alone_is_not_run_again() -> None:
    app, job_id = await a_world(deaths=5)

    with pytest.raises(KillsWorkersError) as caught:
        async with place_for(app.container, "courier_task", {"job_id": str(job_id)}):
            raise AssertionError

    assert caught.value.code == "job.worker_killed"


@pytest.mark.parametrize("written", ["no-id", "0c5f39a1-6d3d-4c5e-9f5f-0f2f0e7b1a11"])
async def test_what_is_no_job_is_left_to_the_step_to_tell(written: str) -> None:
    app = memory()

    async with place_for(app.container, "courier_task", {"job_id": written}):
        assert not app.container.bulkhead().is_closed
