"""A clock that is set by hand and ids that count."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from marketbel_core.ports import Clock, IdSource

__all__ = ["CountingIdSource", "ManualClock"]


class ManualClock(Clock):
    """Stands still until it is ticked."""

    def __init__(self, now: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def tick(self, by: timedelta) -> None:
        """Let `by` go past; time never runs back."""
        if by < timedelta():
            raise ValueError("time does not run back")
        self._now += by


class CountingIdSource(IdSource):
    """Gives 1, 2, 3, … as UUIDs: the same ones in every run."""

    def __init__(self) -> None:
        self._given = 0

    def new_id(self) -> UUID:
        self._given += 1
        return UUID(int=self._given)
