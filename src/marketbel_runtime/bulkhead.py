"""A wall inside one worker process: steps run beside each other, or one of them runs alone."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

__all__ = ["Bulkhead"]


class Bulkhead:
    """Lets many in together, or one alone. Who waits to be alone goes before whoever comes later.

    For one event loop. It knows neither steps nor jobs.
    """

    def __init__(self) -> None:
        self._inside = 0
        self._is_alone = False
        self._waiting_for_alone = 0
        self._changed = asyncio.Event()

    @property
    def is_closed(self) -> bool:
        """Whether somebody is alone inside or waits for that: nobody joins until it is over."""
        return self._is_alone or self._waiting_for_alone > 0

    @asynccontextmanager
    async def shared(self) -> AsyncGenerator[None]:
        """Run the block beside others, as soon as nobody is alone or waits for it."""
        await self._until(lambda: not self.is_closed)
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
            self._tell()

    @asynccontextmanager
    async def alone(self) -> AsyncGenerator[None]:
        """Run the block as soon as nobody else is inside, and let nobody in meanwhile."""
        self._waiting_for_alone += 1
        try:
            await self._until(lambda: self._inside == 0 and not self._is_alone)
            self._is_alone = True
        finally:
            self._waiting_for_alone -= 1
            self._tell()
        try:
            yield
        finally:
            self._is_alone = False
            self._tell()

    async def _until(self, fact: Callable[[], bool]) -> None:
        while not fact():
            await self._changed.wait()

    def _tell(self) -> None:
        """Wake everybody who waits; each looks for itself."""
        self._changed.set()
        self._changed = asyncio.Event()
