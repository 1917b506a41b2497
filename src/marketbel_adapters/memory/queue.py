"""Steps in the order in which they were asked for."""

from marketbel_core.ports import Step, StepQueue

__all__ = ["MemoryStepQueue"]


class MemoryStepQueue(StepQueue):
    """Holds each step once, from the ask until it is done; whoever runs them takes the oldest."""

    def __init__(self) -> None:
        self._waiting: dict[Step, None] = {}  # a dict keeps the order of asking
        self._running: set[Step] = set()

    def __len__(self) -> int:
        return len(self._waiting)

    async def ask(self, step: Step) -> bool:
        if step in self._waiting or step in self._running:
            return False
        self._waiting[step] = None
        return True

    async def take(self) -> Step | None:
        """Return the oldest waiting step, which runs from now on; `None` when none waits."""
        step = next(iter(self._waiting), None)
        if step is not None:
            del self._waiting[step]
            self._running.add(step)
        return step

    async def done(self, step: Step) -> None:
        """Note that a taken step has ended, well or badly; it may be asked for again."""
        self._running.discard(step)
