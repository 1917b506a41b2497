"""Messages in lists."""

from collections import defaultdict

from marketbel_core.ports import Inbox, Tray

__all__ = ["MemoryInbox"]


class MemoryInbox(Inbox):
    """Keeps messages for as long as it lives.

    Attributes:
        dead: What was rejected, with the reasons.
    """

    def __init__(self) -> None:
        self.dead: list[tuple[Tray, str, str]] = []
        self._waiting: defaultdict[Tray, list[str]] = defaultdict(list)
        self._taken: defaultdict[Tray, list[str]] = defaultdict(list)

    def put(self, tray: Tray, message: str) -> None:
        """Leave a message, as a neighbour does."""
        if tray is Tray.SYNC_TRIGGER:
            self._waiting[tray].clear()
        self._waiting[tray].append(message)

    async def take(self, tray: Tray, *, limit: int) -> list[str]:
        waiting, taken = self._waiting[tray], self._taken[tray]
        while waiting and len(taken) < limit:
            taken.append(waiting.pop(0))
        return taken[: max(limit, 0)]

    async def done(self, tray: Tray, message: str) -> None:
        if message in self._taken[tray]:
            self._taken[tray].remove(message)

    async def reject(self, tray: Tray, message: str, *, reason: str) -> None:
        if message in self._taken[tray]:
            self._taken[tray].remove(message)
            self.dead.append((tray, message, reason))
