"""The contract of `Breaker`, for every adapter of it.

class TestMyBreaker(BreakerContract):
    @pytest.fixture
    def breaker(self) -> Breaker:
        return MyBreaker(policy=BREAKER_POLICY)

    @pytest.fixture
    def let_pass(self) -> LetPass: ...

`BreakerMachine` in `marketbel_adapters.testing.breaker_machine` is its random half.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import pytest

from marketbel_core.jobs import (
    Admitted,
    BreakerPolicy,
    CircuitClosed,
    CircuitHalfOpen,
    CircuitOpen,
    Denied,
)
from marketbel_core.ports import Breaker

__all__ = ["BREAKER_POLICY", "DAWDLE", "BreakerContract", "LetPass"]

type LetPass = Callable[[timedelta], Awaitable[None]]
"""Makes the adapter's time go on by so much, at once."""

DAWDLE: Final = timedelta(seconds=20)
"""A slow machine may lose this long between two calls where the adapter's time is real."""

_COOL: Final = timedelta(seconds=100)
_PROBE: Final = timedelta(seconds=200)

BREAKER_POLICY: Final = BreakerPolicy(
    failures_max=3, cool_down=_COOL, cool_down_max=timedelta(seconds=300), probe_max=_PROBE
)
"""What the breaker under test goes by: every figure far above `DAWDLE`."""


