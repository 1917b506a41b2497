"""A job as a hash: whatever a job is, it comes back."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketbel_adapters.redis.job_hash import decoded, encoded, microseconds
from marketbel_adapters.testing.builders import NOW, a_full_job, a_job
from marketbel_core.catalog import GivenLayout, SourceRef, SourceType
from marketbel_core.errors import ProtocolError
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
_LAYOUTS: Final = st.builds(
    lambda rows, **said: GivenLayout(
        **dict(zip(("header_row", "header_row_end", "data_start_row"), rows, strict=False)), **said
    ),
    st.lists(st.integers(1, 2**70), max_size=3, unique=True).map(sorted),
    column_mapping=st.dictionaries(_TEXTS, _TEXTS, max_size=3),
    characteristic_columns=st.none() | st.lists(_TEXTS, max_size=3).map(tuple),
    delimiter=st.none() | st.text(min_size=1, max_size=5),
    encoding=_MAYBE,
)
_SOURCES: Final = st.builds(
    SourceRef,
    type=st.sampled_from(SourceType),
    location=_TEXTS.filter(lambda text: bool(text.strip())),
    sheet_name=_MAYBE,
    original_filename=_MAYBE,
    is_shortened=st.booleans(),
    layout=st.none() | _LAYOUTS,
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
    generation=st.integers(1, 2**70),
    deliveries=_COUNTS,
    deferrals=_COUNTS,
    waits=_COUNTS,
    not_before=st.none() | _INSTANTS,
    deferred_by=st.none() | _FAILURES,
    resubmissions=_COUNTS,
    token=_COUNTS,
    version=_COUNTS,
    file_key=st.none() | _TEXTS.map(FileKey),
    analysis_id=st.none() | _TEXTS.map(AnalysisId),
    failure=st.none() | _FAILURES,
    progress=st.builds(JobProgress, **dict.fromkeys(JobProgress.__slots__, _COUNTS)),
    started_at=st.none() | _INSTANTS,
    progressed_at=st.none() | _INSTANTS,
    completed_at=st.none() | _INSTANTS,
)


@given(job=_JOBS)
def test_every_job_comes_back_as_it_was(job: Job) -> None:
    assert decoded(job.id, encoded(job)) == job


def test_a_hash_of_an_earlier_version_is_still_read() -> None:
    job = a_job()
    fields = encoded(job)
    for name in (
        *("layout", "location_shortened", "generation", "deferrals", "waits", "resubmissions"),
        *("not_before", "progressed_at", "deferred_by"),
    ):
        del fields[name]

    assert decoded(job.id, fields) == job


@pytest.mark.parametrize(
    ("field", "text"),
    [
        *(("generation", "many"), ("not_before", "2026-03-14T09:26:53"), ("deferrals", "1.5")),
        *(("deferred_by", "{}"), ("deferred_by", '["a.b"]'), ("deferred_by", "[1, 2, 3]")),
        *(("deferred_by", '["a.b", "c", "nobody"]'), ("progressed_at", "yesterday")),
    ],
)
def test_a_later_field_that_cannot_be_read_is_not_passed_over(field: str, text: str) -> None:
    job = a_full_job()

    with pytest.raises(ProtocolError) as caught:
        decoded(job.id, {**encoded(job), field: text})

    assert caught.value.code == "jobs.corrupt"


def test_a_layout_with_a_field_of_a_later_version_is_still_read() -> None:
    job = a_job(source=SourceRef(type=SourceType.CSV, location="a.csv", layout=GivenLayout()))

    assert decoded(job.id, {**encoded(job), "layout": '{"footer_row": 9}'}) == job


@pytest.mark.parametrize(
    "text",
    [
        *("{", "[]", '{"header_row": "two"}', '{"header_row": true}', '{"header_row": 0}'),
        *('{"column_mapping": []}', '{"column_mapping": {"sku": 7}}', '{"delimiter": 1}'),
        '{"characteristic_columns": "Цвет"}',
    ],
)
def test_a_layout_that_cannot_be_read_is_not_passed_over(text: str) -> None:
    job = a_full_job()

    with pytest.raises(ProtocolError) as caught:
        decoded(job.id, {**encoded(job), "layout": text})

    assert caught.value.code == "jobs.corrupt"


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
