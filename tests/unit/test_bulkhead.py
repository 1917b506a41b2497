"""The bulkhead: many together or one alone, and nobody waits for ever."""

import asyncio
from contextlib import AbstractAsyncContextManager

from marketbel_runtime.bulkhead import Bulkhead


class Visitor:
    """Somebody who goes in and stays until told to leave."""

    def __init__(self, way_in: AbstractAsyncContextManager[None]) -> None:
        self.is_inside = False
        self.leave = asyncio.Event()
        self.task = asyncio.create_task(self._visit(way_in))

    async def _visit(self, way_in: AbstractAsyncContextManager[None]) -> None:
        async with way_in:
            self.is_inside = True
            await self.leave.wait()
        self.is_inside = False

    async def gone(self) -> None:
        self.leave.set()
        await self.task


async def settled() -> None:
    """Let every task that can go on go on."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_many_run_beside_each_other() -> None:
    bulkhead = Bulkhead()
    visitors = [Visitor(bulkhead.shared()) for _ in range(3)]
    await settled()

    assert all(visitor.is_inside for visitor in visitors)
    assert not bulkhead.is_closed
    for visitor in visitors:
        await visitor.gone()


async def test_who_is_to_be_alone_waits_for_all_and_keeps_all_out() -> None:
    bulkhead = Bulkhead()
    before = [Visitor(bulkhead.shared()) for _ in range(2)]
    await settled()
    alone = Visitor(bulkhead.alone())
    await settled()
    after = Visitor(bulkhead.shared())
    await settled()

    assert (alone.is_inside, after.is_inside, bulkhead.is_closed) == (False, False, True)
    for visitor in before:
        await visitor.gone()
    await settled()
    assert (alone.is_inside, after.is_inside) == (True, False)
    await alone.gone()
    await settled()
    assert after.is_inside
    assert not bulkhead.is_closed
    await after.gone()


async def test_two_who_are_to_be_alone_follow_each_other() -> None:
    bulkhead = Bulkhead()
    visitors = [Visitor(bulkhead.alone()) for _ in range(2)]
    await settled()

    assert sorted(visitor.is_inside for visitor in visitors) == [False, True]
    first, second = sorted(visitors, key=lambda visitor: not visitor.is_inside)
    await first.gone()
    await settled()
    assert second.is_inside
    await second.gone()


async def test_who_gives_up_waiting_stands_in_nobodys_way() -> None:
    bulkhead = Bulkhead()
    before = Visitor(bulkhead.shared())
    await settled()
    impatient = Visitor(bulkhead.alone())
    await settled()
    after = Visitor(bulkhead.shared())
    await settled()

    impatient.task.cancel()
    await asyncio.gather(impatient.task, return_exceptions=True)
    await settled()

    assert after.is_inside
    await before.gone()
    await after.gone()
