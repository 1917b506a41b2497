"""What waits to become a job, as far as the clean-up of files must know."""

from abc import abstractmethod
from typing import Protocol, runtime_checkable

__all__ = ["WaitingTriggers"]


@runtime_checkable
class WaitingTriggers(Protocol):
    """Looks at triggers and steps that wait. Contract: `…testing.waiting_triggers`."""

    @abstractmethod
    async def mentions(self) -> frozenset[str]:
        """Return the file names and the ids that they mention, among other words of theirs.

        Whatever a trigger looks like, the names in it are found; one name too many costs nothing.

        Raises:
            UnavailableError: it cannot be known now.
            ProtocolError: where triggers should wait, something else is.
        """
