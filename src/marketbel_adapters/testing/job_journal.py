"""The contract of `JobJournal`: one line for each thing that happened, until it was archived."""

from datetime import timedelta
from typing import Final

import pytest

from marketbel_adapters.testing.builders import NOW, a_full_job, a_job
from marketbel_adapters.testing.journal import violations
from marketbel_adapters.testing.leases import LetPass
from marketbel_core.errors import IllegalTransitionError, StaleJobError
from marketbel_core.ids import AnalysisId, FileKey
from marketbel_core.jobs import (
    DownloadStarted,
    FileSubmitted,
    ItemsMatched,
    ItemsParsed,
    Job,
    JobEvent,
    JobProgress,
    Phase,
    RetryRequested,
    advance,
)
from marketbel_core.ports import JobJournal, JobStore, JournalEntry

__all__ = ["JobJournalContract"]

_MINUTE: Final = timedelta(minutes=1)


class JobJournalContract:
    """What is told of jobs, and for how long."""

    async def test_nothing_is_told_of_no_jobs(self, journal: JobJournal) -> None:
        assert await journal.read(limit=9) == []

    async def test_a_jobs_whole_road_is_told_in_order(
        self, store: JobStore, journal: JobJournal
    ) -> None:
        job = a_full_job()
        await store.add(job)
        told: list[tuple[str, Phase | None, int, Job]] = [("Created", None, 7, job)]
        job = await _moved(store, job, RetryRequested())
        told.append(("RetryRequested", Phase.FAILED, 7, job))
        taken = await store.claim(job.id, duration=_MINUTE)
        assert taken is not None
        told.append(("Claimed", Phase.DOWNLOADING, 9, taken))
        submitted = FileSubmitted(file_key=FileKey("k"), analysis_id=AnalysisId("a"))
        for event in (DownloadStarted(), submitted, ItemsParsed(), ItemsMatched()):
            moved = await _moved(store, taken, event)
            told.append((type(event).__name__, taken.phase, 9, moved))
            taken = moved

        lines = await journal.read(limit=99)

        assert [(line.event, line.before, line.token, line.job) for line in lines] == told
        assert violations(lines) == []

    async def test_a_lost_lease_is_told_under_the_token_that_outdoes_it(
        self, store: JobStore, journal: JobJournal, let_pass: LetPass
    ) -> None:
        job = a_job()
        await store.add(job)
        await store.claim(job.id, duration=_MINUTE)
        await let_pass(_MINUTE)
        await store.claim(job.id, duration=_MINUTE)
        await let_pass(_MINUTE)
        await store.reap(limit=9)

        lines = await journal.read(limit=9)

        told = [(line.event, line.token, line.job.token, line.job.deliveries) for line in lines]
        assert told == [
            ("Created", 0, 0, 0),
            ("Claimed", 1, 1, 0),
            ("Claimed", 2, 2, 1),
            ("LeaseLost", 3, 3, 2),
        ]
        assert lines[-1].job == await store.get(job.id)
        assert violations(lines) == []

    async def test_what_changed_nothing_is_not_told(
        self, store: JobStore, journal: JobJournal
    ) -> None:
        job = a_job()
        await store.add(job)
        await store.add(job)
        taken = await store.claim(job.id, duration=_MINUTE)
        assert taken is not None
        await store.claim(job.id, duration=_MINUTE)
        await store.renew(taken, duration=_MINUTE)
        await store.record_progress(job.id, JobProgress(), expected_version=0, at=NOW)
        with pytest.raises(StaleJobError):
            await _moved(store, job, DownloadStarted())
        with pytest.raises(IllegalTransitionError):
            await store.save(taken, read=taken, event=ItemsMatched)
        await store.release(taken)
        await store.reap(limit=9)

        lines = await journal.read(limit=9)

        assert [line.event for line in lines] == ["Created", "Claimed"]

    async def test_instants_are_the_servers_and_positions_sort_as_texts(
        self, store: JobStore, journal: JobJournal
    ) -> None:
        for _ in range(12):
            await store.add(a_job())

        lines = await journal.read(limit=99)

        positions = [line.position for line in lines]
        assert positions == sorted(set(positions))
        instants = [line.at for line in lines]
        assert instants == sorted(instants)
        assert {str(instant.tzinfo) for instant in instants} == {"UTC"}

    async def test_no_more_is_read_than_asked_for_and_reading_forgets_nothing(
        self, store: JobStore, journal: JobJournal
    ) -> None:
        for _ in range(3):
            await store.add(a_job())

        pages = [await journal.read(limit=limit) for limit in (0, 1, 2, 3, 4)]

        whole = pages[-1]
        assert pages == [[], whole[:1], whole[:2], whole, whole]

    async def test_lines_are_forgotten_up_to_the_one_that_was_archived(
        self, store: JobStore, journal: JobJournal
    ) -> None:
        for _ in range(4):
            await store.add(a_job())
        whole = await journal.read(limit=9)

        left: list[list[JournalEntry]] = []
        for line in (whole[0], whole[2], whole[2], whole[3]):
            await journal.trim(through=line.position)
            left.append(await journal.read(limit=9))

        assert left == [whole[1:], whole[3:], whole[3:], []]

    async def test_what_happens_after_a_trim_has_a_later_position(
        self, store: JobStore, journal: JobJournal
    ) -> None:
        await store.add(a_job())
        first = (await journal.read(limit=9))[-1]
        await journal.trim(through=first.position)

        await store.add(a_job())

        assert (await journal.read(limit=9))[0].position > first.position


async def _moved(store: JobStore, job: Job, event: JobEvent) -> Job:
    moved = advance(job, event, now=NOW)
    await store.save(moved, read=job, event=type(event))
    return moved
