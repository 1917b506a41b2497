"""A circuit breaker in one process, by a clock that is handed in."""

from marketbel_core.jobs import (
    Admission,
    Admitted,
    BreakerPolicy,
    BreakerState,
    CircuitClosed,
    admit_call,
    record_outcome,
)
from marketbel_core.ports import Breaker, Clock

__all__ = ["MemoryBreaker"]


class MemoryBreaker(Breaker):
    """Keeps the state in an attribute; time is the clock's.

    No method awaits anything, so in one event loop each is atomic; threads must not share it.
    """

    def __init__(self, clock: Clock, *, policy: BreakerPolicy | None = None) -> None:
        self._clock = clock
        self._policy = policy or BreakerPolicy()
        self._state: BreakerState = CircuitClosed()

    async def admit(self) -> Admission:
        self._state, admission = admit_call(
            self._state, policy=self._policy, now=self._clock.now()
        )
        return admission

    async def record(self, admitted: Admitted, *, success: bool) -> bool:
        before = self._state
        self._state = record_outcome(
            before, admitted, success=success, policy=self._policy, now=self._clock.now()
        )
        return self._state.turn != before.turn

    async def state(self) -> BreakerState:
        return self._state
