"""The index keeps nobody waiting: neither the loop nor a single change beside a large one."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from time import perf_counter

from marketbel_adapters.index import TantivyCandidateIndex
from marketbel_adapters.testing.builders import a_product
from marketbel_core.catalog import Product
from marketbel_core.matching import Candidate, Wanted, features_of
from marketbel_core.ports import CandidateLookup

_CATEGORY = 20_000
_LAG_SECONDS_MAX = 0.1
_VISIBLE_SECONDS_MAX = 0.1
_PROBE_SECONDS = 0.005


def _category() -> list[Product]:
    return [
        a_product(name=f"Дрель ударная Bosch GSB {number} RE {number % 900} Вт")
        for number in range(_CATEGORY)
    ]


def _search(lookup: CandidateLookup, name: str) -> list[Candidate]:
    return lookup.nearest(Wanted(name=name, features=features_of(name)), limit=50)


@asynccontextmanager
async def _lags() -> AsyncGenerator[list[float]]:
    """Yield by how many seconds the loop came later than it was asked to."""
    lags: list[float] = []

    async def probe() -> None:
        while True:
            asked = perf_counter()
            await asyncio.sleep(_PROBE_SECONDS)
            lags.append(perf_counter() - asked - _PROBE_SECONDS)

    task = asyncio.create_task(probe())
    yield lags
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_category_of_20_000_products_never_keeps_the_loop_waiting() -> None:
    index, products = TantivyCandidateIndex(), _category()

    async with _lags() as lags:
        await index.put(products)
        await index.consult(lambda lookup: [_search(lookup, one.name) for one in products[:200]])
        await index.keep_only(frozenset(one.id for one in products[: _CATEGORY // 2]))

    assert len(lags) > 50
    # A machine that is busy with others may keep everybody waiting now and then.
    late = [lag for lag in lags if lag > _LAG_SECONDS_MAX]
    assert len(late) <= len(lags) // 100, sorted(late)


async def test_one_product_is_visible_at_once_while_a_category_comes_in() -> None:
    index = TantivyCandidateIndex()
    await index.put(_category()[:1_000])
    coming = asyncio.create_task(index.put(_category()))
    seconds = []

    for number in range(9):
        new = a_product(name=f"Пылесос Karcher WD{number}")
        asked = perf_counter()
        await index.put([new])
        found = await index.consult(partial(_search, name=new.name))
        seconds.append(perf_counter() - asked)
        assert found[0].product == new
    await coming

    assert sorted(seconds)[len(seconds) // 2] < _VISIBLE_SECONDS_MAX
