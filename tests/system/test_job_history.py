"""Forty actors do anything at any time to the same jobs; the history must stay without a fault.

Leases last 20 ms and actors pause beyond them, so that holders become zombies all the time, and
go on renewing, writing and giving back what is not theirs any more. What each actor was told is
held against the journal, line by line. `MARKETBEL_HISTORY_OPERATIONS` sets how many operations.
"""

import asyncio
import os
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

import pytest

from marketbel_adapters.redis import RedisJobJournal, RedisJobStore, create_redis
from marketbel_adapters.testing.builders import a_job
from marketbel_adapters.testing.journal import violations
from marketbel_core.errors import IllegalTransitionError, StaleJobError
from marketbel_core.ids import AnalysisId, FileKey, JobId
from marketbel_core.jobs import (
    TRANSITIONS,
    AttemptFailed,
    Cancelled,
    Deferred,
    DownloadStarted,
    Failure,
    FileStored,
    FileSubmitted,
    ItemsMatched,
    ItemsParsed,
    Job,
    JobEvent,
    JobProgress,
    LeaseLost,
    Phase,
    Replayed,
    Resubmitted,
    RetryRequested,
    advance,
)
from marketbel_core.ports import JournalEntry, Renewal

pytestmark = pytest.mark.valkey

_OPERATIONS: Final = int(os.environ.get("MARKETBEL_HISTORY_OPERATIONS", "10000"))
_ACTORS: Final = 40
_JOBS: Final = 25
_CLIENTS: Final = 8
_LEASE: Final = timedelta(milliseconds=20)
_PAUSE_SECONDS_MAX: Final = 0.05
_IN_HAND_MAX: Final = 4
_FAILURE: Final = Failure(code="http.denied", message="No access.")
_NOW: Final = datetime(2026, 3, 14, tzinfo=UTC)
_EVENTS: Final[list[JobEvent]] = [
    DownloadStarted(),
    FileStored(file_key=FileKey("k")),
    FileSubmitted(file_key=FileKey("k"), analysis_id=AnalysisId("a")),
    ItemsParsed(),
    ItemsMatched(),
    AttemptFailed(failure=_FAILURE),
    Deferred(failure=_FAILURE, until=_NOW),
    Resubmitted(analysis_id=AnalysisId("b")),
    RetryRequested(),
    Replayed(),
    Cancelled(),
]


@dataclass(slots=True)
class _Told:
    """What the actors were told, to be held against the journal."""

    ids: list[JobId] = field(default_factory=list)
    lines: dict[tuple[JobId, str, int], Job] = field(default_factory=dict)
    released: set[tuple[JobId, int]] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    operations: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def is_enough(self) -> bool:
        return self.operations >= _OPERATIONS

    def wrote(self, event: str, job: Job) -> None:
        """Note that a write was accepted; each version and each claim is somebody's alone."""
        number = job.token if event == "Claimed" else job.version
        key = (job.id, "claim" if event == "Claimed" else "version", number)
        if key in self.lines:
            self.faults.append(f"accepted twice: {key}")
        self.lines[key] = job
        self.counts[event] += 1


class _Actor:
    def __init__(self, store: RedisJobStore, told: _Told, seed: int) -> None:
        self._store = store
        self._told = told
        self._random = Random(seed)  # noqa: S311 - a test's dice
        self._hand: list[Job] = []

    async def act(self) -> None:
        """Do something at random until enough has been done by all."""
        deeds = [
            *((self._claim, 24), (self._move, 24), (self._renew, 14), (self._release, 8)),
            *((self._intervene, 6), (self._progress, 10), (self._nonsense, 8), (self._reap, 3)),
            *((self._look, 3),),
        ]
        methods, weights = zip(*deeds, strict=True)
        while not self._told.is_enough:
            await self._random.choices(methods, weights)[0]()
            if self._random.random() < 0.1:
                await asyncio.sleep(self._random.random() * _PAUSE_SECONDS_MAX)

    def _do(self) -> RedisJobStore:
        """Count one operation on the store."""
        self._told.operations += 1
        return self._store

    async def _claim(self) -> None:
        job_id = self._random.choice(self._told.ids)
        job = await self._do().claim(job_id, duration=_LEASE)
        if job is None:
            return
        self._told.wrote("Claimed", job)
        self._hand = [*self._hand[1 - _IN_HAND_MAX :], job]

    async def _move(self) -> None:
        if self._hand:
            place = self._random.randrange(len(self._hand))
            moved = await self._save(self._hand[place])
            if moved is not None:
                self._hand[place] = moved
            elif self._random.random() < 0.5:
                del self._hand[place]

    async def _save(self, job: Job) -> Job | None:
        event = self._random.choice([event for event in _EVENTS if _applies(job, event)])
        moved = advance(job, event, now=_NOW)
        try:
            await self._do().save(moved, read=job, event=type(event))
        except StaleJobError:
            self._told.counts["stale"] += 1
            return None
        self._told.wrote(type(event).__name__, moved)
        if moved.phase is Phase.COMPLETE:
            await self._replace(job.id)
        return moved if moved.is_active else None

    async def _replace(self, job_id: JobId) -> None:
        """What is complete stays so: put a new job in its place."""
        job = a_job()
        await self._do().add(job)
        self._told.wrote("Created", job)
        self._told.ids[self._told.ids.index(job_id)] = job.id

    async def _nonsense(self) -> None:
        """Write what leads nowhere."""
        if not self._hand:
            return
        job = self._random.choice(self._hand)
        event, target = type(self._random.choice(_EVENTS)), self._random.choice(list(Phase))
        if TRANSITIONS.get((job.phase, event)) is target:
            return
        try:
            wrong = replace(job, phase=target, version=job.version + 1)
            await self._do().save(wrong, read=job, event=event)
        except StaleJobError:
            self._told.counts["stale"] += 1
        except IllegalTransitionError:
            self._told.counts["illegal"] += 1
        else:
            self._told.faults.append(f"accepted: {event.__name__} from {job.phase} to {target}")

    async def _renew(self) -> None:
        if not self._hand:
            return
        job = self._random.choice(self._hand)
        renewal = await self._do().renew(job, duration=_LEASE)
        self._told.counts[f"renewal {renewal}"] += 1
        if renewal is not Renewal.HELD and self._random.random() < 0.5:
            self._hand.remove(job)

    async def _release(self) -> None:
        if not self._hand:
            return
        job = self._random.choice(self._hand)
        released = await self._do().release(job)
        self._told.counts["released" if released else "not released"] += 1
        if released:
            self._told.released.add((job.id, job.token))
        if self._random.random() < 0.8:
            self._hand.remove(job)

    async def _intervene(self) -> None:
        """Move a job without holding it, as people do."""
        job = await self._do().get(self._random.choice(self._told.ids))
        if job.phase is not Phase.COMPLETE:
            await self._save(job)

    async def _progress(self) -> None:
        if self._hand:
            job = self._random.choice(self._hand)
            figures = JobProgress(items_processed=self._random.randrange(99))
            await self._do().record_progress(
                job.id, figures, expected_version=job.version, at=_NOW
            )

    async def _reap(self) -> None:
        for job in await self._do().reap(limit=5):
            self._told.wrote(LeaseLost.__name__, job)

    async def _look(self) -> None:
        ids = self._random.sample(self._told.ids, 5)
        held = await self._do().held(ids)
        self._told.counts["seen held"] += len(held)


