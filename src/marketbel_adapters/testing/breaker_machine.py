"""The random half of the contract of `Breaker`: any call at any time, beside the pure functions.

class MyMachine(BreakerMachine):
    def __init__(self) -> None:
        super().__init__(open_my_breaker)

run_state_machine_as_test(MyMachine, settings=settings(max_examples=200))
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import timedelta
from typing import Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from marketbel_adapters.testing.breaker import BREAKER_POLICY, DAWDLE, LetPass
from marketbel_adapters.testing.builders import NOW
from marketbel_core.jobs import (
    Admitted,
    BreakerState,
    CircuitClosed,
    Denied,
    admit_call,
    record_outcome,
)
from marketbel_core.ports import Breaker

__all__ = ["BreakerMachine"]

_STEP: Final = timedelta(seconds=50)
"""All figures of the policy are multiples of it, so that real time lost decides nothing."""


class BreakerMachine(RuleBasedStateMachine):
    """The breaker under test beside the model: `self.model` is the state it must have.

    Attributes:
        admitted: Every leave that was given; outcomes come late, twice or never.
        runner: Runs the breaker's methods; a rule cannot be a coroutine.
    """

    def __init__(
        self, open_breaker: Callable[[], AbstractAsyncContextManager[tuple[Breaker, LetPass]]]
    ) -> None:
        """Open a fresh breaker by `BREAKER_POLICY`; it is closed when the example ends."""
        super().__init__()
        self.runner = asyncio.Runner()
        self._opened = AsyncExitStack()
        opened = self.runner.run(self._opened.enter_async_context(open_breaker()))
        self.breaker, self._let_pass = opened
        self.now = NOW
        self.model: BreakerState = CircuitClosed()
        self.admitted: list[Admitted] = []

    def teardown(self) -> None:
        self.runner.run(self._opened.aclose())
        self.runner.close()

    @rule()
    def ask(self) -> None:
        self.model, expected = admit_call(self.model, policy=BREAKER_POLICY, now=self.now)
        answer = self.runner.run(self.breaker.admit())
        match answer, expected:
            case Admitted(), _:
                assert answer == expected
                self.admitted.append(answer)
            case Denied(retry_after=wait), Denied(retry_after=longest):
                assert max(timedelta(), longest - DAWDLE) < wait <= longest
            case _:
                raise AssertionError(f"answered {answer}, expected {expected}")

    @precondition(lambda self: self.admitted)
    @rule(choice=st.data(), success=st.booleans())
    def tell(self, choice: st.DataObject, success: bool) -> None:
        # The last few: a leave of long ago is like any other that came too late.
        self._record(choice.draw(st.sampled_from(self.admitted[-3:])), success=success)

    @precondition(lambda self: self.admitted)
    @rule()
    def fail_and_fail_again(self) -> None:
        """Circuits rarely open by chance."""
        for _ in range(BREAKER_POLICY.failures_max):
            self._record(self.admitted[-1], success=False)

    @rule(steps=st.integers(1, 8))
    def wait(self, steps: int) -> None:
        self.now += steps * _STEP
        self.runner.run(_run(self._let_pass, steps * _STEP))

    @invariant()
    def the_state_is_the_models(self) -> None:
        state = self.runner.run(self.breaker.state())
        assert type(state) is type(self.model)
        assert state.turn == self.model.turn
        for name in ("failures", "trips"):
            assert getattr(state, name, None) == getattr(self.model, name, None)

    def _record(self, admitted: Admitted, *, success: bool) -> None:
        before = self.model
        self.model = record_outcome(
            before, admitted, success=success, policy=BREAKER_POLICY, now=self.now
        )
        moved = self.runner.run(self.breaker.record(admitted, success=success))
        assert moved == (self.model.turn != before.turn)


async def _run(let_pass: LetPass, by: timedelta) -> None:
    await let_pass(by)
