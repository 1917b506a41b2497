"""Step queues: in memory."""

from collections.abc import Awaitable, Callable

import pytest

from marketbel_adapters.memory.queue import MemoryStepQueue
from marketbel_adapters.testing.queue import StepLine, StepQueueContract
from marketbel_core.ports import Step


class _MemoryLine(StepLine):
    def __init__(self) -> None:
        self._queue = MemoryStepQueue()

    @property
    def queue(self) -> MemoryStepQueue:
        return self._queue

    async def run(self, during: Callable[[Step], Awaitable[None]] | None = None) -> list[Step]:
        ran: list[Step] = []
        while (step := await self._queue.take()) is not None:
            if during is not None:
                await during(step)
            await self._queue.done(step)
            ran.append(step)
        return ran


class TestMemoryStepQueue(StepQueueContract):
    @pytest.fixture
    def line(self) -> StepLine:
        return _MemoryLine()
