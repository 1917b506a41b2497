"""The contract of `Telemetry`, for every adapter of it.

class TestMyTelemetry(TelemetryContract):
    @pytest.fixture
    def watched(self) -> WatchedTelemetry:
        telemetry = MyTelemetry()
        return WatchedTelemetry(telemetry=telemetry, counted=telemetry.counters)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from marketbel_core.ports import Telemetry

__all__ = ["TelemetryContract", "WatchedTelemetry"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedTelemetry:
    """The telemetry under test, and how a test looks at what it counted."""

    telemetry: Telemetry
    counted: Callable[[], Mapping[str, int]]


class TelemetryContract:
    """What every `Telemetry` keeps; a subclass says which by its fixture `watched`."""

    @pytest.fixture
    def watched(self) -> WatchedTelemetry:
        """Fresh telemetry: the subclass overrides this."""
        raise TypeError(f"{type(self).__name__} must override the fixture `watched`")

    def test_counts_add_up_by_name(self, watched: WatchedTelemetry) -> None:
        watched.telemetry.count("rows.accepted", 7)
        watched.telemetry.count("rows.accepted")
        watched.telemetry.count("rows.rejected", 2)

        assert watched.counted() == {"rows.accepted": 8, "rows.rejected": 2}

    @pytest.mark.parametrize("value", [0, -1])
    def test_a_count_below_one_changes_nothing(
        self, watched: WatchedTelemetry, value: int
    ) -> None:
        watched.telemetry.count("rows.accepted", 3)
        watched.telemetry.count("rows.accepted", value)

        assert watched.counted() == {"rows.accepted": 3}

    @pytest.mark.parametrize(
        "fact", ["event", "level", "logger", "timestamp", "exc_info", "stack_info", "stacklevel"]
    )
    def test_an_event_takes_facts_of_any_name(self, watched: WatchedTelemetry, fact: str) -> None:
        facts: dict[str, str | float | None] = {fact: "JobFailed", "job_id": None, "seconds": 0.5}

        watched.telemetry.event("job.moved", **facts)

        assert watched.counted() == {}
