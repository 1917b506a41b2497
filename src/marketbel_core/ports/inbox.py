"""Messages that neighbours leave for us, taken without loss."""

from abc import abstractmethod
from enum import StrEnum
from typing import Protocol, runtime_checkable

__all__ = ["Inbox", "Tray"]


class Tray(StrEnum):
    """Where the neighbours leave messages; each value is the key's name.

    A sync's trigger is one value and no list: a later one replaces it until it is taken.
    """

    PARSE_TRIGGERS = "parse:triggers"  # a file was uploaded
    PARSE_TASKS = "parse-tasks"  # a person wants one supplier's list fetched
    SYNC_TRIGGER = "sync:trigger"  # a person wants a sync, or a supplier was created

    RETRY_TRIGGERS = "retry:triggers"  # a person wants a failed job tried again


@runtime_checkable
class Inbox(Protocol):
    """Gives each message at least once, until it is acknowledged. Contract: `…testing.inbox`.

    One taker a tray at a time: whoever takes holds a lease on it. Every method may raise
    `UnavailableError`.
    """

    @abstractmethod
    async def take(self, tray: Tray, *, limit: int) -> list[str]:
        """Return up to `limit` messages, oldest first, and keep them until they are acknowledged.

        Those that were taken before and never acknowledged, by a taker that crashed, come first.
        """

    @abstractmethod
    async def done(self, tray: Tray, message: str) -> None:
        """Acknowledge a message whose work is durably asked for. Twice is no error."""

    @abstractmethod
    async def reject(self, tray: Tray, message: str, *, reason: str) -> None:
        """Put a message that nothing can be done with on the dead list, with the reason."""
