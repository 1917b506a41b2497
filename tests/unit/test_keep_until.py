"""How long a file is kept: the rule, without a store."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketbel_adapters.testing.builders import NOW
from marketbel_adapters.testing.files import a_sidecar
from marketbel_core.ids import JobId
from marketbel_core.intake import (
    FileKind,
    FoundFile,
    KeepReason,
    file_key,
    mentioned_names,
    reason_to_keep,
)

TTL = timedelta(hours=24)
JOB = JobId(UUID(int=7))
LONG_AGO = NOW - timedelta(days=365)


def found(
    *,
    kind: FileKind = FileKind.DATA,
    named_at: datetime = LONG_AGO,
    modified_at: datetime = LONG_AGO,
    downloaded_at: datetime | None = None,
) -> FoundFile:
    sidecar = replace(a_sidecar(), job_id=JOB, downloaded_at=downloaded_at or NOW)
    return FoundFile(
        name=file_key(JOB, at=named_at, filename="list.csv"),
        kind=kind,
        size_bytes=1,
        modified_at=modified_at,
        sidecar=sidecar if downloaded_at else None,
    )


def reason(file: FoundFile) -> KeepReason | None:
    return reason_to_keep(file, now=NOW, ttl=TTL)


@given(age=st.timedeltas(timedelta(), timedelta(days=3)))
@pytest.mark.parametrize("other", [LONG_AGO, NOW + timedelta(days=365)])
def test_a_file_is_as_old_as_its_sidecar_says(age: timedelta, other: datetime) -> None:
    file = found(downloaded_at=NOW - age, named_at=other, modified_at=other)

    assert reason(file) is (KeepReason.YOUNG if age < TTL else None)


@given(hours=st.integers(0, 72))
@pytest.mark.parametrize("other", [LONG_AGO, NOW + timedelta(days=365)])
def test_a_file_without_a_sidecar_is_as_old_as_its_name_says(hours: int, other: datetime) -> None:
    file = found(named_at=NOW - timedelta(hours=hours), modified_at=other)

    assert reason(file) is (KeepReason.YOUNG if hours < 24 else None)


@given(age=st.timedeltas(timedelta(), timedelta(days=3)))
@pytest.mark.parametrize("kind", [FileKind.SIDECAR, FileKind.PART])
def test_what_a_crash_left_is_as_old_as_the_store_says(kind: FileKind, age: timedelta) -> None:
    file = found(kind=kind, modified_at=NOW - age)

    assert reason(file) is (KeepReason.YOUNG if age < TTL else None)


@pytest.mark.parametrize(
    "file",
    [
        found(downloaded_at=NOW + timedelta(microseconds=1)),
        found(downloaded_at=datetime.max.replace(tzinfo=NOW.tzinfo)),
        found(named_at=NOW + timedelta(seconds=1)),
        found(kind=FileKind.PART, modified_at=NOW + timedelta(microseconds=1)),
        found(kind=FileKind.SIDECAR, modified_at=NOW + timedelta(days=9_000)),
    ],
)
def test_what_claims_to_be_from_the_future_is_kept(file: FoundFile) -> None:
    assert reason(file) is KeepReason.FUTURE


def test_what_claims_to_be_from_the_dawn_of_time_is_due() -> None:
    assert reason(found(downloaded_at=datetime.min.replace(tzinfo=NOW.tzinfo))) is None


@pytest.mark.parametrize("kind", [FileKind.SYMLINK, FileKind.DIRECTORY, FileKind.STRANGER])
def test_what_is_not_ours_is_kept_for_ever_and_by_its_kind(kind: FileKind) -> None:
    assert reason(found(kind=kind)) == kind.value


def test_a_price_list_whose_age_nobody_tells_is_kept() -> None:
    assert reason(replace(found(), name="list.csv")) is KeepReason.STRANGER


def test_a_file_belongs_to_whom_its_name_and_its_sidecar_name() -> None:
    file = found(downloaded_at=NOW)
    assert file.sidecar is not None
    other = replace(file, sidecar=replace(file.sidecar, job_id=JobId(UUID(int=8))))

    assert file.owners == {UUID(int=7)}
    assert other.owners == {UUID(int=7), UUID(int=8)}
    assert replace(file, name=f".{file.name}.x.part", sidecar=None).owners == {UUID(int=7)}
    assert replace(file, name="list.csv", sidecar=None).owners == frozenset()


@pytest.mark.parametrize(
    "text",
    [
        "a b.csv",
        " a b.csv\n",
        "/shared/uploads/a b.csv",
        "C:\\shared\\a b.csv",
        "http://x/a%20b.csv?t#f",
    ],
)
def test_a_place_mentions_the_last_part_of_it(text: str) -> None:
    assert "a b.csv" in mentioned_names(text)


@given(st.text())
def test_any_text_mentions_something(text: str) -> None:
    assert mentioned_names(text)
