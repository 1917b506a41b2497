"""Events as lines of the structured log, counts in a table."""

import threading
from collections import Counter
from contextlib import suppress
from typing import Final

import structlog
from structlog.typing import FilteringBoundLogger

from marketbel_core.ports import Telemetry

__all__ = ["StructlogTelemetry"]

_TAKEN: Final = frozenset(
    {"event", "exc_info", "level", "logger", "stack_info", "stacklevel", "timestamp"}
)
"""Keys that structlog and its processors use themselves."""


class StructlogTelemetry(Telemetry):
    """Writes each event at level info; a fact whose name structlog uses gets `fact_` before it."""

    def __init__(self, logger: FilteringBoundLogger | None = None) -> None:
        """Write to `logger`; without one to the logger called `marketbel`."""
        self._logger: FilteringBoundLogger = (
            structlog.get_logger("marketbel") if logger is None else logger
        )
        self._lock = threading.Lock()
        self._counters: Counter[str] = Counter()

    def event(self, name: str, **facts: str | float | None) -> None:
        renamed = {f"fact_{key}" if key in _TAKEN else key: fact for key, fact in facts.items()}
        # A log that is full or closed must not fail the work that it speaks of.
        with suppress(OSError, ValueError):
            self._logger.info(name, **renamed)

    def count(self, name: str, value: int = 1) -> None:
        if value >= 1:
            with self._lock:
                self._counters[name] += value

    def counters(self) -> dict[str, int]:
        """Return what was counted since the start, by name."""
        with self._lock:
            return dict(self._counters)
