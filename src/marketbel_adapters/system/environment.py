"""The machine's clock, and identifiers that sort by the time at which they were made."""

import secrets
import threading
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from marketbel_core.ports import Clock, IdSource

__all__ = ["SystemClock", "TimeOrderedIdSource"]

_TAIL_BITS: Final = 74
"""What a version-7 UUID has below its milliseconds: 12 bits of `rand_a` and 62 of `rand_b`."""

_STEP_BITS: Final = 32
"""Ids of one millisecond lie a random step of up to 2^32 apart: in order, yet hard to guess."""


class SystemClock(Clock):
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251  (this is the Clock that all others ask)


class TimeOrderedIdSource(IdSource):
    """Makes UUIDs of version 7 (RFC 9562, 5.7 and method 2 of 6.2).

    Within one process each id is greater than the one before, also from several threads and when
    the clock is set back; ids of several processes sort by their milliseconds.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._milliseconds = 0
        self._tail = 0

    def new_id(self) -> UUID:
        now = int(self._clock.now().timestamp() * 1000)
        with self._lock:
            if now > self._milliseconds:
                self._milliseconds = now
                # The highest bit stays free, so that steps within the millisecond have room.
                self._tail = secrets.randbits(_TAIL_BITS - 1)
            else:
                self._tail += 1 + secrets.randbits(_STEP_BITS)
                self._milliseconds += self._tail >> _TAIL_BITS
                self._tail &= (1 << _TAIL_BITS) - 1
            return _version_7(self._milliseconds, self._tail)


def _version_7(milliseconds: int, tail: int) -> UUID:
    rand_a, rand_b = tail >> 62, tail & ((1 << 62) - 1)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b)
