"""The contract of `JobStore`, second part: of many writers, who may write."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from marketbel_adapters.testing.builders import NOW, a_full_job, a_job
from marketbel_core.errors import IllegalTransitionError, StaleJobError
from marketbel_core.ids import FileKey
from marketbel_core.jobs import (
    TRANSITIONS,
    AttemptFailed,
    Cancelled,
    DownloadStarted,
    Failure,
    FileSubmitted,
    ItemsParsed,
    Job,
    JobEvent,
    LeaseLost,
    Phase,
    Replayed,
    Resubmitted,
    RetryRequested,
    advance,
)
from marketbel_core.ports import JobStore, Renewal

__all__ = ["SavedJobsContract"]

_RACES: Final = 25
_SECOND: Final = timedelta(seconds=1)
_MINUTE: Final = timedelta(minutes=1)
_FAILURE: Final = Failure(code="a.b", message="late")
_SUBMITTED: Final = FileSubmitted(file_key=FileKey("k"))


class SavedJobsContract:
    """What a store lets in."""

    async def test_the_second_of_two_writers_is_told_it_is_stale(
        self, store: JobStore, other_store: JobStore
    ) -> None:
        job = a_job()
        await store.add(job)
        first = advance(job, _SUBMITTED, now=NOW)
        await store.save(first, read=job, event=FileSubmitted)
        late = advance(job, AttemptFailed(failure=_FAILURE), now=NOW)

        with pytest.raises(StaleJobError) as caught:
            await other_store.save(late, read=job, event=AttemptFailed)

        assert (caught.value.expected_version, caught.value.stored_version) == (0, 1)
        assert await other_store.get(job.id) == first
        assert await other_store.list_in(Phase.FAILED, limit=10) == []

    async def test_a_second_writer_of_the_very_same_job_is_stale_as_well(
        self, store: JobStore, other_store: JobStore
    ) -> None:
        job = a_job()
        await store.add(job)
        started = advance(job, DownloadStarted(), now=NOW)
        await store.save(started, read=job, event=DownloadStarted)

        with pytest.raises(StaleJobError):
            await other_store.save(started, read=job, event=DownloadStarted)

    @pytest.mark.parametrize(("version", "token"), [(5, 0), (0, 1), (0, -1)])
    async def test_what_nobody_can_have_read_is_stale(
        self, store: JobStore, version: int, token: int
    ) -> None:
        job = a_job()
        await store.add(job)
        read = replace(job, version=version, token=token)

        moved = advance(read, DownloadStarted(), now=NOW)
        with pytest.raises(StaleJobError):
            await store.save(moved, read=read, event=DownloadStarted)

        assert await store.get(job.id) == job

    async def test_of_two_saves_at_once_exactly_one_wins(
        self, store: JobStore, other_store: JobStore
    ) -> None:
        for _ in range(_RACES):
            job = a_job()
            await store.add(job)
            left = advance(job, DownloadStarted(), now=NOW + _SECOND)
            right = advance(job, _SUBMITTED, now=NOW)

            outcomes = await asyncio.gather(
                store.save(left, read=job, event=DownloadStarted),
                other_store.save(right, read=job, event=FileSubmitted),
                return_exceptions=True,
            )

            assert sorted(map(type, outcomes), key=str) == sorted(
                [type(None), StaleJobError], key=str
            )
            winner = left if outcomes[0] is None else right
            assert await store.get(job.id) == winner
            assert winner in await store.list_in(winner.phase, limit=_RACES)

    @pytest.mark.parametrize("event", sorted({kind for _, kind in TRANSITIONS}, key=str))
    @pytest.mark.parametrize("phase", Phase)
    async def test_only_the_table_leads_from_phase_to_phase(
        self, store: JobStore, phase: Phase, event: type[JobEvent]
    ) -> None:
        for target in Phase:
            job = a_job(phase=phase)
            await store.add(job)
            moved = replace(job, phase=target, version=1)

            if TRANSITIONS.get((phase, event)) is target:
                await store.save(moved, read=job, event=event)
                assert await store.get(job.id) == moved
                continue
            with pytest.raises(IllegalTransitionError) as caught:
                await store.save(moved, read=job, event=event)
            assert (caught.value.phase, caught.value.event) == (phase, event.__name__)
            assert await store.get(job.id) == job

    async def test_a_stale_writer_is_told_so_wherever_the_job_has_gone(
        self, store: JobStore
    ) -> None:
        job = a_job()
        await store.add(job)
        await store.save(advance(job, Cancelled(), now=NOW), read=job, event=Cancelled)

        with pytest.raises(StaleJobError):
            await store.save(advance(job, _SUBMITTED, now=NOW), read=job, event=FileSubmitted)

    async def test_a_claim_makes_everybody_stale_who_read_the_job_before(
        self, store: JobStore, other_store: JobStore
    ) -> None:
        read = a_job()
        await store.add(read)
        claimed = await _claimed(store, read)

        moved = advance(read, DownloadStarted(), now=NOW)
        with pytest.raises(StaleJobError):
            await other_store.save(moved, read=read, event=DownloadStarted)

        started = advance(claimed, DownloadStarted(), now=NOW)
        await store.save(started, read=claimed, event=DownloadStarted)
        assert await other_store.get(read.id) == started

    async def test_whoever_has_read_the_present_job_may_move_it_although_it_is_held(
        self, store: JobStore, other_store: JobStore
    ) -> None:
        job = a_job()
        await store.add(job)
        claimed = await _claimed(store, job)
        read = await other_store.get(job.id)

        moved = advance(read, _SUBMITTED, now=NOW)
        await other_store.save(moved, read=read, event=FileSubmitted)

        assert await store.get(job.id) == moved
        assert await store.renew(claimed, duration=_MINUTE) is Renewal.HELD

    @pytest.mark.parametrize("event", [_SUBMITTED, ItemsParsed(), Resubmitted(analysis_id="a")])  # type: ignore[arg-type]  # any text
    async def test_a_lease_outlives_the_moves_of_its_holder(
        self, store: JobStore, event: JobEvent
    ) -> None:
        phase = Phase.DOWNLOADING if isinstance(event, FileSubmitted) else Phase.ANALYZING
        job = a_job(phase=phase)
        await store.add(job)
        claimed = await _claimed(store, job)

        await store.save(advance(claimed, event, now=NOW), read=claimed, event=type(event))

        assert await store.claim(job.id, duration=_MINUTE) is None
        assert await store.release(claimed)

    @pytest.mark.parametrize("event", [AttemptFailed(failure=_FAILURE), Cancelled(), LeaseLost()])
    async def test_a_lease_ends_with_the_job_and_with_its_loss(
        self, store: JobStore, event: JobEvent
    ) -> None:
        job = a_job()
        await store.add(job)
        claimed = await _claimed(store, job)

        await store.save(advance(claimed, event, now=NOW), read=claimed, event=type(event))

        assert await store.held([job.id]) == {}
        assert not await store.release(claimed)

    @pytest.mark.parametrize("event", [RetryRequested(), Replayed()])
    async def test_a_job_that_is_taken_up_again_is_held_by_nobody(
        self, store: JobStore, event: JobEvent
    ) -> None:
        failed = a_full_job()
        await store.add(failed)
        again = advance(failed, event, now=NOW)

        await store.save(again, read=failed, event=type(event))

        claimed = await _claimed(store, again)
        assert (claimed.token, claimed.deliveries) == (failed.token + 2, 0)


async def _claimed(store: JobStore, job: Job) -> Job:
    claimed = await store.claim(job.id, duration=_MINUTE)
    assert claimed is not None
    return claimed