def _applies(job: Job, event: JobEvent) -> bool:
    fits = (job.phase, type(event)) in TRANSITIONS
    return fits and (job.can_retry or not isinstance(event, RetryRequested))


class _Relay:
    """Reads the journal and trims what it has read, while it grows."""

    def __init__(self, journal: RedisJobJournal) -> None:
        self._journal = journal
        self.lines: list[JournalEntry] = []

    async def run(self, told: _Told) -> None:
        while not told.is_enough:
            if not await self.carry():
                await asyncio.sleep(0.01)

    async def carry(self) -> bool:
        """Carry up to 100 lines; return whether there were any."""
        lines = await self._journal.read(limit=100)
        if lines:
            self.lines += lines
            await self._journal.trim(through=lines[-1].position)
        return bool(lines)


async def test_the_history_of_many_actors_is_without_a_fault(redis_url: str) -> None:
    told = _Told()
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(create_redis(redis_url)) for _ in range(_CLIENTS)
        ]
        stores = [RedisJobStore(client) for client in clients]
        relay = _Relay(RedisJobJournal(clients[0]))
        for _ in range(_JOBS):
            job = a_job()
            await stores[0].add(job)
            told.wrote("Created", job)
            told.ids.append(job.id)
        actors = [_Actor(stores[seed % _CLIENTS], told, seed) for seed in range(_ACTORS)]
        async with asyncio.TaskGroup() as group:
            for actor in actors:
                group.create_task(actor.act())
            group.create_task(relay.run(told))
        while await relay.carry():
            pass
        refused = await stores[0].refused()
        stored = {job_id: await stores[0].get(job_id) for job_id in told.ids}
    assert told.operations >= _OPERATIONS
    assert violations(relay.lines) == []
    assert told.faults == []
    assert _held_against(relay.lines, told) == []
    assert _lent_to_two(relay.lines, told.released) == []
    assert refused == {"stale": told.counts["stale"], "illegal": told.counts["illegal"]}
    last = {line.job.id: line.job for line in relay.lines}
    assert {job_id: _without_figures(last[job_id]) for job_id in stored} == {
        job_id: _without_figures(job) for job_id, job in stored.items()
    }
    assert min(told.counts[deed] for deed in ("stale", "illegal", "LeaseLost", "released")) > 0


def _held_against(lines: list[JournalEntry], told: _Told) -> list[str]:
    """Return where the journal and what the actors were told differ."""
    faults = []
    untold = dict(told.lines)
    for line in lines:
        kind = "claim" if line.event == "Claimed" else "version"
        number = line.job.token if line.event == "Claimed" else line.job.version
        job = untold.pop((line.job.id, kind, number), None)
        if job != line.job:
            faults.append(f"{line.position}: {line.event} is not what its writer was told: {job}")
    return faults + [f"not in the journal: {key}" for key in untold]


def _lent_to_two(lines: list[JournalEntry], released: set[tuple[JobId, int]]) -> list[str]:
    """Return where a lease was overridden before its time, or its loss counted wrongly.

    Args:
        lines: Of all jobs, in order.
        released: The tokens under which a job was given back.
    """
    faults = []
    holders: dict[JobId, JournalEntry] = {}
    before: dict[JobId, Job] = {}
    for line in lines:
        job, holder = line.job, holders.get(line.job.id)
        is_held = holder is not None and (job.id, holder.token) not in released
        if line.event in {"Claimed", "LeaseLost"}:
            if holder is not None and is_held and line.at - holder.at < _LEASE:
                faults.append(f"{line.position}: {line.event} while {holder.token} held it")
            if job.deliveries != before[job.id].deliveries + is_held:
                faults.append(f"{line.position}: {line.event} has {job.deliveries} deliveries")
        if line.event == "Claimed":
            holders[job.id] = line
        elif not job.is_active or line.event in {"LeaseLost", "RetryRequested", "Replayed"}:
            holders.pop(job.id, None)
        before[job.id] = job
    return faults


def _without_figures(job: Job) -> Job:
    return replace(job, progress=JobProgress(), progressed_at=None)
