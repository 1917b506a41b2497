"""Payloads on the wire: JSON in and out, and never a pickle."""

import json
import pickle
from dataclasses import replace
from datetime import timedelta

import pytest
from arq.jobs import DeserializationError

from marketbel_adapters.arq import arq_job_of, deserialize, serialize
from marketbel_adapters.testing.builders import NOW, a_job
from marketbel_core.ids import ProductId
from marketbel_core.ports import CourierStep, ImportStep, MatchStep, RecalculateStep


def test_a_payload_comes_back_as_it_went() -> None:
    payload = {"t": 1, "f": "match_items_task", "a": [], "k": {"name": "Молоко"}, "et": 5}

    assert deserialize(serialize(payload)) == payload


def test_what_another_language_leaves_out_has_its_obvious_value() -> None:
    assert deserialize(b'{"f": "x"}') == {"t": None, "a": [], "k": {}, "et": 0, "f": "x"}


def test_an_exception_is_written_as_its_name_and_text() -> None:
    written = json.loads(serialize({"r": ValueError("no such sheet")}))

    assert written == {"r": {"error": "ValueError", "message": "no such sheet"}}


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_refused_by_name_and_never_read(protocol: int) -> None:
    with pytest.raises(DeserializationError, match="pickle"):
        deserialize(pickle.dumps({"f": "x"}, protocol=protocol))


@pytest.mark.parametrize("raw", [b"", b"{", b"[1]", b'"x"', b"\xff\xfe"])
def test_what_is_no_json_object_is_refused(raw: bytes) -> None:
    with pytest.raises(DeserializationError):
        deserialize(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"{}",
        b'{"f": 5}',
        b'{"f": "x", "a": "y"}',
        b'{"f": "x", "k": []}',
        b'{"f": "x", "t": "1"}',
        b'{"f": "x", "t": true}',
        b'{"f": "x", "t": -1}',
        b'{"f": "x", "et": "soon"}',
        b'{"f": "x", "et": 1e300}',
        b'{"f": "x", "et": NaN}',
    ],
)
def test_what_would_end_arqs_worker_is_refused(raw: bytes) -> None:
    with pytest.raises(DeserializationError):
        deserialize(raw)


def test_null_means_left_out_and_a_fraction_of_a_millisecond_is_dropped() -> None:
    read = deserialize(b'{"f": "x", "a": null, "k": null, "t": null, "et": 1764842400000.5}')

    assert read == {"t": None, "a": [], "k": {}, "et": 1_764_842_400_000, "f": "x"}


def test_each_attempt_of_a_step_has_an_arq_id_of_its_own() -> None:
    job = a_job()

    ids = {
        arq_job_of(step)[1]
        for attempt in (1, 2)
        for step in (
            CourierStep(job_id=job.id, attempt=attempt),
            ImportStep(job_id=job.id, attempt=attempt),
            MatchStep(job_id=job.id, attempt=attempt, supplier_id=job.supplier_id),
            RecalculateStep(job_id=job.id, attempt=attempt),
        )
    }

    assert len(ids) == 8


def test_each_delivery_of_a_step_has_an_arq_id_of_its_own() -> None:
    step = CourierStep(job_id=a_job().id, attempt=2)

    ids = [arq_job_of(replace(step, delivery=delivery))[1] for delivery in (0, 1)]

    assert ids == [f"courier_task:{step.job_id}:2:{delivery}" for delivery in (0, 1)]


def test_a_payload_that_is_nested_without_end_is_refused_and_not_tried_again_for_ever() -> None:
    with pytest.raises(DeserializationError, match="not JSON"):
        deserialize(b"[" * 200_000)


def test_products_asked_for_again_later_are_another_step() -> None:
    step = RecalculateStep(product_ids=(ProductId(a_job().id),), asked_at=NOW)
    later = replace(step, asked_at=NOW + timedelta(seconds=1))

    assert arq_job_of(step) == arq_job_of(replace(step))
    assert arq_job_of(step)[1] != arq_job_of(later)[1]
