"""Steps in the order in which they were asked for."""

from collections.abc import Sequence
from datetime import datetime

from marketbel_core.ports import Clock, Step, StepQueue

__all__ = ["MemoryStepQueue"]


class MemoryStepQueue(StepQueue):
    """Holds each step once, from the ask until it is done; whoever runs them takes the oldest."""

    def __init__(self, clock: Clock | None = None) -> None:
        """Make deferred steps wait for `clock`; without one they are due at once."""
        self._clock = clock
        # A dict keeps the order of asking.
        self._waiting: dict[Step, datetime | None] = {}
        self._running: set[Step] = set()

    def __len__(self) -> int:
        return len(self._waiting)

    def lose_everything(self) -> None:
        """Forget every step, as Redis does that lost its memory."""
        self._waiting.clear()
        self._running.clear()

    async def ask(self, step: Step, *, not_before: datetime | None = None) -> bool:
        if step in self._waiting or step in self._running:
            return False
        self._waiting[step] = not_before
        return True

    async def ask_all(self, steps: Sequence[Step]) -> None:
        for step in steps:
            await self.ask(step)

    async def take(self) -> Step | None:
        """Return the oldest step that is due, which runs from now on; `None` when none is."""
        step = next((step for step, due in self._waiting.items() if self._is_due(due)), None)
        if step is not None:
            del self._waiting[step]
            self._running.add(step)
        return step

    async def done(self, step: Step) -> None:
        """Note that a taken step has ended, well or badly; it may be asked for again."""
        self._running.discard(step)

    def _is_due(self, instant: datetime | None) -> bool:
        return instant is None or self._clock is None or instant <= self._clock.now()
