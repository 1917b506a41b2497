"""Telemetry that remembers."""

from collections import Counter

from marketbel_core.ports import Telemetry

__all__ = ["RecordingTelemetry"]


class RecordingTelemetry(Telemetry):
    """Keeps every event and every count, to be looked at afterwards.

    Attributes:
        events: Name and facts of each event, in order.
        counts: What was counted, by name.
    """

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, str | float | None]]] = []
        self.counts: Counter[str] = Counter()

    def event(self, name: str, **facts: str | float | None) -> None:
        self.events.append((name, facts))

    def count(self, name: str, value: int = 1) -> None:
        if value >= 1:
            self.counts[name] += value
