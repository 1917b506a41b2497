"""Whether a neighbour may be asked just now, agreed among all who ask it."""

from abc import abstractmethod
from typing import Protocol, runtime_checkable

from marketbel_core.jobs import Admission, Admitted, BreakerState

__all__ = ["Breaker"]


@runtime_checkable
class Breaker(Protocol):
    """A circuit breaker shared by all callers. Contract: `…testing.breaker`.

    It decides as `admit_call` and `record_outcome` in `marketbel_core.jobs` do, each method in one
    atomic step. Time is the adapter's own (the server's, where there is one). Every method may
    raise `UnavailableError`.
    """

    @abstractmethod
    async def admit(self) -> Admission:
        """Return leave to ask once, or for how long to keep away.

        While the circuit is half-open exactly one of all who ask is admitted, to probe.
        """

    @abstractmethod
    async def record(self, admitted: Admitted, *, success: bool) -> bool:
        """Take down how an admitted call ended; return whether the circuit opened or closed by it.

        `success` means that the service answered, be it with a refusal. The outcome of a call
        that was admitted before the circuit last opened or closed changes nothing.
        """

    @abstractmethod
    async def state(self) -> BreakerState:
        """Return how the circuit stands; nothing changes by asking."""
