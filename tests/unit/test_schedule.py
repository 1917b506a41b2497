"""The ticker: it never overlaps itself, and no failure ends it; turns among workers."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from marketbel_adapters.memory import ManualClock, MemoryLeases
from marketbel_runtime.schedule import Chore, keeping, taking_turns, ticking

AT_ONCE = timedelta(microseconds=1)


def unexpected(error: Exception) -> None:
    raise AssertionError from error


async def test_a_tick_that_fails_is_told_and_the_next_one_comes() -> None:
    told: list[Exception] = []
    third = asyncio.Event()
    ticks = 0

    async def body() -> None:
        nonlocal ticks
        ticks += 1
        if ticks >= 3:
            third.set()
        raise KeyError(ticks)

    async with ticking(body, every=AT_ONCE, on_error=told.append), asyncio.timeout(10):
        await third.wait()

    assert [error.args for error in told[:2]] == [(1,), (2,)]


async def test_a_slow_tick_is_never_overlapped_by_the_next() -> None:
    running = most = ticks = 0
    enough = asyncio.Event()

    async def body() -> None:
        nonlocal running, most, ticks
        running += 1
        most = max(most, running)
        for _ in range(5):
            await asyncio.sleep(0)
        running -= 1
        ticks += 1
        if ticks >= 5:
            enough.set()

    async with ticking(body, every=AT_ONCE, on_error=unexpected), asyncio.timeout(10):
        await enough.wait()

    assert most == 1


async def test_nothing_ticks_after_the_block() -> None:
    ticks = 0
    first = asyncio.Event()

    async def body() -> None:
        nonlocal ticks
        ticks += 1
        first.set()

    hourly = timedelta(hours=1)
    async with ticking(body, every=hourly, on_error=unexpected), asyncio.timeout(10):
        await first.wait()
    for _ in range(10):
        await asyncio.sleep(0)

    assert ticks == 1


async def test_a_chore_that_fails_is_told_by_name_and_the_others_go_on() -> None:
    told: list[str] = []
    done = asyncio.Event()
    ticks = 0

    async def broken() -> None:
        raise KeyError

    async def whole() -> None:
        nonlocal ticks
        ticks += 1
        if ticks >= 3:
            done.set()

    chores = [
        Chore(name=name, every=AT_ONCE, body=body)
        for name, body in (("broken", broken), ("whole", whole))
    ]
    async with (
        keeping(chores, on_error=lambda name, _: told.append(name)),
        asyncio.timeout(10),
    ):
        await done.wait()

    assert set(told) == {"broken"}


async def test_of_many_workers_one_does_it_once_in_each_turn() -> None:
    clock, done = ManualClock(), list[str]()
    leases = MemoryLeases(clock)

    def worker(name: str) -> Callable[[], Awaitable[None]]:
        async def body() -> None:
            done.append(name)

        return taking_turns(body, leases=leases, name="clean-up", every=timedelta(hours=6))

    first, second = worker("first"), worker("second")
    await asyncio.gather(first(), second())
    clock.tick(timedelta(hours=5))
    await first()
    clock.tick(timedelta(hours=1))
    await second()
    await first()

    assert done == ["first", "second"]


async def test_a_turn_that_fails_is_tried_again_at_the_next_tick() -> None:
    tries = 0

    async def body() -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise KeyError(tries)

    leases = MemoryLeases(ManualClock())
    turn = taking_turns(body, leases=leases, name="clean-up", every=timedelta(hours=6))
    with pytest.raises(KeyError):
        await turn()
    await turn()
    await turn()

    assert tries == 2
