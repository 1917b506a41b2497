"""The circuit breaker: when a neighbour in trouble is left alone, and who may try it again.

Three states and two questions. `CircuitClosed`: everybody may ask; failures are counted, and one
success forgets them. `CircuitOpen`: nobody asks before an instant. `CircuitHalfOpen`: one caller
is out to probe; its outcome decides, and a probe that never comes back is replaced after a while.

Each change of state begins a new turn. Leave to ask is given for a turn, and an outcome counts in
its own turn alone: an answer that was long under way says nothing about what happened since.

Source: Nygard, "Release It!", 2007, "Circuit Breaker"; turns are the "generations" of Sony's
gobreaker. An adapter that decides elsewhere, as in a script on a server, is held to this module.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

__all__ = [
    "Admission",
    "Admitted",
    "BreakerPolicy",
    "BreakerState",
    "CircuitClosed",
    "CircuitHalfOpen",
    "CircuitOpen",
    "Denied",
    "admit_call",
    "record_outcome",
]

_NONE: Final = timedelta()
_DOUBLINGS_MAX: Final = 62
"""Beyond this the longest cool-down has long won, and `timedelta` overflows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerPolicy:
    """How patient a breaker is.

    Attributes:
        failures_max: So many failures in a row open the circuit, from 1.
        cool_down: How long it stays open the first time; twice as long after each failed probe.
        cool_down_max: It never stays open for longer: so late is a return noticed at most.
        probe_max: A probe without an outcome for so long counts as lost; another may go.
    """

    failures_max: int = 5
    cool_down: timedelta = timedelta(seconds=5)
    cool_down_max: timedelta = timedelta(seconds=30)
    probe_max: timedelta = timedelta(seconds=30)

    def __post_init__(self) -> None:
        if self.failures_max < 1:
            raise ValueError(f"failures_max must be at least 1, got {self.failures_max}")
        if not _NONE < self.cool_down <= self.cool_down_max:
            raise ValueError("cool_down must be longer than nothing and at most cool_down_max")
        if self.probe_max <= _NONE:
            raise ValueError(f"probe_max must be longer than nothing, got {self.probe_max}")

    def cool_down_after(self, trips: int) -> timedelta:
        """Return how long the circuit stays open when it opens for the `trips`-th time in a row.

        Args:
            trips: From 1; a success begins the count anew.
        """
        try:
            grown: timedelta = self.cool_down * float(2 ** min(trips - 1, _DOUBLINGS_MAX))
        except OverflowError:
            return self.cool_down_max
        return min(self.cool_down_max, grown)


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitClosed:
    """Everybody may ask.

    Attributes:
        turn: From 0; one more with each change of state.
        failures: In a row, up to now.
    """

    turn: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitOpen:
    """Nobody may ask before an instant.

    Attributes:
        turn: As of `CircuitClosed`.
        trips: How often it opened without a success in between, from 1.
        until: From this instant on a probe may go (aware, UTC).
    """

    turn: int
    trips: int
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitHalfOpen:
    """One caller is out to probe.

    Attributes:
        turn: As of `CircuitClosed`; that of the probe.
        trips: As of `CircuitOpen`.
        until: From this instant on the probe counts as lost (aware, UTC).
    """

    turn: int
    trips: int
    until: datetime


type BreakerState = CircuitClosed | CircuitOpen | CircuitHalfOpen


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """Leave to ask once. Its outcome is to be recorded."""

    turn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """No leave to ask; asking again makes sense after `retry_after`, more than nothing."""

    retry_after: timedelta


type Admission = Admitted | Denied


def admit_call(
    state: BreakerState, *, policy: BreakerPolicy, now: datetime
) -> tuple[BreakerState, Admission]:
    """Return whether the caller may ask, and the state that this leaves.

    While a probe is out nobody knows when it ends: others are told the first cool-down, or what is
    left until the probe counts as lost, if that is less.
    """
    if isinstance(state, CircuitClosed):
        return state, Admitted(turn=state.turn)
    left = state.until - now
    if left > _NONE:
        told = min(left, policy.cool_down) if isinstance(state, CircuitHalfOpen) else left
        return state, Denied(retry_after=told)
    turn = state.turn + 1
    probing = CircuitHalfOpen(turn=turn, trips=state.trips, until=now + policy.probe_max)
    return probing, Admitted(turn=turn)


def record_outcome(
    state: BreakerState,
    admitted: Admitted,
    *,
    success: bool,
    policy: BreakerPolicy,
    now: datetime,
) -> BreakerState:
    """Return the state after a call ended; the outcome of another turn changes nothing."""
    if admitted.turn != state.turn:
        return state
    match state:
        case CircuitClosed():
            failures = 0 if success else state.failures + 1
            if failures < policy.failures_max:
                return replace(state, failures=failures)
            return _opened(state.turn, trips=1, policy=policy, now=now)
        case CircuitHalfOpen():
            if success:
                return CircuitClosed(turn=state.turn + 1)
            return _opened(state.turn, trips=state.trips + 1, policy=policy, now=now)
        case CircuitOpen():
            return state  # nobody was admitted in its turn


def _opened(turn: int, *, trips: int, policy: BreakerPolicy, now: datetime) -> CircuitOpen:
    return CircuitOpen(turn=turn + 1, trips=trips, until=now + policy.cool_down_after(trips))
