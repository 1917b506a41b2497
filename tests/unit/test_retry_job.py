"""What people ask of jobs: a further attempt, a replay, an end; each wish counts once."""

import json
from datetime import timedelta

import pytest

from marketbel_adapters.memory import MemoryJobStore
from marketbel_adapters.testing.builders import a_full_job, a_job, fresh_id
from marketbel_core.errors import IllegalTransitionError, JobNotFoundError, ProtocolError
from marketbel_core.ids import JobId
from marketbel_core.jobs import Failure, Job, Phase
from marketbel_core.ports import CourierStep, RetryStep, Tray
from marketbel_core.use_cases import TakenRetries
from marketbel_runtime.lifespan import InMemory, memory


async def failed(world: InMemory, *, code: str = "http.denied", attempts_max: int = 2) -> Job:
    job = a_job(attempts_max=attempts_max)
    await world.jobs.add(job)
    return await world.container.mover().fail(job, Failure(code=code, message="no"))


async def test_a_retry_starts_the_next_attempt_and_asks_for_the_courier() -> None:
    world = memory()
    job = await failed(world)

    retried = await world.container.retry_job()(job.id)

    assert (retried.phase, retried.attempt, retried.failure) == (Phase.DOWNLOADING, 2, None)
    assert retried.source == job.source
    assert retried.created_at == job.created_at
    assert await world.queue.take() == CourierStep(job_id=job.id, attempt=2)


async def test_the_same_wish_said_twice_starts_one_attempt() -> None:
    world = memory()
    job = await failed(world, attempts_max=4)

    await world.container.retry_job()(job.id, attempt=1)
    again = await world.container.retry_job()(job.id, attempt=1)

    assert again.attempt == 2
    assert len(world.queue) == 1


@pytest.mark.parametrize("phase", [p for p in Phase if p is not Phase.FAILED])
async def test_only_a_failed_job_is_retried(phase: Phase) -> None:
    world = memory()
    job = a_job(phase=phase)
    await world.jobs.add(job)

    with pytest.raises(IllegalTransitionError):
        await world.container.retry_job()(job.id)

    assert await world.jobs.get(job.id) == job


async def test_the_last_attempt_is_followed_by_none_but_can_be_replayed() -> None:
    world = memory()
    job = await failed(world, attempts_max=1)
    with pytest.raises(IllegalTransitionError):
        await world.container.retry_job()(job.id)
    dead = await world.jobs.dead_letters(limit=9)

    replayed = await world.container.replay_job()(job.id)

    assert dead == [job.id]
    assert (replayed.phase, replayed.attempt, replayed.generation) == (Phase.DOWNLOADING, 1, 2)
    assert await world.jobs.dead_letters(limit=9) == []


async def test_a_job_whose_supplier_is_gone_cannot_be_retried() -> None:
    world = memory()
    job = await failed(world, code="supplier.not_found")

    assert not job.can_retry
    with pytest.raises(IllegalTransitionError):
        await world.container.retry_job()(job.id)


async def test_a_job_that_is_held_can_be_called_off_and_its_worker_writes_no_more() -> None:
    world = memory()
    job = a_job()
    await world.jobs.add(job)
    async with world.container.mover().hold(job.id, phase=Phase.DOWNLOADING) as held:
        assert held is not None
        cancelled = await world.container.cancel_job()(job.id)
        await world.container.mover().fail(held, Failure(code="a.b", message="too late"))

    assert await world.jobs.get(job.id) == cancelled
    assert cancelled.failure is not None
    assert (cancelled.failure.code, cancelled.can_retry) == ("job.cancelled", True)