class BreakerContract:
    """What every `Breaker` keeps."""

    @pytest.fixture
    def breaker(self) -> Breaker:
        """A breaker by `BREAKER_POLICY` that nobody has asked yet: the subclass overrides this."""
        raise TypeError(f"{type(self).__name__} must override the fixture `breaker`")

    @pytest.fixture
    def other_breaker(self, breaker: Breaker) -> Breaker:
        """The same breaker as another process sees it; override it where that differs."""
        return breaker

    @pytest.fixture
    def let_pass(self) -> LetPass:
        """Time goes on: the subclass overrides this."""
        raise TypeError(f"{type(self).__name__} must override the fixture `let_pass`")

    async def test_a_fresh_breaker_lets_everybody_through(
        self, breaker: Breaker, other_breaker: Breaker
    ) -> None:
        assert await breaker.admit() == Admitted(turn=0)
        assert await other_breaker.admit() == Admitted(turn=0)
        assert await breaker.state() == CircuitClosed()

    async def test_failures_in_a_row_open_it_for_all(
        self, breaker: Breaker, other_breaker: Breaker
    ) -> None:
        moved = [await _fail(breaker), await _fail(other_breaker), await _fail(breaker)]

        assert moved == [False, False, True]
        denied = await other_breaker.admit()
        assert isinstance(denied, Denied)
        assert _COOL - DAWDLE < denied.retry_after <= _COOL
        state = await other_breaker.state()
        assert isinstance(state, CircuitOpen)
        assert (state.turn, state.trips) == (1, 1)

    async def test_a_success_in_between_forgets_the_failures(self, breaker: Breaker) -> None:
        await _fail(breaker)
        await _fail(breaker)
        assert await breaker.state() == CircuitClosed(failures=2)

        await _succeed(breaker)

        assert await breaker.state() == CircuitClosed()
        await _fail(breaker)
        await _fail(breaker)
        assert isinstance(await breaker.admit(), Admitted)

    async def test_after_the_cool_down_exactly_one_of_many_is_let_through(
        self, breaker: Breaker, other_breaker: Breaker, let_pass: LetPass
    ) -> None:
        await _open(breaker)
        await let_pass(_COOL - DAWDLE)
        assert isinstance(await breaker.admit(), Denied)
        await let_pass(DAWDLE)

        answers = await asyncio.gather(*(one.admit() for one in [breaker, other_breaker] * 5))

        assert [one for one in answers if isinstance(one, Admitted)] == [Admitted(turn=2)]
        waits = [one.retry_after for one in answers if isinstance(one, Denied)]
        assert waits == [_COOL] * 9, "nobody knows when the probe ends"
        assert isinstance(await breaker.state(), CircuitHalfOpen)

    async def test_a_probe_that_succeeds_closes_it(
        self, breaker: Breaker, other_breaker: Breaker, let_pass: LetPass
    ) -> None:
        await _open(breaker)
        await let_pass(_COOL)

        assert await _succeed(breaker) is True

        assert await other_breaker.state() == CircuitClosed(turn=3)
        assert await other_breaker.admit() == Admitted(turn=3)

    async def test_a_probe_that_fails_opens_it_for_twice_as_long_up_to_the_longest(
        self, breaker: Breaker, let_pass: LetPass
    ) -> None:
        await _open(breaker)
        waits = []
        for _ in range(3):
            await let_pass(BREAKER_POLICY.cool_down_max)
            assert await _fail(breaker) is True
            waits.append(await _wait(breaker))

        expected = [2 * _COOL, 3 * _COOL, 3 * _COOL]
        for wait, longest in zip(waits, expected, strict=True):
            assert longest - DAWDLE < wait <= longest
        state = await breaker.state()
        assert isinstance(state, CircuitOpen)
        assert state.trips == 4

    async def test_after_a_success_the_cool_down_is_short_again(
        self, breaker: Breaker, let_pass: LetPass
    ) -> None:
        await _open(breaker)
        await let_pass(_COOL)
        await _fail(breaker)
        await let_pass(2 * _COOL)
        await _succeed(breaker)

        await _open(breaker)

        assert await _wait(breaker) <= _COOL

    async def test_a_probe_that_never_comes_back_is_replaced(
        self, breaker: Breaker, other_breaker: Breaker, let_pass: LetPass
    ) -> None:
        await _open(breaker)
        await let_pass(_COOL)
        lost = await breaker.admit()
        assert isinstance(lost, Admitted)

        await let_pass(_PROBE - DAWDLE)
        assert await _wait(other_breaker) <= DAWDLE, "then the probe counts as lost"
        await let_pass(DAWDLE)
        probe = await other_breaker.admit()

        assert probe == Admitted(turn=lost.turn + 1)
        assert await breaker.record(lost, success=True) is False, "it is somebody else's turn"
        assert isinstance(await breaker.admit(), Denied)

    async def test_the_outcome_of_an_earlier_turn_changes_nothing(
        self, breaker: Breaker, let_pass: LetPass
    ) -> None:
        late = await breaker.admit()
        assert isinstance(late, Admitted)
        await _open(breaker)

        assert await breaker.record(late, success=True) is False
        assert isinstance(await breaker.admit(), Denied)

        await let_pass(_COOL)
        probe = await breaker.admit()
        assert isinstance(probe, Admitted)
        assert await breaker.record(late, success=False) is False
        assert await breaker.record(probe, success=True) is True
        assert await breaker.record(probe, success=False) is False

    async def test_looking_at_the_state_is_no_probe(
        self, breaker: Breaker, let_pass: LetPass
    ) -> None:
        await _open(breaker)
        await let_pass(_COOL)

        assert isinstance(await breaker.state(), CircuitOpen)
        assert await breaker.admit() == Admitted(turn=2)

    async def test_of_many_failures_at_once_one_opens_it(
        self, breaker: Breaker, other_breaker: Breaker
    ) -> None:
        askers = [breaker, other_breaker] * 5

        moved = await asyncio.gather(*(_fail(one) for one in askers))

        assert moved.count(True) == 1
        state = await breaker.state()
        assert isinstance(state, CircuitOpen)
        assert (state.turn, state.trips) == (1, 1)


async def _end(breaker: Breaker, *, success: bool) -> bool:
    admitted = await breaker.admit()
    if isinstance(admitted, Denied):
        return False
    return await breaker.record(admitted, success=success)


async def _fail(breaker: Breaker) -> bool:
    return await _end(breaker, success=False)


async def _succeed(breaker: Breaker) -> bool:
    return await _end(breaker, success=True)


async def _open(breaker: Breaker) -> None:
    for _ in range(BREAKER_POLICY.failures_max):
        await _fail(breaker)
    assert isinstance(await breaker.state(), CircuitOpen)


async def _wait(breaker: Breaker) -> timedelta:
    denied = await breaker.admit()
    assert isinstance(denied, Denied)
    return denied.retry_after
