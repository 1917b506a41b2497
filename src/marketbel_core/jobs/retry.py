"""When to try again: full jitter, so that a returning neighbour is not met by a herd.

Source: Brooker, "Exponential Backoff And Jitter", 2015 (the "full jitter" variant).
"""

import math
from datetime import datetime, timedelta
from typing import Final

from marketbel_core.jobs.events import Deferred, Failure
from marketbel_core.jobs.job import Job

__all__ = ["backoff", "next_try"]

_TRIES_MAX: Final = 3
"""Automatic tries in an attempt before it fails and a person is asked."""

_BASE: Final = timedelta(seconds=15)
_CAP: Final = timedelta(minutes=5)
_SOON: Final = timedelta(seconds=5)
_WAITED_FOR: Final = frozenset({"ml.circuit_open", "match.busy", "source.busy"})
"""A neighbour that is known to be away, another worker at the same items, other jobs at the same
host: nobody erred, and the job has not had its try."""

_SOON_TIMES_MAX: Final = {"source.busy": 6}
"""A host may have hundreds of lists: those that have waited for long come by less often."""

_WAITS_MAX: Final = {"match.busy": 120}
"""Ten minutes of it: another worker is long done by then, and whoever still holds the items is
none. A neighbour is waited for without end, for its return is what the job needs; so is a host,
for the fetches that it is busy with all end in time."""


def next_try(
    job: Job,
    failure: Failure,
    *,
    now: datetime,
    chance: float,
    retry_after: timedelta | None = None,
) -> Deferred | None:
    """Return when the job's step is to be tried again; `None` when its tries are used up.

    Args:
        job: As it stands.
        failure: The trouble, of a kind that time may cure.
        now: Aware, UTC.
        chance: A random number, 0.0 to 1.0.
        retry_after: What the neighbour asked for; the wait is not shorter, up to the longest wait.
    """
    waited_for = failure.code in _WAITED_FOR
    is_counted = not waited_for or job.waits >= _WAITS_MAX.get(failure.code, math.inf)
    if is_counted and job.deferrals >= _TRIES_MAX:
        return None
    if is_counted:
        wait = backoff(job.deferrals + 1, base=_BASE, cap=_CAP, chance=chance)
    else:
        times = min(1 + job.waits, _SOON_TIMES_MAX.get(failure.code, 1))
        wait = _SOON * times * (0.5 + chance)
    wait = max(wait, min(retry_after or timedelta(), _CAP))
    return Deferred(failure=failure, until=now + wait, is_counted=is_counted)


def backoff(tries: int, *, base: timedelta, cap: timedelta, chance: float) -> timedelta:
    """Return the wait before the next try: uniform in 0 to min(cap, base * 2^(tries - 1)).

    Args:
        tries: How many tries have failed, from 1.
        base: The longest wait after the first failure.
        cap: No wait is longer.
        chance: A random number, 0.0 to 1.0, made by the caller.
    """
    if tries < 1:
        raise ValueError(f"tries must be at least 1, got {tries}")
    if not 0.0 <= chance <= 1.0:
        raise ValueError(f"chance must be between 0 and 1, got {chance}")
    doublings = min(tries - 1, 62)  # beyond this the cap has long won and timedelta overflows
    try:
        longest: timedelta = min(cap, base * float(2**doublings))
    except OverflowError:
        longest = cap
    return longest * chance