async def test_a_trigger_becomes_one_retry_step_however_often_it_comes() -> None:
    world = memory()
    job = await failed(world)
    for _ in range(2):
        said = {"job_id": str(job.id), "task_id": "retry-1", "triggered_at": "2026-01-01"}
        world.inbox.put(Tray.RETRY_TRIGGERS, json.dumps(said))

    result = await world.container.take_retries()()

    assert result == TakenRetries(taken=2)
    assert await world.queue.take() == RetryStep(job_id=job.id, attempt=1)
    assert len(world.queue) == 0
    assert await world.inbox.take(Tray.RETRY_TRIGGERS, limit=9) == []


async def test_triggers_that_are_of_no_use_are_put_aside_with_the_reason() -> None:
    world = memory()
    complete = a_job(phase=Phase.COMPLETE)
    await world.jobs.add(complete)
    useful = await failed(world)
    nobody = JobId(fresh_id())
    for message in (
        "{",
        "[]",
        "{}",
        json.dumps({"job_id": "../../etc"}),
        json.dumps({"job_id": str(nobody)}),
        json.dumps({"job_id": str(complete.id)}),
        "[" * 200_000,
        json.dumps({"job_id": str(useful.id)}),
    ):
        world.inbox.put(Tray.RETRY_TRIGGERS, message)

    result = await world.container.take_retries()()

    assert result == TakenRetries(taken=1, rejected=7)
    reasons = [reason for _, _, reason in world.inbox.dead]
    codes = [reason.partition(":")[0] for reason in reasons]
    assert codes == [*["job.invalid"] * 4, "job.not_found", "job.not_retryable", "job.invalid"]
    assert str(nobody) in reasons[4]
    assert "complete" in reasons[5]


async def test_a_button_that_is_pressed_again_while_the_job_is_on_its_way_is_obeyed_already() -> (
    None
):
    world = memory()
    job = a_job()
    await world.jobs.add(job)
    world.inbox.put(Tray.RETRY_TRIGGERS, json.dumps({"job_id": str(job.id)}))

    result = await world.container.take_retries()()

    assert result == TakenRetries(taken=1)
    assert (len(world.queue), world.inbox.dead) == (0, [])
    assert await world.inbox.take(Tray.RETRY_TRIGGERS, limit=9) == []


class _StoreWithACorruptJob(MemoryJobStore):
    """A store of which one job cannot be read."""

    corrupt: JobId | None = None

    async def get(self, job_id: JobId) -> Job:
        if job_id == self.corrupt:
            raise ProtocolError("the stored job cannot be read", code="jobs.corrupt")
        return await super().get(job_id)


async def test_a_trigger_for_a_job_that_cannot_be_read_does_not_stop_those_behind_it() -> None:
    world = memory()
    useful = await failed(world)
    store = _StoreWithACorruptJob(world.clock)
    await store.add(useful)
    store.corrupt = JobId(fresh_id())
    for job_id in (store.corrupt, useful.id):
        world.inbox.put(Tray.RETRY_TRIGGERS, json.dumps({"job_id": str(job_id)}))

    result = await world.container.take_retries(jobs=store)()

    assert result == TakenRetries(taken=1, rejected=1)
    assert await world.container.take_retries(jobs=store)() == TakenRetries()


async def test_a_trigger_whose_taker_crashed_is_taken_by_the_next_one() -> None:
    world = memory()
    job = await failed(world)
    world.inbox.put(Tray.RETRY_TRIGGERS, json.dumps({"job_id": str(job.id)}))
    await world.inbox.take(Tray.RETRY_TRIGGERS, limit=1)
    await world.container.leases().acquire("inbox:retries", duration=timedelta(seconds=30))

    beside = await world.container.take_retries()()
    world.clock.tick(timedelta(seconds=30))
    after = await world.container.take_retries()()

    assert beside == TakenRetries()
    assert after == TakenRetries(taken=1)


async def test_an_unknown_job_is_told() -> None:
    world = memory()
    for wish in (
        world.container.retry_job(),
        world.container.replay_job(),
        world.container.cancel_job(),
    ):
        with pytest.raises(JobNotFoundError):
            await wish(a_full_job().id)
