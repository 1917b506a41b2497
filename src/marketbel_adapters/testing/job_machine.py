"""The random half of the job's promises: machines that do anything at any time.

`JobMachine` holds the transition table to its invariants; `JobStoreMachine` holds a store to a
dict beside it. Run them with `hypothesis.stateful.run_state_machine_as_test`; the store's one
needs to know how an empty store is opened:

    class MyMachine(JobStoreMachine):
        def __init__(self) -> None:
            super().__init__(open_my_store)

    run_state_machine_as_test(MyMachine, settings=settings(max_examples=200))
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from marketbel_adapters.testing.builders import NOW, a_job
from marketbel_adapters.testing.job_strategies import (
    JOB_EVENTS,
    PROGRESSES,
    WAITS,
    events_in,
    few_job_ids,
    jobs,
)
from marketbel_core.errors import IllegalTransitionError, JobNotFoundError, StaleJobError
from marketbel_core.ids import JobId
from marketbel_core.jobs import (
    TRANSITIONS,
    Job,
    JobEvent,
    JobProgress,
    LeaseLost,
    Phase,
    Reading,
    RetryRequested,
    advance,
)
from marketbel_core.ports import JobStore

__all__ = ["JobMachine", "JobStoreMachine"]

_IDS = few_job_ids(6)


class JobMachine(RuleBasedStateMachine):
    """Any event at any time; what is counted here is what the job is held against."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.moves = 0
        self.retries = 0
        self.losses = 0
        self.was_complete = False

    @initialize(attempts_max=st.integers(1, 5), reading=st.sampled_from(Reading))
    def begin(self, attempts_max: int, reading: Reading) -> None:
        self.first = self.job = a_job(attempts_max=attempts_max, reading=reading)

    @rule(event=JOB_EVENTS, wait=WAITS)
    def any_event(self, event: JobEvent, wait: timedelta) -> None:
        self.now += wait
        before = self.job
        try:
            after = advance(before, event, now=self.now)
        except IllegalTransitionError:
            fits = (before.phase, type(event)) in TRANSITIONS
            assert not fits or (isinstance(event, RetryRequested) and not before.can_retry)
            return
        self._moved(before, event, after)

    @precondition(lambda self: not self.was_complete)
    @rule(choice=st.data(), wait=WAITS)
    def an_event_of_the_phase(self, choice: st.DataObject, wait: timedelta) -> None:
        """Long roads are rare among events that mostly do not fit."""
        self.any_event(choice.draw(events_in(self.job.phase)), wait)

    @rule(progress=PROGRESSES)
    def progress(self, progress: JobProgress) -> None:
        self.job = replace(self.job, progress=progress)

    def _moved(self, before: Job, event: JobEvent, after: Job) -> None:
        assert after.phase is TRANSITIONS[before.phase, type(event)]
        self.job = after
        self.moves += 1
        self.retries += isinstance(event, RetryRequested)
        self.losses += isinstance(event, LeaseLost)
        self.was_complete |= after.phase is Phase.COMPLETE
        assert after.changed_at == self.now
        assert after.token >= before.token
        if isinstance(event, RetryRequested):
            assert after.progress == JobProgress()
            assert after.started_at is None

    @invariant()
    def attempts_are_bounded(self) -> None:
        assert self.job.attempt == 1 + self.retries <= self.job.attempts_max

    @invariant()
    def every_move_is_a_version(self) -> None:
        assert self.job.version == self.moves

    @invariant()
    def nothing_leaves_complete(self) -> None:
        assert self.was_complete == (self.job.phase is Phase.COMPLETE)

    @invariant()
    def every_new_holder_has_a_higher_token(self) -> None:
        assert self.job.deliveries == self.losses
        assert self.job.token == self.retries + self.losses

    @invariant()
    def what_the_job_is_about_never_changes(self) -> None:
        kept = ("id", "supplier_id", "source", "reading", "created_at", "attempts_max")
        assert all(getattr(self.job, name) == getattr(self.first, name) for name in kept)

    @invariant()
    def a_job_has_a_failure_exactly_when_it_failed(self) -> None:
        assert (self.job.failure is not None) == (self.job.phase is Phase.FAILED)

    @invariant()
    def a_job_has_an_end_exactly_when_it_ended(self) -> None:
        assert (self.job.completed_at is None) == self.job.is_active


