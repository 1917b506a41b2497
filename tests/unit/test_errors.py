"""Errors: one root, whose fault, a stable code each."""

import inspect
import re
from datetime import timedelta
from uuid import UUID

import pytest

import marketbel_core.errors as errors_module
from marketbel_core.errors import (
    DomainError,
    IllegalTransitionError,
    ImportNotFoundError,
    InvalidIdError,
    ItemNotFoundError,
    JobNotFoundError,
    MarketbelError,
    PortError,
    ProductNotFoundError,
    ProtocolError,
    RefusedError,
    StaleJobError,
    StaleSyncError,
    SupplierNotFoundError,
    UnavailableError,
)

_ID = UUID(int=7)
_CODE = re.compile(r"[a-z_]+\.[a-z_]+")

_ONE_OF_EACH: list[MarketbelError] = [
    MarketbelError("m"),
    DomainError("m"),
    PortError("m"),
    UnavailableError("m"),
    ProtocolError("m"),
    RefusedError("file.empty", "m"),
    InvalidIdError(kind="job", text="m"),
    IllegalTransitionError(job_id=_ID, phase="complete", event="Cancelled"),
    ImportNotFoundError(_ID),
    ItemNotFoundError(_ID),
    ProductNotFoundError(_ID),
    JobNotFoundError(_ID),
    StaleJobError(_ID, expected_version=1, stored_version=2),
    StaleSyncError("sync-manual-1"),
    SupplierNotFoundError(_ID),
]


def test_one_of_each_is_looked_at() -> None:
    declared = {
        found
        for _, found in inspect.getmembers(errors_module, inspect.isclass)
        if issubclass(found, MarketbelError)
    }

    assert {type(error) for error in _ONE_OF_EACH} == declared


@pytest.mark.parametrize("error", _ONE_OF_EACH, ids=lambda error: type(error).__name__)
def test_every_error_has_a_code_and_a_sentence(error: MarketbelError) -> None:
    assert _CODE.fullmatch(error.code)
    assert str(error)


@pytest.mark.parametrize("error", _ONE_OF_EACH[3:], ids=lambda error: type(error).__name__)
def test_every_leaf_says_whose_fault_it_is(error: MarketbelError) -> None:
    assert isinstance(error, DomainError) != isinstance(error, PortError)


@pytest.mark.parametrize("make", [UnavailableError, ProtocolError])
def test_a_neighbours_error_may_carry_a_code_of_its_own(
    make: type[UnavailableError | ProtocolError],
) -> None:
    assert make("m", code="http.truncated").code == "http.truncated"
    assert make("m").code == make.code


def test_trouble_may_say_how_long_to_wait() -> None:
    assert UnavailableError("m", retry_after=timedelta(seconds=7)).retry_after == timedelta(
        seconds=7
    )
    assert UnavailableError("m").retry_after is None


def test_a_refusal_says_what_was_refused_and_why() -> None:
    error = RefusedError("file.empty", "the file is empty")

    assert (error.code, str(error)) == ("file.empty", "the file is empty")


def test_errors_about_jobs_carry_their_facts() -> None:
    stale = StaleJobError(_ID, expected_version=1, stored_version=2)
    illegal = IllegalTransitionError(job_id=_ID, phase="complete", event="Cancelled")

    assert (stale.job_id, stale.expected_version, stale.stored_version) == (_ID, 1, 2)
    assert str(stale) == f"job {_ID} is at version 2, the write expected 1"
    assert (illegal.job_id, illegal.phase, illegal.event) == (_ID, "complete", "Cancelled")
    assert str(illegal) == f"job {_ID} is complete: Cancelled does not apply"


def test_what_is_not_there_is_a_lookup_error_too() -> None:
    job, supplier = JobNotFoundError(_ID), SupplierNotFoundError(_ID)

    assert isinstance(job, LookupError)
    assert isinstance(supplier, LookupError)
    assert (job.job_id, supplier.supplier_id) == (_ID, _ID)
