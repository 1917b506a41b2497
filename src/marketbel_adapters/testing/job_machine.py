"""The random half of the job's promises: a machine that lets anything happen at any time.

`JobMachine` holds the transition table to its invariants. Run it with
`hypothesis.stateful.run_state_machine_as_test`.
"""

from dataclasses import replace
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from marketbel_adapters.testing.builders import NOW, a_job
from marketbel_adapters.testing.job_strategies import JOB_EVENTS, PROGRESSES, WAITS, events_in
from marketbel_core.errors import IllegalTransitionError
from marketbel_core.jobs import (
    TRANSITIONS,
    Deferred,
    Job,
    JobEvent,
    JobProgress,
    LeaseLost,
    Phase,
    Replayed,
    Resubmitted,
    RetryRequested,
    advance,
    claimed,
)

__all__ = ["JobMachine"]


class JobMachine(RuleBasedStateMachine):
    """Any event at any time; what is counted here is what the job is held against."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.moves = 0
        self.retries = 0  # since the last replay
        self.replays = 0
        self.new_holders = 0
        self.lost = 0  # in this attempt
        self.deferrals = 0  # in this phase
        self.waits = 0  # in this phase
        self.resubmissions = 0  # in this attempt
        self.deferred_until: Deferred | None = None
        self.was_complete = False

    @initialize(attempts_max=st.integers(1, 5))
    def begin(self, attempts_max: int) -> None:
        self.first = self.job = a_job(attempts_max=attempts_max)

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

    @precondition(lambda self: self.job.is_active)
    @rule(lost=st.booleans())
    def claim(self, *, lost: bool) -> None:
        before, self.job = self.job, claimed(self.job, lost=lost)
        self.new_holders += 1
        self.lost += lost
        kept = replace(self.job, token=before.token, deliveries=before.deliveries)
        assert kept == before

    @rule(progress=PROGRESSES)
    def progress(self, progress: JobProgress) -> None:
        self.job = replace(self.job, progress=progress, progressed_at=self.now)

    def _moved(self, before: Job, event: JobEvent, after: Job) -> None:
        assert after.phase is TRANSITIONS[before.phase, type(event)]
        self.job = after
        self.moves += 1
        self.was_complete |= after.phase is Phase.COMPLETE
        assert after.changed_at == self.now
        if after.phase is not before.phase:
            self.lost = self.waits = 0
            assert after.progressed_at is None
        if not isinstance(event, LeaseLost):
            self.deferred_until = None
        self._count(event)

    def _count(self, event: JobEvent) -> None:
        match event:
            case LeaseLost():
                self.new_holders += 1
                self.lost += 1
            case Deferred(is_counted=is_counted):
                self.deferrals += is_counted
                self.waits += not is_counted
                self.deferred_until = event
            case Resubmitted():
                self.resubmissions += 1
            case RetryRequested() | Replayed():
                self.retries = 0 if isinstance(event, Replayed) else self.retries + 1
                self.replays += isinstance(event, Replayed)
                self.new_holders += 1
                self.resubmissions = self.deferrals = 0
                assert self.job.progress == JobProgress()
                assert self.job.started_at is None
            case _:
                pass

    @invariant()
    def attempts_are_bounded(self) -> None:
        assert self.job.attempt == 1 + self.retries <= self.job.attempts_max
        assert self.job.generation == 1 + self.replays

    @invariant()
    def every_move_is_a_version(self) -> None:
        assert self.job.version == self.moves

    @invariant()
    def nothing_leaves_complete(self) -> None:
        assert self.was_complete == (self.job.phase is Phase.COMPLETE)

    @invariant()
    def every_new_holder_has_a_higher_token(self) -> None:
        assert self.job.token == self.new_holders

    @invariant()
    def losses_and_waits_are_counted_by_the_phase_and_tries_by_the_attempt(self) -> None:
        assert self.job.deliveries == self.lost
        assert (self.job.deferrals, self.job.waits) == (self.deferrals, self.waits)

    @invariant()
    def a_job_waits_exactly_for_what_it_was_last_deferred_to(self) -> None:
        waits = self.deferred_until
        assert self.job.not_before == (waits and waits.until)
        assert self.job.deferred_by == (waits and waits.failure)

    @invariant()
    def the_analyzer_is_asked_again_once_an_event(self) -> None:
        assert self.job.resubmissions == self.resubmissions

    @invariant()
    def what_the_job_is_about_never_changes(self) -> None:
        kept = ("id", "supplier_id", "source", "reading", "created_at", "attempts_max")
        assert all(getattr(self.job, name) == getattr(self.first, name) for name in kept)

    @invariant()
    def a_job_has_a_failure_exactly_when_it_failed(self) -> None:
        assert (self.job.failure is not None) == (self.job.phase is Phase.FAILED)
        assert self.job.phase is Phase.FAILED or not self.job.is_dead_letter

    @invariant()
    def a_job_has_an_end_exactly_when_it_ended(self) -> None:
        assert (self.job.completed_at is None) == self.job.is_active
