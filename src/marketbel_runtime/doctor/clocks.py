"""Whether two clocks agree: leases and retries go by instants that several machines name."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from marketbel_core.ports import Clock
from marketbel_runtime.doctor.findings import Finding, State

__all__ = ["MachineClock", "compare_clocks"]

_SKEW_MAX: Final = timedelta(seconds=5)


class MachineClock(Clock):
    """The machine's clock; unlike the `SystemClock` of the adapters it needs no extra."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - this is a Clock


async def compare_clocks(
    name: str, *, whose: str, ask: Callable[[], Awaitable[datetime]], clock: Clock
) -> Finding:
    """Return how far the clock that `ask` reads is from `clock`.

    Args:
        name: Of the check.
        whose: To be said of the other clock.
        ask: Returns the other clock's instant.
        clock: Ours.
    """
    before = clock.now()
    theirs = await ask()
    after = clock.now()
    doubt = (after - before) / 2  # they looked at some instant in between
    ahead = theirs - (before + doubt)
    seconds = abs(ahead.total_seconds())
    if abs(ahead) - doubt <= _SKEW_MAX:
        return Finding(name=name, state=State.OK, message=f"{seconds:.1f} s from {whose}")
    return Finding(
        name=name,
        state=State.WARNING,
        message=f"{whose} is {seconds:.0f} s {'ahead of' if ahead > timedelta() else 'behind'} "
        f"this machine's clock; more than {_SKEW_MAX.total_seconds():g} s delays or doubles work",
        cure="have all machines set their clocks by NTP",
    )
