"""Five workers with clocks 90 s apart, killed and started again: each slot is synced once."""

import asyncio
import itertools
import random
from datetime import timedelta
from typing import Final

import pytest
from redis.asyncio import Redis

from marketbel_adapters.redis import RedisSyncBoard, create_redis
from tests.system.sync_actor import EVERY, HISTORY, LEASE, started

pytestmark = [pytest.mark.valkey, pytest.mark.processes]

_SLOTS: Final = 100
_KILLS: Final = 8
_OFFSETS: Final = [timedelta(seconds=seconds) for seconds in (-180, -90, 0, 90, 180)]
_SECONDS_MAX: Final = 240.0


async def lines(redis: Redis) -> list[dict[str, str]]:
    found = await redis.xrange(HISTORY)
    return [
        {"at": at.decode().partition("-")[0]}
        | {name.decode(): value.decode() for name, value in line.items()}
        for at, line in found
    ]


async def test_no_slot_is_synced_twice_or_missed_and_no_two_syncs_overlap(redis_url: str) -> None:
    chance = random.Random(7)  # noqa: S311 - no secret
    workers = [started(redis_url, offset=offset) for offset in _OFFSETS]
    killed: set[str] = set()
    try:
        async with asyncio.timeout(_SECONDS_MAX), create_redis(redis_url) as redis:
            board = RedisSyncBoard(redis)
            completed = 0
            while completed < _SLOTS:
                await asyncio.sleep(0.02)
                completed = (await board.view()).completed
                if completed >= (len(killed) + 1) * _SLOTS // (_KILLS + 2) and (
                    len(killed) < _KILLS
                ):
                    number = chance.randrange(len(workers))
                    holder = await _holder(redis)
                    for index, worker in enumerate(workers):
                        number = index if str(worker.pid) == holder else number
                    workers[number].kill()
                    workers[number].join()
                    killed.add(str(workers[number].pid))
                    workers[number] = started(redis_url, offset=_OFFSETS[number])
            history = await lines(redis)
    finally:
        for worker in workers:
            worker.kill()
            worker.join()

    # Who was killed between its last word and the board's has ended nothing: another one did.
    last_ends = {line["key"]: line for line in history if line["event"] == "end"}
    ends = [
        line
        for line in history
        if line["event"] == "end" and (last_ends[line["key"]] is line or line["pid"] not in killed)
    ]
    assert len(killed) == _KILLS
    assert len(ends) >= _SLOTS
    # Each slot has one success: none is done twice.
    assert len({line["key"] for line in ends}) == len(ends)
    # A slot that was begun and broken off is the one that is done next: none is missed.
    begun = [line["key"] for line in history if line["event"] == "begin"]
    distinct = list(dict.fromkeys(begun))
    assert [line["key"] for line in ends] == distinct[: len(ends)]
    assert len(distinct) - len(ends) <= 1
    _assert_no_overlap(history, killed)
    # A slot begins an interval after the success before it, or a lease later after a kill.
    late = [int(after["at"]) - int(before["at"]) for before, after in itertools.pairwise(ends)]
    assert min(late) >= EVERY // timedelta(milliseconds=1)
    assert max(late) < 20 * (EVERY + LEASE) // timedelta(milliseconds=1)


async def _holder(redis: Redis) -> str | None:
    """Return the process that syncs, if one does: it is the one to be killed."""
    history = await lines(redis)
    return history[-1]["pid"] if history and history[-1]["event"] == "begin" else None


def _assert_no_overlap(history: list[dict[str, str]], killed: set[str]) -> None:
    """A sync begins when the one before it has ended, or its worker was killed."""
    running: dict[str, str] | None = None
    for line in history:
        if line["event"] == "end":
            assert running is not None
            assert (running["pid"], running["token"]) == (line["pid"], line["token"])
            running = None
            continue
        assert running is None or running["pid"] in killed, (running, line)
        assert running is None or int(line["token"]) > int(running["token"])
        running = line
