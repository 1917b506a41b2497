"""The drill: one set of jobs with faults, the same set without, and the judgement on both."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from marketbel_adapters.redis import RedisJobStore
from marketbel_adapters.system import SystemClock
from marketbel_core.ports import JournalEntry
from tests.system.chaos.cluster import Cluster, Plan, cluster
from tests.system.chaos.faults import Killer
from tests.system.chaos.lists import SentList, sent_lists
from tests.system.chaos.servers import Valkey
from tests.system.chaos.verdict import (
    breaches_of,
    catalogue_at,
    failed_attempts,
    journal_of,
    lost_of,
    percentile_95,
    recovery_seconds,
)

__all__ = ["DEPLOYS", "Drill", "Phase", "Place", "Report", "run_drill"]

DEPLOYS: Final = "workers replaced"
_TOLD_MAX: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A fault, and the lists that are sent meanwhile.

    Attributes:
        jobs: How many.
        every: Seconds from one to the next.
        fault: Returns when it is over.
    """

    name: str
    jobs: int
    every: float
    fault: Callable[[Cluster, Killer], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """What is done.

    Attributes:
        kills: How many kills of workers there have to be.
        kill_pause: Seconds from one to the next, at least and at most.
        settle_max: How long the last jobs of a phase may take.
        recovery_seconds_max: Within which 95 of 100 jobs of killed workers go on.
    """

    plan: Plan
    phases: tuple[Phase, ...]
    kills: int
    kill_pause: tuple[float, float]
    settle_max: timedelta
    recovery_seconds_max: float

    @property
    def jobs(self) -> int:
        """All lists that are sent."""
        return sum(phase.jobs for phase in self.phases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a run has for itself: a migrated database, and a folder that can be made."""

    database_url: str
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of it.

    Attributes:
        lost: Jobs that are nowhere.
        stuck: Jobs that did not end.
        deploy_attempts: Attempts that were spent while workers were replaced.
        kills: Of workers that held jobs.
    """

    jobs: int
    lost: int
    stuck: int
    illegal: int
    stale_accepted: int
    catalogue_equal: bool
    recovery_p95_s: float
    deploy_attempts: int
    kills: int
    seconds: float

    def keeps(self, drill: Drill) -> bool:
        """Tell whether every promise was kept, and every kill happened."""
        wrong = (self.lost, self.stuck, self.illegal, self.stale_accepted, self.deploy_attempts)
        return (
            not any(wrong)
            and self.catalogue_equal
            and self.recovery_p95_s <= drill.recovery_seconds_max
            and self.kills >= drill.kills
        )


async def run_drill(drill: Drill, *, calm: Place, stormy: Place) -> Report:
    """Run the set twice and return what came of it; details go to stderr.

    From the main thread. Both folders' paths must be short enough for a socket.
    """
    began = time.monotonic()
    lists = sent_lists(drill.jobs)
    expected = await _undisturbed(drill, lists, calm)
    _tell(began, f"undisturbed: {len(lists)} jobs")
    valkey = Valkey(stormy.folder / "valkey")
    try:
        async with cluster(
            drill.plan,
            lists,
            database_url=stormy.database_url,
            valkey=valkey,
            folder=stormy.folder / "run",
        ) as opened:
            run = _Run(drill=drill, cluster=opened, began=began)
            await run.all_phases(lists)
            return await run.judged(lists, expected, await catalogue_at(stormy.database_url))
    finally:
        valkey.stop()


async def _undisturbed(drill: Drill, lists: list[SentList], place: Place) -> dict[str, list[str]]:
    """Return the catalogue that comes of the lists when nothing happens."""
    valkey = Valkey(place.folder / "valkey")
    try:
        async with cluster(
            drill.plan,
            lists,
            database_url=place.database_url,
            valkey=valkey,
            folder=place.folder / "run",
        ) as opened:
            opened.site.seconds = 0
            await opened.send(lists)
            assert await opened.settle(lists, within=drill.settle_max), "too slow without faults"
    finally:
        valkey.stop()
    return await catalogue_at(place.database_url)


@dataclass(slots=True, kw_only=True)
class _Run:
    """A run with faults, and what it remembers for the judgement."""

    drill: Drill
    cluster: Cluster
    began: float
    killer: Killer = field(init=False)
    deploys: list[tuple[datetime, datetime]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.killer = Killer(pause=self.drill.kill_pause)

    async def all_phases(self, lists: list[SentList]) -> None:
        """Send each phase's lists while its fault happens, and wait until they have ended."""
        rest = lists
        clock = SystemClock()
        for phase in self.drill.phases:
            part, rest = rest[: phase.jobs], rest[phase.jobs :]
            since = clock.now()
            async with asyncio.TaskGroup() as group:
                group.create_task(self.cluster.send(part, every=timedelta(seconds=phase.every)))
                group.create_task(_awaited(phase.fault(self.cluster, self.killer)))
            await self.cluster.settle(part, within=self.drill.settle_max)
            left = len(await self.cluster.unended(part))
            _tell(self.began, f"{phase.name}: {len(part)} jobs, {left} have not ended")
            if phase.name == DEPLOYS:
                self.deploys.append((since, clock.now()))

    async def judged(
        self, lists: list[SentList], expected: dict[str, list[str]], found: dict[str, list[str]]
    ) -> Report:
        """Return the report, and tell what is behind its figures."""
        lost, stuck = await lost_of(self.cluster, lists)
        journal = await journal_of(self.cluster)
        breaches = breaches_of(journal)
        waits = recovery_seconds(self.killer.kills, journal)
        refused = await RedisJobStore(self.cluster.redis).refused()
        events = [entry.event for entry in journal]
        _tell(
            self.began,
            f"{len(journal)} lines of journal, {events.count('LeaseLost')} losses, "
            f"{events.count('Deferred')} deferrals, {events.count('AttemptFailed')} failures; "
            f"writes refused: {refused}; {len(waits)} jobs taken over after "
            f"{min(waits, default=0):.1f} to {max(waits, default=0):.1f} s",
        )
        _tell_some("journal", [*breaches.illegal, *breaches.stale])
        _tell_some("failed", [_failed(entry) for entry in journal if entry.job.failure])
        for table, rows in expected.items():
            _tell_some(f"{table}: missing", sorted(set(rows) - set(found[table])))
            _tell_some(f"{table}: too many", sorted(set(found[table]) - set(rows)))
        return Report(
            jobs=len(lists),
            lost=len(lost),
            stuck=len(stuck),
            illegal=len(breaches.illegal),
            stale_accepted=len(breaches.stale),
            catalogue_equal=found == expected,
            recovery_p95_s=round(percentile_95(waits), 1),
            deploy_attempts=sum(
                failed_attempts(journal, since=since, until=until) for since, until in self.deploys
            ),
            kills=len(self.killer.kills),
            seconds=round(time.monotonic() - self.began, 1),
        )


def _failed(entry: JournalEntry) -> str:
    failure = entry.job.failure
    return f"{entry.job.supplier_name} in {entry.before}: {failure}"


async def _awaited(fault: Awaitable[None]) -> None:
    await fault


def _tell(began: float, sentence: str) -> None:
    sys.stderr.write(f"{time.monotonic() - began:6.1f} s  {sentence}\n")
    sys.stderr.flush()


def _tell_some(what: str, sentences: list[str]) -> None:
    for sentence in sentences[:_TOLD_MAX]:
        sys.stderr.write(f"          {what}: {sentence}\n")
    if len(sentences) > _TOLD_MAX:
        sys.stderr.write(f"          {what}: {len(sentences) - _TOLD_MAX} more\n")
