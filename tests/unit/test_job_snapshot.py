"""A job as JSON: whatever a job is, it comes back, and older and newer snapshots are read."""

import json
from dataclasses import fields, replace
from datetime import UTC, timedelta, timezone
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketbel_adapters.job_snapshot import job_of, readable, snapshot_of, source_of
from marketbel_adapters.testing.builders import NOW, a_full_job, a_job
from marketbel_core.catalog import GivenLayout, SourceRef, SourceType
from marketbel_core.errors import ProtocolError
from marketbel_core.jobs import Actor, Failure, Job, JobProgress, Phase, Reading

_ANY_TEXT: Final = st.text(st.characters(exclude_categories=[]), max_size=9)
_INSTANTS: Final = st.builds(
    lambda seconds, hours: (NOW + timedelta(microseconds=seconds)).astimezone(
        timezone(timedelta(hours=hours))
    ),
    st.integers(-(10**15), 10**15),
    st.integers(-14, 14),
)
_FAILURES: Final = st.builds(
    Failure,
    code=_ANY_TEXT,
    message=_ANY_TEXT,
    actor=st.sampled_from(Actor),
    details=st.lists(_ANY_TEXT, max_size=3).map(tuple),
)
_COUNTS: Final = st.integers(0, 2**70)
_JOBS: Final = st.builds(
    replace,
    st.builds(a_job),
    supplier_name=_ANY_TEXT,
    source=st.builds(
        SourceRef,
        type=st.sampled_from(SourceType),
        location=_ANY_TEXT.filter(lambda text: bool(text.strip())),
        sheet_name=st.none() | _ANY_TEXT,
        original_filename=st.none() | _ANY_TEXT,
        is_shortened=st.booleans(),
        layout=st.none()
        | st.builds(
            GivenLayout,
            column_mapping=st.dictionaries(_ANY_TEXT, _ANY_TEXT, max_size=3),
            header_row=st.none() | st.integers(1, 9),
            characteristic_columns=st.none() | st.lists(_ANY_TEXT, max_size=2).map(tuple),
            encoding=st.none() | _ANY_TEXT,
        ),
    ),
    reading=st.sampled_from(Reading),
    phase=st.sampled_from(Phase),
    generation=_COUNTS,
    deferrals=_COUNTS,
    not_before=st.none() | _INSTANTS,
    deferred_by=st.none() | _FAILURES,
    failure=st.none() | _FAILURES,
    file_key=st.none() | _ANY_TEXT,
    token=_COUNTS,
    progress=st.builds(JobProgress, **dict.fromkeys(JobProgress.__slots__, _COUNTS)),
    changed_at=_INSTANTS,
    progressed_at=st.none() | _INSTANTS,
)
_WHOLE: Final = SourceRef(
    type=SourceType.EXCEL, location="https://user:secret@example.com/a.xlsx?token=1"
)


@given(_JOBS)
def test_every_job_comes_back(job: Job) -> None:
    stored = json.dumps(snapshot_of(job), ensure_ascii=False).encode()  # lone surrogates raise

    assert rb"\u0000" not in stored.replace(rb"\\u0000", b"")
    assert job_of(json.loads(stored)) == job


def test_every_field_of_a_job_is_in_its_snapshot() -> None:
    job = a_full_job()

    snapshot = snapshot_of(job)

    assert set(snapshot) == {field.name for field in fields(Job)}
    assert job_of(snapshot) == job


def test_an_instant_is_stored_in_utc() -> None:
    minsk = NOW.astimezone(timezone(timedelta(hours=3)))

    snapshot = snapshot_of(a_job(created_at=minsk))

    assert snapshot["created_at"] == NOW.isoformat()
    assert job_of(snapshot).created_at.tzinfo is UTC


def test_a_snapshot_from_before_a_field_has_its_default() -> None:
    job = a_full_job()
    newer = {"generation", "deferrals", "not_before", "deferred_by", "resubmissions"}
    snapshot = {name: told for name, told in snapshot_of(job).items() if name not in newer}

    read = job_of(snapshot)

    assert (read.generation, read.deferrals, read.not_before) == (1, 0, None)
    assert read.progress == job.progress


def test_a_snapshot_of_a_newer_version_is_read_without_what_is_unknown() -> None:
    job = a_full_job()
    snapshot = snapshot_of(job) | {"colour": "red"}
    progress = snapshot["progress"]
    assert isinstance(progress, dict)
    progress["pages"] = 9

    assert job_of(snapshot) == job


@pytest.mark.parametrize(
    "fault",
    [
        {"id": "x"},
        {"id": None},
        {"phase": "resting"},
        {"attempt": "1"},
        {"attempt": 99},
        {"supplier_name": 5},
        {"supplier_name": {"json": "5"}},
        {"supplier_name": {"yaml": "5"}},
        {"changed_at": "2026-03-14T09:26:53"},
        {"changed_at": "soon"},
        {"failure": []},
        {"failure": {"code": "a.b", "message": "", "details": "text"}},
        {"source": {"type": "excel", "location": " "}},
        {"source": {"type": "excel", "location": "a", "is_shortened": 1}},
        {"source": {"type": "excel", "location": "a", "layout": {"column_mapping": {"a": "b"}}}},
        {"source": {"type": "excel", "location": "a", "layout": {"column_mapping": [["a"]]}}},
    ],
)
def test_what_cannot_be_read_names_the_job(fault: dict[str, object]) -> None:
    snapshot = snapshot_of(a_full_job()) | fault

    with pytest.raises(ProtocolError, match=f"the archived job {snapshot['id']} ") as caught:
        job_of(snapshot)

    assert caught.value.code == "archive.corrupt"


def test_a_snapshot_without_what_makes_a_job_is_refused() -> None:
    with pytest.raises(ProtocolError):
        job_of({})


def test_a_source_comes_back_alone_and_its_fault_tells_no_address() -> None:
    assert source_of(snapshot_of(_WHOLE)) == _WHOLE

    with pytest.raises(ProtocolError) as caught:
        source_of(snapshot_of(_WHOLE) | {"type": "fax"})
    assert "secret" not in str(caught.value)


def test_what_a_column_cannot_hold_is_shown_as_unreadable() -> None:
    assert readable("a\0b\ud800c\U0001f384") == "a\ufffdb\ufffdc\U0001f384"
