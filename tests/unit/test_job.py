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
    DownloadStarted,
    Failure,
    FileSubmitted,
    ItemsMatched,
    ItemsParsed,
    Job,
    JobEvent,
    JobProgress,
    LeaseLost,
    Phase,
    Reading,
    RetryRequested,
    advance,
    choose_reading,
    new_job,
)

_LATER: Final = NOW + timedelta(minutes=5)
_FAILURE: Final = Failure(code="http.denied", message="No access.", actor=Actor.ML_ANALYZE)
_SUBMITTED: Final = FileSubmitted(file_key=FileKey("k"), analysis_id=AnalysisId("a"))
_EVENTS: Final[list[JobEvent]] = [
    DownloadStarted(),
    _SUBMITTED,
    ItemsParsed(),
    ItemsMatched(),
    AttemptFailed(failure=_FAILURE),
    RetryRequested(),
    LeaseLost(),
    Cancelled(),
]
_MOVES: Final = {
    ("downloading", "DownloadStarted"): "downloading",
    ("downloading", "FileSubmitted"): "analyzing",
    ("downloading", "AttemptFailed"): "failed",
    ("downloading", "LeaseLost"): "downloading",
    ("downloading", "Cancelled"): "failed",
    ("analyzing", "ItemsParsed"): "matching",
    ("analyzing", "AttemptFailed"): "failed",
    ("analyzing", "LeaseLost"): "analyzing",
    ("analyzing", "Cancelled"): "failed",
    ("matching", "ItemsMatched"): "complete",
    ("matching", "AttemptFailed"): "failed",
    ("matching", "LeaseLost"): "matching",
    ("matching", "Cancelled"): "failed",
    ("failed", "RetryRequested"): "downloading",
}
"""The machine a second time, written down by hand."""


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


def test_a_retry_starts_a_fresh_attempt_of_the_same_job() -> None:
    failed = a_full_job()

    retried = advance(failed, RetryRequested(), now=_LATER)

    assert retried == replace(
        failed,
        phase=Phase.DOWNLOADING,
        actor=Actor.COURIER,
        attempt=4,
        token=8,
        version=12,
        changed_at=_LATER,
        analysis_id=None,
        failure=None,
        progress=JobProgress(),
        started_at=None,
        completed_at=None,
    )


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