class JobStoreMachine(RuleBasedStateMachine):
    """The store under test beside the model: `self.model` is what it must remember.

    Attributes:
        runner: Runs the store's methods; a rule cannot be a coroutine.
    """

    def __init__(self, open_store: Callable[[], AbstractAsyncContextManager[JobStore]]) -> None:
        """Open an empty store with `open_store`; it is closed when the example ends."""
        super().__init__()
        self.runner = asyncio.Runner()
        self._opened = AsyncExitStack()
        self.store = self.runner.run(self._opened.enter_async_context(open_store()))
        self.model: dict[JobId, Job] = {}

    def teardown(self) -> None:
        self.runner.run(self._opened.aclose())
        self.runner.close()

    @rule(job=jobs(ids=_IDS))
    def add(self, job: Job) -> None:
        self.runner.run(self.store.add(job))
        self.model.setdefault(job.id, job)

    @precondition(lambda self: self.movable())
    @rule(choice=st.data(), wait=WAITS)
    def save_the_next_step(self, choice: st.DataObject, wait: timedelta) -> None:
        job = choice.draw(st.sampled_from(self.movable()))
        event = choice.draw(events_in(job.phase))
        moved = advance(job, event, now=job.changed_at + wait)
        self.runner.run(self.store.save(moved, expected_version=job.version))
        self.model[job.id] = moved

    @rule(job=jobs(ids=_IDS))
    def save_anything(self, job: Job) -> None:
        stored = self.model.get(job.id)
        if stored is None:
            self._not_found(job)
            return
        job = replace(job, version=stored.version + 1)
        self.runner.run(self.store.save(job, expected_version=stored.version))
        self.model[job.id] = job

    @rule(job=jobs(ids=_IDS), lag=st.integers(-3, 3).filter(bool))
    def save_too_late(self, job: Job, lag: int) -> None:
        stored = self.model.get(job.id)
        if stored is None:
            self._not_found(job)
            return
        expected = stored.version - lag
        late = replace(job, version=expected + 1)
        with pytest.raises(StaleJobError) as caught:
            self.runner.run(self.store.save(late, expected_version=expected))
        assert caught.value.expected_version == expected
        assert caught.value.stored_version == stored.version

    @rule(job_id=_IDS, progress=PROGRESSES, lag=st.integers(-1, 1))
    def record_progress(self, job_id: JobId, progress: JobProgress, lag: int) -> None:
        stored = self.model.get(job_id)
        expected = stored.version - lag if stored else 0
        recorded = self.runner.run(
            self.store.record_progress(job_id, progress, expected_version=expected)
        )
        assert recorded == (stored is not None and lag == 0)
        if stored is not None and recorded:
            self.model[job_id] = replace(stored, progress=progress)

    @rule(phase=st.sampled_from(Phase), limit=st.integers(0, 4))
    def list_a_few(self, phase: Phase, limit: int) -> None:
        listed = self.runner.run(self.store.list_in(phase, limit=limit))
        assert listed == self.remembered_in(phase)[:limit]

    @invariant()
    def the_store_holds_what_the_model_holds(self) -> None:
        self.runner.run(self._compare())

    def movable(self) -> list[Job]:
        """Return the remembered jobs to which some event applies."""
        return [
            job
            for job in self.model.values()
            if job.is_active or (job.phase is Phase.FAILED and job.can_retry)
        ]

    def remembered_in(self, phase: Phase) -> list[Job]:
        """Return the remembered jobs in `phase`, in the order that a store must list them."""
        found = [job for job in self.model.values() if job.phase is phase]
        return sorted(found, key=lambda job: (job.changed_at, str(job.id)))

    async def _compare(self) -> None:
        for job_id, job in self.model.items():
            assert await self.store.get(job_id) == job
        for phase in Phase:
            assert await self.store.list_in(phase, limit=100) == self.remembered_in(phase)

    def _not_found(self, job: Job) -> None:
        with pytest.raises(JobNotFoundError):
            self.runner.run(self.store.save(job, expected_version=job.version))
