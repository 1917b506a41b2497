"""The job machine, cell by cell."""

from dataclasses import replace
from datetime import timedelta
from typing import Final, get_args

import pytest

from marketbel_adapters.testing.builders import NOW, a_full_job, a_job
from marketbel_core.errors import IllegalTransitionError
from marketbel_core.ids import AnalysisId, FileKey
from marketbel_core.jobs import (
    EVENT_SUMMARIES,
    PHASE_PARAGRAPHS,
    TRANSITIONS,
    Actor,
    AttemptFailed,
    Cancelled,
    Deferred,
    DownloadStarted,
    Failure,
    FileStored,
    FileSubmitted,
    ItemsMatched,
    ItemsParsed,
    Job,
    JobEvent,
    JobProgress,
    LeaseLost,
    Phase,
    Reading,
    Replayed,
    Resubmitted,
    RetryRequested,
    advance,
    choose_reading,
    claimed,
    new_job,
)

_LATER: Final = NOW + timedelta(minutes=5)
_FAILURE: Final = Failure(code="http.denied", message="No access.", actor=Actor.ML_ANALYZE)
_SUBMITTED: Final = FileSubmitted(file_key=FileKey("k"), analysis_id=AnalysisId("a"))
_DEFERRED: Final = Deferred(failure=_FAILURE, until=_LATER)
_WAITED: Final = Deferred(failure=_FAILURE, until=_LATER, is_counted=False)
_RESUBMITTED: Final = Resubmitted(analysis_id=AnalysisId("b"))
_EVENTS: Final[list[JobEvent]] = [
    DownloadStarted(),
    FileStored(file_key=FileKey("k")),
    _SUBMITTED,
    ItemsParsed(),
    ItemsMatched(),
    AttemptFailed(failure=_FAILURE),
    _DEFERRED,
    _WAITED,
    _RESUBMITTED,
    RetryRequested(),
    Replayed(),
    LeaseLost(),
    Cancelled(),
]
_MOVES: Final = {
    ("downloading", "DownloadStarted"): "downloading",
    ("downloading", "FileStored"): "downloading",
    ("downloading", "FileSubmitted"): "analyzing",
    ("downloading", "AttemptFailed"): "failed",
    ("downloading", "Deferred"): "downloading",
    ("downloading", "LeaseLost"): "downloading",
    ("downloading", "Cancelled"): "failed",
    ("analyzing", "ItemsParsed"): "matching",
    ("analyzing", "AttemptFailed"): "failed",
    ("analyzing", "Deferred"): "analyzing",
    ("analyzing", "Resubmitted"): "analyzing",
    ("analyzing", "LeaseLost"): "analyzing",
    ("analyzing", "Cancelled"): "failed",
    ("matching", "ItemsMatched"): "complete",
    ("matching", "AttemptFailed"): "failed",
    ("matching", "Deferred"): "matching",
    ("matching", "LeaseLost"): "matching",
    ("matching", "Cancelled"): "failed",
    ("failed", "RetryRequested"): "downloading",
    ("failed", "Replayed"): "downloading",
}
"""The machine a second time, written down by hand."""


def _failed(*, code: str, attempt: int = 1, actor: Actor = Actor.COURIER) -> Job:
    failure = Failure(code=code, message="It failed.", actor=actor)
    return a_job(phase=Phase.FAILED, attempt=attempt, failure=failure)


def _kind(event: JobEvent) -> str:
    return type(event).__name__


def test_every_kind_of_event_is_walked_and_summarised() -> None:
    kinds = set(get_args(JobEvent.__value__))

    assert {type(event) for event in _EVENTS} == kinds
    assert set(EVENT_SUMMARIES) == kinds


def test_every_phase_has_its_paragraph() -> None:
    assert list(PHASE_PARAGRAPHS) == list(Phase)


def test_the_table_has_these_cells_and_no_others() -> None:
    cells = {
        (source.value, event.__name__): target.value
        for (source, event), target in TRANSITIONS.items()
    }

    assert cells == _MOVES


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("event", _EVENTS, ids=_kind)
def test_an_event_moves_the_job_as_the_table_says_or_not_at_all(
    phase: Phase, event: JobEvent
) -> None:
    job = a_job(phase=phase, version=7)
    target = _MOVES.get((phase.value, _kind(event)))

    if target is None:
        with pytest.raises(IllegalTransitionError) as caught:
            advance(job, event, now=_LATER)
        refused = caught.value
        assert (refused.job_id, refused.phase, refused.event) == (job.id, phase, _kind(event))
    else:
        moved = advance(job, event, now=_LATER)
        assert (moved.phase, moved.version, moved.changed_at) == (Phase(target), 8, _LATER)
    assert job == a_job(id=job.id, supplier_id=job.supplier_id, phase=phase, version=7)


