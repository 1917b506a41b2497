"""Identifiers written as text."""

from collections.abc import Callable
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketbel_core.errors import DomainError, InvalidIdError
from marketbel_core.ids import parse_job_id, parse_product_id, parse_supplier_id

_PARSERS: list[tuple[str, Callable[[str], UUID]]] = [
    ("job", parse_job_id),
    ("product", parse_product_id),
    ("supplier", parse_supplier_id),
]
_every_parser = pytest.mark.parametrize(
    ("kind", "parse"), _PARSERS, ids=[kind for kind, _ in _PARSERS]
)


@_every_parser
@given(value=st.uuids())
def test_what_is_written_is_read(kind: str, parse: Callable[[str], UUID], value: UUID) -> None:
    del kind

    assert parse(str(value)) == parse(str(value).upper()) == parse(value.hex) == value


@_every_parser
@pytest.mark.parametrize("text", ["", "7", "not-a-uuid", "z" * 32, "0" * 33, "\x00"])
def test_another_text_is_refused_and_named(
    kind: str, parse: Callable[[str], UUID], text: str
) -> None:
    with pytest.raises(InvalidIdError) as caught:
        parse(text)

    assert caught.value.kind == kind
    assert caught.value.text == text
    assert str(caught.value) == f"a {kind} id must be a UUID, got {text!r}"


@_every_parser
@pytest.mark.parametrize("nonsense", [None, 7, b"00000000000000000000000000000001", []])
def test_what_is_no_text_at_all_is_refused_likewise(
    kind: str, parse: Callable[[object], UUID], nonsense: object
) -> None:
    with pytest.raises(InvalidIdError, match=f"a {kind} id must be a UUID"):
        parse(nonsense)


def test_a_bad_id_is_the_callers_fault_and_a_value_error() -> None:
    error = InvalidIdError(kind="job", text="x" * 1_000)

    assert isinstance(error, DomainError)
    assert isinstance(error, ValueError)
    assert len(str(error)) < 120
