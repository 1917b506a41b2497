"""Triggers that wait, in a set."""

from marketbel_core.intake.stored_file import mentioned_names
from marketbel_core.ports import WaitingTriggers

__all__ = ["MemoryWaitingTriggers"]


class MemoryWaitingTriggers(WaitingTriggers):
    """Mentions what it was told that somebody waits for."""

    def __init__(self) -> None:
        self._texts: set[str] = set()

    async def mentions(self) -> frozenset[str]:
        return frozenset(name for text in self._texts for name in mentioned_names(text))

    def wait_for(self, text: str) -> None:
        """Have a trigger wait that mentions `text`: a path, an address, a name or an id."""
        self._texts.add(text)

    def taken(self, text: str) -> None:
        """Have the trigger that mentions `text` wait no more."""
        self._texts.discard(text)
