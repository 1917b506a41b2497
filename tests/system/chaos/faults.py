"""The four faults, each for as long as its phase lasts."""

import asyncio
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from marketbel_adapters.system import SystemClock
from marketbel_core.ids import JobId
from tests.system.chaos.cluster import Cluster
from tests.system.chaos.servers import Process

__all__ = ["Kill", "Killer", "kill_valkey", "outage", "rolling_restart"]

_IN_FLIGHT_SECONDS: Final = 0.05
"""What a frozen worker had sent already has been carried out by then."""

_LOOK_SECONDS: Final = 0.05
_IDLE_SECONDS_MAX: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One worker's end.

    Attributes:
        at: When it was frozen; it did nothing after that.
        held: The jobs whose leases it held.
    """

    at: datetime
    held: frozenset[JobId]


@dataclass(slots=True, kw_only=True)
class Killer:
    """Kills workers that hold jobs, and starts them again.

    A job that has lost as many workers as a job may is spared: with the next one it would rightly
    become a dead letter, for nobody could tell it from a job that kills them.

    Attributes:
        pause: From one kill to the next, at least and at most.
        kills: What was done so far.
    """

    pause: tuple[float, float]
    kills: list[Kill] = field(default_factory=list)
    _clock: SystemClock = field(default_factory=SystemClock)
    _chance: random.Random = field(default_factory=lambda: random.Random(20_26))  # noqa: S311

    async def kill(self, cluster: Cluster, *, times: int) -> None:
        """Kill so often, or until no worker has held a job for a long time."""
        for _ in range(times):
            try:
                async with asyncio.timeout(_IDLE_SECONDS_MAX):
                    while not await self._kill_one(cluster):
                        await asyncio.sleep(_LOOK_SECONDS)
            except TimeoutError:
                return  # there are too few jobs; the report says how many kills there were
            await asyncio.sleep(self._chance.uniform(*self.pause))

    async def _kill_one(self, cluster: Cluster) -> bool:
        holders = [
            worker
            for worker in cluster.workers
            if worker.is_running and worker.pid in await cluster.held()
        ]
        if not holders:
            return False
        victim = self._chance.choice(holders)
        victim.freeze()
        at = self._clock.now()
        await asyncio.sleep(_IN_FLIGHT_SECONDS)
        held = (await cluster.held()).get(victim.pid)
        if not held or await cluster.on_last_life(held):
            victim.thaw()
            return False
        victim.kill()
        self.kills.append(Kill(at=at, held=frozenset(held)))
        victim.restart()
        return True


async def kill_valkey(cluster: Cluster, *, times: int, every: timedelta) -> None:
    """Kill the server so often; it is back on the same data a second later."""
    for _ in range(times):
        await asyncio.sleep(every.total_seconds())
        cluster.valkey.kill()
        await asyncio.sleep(1)
        cluster.valkey.restart()


async def outage(cluster: Cluster, *, seconds: float) -> None:
    """Let ml-analyze answer nothing but 503 for so long."""
    await cluster.order(fail=503, for_seconds=seconds)
    await asyncio.sleep(seconds)


async def rolling_restart(cluster: Cluster, *, times: int) -> None:
    """Replace one worker after the other, in order, so often; each must end well."""
    for turn in range(times):
        worker: Process = cluster.workers[turn % len(cluster.workers)]
        worker.terminate()
        while worker.is_running:
            await asyncio.sleep(_LOOK_SECONDS)
        assert worker.stop() == 0, worker.log.read_text(errors="replace")[-4_000:]
        worker.restart()
        await cluster.ready()
