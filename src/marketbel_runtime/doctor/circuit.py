"""The circuit breaker before ml-analyze: do the workers ask it, or leave it alone."""

from datetime import datetime
from typing import Final

from redis.asyncio import Redis

from marketbel_adapters.redis import ML_ANALYZE_BREAKER, RedisBreaker
from marketbel_core.jobs import BreakerState, CircuitClosed, CircuitHalfOpen, CircuitOpen
from marketbel_core.ports import Clock
from marketbel_runtime.doctor.findings import Finding, State

__all__ = ["judge_circuit", "look_at_circuit"]

_NAME: Final = "ml-circuit"
_CURE: Final = (
    "see ml-analyze above and its log; nothing is lost meanwhile, and a probe that is answered "
    "lets all workers ask again"
)


async def look_at_circuit(client: Redis, clock: Clock) -> Finding:
    """Return how the workers' circuit to ml-analyze stands."""
    state = await RedisBreaker(client, name=ML_ANALYZE_BREAKER).state()
    return judge_circuit(state, now=clock.now())


def judge_circuit(state: BreakerState, *, now: datetime) -> Finding:
    """Return what the state means for the work."""
    match state:
        case CircuitClosed(failures=0):
            return Finding(name=_NAME, state=State.OK, message="closed: workers ask ml-analyze")
        case CircuitClosed(failures=failures):
            message = f"closed; {failures} requests in a row were not answered"
            return Finding(name=_NAME, state=State.OK, message=message)
        case CircuitOpen(trips=trips, until=until):
            seconds = max(0, round((until - now).total_seconds()))
            when = f"the next may go in {seconds} s" if seconds else "the next may go now"
            return _warning(f"open, {trips - 1} probes failed up to now: {when}")
        case CircuitHalfOpen():
            return _warning("half-open: one worker is probing")


def _warning(told: str) -> Finding:
    message = f"{told}; jobs for ml-analyze wait"
    return Finding(name=_NAME, state=State.WARNING, message=message, cure=_CURE)
