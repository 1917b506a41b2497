"""The contract of `JobStore`, third part: who works on a job, and for how long."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from marketbel_adapters.testing.builders import NOW, a_job, fresh_id
from marketbel_adapters.testing.leases import LetPass
from marketbel_core.errors import JobNotFoundError, StaleJobError
from marketbel_core.ids import JobId
from marketbel_core.jobs import (
    Cancelled,
    DownloadStarted,
    Job,
    LeaseLost,
    Phase,
    advance,
    claimed,
)
from marketbel_core.ports import JobStore, Renewal

__all__ = ["LentJobsContract"]

_MINUTE: Final = timedelta(minutes=1)
_DAWDLE: Final = timedelta(seconds=20)
"""A slow machine may lose this long between two calls where the store's time is real."""


class LentJobsContract:
    """Who works on a job, and for how long."""

    async def test_a_claim_gives_a_fresh_token_and_changes_nothing_else(
        self, store: JobStore
    ) -> None:
        job = a_job(version=4, token=7)
        await store.add(job)

        taken = await store.claim(job.id, duration=_MINUTE)

        assert taken == claimed(job, lost=False) == await store.get(job.id)
        assert await store.list_in(job.phase, limit=9) == [taken]

    async def test_a_job_is_lent_to_one_at_a_time(
        self, store: JobStore, other_store: JobStore
    ) -> None:
        job = await _added(store)

        takers = [store, other_store] * 5
        taken = await asyncio.gather(*(taker.claim(job.id, duration=_MINUTE) for taker in takers))

        assert [each.token for each in taken if each is not None] == [1]

    async def test_an_unknown_job_cannot_be_claimed(self, store: JobStore) -> None:
        with pytest.raises(JobNotFoundError):
            await store.claim(JobId(fresh_id()), duration=_MINUTE)

    @pytest.mark.parametrize("phase", Phase)
    async def test_a_job_that_has_ended_is_lent_to_nobody(
        self, store: JobStore, phase: Phase
    ) -> None:
        job = a_job(phase=phase)
        await store.add(job)

        taken = await store.claim(job.id, duration=_MINUTE)

        assert (taken is not None) == job.is_active

    async def test_a_job_that_was_given_back_is_lent_again(self, store: JobStore) -> None:
        job = await _added(store)
        first = await _claimed(store, job)

        assert await store.release(first)
        assert not await store.release(first)
        second = await _claimed(store, job)

        assert (second.token, second.deliveries) == (2, 0)
        assert not await store.release(first)
        assert await store.held([job.id])

    async def test_a_lease_lasts_until_it_expires_and_costs_a_delivery_then(
        self, store: JobStore, other_store: JobStore, let_pass: LetPass
    ) -> None:
        job = await _added(store)
        first = await _claimed(store, job)

        await let_pass(_MINUTE - _DAWDLE)
        assert await other_store.claim(job.id, duration=_MINUTE) is None
        await let_pass(_DAWDLE)
        second = await _claimed(other_store, job)

        assert second == claimed(first, lost=True)
        assert (second.token, second.deliveries, second.attempt) == (2, 1, 1)

    async def test_the_holder_of_before_is_refused_everything(
        self, store: JobStore, other_store: JobStore, let_pass: LetPass
    ) -> None:
        job = await _added(store)
        zombie = await _claimed(store, job)
        await let_pass(_MINUTE)
        holder = await _claimed(other_store, job)

        assert await store.renew(zombie, duration=_MINUTE) is Renewal.LOST
        assert not await store.release(zombie)
        moved = advance(zombie, DownloadStarted(), now=NOW)
        with pytest.raises(StaleJobError):
            await store.save(moved, read=zombie, event=DownloadStarted)

        assert await store.get(job.id) == holder
        assert await other_store.renew(holder, duration=_MINUTE) is Renewal.HELD

    async def test_a_renewed_lease_lasts_from_then_on(
        self, store: JobStore, let_pass: LetPass
    ) -> None:
        job = await _added(store)
        holder = await _claimed(store, job)

        for _ in range(3):
            await let_pass(_MINUTE - _DAWDLE)
            assert await store.renew(holder, duration=_MINUTE) is Renewal.HELD

        assert await store.claim(job.id, duration=_MINUTE) is None
        assert await store.get(job.id) == holder

    async def test_an_expired_lease_is_renewed_while_nobody_has_claimed_the_job(
        self, store: JobStore, let_pass: LetPass
    ) -> None:
        job = await _added(store)
        holder = await _claimed(store, job)
        await let_pass(2 * _MINUTE)

        assert await store.renew(holder, duration=_MINUTE) is Renewal.HELD

        assert await store.claim(job.id, duration=_MINUTE) is None
        assert await store.reap(limit=9) == []

    async def test_there_is_nothing_to_renew_once_a_job_was_given_back_or_has_ended(
        self, store: JobStore
    ) -> None:
        returned, ended = await _added(store), await _added(store)
        holder = await _claimed(store, returned)
        await store.release(holder)
        last = await _claimed(store, ended)
        await store.save(advance(last, Cancelled(), now=NOW), read=last, event=Cancelled)
        other = await _claimed(store, await _added(store))
        never_lent = replace(other, token=other.token + 1)

        renewals = [
            await store.renew(job, duration=_MINUTE)
            for job in (holder, last, a_job(token=1), never_lent)
        ]

        assert renewals == [Renewal.ENDED] * 4

    async def test_who_holds_what_is_told_with_the_instant(
        self, store: JobStore, let_pass: LetPass
    ) -> None:
        long, short, free = [await _added(store) for _ in range(3)]
        await store.claim(long.id, duration=2 * _MINUTE)
        await store.claim(short.id, duration=_MINUTE)
        await let_pass(_MINUTE)

        held = await store.held([free.id, short.id, long.id, JobId(fresh_id())])

        assert set(held) == {long.id, short.id}
        assert _MINUTE - _DAWDLE < held[long.id] - held[short.id] < _MINUTE + _DAWDLE
        assert held[long.id].tzinfo is not None
        assert await store.held([]) == {}

    async def test_only_expired_leases_are_reaped_and_each_costs_a_delivery(
        self, store: JobStore, let_pass: LetPass
    ) -> None:
        lost, kept = await _added(store), await _added(store)
        holder = await _claimed(store, lost)
        await let_pass(_MINUTE)
        await store.claim(kept.id, duration=_MINUTE)

        reaped = await store.reap(limit=9)

        assert [job.id for job in reaped] == [lost.id]
        taken = reaped[0]
        assert taken == advance(holder, LeaseLost(), now=taken.changed_at)
        assert await store.get(lost.id) == taken
        listed = {job.id: job for job in await store.list_in(Phase.DOWNLOADING, limit=9)}
        assert listed == {lost.id: taken, kept.id: claimed(kept, lost=False)}
        assert set(await store.held([lost.id, kept.id])) == {kept.id}
        assert await store.reap(limit=9) == []

    async def test_a_reaped_job_is_nobodys_any_more(
        self, store: JobStore, let_pass: LetPass
    ) -> None:
        job = await _added(store)
        zombie = await _claimed(store, job)
        await let_pass(_MINUTE)
        await store.reap(limit=9)

        assert await store.renew(zombie, duration=_MINUTE) is Renewal.LOST
        next_one = await _claimed(store, job)

        assert (next_one.token, next_one.deliveries) == (zombie.token + 2, 1)

    async def test_the_longest_expired_leases_are_reaped_first(
        self, store: JobStore, let_pass: LetPass
    ) -> None:
        jobs = [await _added(store) for _ in range(4)]
        for minutes, job in zip((3, 1, 4, 2), jobs, strict=True):
            await store.claim(job.id, duration=minutes * _MINUTE)
        await let_pass(4 * _MINUTE)

        pages = [await store.reap(limit=limit) for limit in (0, 3, 3, 3)]

        order = [jobs[1].id, jobs[3].id, jobs[0].id, jobs[2].id]
        assert [[job.id for job in page] for page in pages] == [[], order[:3], order[3:], []]

    async def test_two_reapers_at_once_take_each_job_once(
        self, store: JobStore, other_store: JobStore, let_pass: LetPass
    ) -> None:
        jobs = [await _added(store) for _ in range(12)]
        for job in jobs:
            await store.claim(job.id, duration=_MINUTE)
        await let_pass(_MINUTE)

        reaped = await asyncio.gather(
            *(reaper.reap(limit=99) for reaper in (store, other_store, store))
        )

        taken = [job.id for page in reaped for job in page]
        assert sorted(taken) == sorted(job.id for job in jobs)
        assert {(await store.get(job.id)).deliveries for job in jobs} == {1}


async def _added(store: JobStore) -> Job:
    job = a_job()
    await store.add(job)
    return job


async def _claimed(store: JobStore, job: Job) -> Job:
    taken = await store.claim(job.id, duration=_MINUTE)
    assert taken is not None
    return taken
