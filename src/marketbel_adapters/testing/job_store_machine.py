"""The random half of the contract of `JobStore`: a store beside a dict.

Run it with `hypothesis.stateful.run_state_machine_as_test`; it needs to know how an empty store
is opened:

    class MyMachine(JobStoreMachine):
        def __init__(self) -> None:
            super().__init__(open_my_jobs)

    run_state_machine_as_test(MyMachine, settings=settings(max_examples=200))
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from marketbel_adapters.testing.builders import NOW
from marketbel_adapters.testing.job_strategies import (
    PROGRESSES,
    WAITS,
    events_in,
    few_job_ids,
    jobs,
)
from marketbel_adapters.testing.journal import violations
from marketbel_adapters.testing.leases import LetPass
from marketbel_core.errors import IllegalTransitionError, JobNotFoundError, StaleJobError
from marketbel_core.ids import JobId
from marketbel_core.jobs import (
    TRANSITIONS,
    Job,
    JobEvent,
    JobProgress,
    LeaseLost,
    Phase,
    Replayed,
    RetryRequested,
    advance,
    claimed,
)
from marketbel_core.ports import JobJournal, JobStore, Renewal

__all__ = ["JobStoreMachine", "OpenedJobs"]

_IDS: Final = few_job_ids(6)
_LEASE: Final = timedelta(hours=1)
_PASSES: Final = st.sampled_from([timedelta(minutes=40), timedelta(hours=2)])
"""A real clock may go on by minutes while an example runs, and none of its answers changes."""

type _Line = tuple[str, Phase | None, int, Job]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedJobs:
    """An empty store, its journal, and how its time goes on."""

    store: JobStore
    journal: JobJournal
    let_pass: LetPass


@dataclass(slots=True)
class _Hold:
    token: int
    left: timedelta


class JobStoreMachine(RuleBasedStateMachine):
    """The store under test beside the model: `self.model` is what it must remember.

    Attributes:
        runner: Runs the store's methods; a rule cannot be a coroutine.
        stale: How many writes were refused because their writer was late.
        illegal: How many were refused because they lead nowhere.
    """

    def __init__(self, open_jobs: Callable[[], AbstractAsyncContextManager[OpenedJobs]]) -> None:
        """Open an empty store with `open_jobs`; it is closed when the example ends."""
        super().__init__()
        self.runner = asyncio.Runner()
        self._opened = AsyncExitStack()
        self.jobs = self._run(self._opened.enter_async_context(open_jobs()))
        self.store = self.jobs.store
        self.model: dict[JobId, Job] = {}
        self.holds: dict[JobId, _Hold] = {}
        self.dead: set[JobId] = set()
        self.lines: list[_Line] = []
        self.stale = 0
        self.illegal = 0

    def teardown(self) -> None:
        self._run(self._compare_journal())
        self._run(self._opened.aclose())
        self.runner.close()

    @rule(job=jobs(ids=_IDS))
    def add(self, job: Job) -> None:
        self._run(self.store.add(job))
        if job.id not in self.model:
            self._remember(job, event="Created", before=None, token=job.token)

    @rule(job_id=_IDS)
    def claim(self, job_id: JobId) -> None:
        stored, hold = self.model.get(job_id), self.holds.get(job_id)
        if stored is None:
            with pytest.raises(JobNotFoundError):
                self._run(self.store.claim(job_id, duration=_LEASE))
            return
        taken = self._run(self.store.claim(job_id, duration=_LEASE))
        if not stored.is_active or (hold is not None and hold.left > timedelta()):
            assert taken is None
            return
        assert taken == claimed(stored, lost=hold is not None)
        self.holds[job_id] = _Hold(taken.token, _LEASE)
        self._remember(taken, event="Claimed", before=stored.phase, token=taken.token)

    @rule(job=jobs(ids=_IDS), lag=st.integers(-1, 2))
    def renew(self, job: Job, lag: int) -> None:
        read, hold = self._read(job, lag), self.holds.get(job.id)
        stored = self.model.get(job.id)
        renewal = self._run(self.store.renew(read, duration=_LEASE))
        if stored is not None and stored.token > read.token:
            assert renewal is Renewal.LOST
        elif hold is None or hold.token != read.token:
            assert renewal is Renewal.ENDED
        else:
            assert renewal is Renewal.HELD
            hold.left = _LEASE

    @rule(job=jobs(ids=_IDS), lag=st.integers(-1, 1))
    def release(self, job: Job, lag: int) -> None:
        read, hold = self._read(job, lag), self.holds.get(job.id)
        released = self._run(self.store.release(read))
        assert released == (hold is not None and hold.token == read.token)
        if released:
            del self.holds[job.id]

    @rule(limit=st.integers(0, 3))
    def reap(self, limit: int) -> None:
        expired = {job_id for job_id, hold in self.holds.items() if hold.left <= timedelta()}
        reaped = self._run(self.store.reap(limit=limit))
        assert len({job.id for job in reaped}) == len(reaped) == min(limit, len(expired))
        for job in reaped:
            assert job.id in expired
            before = self.model[job.id]
            assert job == advance(before, LeaseLost(), now=job.changed_at)
            del self.holds[job.id]
            self._remember(job, event="LeaseLost", before=before.phase, token=job.token)

    @rule(by=_PASSES)
    def time_goes_on(self, by: timedelta) -> None:
        self._run(self.jobs.let_pass(by))
        for hold in self.holds.values():
            hold.left -= by

    @precondition(lambda self: self.movable())
    @rule(choice=st.data(), wait=WAITS)
    def save_the_next_step(self, choice: st.DataObject, wait: timedelta) -> None:
        job = choice.draw(st.sampled_from(self.movable()))
        event = choice.draw(events_in(job.phase).filter(lambda event: _applies(job, event)))
        moved = advance(job, event, now=job.changed_at + wait)
        self._run(self.store.save(moved, read=job, event=type(event)))
        if not moved.is_active or isinstance(event, LeaseLost | RetryRequested | Replayed):
            self.holds.pop(job.id, None)
        self._remember(moved, event=type(event).__name__, before=job.phase, token=job.token)

    @rule(job=jobs(ids=_IDS), event=st.sampled_from(sorted({e for _, e in TRANSITIONS}, key=str)))
    def save_what_leads_nowhere(self, job: Job, event: type[JobEvent]) -> None:
        stored = self.model.get(job.id, job)
        if TRANSITIONS.get((stored.phase, event)) is job.phase:
            return
        anything = replace(job, version=stored.version + 1, token=stored.token)
        if job.id not in self.model:
            with pytest.raises(JobNotFoundError):
                self._run(self.store.save(anything, read=stored, event=event))
            return
        self.illegal += 1
        with pytest.raises(IllegalTransitionError) as caught:
            self._run(self.store.save(anything, read=stored, event=event))
        assert caught.value.phase == stored.phase

    @rule(
        job=jobs(ids=_IDS),
        event=st.sampled_from(sorted({e for _, e in TRANSITIONS}, key=str)),
        lags=st.tuples(st.integers(-2, 2), st.integers(-2, 2)).filter(any),
    )
    def save_too_late(self, job: Job, event: type[JobEvent], lags: tuple[int, int]) -> None:
        stored = self.model.get(job.id)
        if stored is None:
            return
        version, token = lags
        read = replace(stored, version=stored.version - version, token=stored.token - token)
        self.stale += 1
        late = replace(job, version=read.version + 1, token=read.token)
        with pytest.raises(StaleJobError) as caught:
            self._run(self.store.save(late, read=read, event=event))
        assert caught.value.expected_version == read.version
        assert caught.value.stored_version == stored.version

    @rule(job_id=_IDS, progress=PROGRESSES, lag=st.integers(-1, 1), wait=WAITS)
    def record_progress(
        self, job_id: JobId, progress: JobProgress, lag: int, wait: timedelta
    ) -> None:
        stored = self.model.get(job_id)
        expected = stored.version - lag if stored else 0
        at = NOW + wait
        recorded = self._run(
            self.store.record_progress(job_id, progress, expected_version=expected, at=at)
        )
        assert recorded == (stored is not None and lag == 0)
        if stored is not None and recorded:
            self.model[job_id] = replace(stored, progress=progress, progressed_at=at)

    @rule(phase=st.sampled_from(Phase), limit=st.integers(0, 4))
    def list_a_few(self, phase: Phase, limit: int) -> None:
        listed = self._run(self.store.list_in(phase, limit=limit))
        assert listed == self.remembered_in(phase)[:limit]

    @rule(job_id=_IDS)
    def purge(self, job_id: JobId) -> None:
        assert self._run(self.store.purge(job_id)) == (job_id in self.dead)
        self.dead.discard(job_id)

    @invariant()
    def the_store_holds_what_the_model_holds(self) -> None:
        self._run(self._compare())

    def movable(self) -> list[Job]:
        """Return the remembered jobs to which some event applies."""
        return [job for job in self.model.values() if job.phase is not Phase.COMPLETE]

    def remembered_in(self, phase: Phase) -> list[Job]:
        """Return the remembered jobs in `phase`, in the order that a store must list them."""
        found = [job for job in self.model.values() if job.phase is phase]
        return sorted(found, key=lambda job: (job.changed_at, str(job.id)))

    async def _compare(self) -> None:
        for job_id, job in self.model.items():
            assert await self.store.get(job_id) == job
        for phase in Phase:
            assert await self.store.list_in(phase, limit=100) == self.remembered_in(phase)
        assert (await self.store.held(list(self.model))).keys() == self.holds.keys()
        assert await self.store.dead_letters(limit=100) == sorted(self.dead)

    async def _compare_journal(self) -> None:
        lines = await self.jobs.journal.read(limit=1000)
        told = [(line.event, line.before, line.token, line.job) for line in lines]
        assert told == self.lines
        assert violations(lines) == []

    def _read(self, job: Job, lag: int) -> Job:
        stored = self.model.get(job.id, job)
        return replace(stored, token=stored.token - lag)

    def _remember(self, job: Job, *, event: str, before: Phase | None, token: int) -> None:
        kept = replace(job, source=job.source.shown())
        self.model[job.id] = kept
        if job.is_dead_letter:
            self.dead.add(job.id)
        elif job.phase is not Phase.FAILED:
            self.dead.discard(job.id)
        self.lines.append((event, before, token, kept))

    def _run[T](self, what: Awaitable[T]) -> T:
        async def awaited() -> T:
            return await what

        return self.runner.run(awaited())


def _applies(job: Job, event: JobEvent) -> bool:
    return job.can_retry or not isinstance(event, RetryRequested)
