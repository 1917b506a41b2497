"""A job as a hash: whatever a job is, it comes back."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from marketbel_adapters.redis.job_hash import decoded, encoded, microseconds
from marketbel_adapters.testing.builders import NOW
from marketbel_core.catalog import SourceRef, SourceType
from marketbel_core.ids import AnalysisId, FileKey, JobId, SupplierId
from marketbel_core.jobs import Actor, Failure, Job, JobProgress, Phase, Reading

_TEXTS: Final = st.text(max_size=9)
_MAYBE: Final = st.none() | _TEXTS
_COUNTS: Final = st.integers(0, 2**70)
_OFFSETS: Final = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
_INSTANTS: Final = st.builds(
    lambda microsecond, zone: (NOW + timedelta(microseconds=microsecond)).astimezone(zone),
    st.integers(-(10**15), 10**15),
    st.just(UTC) | _OFFSETS,
)
_FAILURES: Final = st.builds(
    Failure,
    code=_TEXTS,
    message=_TEXTS,
    actor=st.sampled_from(Actor),
    details=st.lists(_TEXTS, max_size=3).map(tuple),
)
_SOURCES: Final = st.builds(
    SourceRef,
    type=st.sampled_from(SourceType),
    location=_TEXTS.filter(lambda text: bool(text.strip())),
    sheet_name=_MAYBE,
    original_filename=_MAYBE,
)
_JOBS: Final = st.builds(
    Job,
    id=st.uuids().map(JobId),
    supplier_id=st.uuids().map(SupplierId),
    supplier_name=_TEXTS,
    source=_SOURCES,
    reading=st.sampled_from(Reading),
    created_at=_INSTANTS,
    changed_at=_INSTANTS,
    phase=st.sampled_from(Phase),
    actor=st.sampled_from(Actor),
    attempt=st.integers(1, 4),
    attempts_max=st.integers(4, 2**70),
    deliveries=_COUNTS,
    token=_COUNTS,
    version=_COUNTS,
    file_key=st.none() | _TEXTS.map(FileKey),
    analysis_id=st.none() | _TEXTS.map(AnalysisId),
    failure=st.none() | _FAILURES,
    progress=st.builds(JobProgress, **dict.fromkeys(JobProgress.__slots__, _COUNTS)),
    started_at=st.none() | _INSTANTS,
    completed_at=st.none() | _INSTANTS,
)


@given(job=_JOBS)
def test_every_job_comes_back_as_it_was(job: Job) -> None:
    assert decoded(job.id, encoded(job)) == job


@given(job=_JOBS)
def test_no_shown_figure_passes_a_known_total(job: Job) -> None:
    fields = encoded(job)

    for figure, total in (
        ("download_bytes", "download_total"),
        ("items_processed", "items_total"),
    ):
        assert int(fields[total]) == 0 or int(fields[figure]) <= int(fields[total])


@given(one=_INSTANTS, other=_INSTANTS)
def test_scores_are_exact_and_keep_the_order_of_instants(one: datetime, other: datetime) -> None:
    scores = microseconds(one), microseconds(other)

    assert (float(scores[0]) < float(scores[1])) == (one < other)
    assert float(scores[0]) == scores[0]
