"""The contract of `StepQueue`, for every adapter of it.

class TestMyStepQueue(StepQueueContract):
    @pytest.fixture
    async def line(self) -> AsyncIterator[StepLine]:
        async with my_line() as opened:
            yield opened
"""

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final, Protocol

import pytest

from marketbel_adapters.testing.builders import fresh_id
from marketbel_core.ids import JobId, ProductId, SupplierId
from marketbel_core.ports import (
    CourierStep,
    EnrichStep,
    ImportStep,
    MatchStep,
    RecalculateStep,
    Step,
    StepQueue,
)

__all__ = ["StepLine", "StepQueueContract"]

_JOB: Final = JobId(fresh_id())
_SUPPLIER: Final = SupplierId(fresh_id())
_STEPS: Final[list[Step]] = [
    CourierStep(job_id=_JOB, attempt=1),
    ImportStep(job_id=_JOB, attempt=1),
    MatchStep(job_id=_JOB, attempt=1, supplier_id=_SUPPLIER),
    RecalculateStep(job_id=_JOB, attempt=1, supplier_id=_SUPPLIER),
    MatchStep(supplier_id=_SUPPLIER),
    RecalculateStep(supplier_id=_SUPPLIER),
    EnrichStep(supplier_id=_SUPPLIER),
    RecalculateStep(product_ids=(ProductId(fresh_id()), ProductId(fresh_id()))),
]


class StepLine(Protocol):
    """The queue under test, and somebody who runs what waits in it."""

    @property
    @abstractmethod
    def queue(self) -> StepQueue:
        """The queue under test."""

    @abstractmethod
    async def run(self, during: Callable[[Step], Awaitable[None]] | None = None) -> list[Step]:
        """Run every waiting step to its end, one after the other; return them in that order.

        `during` is awaited while a step runs.
        """


class StepQueueContract:
    """What every `StepQueue` keeps; a subclass says which by its fixture `line`."""

    @pytest.fixture
    def line(self) -> StepLine:
        """An empty queue: the subclass overrides this."""
        raise TypeError(f"{type(self).__name__} must override the fixture `line`")

    @pytest.mark.parametrize("step", _STEPS, ids=lambda step: type(step).__name__)
    async def test_a_step_runs_as_it_was_asked_for(self, line: StepLine, step: Step) -> None:
        assert await line.queue.ask(step)

        assert await line.run() == [step]

    async def test_every_kind_of_step_waits_beside_the_others(self, line: StepLine) -> None:
        asked = [await line.queue.ask(step) for step in _STEPS]

        assert asked == [True] * len(_STEPS)
        assert sorted(map(repr, await line.run())) == sorted(map(repr, _STEPS))

    async def test_a_waiting_step_is_not_asked_for_twice(self, line: StepLine) -> None:
        await line.queue.ask(_STEPS[0])

        assert not await line.queue.ask(_STEPS[0])

        assert await line.run() == [_STEPS[0]]

    async def test_of_two_who_ask_at_once_one_is_told_it_waits_already(
        self, line: StepLine
    ) -> None:
        asked = await asyncio.gather(line.queue.ask(_STEPS[0]), line.queue.ask(_STEPS[0]))

        assert sorted(asked) == [False, True]
        assert await line.run() == [_STEPS[0]]

    async def test_a_running_step_is_not_asked_for_again(self, line: StepLine) -> None:
        answers: list[bool] = []

        async def ask_again(step: Step) -> None:
            answers.append(await line.queue.ask(step))

        await line.queue.ask(_STEPS[0])
        await line.run(ask_again)

        assert answers == [False]

    async def test_a_step_may_ask_for_the_next(self, line: StepLine) -> None:
        answers: list[bool] = []

        async def ask_next(step: Step) -> None:
            if step == _STEPS[0]:
                answers.append(await line.queue.ask(_STEPS[1]))

        await line.queue.ask(_STEPS[0])
        ran = await line.run(ask_next)

        assert answers == [True]
        assert ran == _STEPS[:2]

    async def test_a_step_that_has_run_may_be_asked_for_again(self, line: StepLine) -> None:
        await line.queue.ask(_STEPS[0])
        await line.run()

        assert await line.queue.ask(_STEPS[0])

        assert await line.run() == [_STEPS[0]]

    async def test_another_attempt_is_another_step(self, line: StepLine) -> None:
        first = CourierStep(job_id=_JOB, attempt=1)
        await line.queue.ask(first)

        assert await line.queue.ask(replace(first, attempt=2))

    async def test_another_delivery_is_another_step(self, line: StepLine) -> None:
        first = CourierStep(job_id=_JOB, attempt=1)
        await line.queue.ask(first)

        assert await line.queue.ask(replace(first, delivery=1))

    async def test_other_products_are_another_step(self, line: StepLine) -> None:
        await line.queue.ask(_STEPS[-1])

        assert await line.queue.ask(RecalculateStep(product_ids=(ProductId(fresh_id()),)))

    async def test_steps_that_are_asked_for_together_run_each_once(self, line: StepLine) -> None:
        steps = [CourierStep(job_id=JobId(fresh_id()), attempt=1) for _ in range(30)]

        await line.queue.ask_all([])
        await line.queue.ask_all(steps)

        assert set(await line.run()) == set(steps)

    async def test_of_steps_that_are_asked_for_together_a_waiting_one_is_not_asked_for_twice(
        self, line: StepLine
    ) -> None:
        await line.queue.ask(_STEPS[0])

        await line.queue.ask_all([*_STEPS, *_STEPS])

        assert sorted(map(repr, await line.run())) == sorted(map(repr, _STEPS))