@pytest.mark.parametrize(
    ("job", "event", "changes"),
    [
        (a_job(), DownloadStarted(), {"started_at": _LATER}),
        (
            a_job(),
            _SUBMITTED,
            {
                "phase": Phase.ANALYZING,
                "file_key": "k",
                "analysis_id": "a",
                "actor": Actor.ML_ANALYZE,
            },
        ),
        (
            a_job(phase=Phase.ANALYZING),
            ItemsParsed(),
            {"phase": Phase.MATCHING, "actor": Actor.ML_ANALYZE},
        ),
        (
            a_job(phase=Phase.MATCHING, reading=Reading.LOCAL),
            ItemsMatched(),
            {"phase": Phase.COMPLETE, "completed_at": _LATER},
        ),
        (
            a_job(phase=Phase.ANALYZING),
            AttemptFailed(failure=_FAILURE),
            {
                "phase": Phase.FAILED,
                "failure": _FAILURE,
                "actor": Actor.ML_ANALYZE,
                "completed_at": _LATER,
            },
        ),
        (a_job(phase=Phase.MATCHING), LeaseLost(), {"deliveries": 1, "token": 1}),
        (a_job(), FileStored(file_key=FileKey("k")), {"file_key": "k"}),
        (
            a_job(phase=Phase.ANALYZING, analysis_id=AnalysisId("a")),
            _RESUBMITTED,
            {"analysis_id": "b", "resubmissions": 1, "actor": Actor.ML_ANALYZE},
        ),
        (
            a_job(),
            _DEFERRED,
            {
                "deferrals": 1,
                "not_before": _LATER,
                "deferred_by": _FAILURE,
                "actor": Actor.ML_ANALYZE,
            },
        ),
        (
            a_job(),
            _WAITED,
            {
                "waits": 1,
                "not_before": _LATER,
                "deferred_by": _FAILURE,
                "actor": Actor.ML_ANALYZE,
            },
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_event_changes_this_and_nothing_else(
    job: Job, event: JobEvent, changes: dict[str, object]
) -> None:
    moved = advance(job, event, now=_LATER)

    changed = {
        name: getattr(moved, name)
        for name in Job.__slots__
        if getattr(moved, name) != getattr(job, name)
    }
    assert changed == {"version": 1, "changed_at": _LATER} | changes


def test_a_job_that_was_called_off_says_so_and_may_be_retried() -> None:
    called_off = advance(a_job(), Cancelled(), now=_LATER)

    assert called_off.failure is not None
    assert called_off.failure.code == "job.cancelled"
    assert called_off.actor is Actor.PERSON
    assert called_off.completed_at == _LATER
    assert called_off.can_retry


def _anew(failed: Job) -> Job:
    """The job as a person sends it on its way again."""
    return replace(
        failed,
        phase=Phase.DOWNLOADING,
        actor=Actor.COURIER,
        token=8,
        version=12,
        changed_at=_LATER,
        analysis_id=None,
        failure=None,
        deliveries=0,
        deferrals=0,
        waits=0,
        not_before=None,
        deferred_by=None,
        resubmissions=0,
        progress=JobProgress(),
        started_at=None,
        progressed_at=None,
        completed_at=None,
    )


def test_a_retry_starts_a_fresh_attempt_of_the_same_job() -> None:
    failed = a_full_job()

    assert advance(failed, RetryRequested(), now=_LATER) == replace(_anew(failed), attempt=4)


def test_a_replay_counts_the_attempts_anew() -> None:
    failed = a_full_job()

    assert advance(failed, Replayed(), now=_LATER) == replace(
        _anew(failed), attempt=1, generation=3
    )


def test_what_was_counted_in_a_phase_is_forgotten_with_it_but_not_the_attempts_tries() -> None:
    job = a_job(deliveries=2, deferrals=3, waits=1, not_before=NOW, deferred_by=_FAILURE)

    moved = advance(job, _SUBMITTED, now=_LATER)

    assert (moved.deliveries, moved.deferrals, moved.waits) == (0, 3, 0)
    assert (moved.not_before, moved.deferred_by) == (None, None)


def test_a_lost_worker_changes_nothing_about_when_to_try_again() -> None:
    job = a_job(not_before=_LATER, deferred_by=_FAILURE)

    moved = advance(job, LeaseLost(), now=NOW)

    assert (moved.not_before, moved.deferred_by) == (_LATER, _FAILURE)


@pytest.mark.parametrize("lost", [False, True])
def test_a_claim_gives_a_token_that_outdoes_all_others(*, lost: bool) -> None:
    job = a_job(token=4, deliveries=1)

    assert claimed(job, lost=lost) == replace(job, token=5, deliveries=1 + lost)


@pytest.mark.parametrize(
    ("deaths", "alone", "enough"),
    [
        *((0, False, False), (1, False, False), (2, True, False)),
        *((4, True, False), (5, True, True), (6, True, True)),
    ],
)
def test_after_two_deaths_a_job_runs_alone_and_three_more_are_enough(
    deaths: int, *, alone: bool, enough: bool
) -> None:
    job = a_job(deliveries=deaths)

    assert (job.runs_alone, job.kills_workers) == (alone, enough)


@pytest.mark.parametrize(
    ("job", "is_dead"),
    [
        (_failed(code="http.denied"), False),
        (_failed(code="http.denied", attempt=4), True),
        (_failed(code="supplier.not_found"), True),
        (_failed(code="job.worker_killed"), True),
        (_failed(code="job.cancelled", attempt=4, actor=Actor.PERSON), False),
        (a_job(attempt=4), False),
        (a_job(phase=Phase.FAILED, attempt=4), False),
        (a_job(phase=Phase.COMPLETE, attempt=4), False),
    ],
)
def test_a_job_that_failed_for_good_is_a_dead_letter_unless_a_person_wanted_it(
    job: Job, *, is_dead: bool
) -> None:
    assert job.is_dead_letter == is_dead


@pytest.mark.parametrize(
    ("job", "can_retry"),
    [
        (a_job(attempt=3), True),
        (a_job(attempt=4), False),
        (_failed(code="http.denied"), True),
        (_failed(code="supplier.not_found"), False),
    ],
)
def test_there_is_a_retry_while_an_attempt_is_left_and_the_supplier_is_there(
    job: Job, *, can_retry: bool
) -> None:
    assert job.can_retry == can_retry


def test_after_the_last_attempt_there_is_no_retry() -> None:
    job = a_job(phase=Phase.FAILED, attempt=4, attempts_max=4)

    with pytest.raises(IllegalTransitionError):
        advance(job, RetryRequested(), now=_LATER)

    assert not job.can_retry


@pytest.mark.parametrize(("attempt", "attempts_max"), [(0, 4), (5, 4), (1, 0)])
def test_an_attempt_out_of_bounds_is_no_job(attempt: int, attempts_max: int) -> None:
    with pytest.raises(ValueError, match="attempt must be 1 to"):
        a_job(attempt=attempt, attempts_max=attempts_max)


@pytest.mark.parametrize("figure", JobProgress.__slots__)
def test_a_figure_is_never_negative(figure: str) -> None:
    with pytest.raises(ValueError, match=f"{figure} must not be negative"):
        JobProgress(**{figure: -1})


@pytest.mark.parametrize("phase", Phase)
def test_a_job_is_active_until_it_is_complete_or_failed(phase: Phase) -> None:
    assert a_job(phase=phase).is_active == (phase not in {Phase.COMPLETE, Phase.FAILED})


def test_a_new_job_waits_for_its_first_download() -> None:
    like = a_job()

    job = new_job(
        like.id,
        supplier_id=like.supplier_id,
        supplier_name=like.supplier_name,
        source=like.source,
        reading=Reading.LOCAL,
        now=_LATER,
        attempts_max=2,
    )

    assert job == replace(
        like, reading=Reading.LOCAL, created_at=_LATER, changed_at=_LATER, attempts_max=2
    )
    assert (job.phase, job.attempt, job.version) == (Phase.DOWNLOADING, 1, 0)


@pytest.mark.parametrize("local_asked", [False, True])
@pytest.mark.parametrize("supplier_wish", [None, False, True])
@pytest.mark.parametrize("ml_enabled", [False, True])
def test_ml_analyze_reads_unless_somebody_says_no(
    *, local_asked: bool, supplier_wish: bool | None, ml_enabled: bool
) -> None:
    reading = choose_reading(
        local_asked=local_asked, supplier_wish=supplier_wish, ml_enabled=ml_enabled
    )

    nobody_says_no = (local_asked, ml_enabled) == (False, True) and supplier_wish in {None, True}
    assert reading is (Reading.ML if nobody_says_no else Reading.LOCAL)
