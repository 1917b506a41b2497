"""What operators see of the work: events and counts."""

from abc import abstractmethod
from typing import Protocol, runtime_checkable

__all__ = ["Telemetry"]


@runtime_checkable
class Telemetry(Protocol):
    """Takes note of what happened; never fails, never waits. Contract: `…testing.telemetry`."""

    @abstractmethod
    def event(self, name: str, **facts: str | float | None) -> None:
        """Note that something happened: `job.moved` with its facts. No secrets, no URLs."""

    @abstractmethod
    def count(self, name: str, value: int = 1) -> None:
        """Add `value` (at least 1) to the counter `name`."""
