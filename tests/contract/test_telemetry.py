"""Telemetry: remembered, and as lines of the structured log."""

import pytest
import structlog
from structlog.testing import CapturingLogger

from marketbel_adapters.memory.telemetry import RecordingTelemetry
from marketbel_adapters.system import StructlogTelemetry
from marketbel_adapters.testing.telemetry import TelemetryContract, WatchedTelemetry


class TestRecordingTelemetry(TelemetryContract):
    @pytest.fixture
    def watched(self) -> WatchedTelemetry:
        telemetry = RecordingTelemetry()
        return WatchedTelemetry(telemetry=telemetry, counted=lambda: telemetry.counts)


class TestStructlogTelemetry(TelemetryContract):
    @pytest.fixture
    def watched(self) -> WatchedTelemetry:
        telemetry = StructlogTelemetry(_bound(CapturingLogger()))
        return WatchedTelemetry(telemetry=telemetry, counted=telemetry.counters)


def test_recorded_events_are_kept_in_order_with_their_facts() -> None:
    telemetry = RecordingTelemetry()

    telemetry.event("job.moved", phase="analyzing")
    telemetry.event("job.moved", phase="matching", seconds=1.5)

    assert telemetry.events == [
        ("job.moved", {"phase": "analyzing"}),
        ("job.moved", {"phase": "matching", "seconds": 1.5}),
    ]


def test_an_event_is_one_line_of_the_log_with_its_facts() -> None:
    log = CapturingLogger()

    StructlogTelemetry(_bound(log)).event("job.moved", event="FileSubmitted", seconds=1.5)

    [call] = log.calls
    assert call.method_name == "info"
    assert call.kwargs == {"event": "job.moved", "fact_event": "FileSubmitted", "seconds": 1.5}


def test_without_a_logger_the_event_goes_to_the_configured_log() -> None:
    with structlog.testing.capture_logs() as lines:
        StructlogTelemetry().event("job.moved", phase="matching")

    assert lines == [{"event": "job.moved", "phase": "matching", "log_level": "info"}]


class _FullDisk:
    def info(self, **_: object) -> None:
        raise OSError(28, "No space left on device")


def test_a_log_that_cannot_be_written_does_not_stop_the_work() -> None:
    StructlogTelemetry(_bound(_FullDisk())).event("job.moved")


def _bound(log: object) -> structlog.typing.FilteringBoundLogger:
    bound: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        log, processors=[], wrapper_class=structlog.make_filtering_bound_logger(0)
    )
    return bound
