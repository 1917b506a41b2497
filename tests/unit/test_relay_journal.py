"""The relay: each line reaches the archive, once, whatever breaks on the way."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import pytest

from marketbel_adapters.memory import ManualClock, MemoryJobArchive, MemoryJobStore, MemoryLeases
from marketbel_adapters.memory.jobs import MemoryJobJournal
from marketbel_adapters.testing.builders import a_job
from marketbel_core.errors import UnavailableError
from marketbel_core.jobs import DownloadStarted, Job, advance
from marketbel_core.ports import JobArchive, JournalEntry, Leases
from marketbel_core.use_cases import RelayJournal, RelayResult

_BATCH: Final = 100
_MINUTE: Final = timedelta(minutes=1)


class FailingJournal(MemoryJobJournal):
    """Cannot be trimmed until somebody mends it."""

    is_mended = False

    async def trim(self, *, through: str) -> None:
        if not self.is_mended:
            raise UnavailableError("the journal is away")
        await super().trim(through=through)


class AbsentArchive(MemoryJobArchive):
    """Takes nothing."""

    async def apply(self, entries: Sequence[JournalEntry]) -> None:
        raise UnavailableError(f"the archive is away: {len(entries)} lines")


class SlowArchive(MemoryJobArchive):
    """Takes a minute and more for each batch."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self._clock = clock

    async def apply(self, entries: Sequence[JournalEntry]) -> None:
        await super().apply(entries)
        self._clock.tick(_MINUTE)


class World:
    """A store, its journal, an archive, and the relay between them."""

    def __init__(
        self,
        *,
        clock: ManualClock | None = None,
        journal: MemoryJobJournal | None = None,
        archive: MemoryJobArchive | None = None,
    ) -> None:
        self.clock = clock or ManualClock()
        self.journal = journal or MemoryJobJournal()
        self.archive: JobArchive = archive or MemoryJobArchive()
        self.leases: Leases = MemoryLeases(self.clock)
        self.store = MemoryJobStore(self.clock, journal=self.journal)

    async def relay(self) -> RelayResult:
        return await RelayJournal(
            journal=self.journal, archive=self.archive, leases=self.leases, clock=self.clock
        )()

    async def started_job(self) -> Job:
        job = a_job()
        await self.store.add(job)
        started = advance(job, DownloadStarted(), now=self.clock.now())
        await self.store.save(started, read=job, event=DownloadStarted)
        return started


async def test_what_happened_is_archived_in_order_and_leaves_the_journal() -> None:
    world = World()
    job = await world.started_job()

    assert await world.relay() == RelayResult(relayed=2)

    lines = await world.archive.history(job.id, limit=10)
    assert [line.event for line in lines] == ["Created", "DownloadStarted"]
    assert await world.archive.unfinished(limit=10) == [job]
    assert await world.journal.read(limit=10) == []
    assert await world.relay() == RelayResult()


async def test_a_long_journal_is_relayed_whole() -> None:
    world = World()
    for _ in range(_BATCH * 2 + 1):
        await world.store.add(a_job())

    assert await world.relay() == RelayResult(relayed=_BATCH * 2 + 1)
    assert await world.journal.read(limit=10) == []


async def test_lines_that_were_archived_and_not_trimmed_are_archived_once() -> None:
    journal = FailingJournal()
    world = World(journal=journal)
    job = await world.started_job()
    with pytest.raises(UnavailableError):
        await world.relay()
    journal.is_mended = True

    assert await world.relay() == RelayResult(relayed=2)

    assert len(await world.archive.history(job.id, limit=10)) == 2
    assert await world.journal.read(limit=10) == []


async def test_while_the_archive_is_away_nothing_leaves_the_journal() -> None:
    world = World(archive=AbsentArchive())
    await world.started_job()

    with pytest.raises(UnavailableError):
        await world.relay()

    assert len(await world.journal.read(limit=10)) == 2
    assert await world.leases.acquire("journal", duration=_MINUTE), "the right was given back"


async def test_two_workers_do_not_relay_at_once() -> None:
    world = World()
    await world.started_job()
    await world.leases.acquire("journal", duration=_MINUTE)

    assert await world.relay() == RelayResult(skipped=True)
    assert len(await world.journal.read(limit=10)) == 2


async def test_who_was_too_slow_leaves_the_rest_to_another() -> None:
    clock = ManualClock()
    world = World(clock=clock, archive=SlowArchive(clock))
    for _ in range(_BATCH + 1):
        await world.store.add(a_job())

    assert await world.relay() == RelayResult(relayed=_BATCH)
    assert await world.relay() == RelayResult(relayed=1)


async def test_lines_are_forgotten_after_90_days() -> None:
    world = World()
    job = await world.started_job()
    await world.relay()
    world.clock.tick(timedelta(days=90))
    assert (await world.relay()).forgotten == 0

    world.clock.tick(timedelta(microseconds=1))

    assert (await world.relay()).forgotten == 2
    assert await world.archive.history(job.id, limit=10) == []
    assert await world.archive.unfinished(limit=10) == [job]
