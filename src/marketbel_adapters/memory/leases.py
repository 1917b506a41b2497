"""Leases in a dict, by a clock that is handed in."""

from datetime import timedelta

from marketbel_core.ports import Clock, Lease, Leases

__all__ = ["MemoryLeases"]


class MemoryLeases(Leases):
    """Grants rights within one process; time is the clock's.

    No method awaits anything, so in one event loop each is atomic; threads must not share it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: dict[str, Lease] = {}
        self._tokens: dict[str, int] = {}

    async def acquire(self, name: str, *, duration: timedelta) -> Lease | None:
        _check(duration)
        if self._holder(name) is not None:
            return None
        token = self._tokens.get(name, 0) + 1
        self._tokens[name] = token
        return self._hold(name, token=token, duration=duration)

    async def renew(self, lease: Lease, *, duration: timedelta) -> Lease | None:
        _check(duration)
        if self._holder(lease.name) != lease.token:
            return None
        return self._hold(lease.name, token=lease.token, duration=duration)

    async def release(self, lease: Lease) -> bool:
        if self._holder(lease.name) != lease.token:
            return False
        del self._held[lease.name]
        return True

    def _holder(self, name: str) -> int | None:
        """Return the token of the lease that has not expired."""
        held = self._held.get(name)
        if held is None or held.expires_at <= self._clock.now():
            return None
        return held.token

    def _hold(self, name: str, *, token: int, duration: timedelta) -> Lease:
        lease = Lease(name=name, token=token, expires_at=self._clock.now() + duration)
        self._held[name] = lease
        return lease


def _check(duration: timedelta) -> None:
    if duration <= timedelta():
        raise ValueError(f"a lease must last some time, got {duration}")
