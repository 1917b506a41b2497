"""The contract of `JobArchive`, for every adapter of it.

class TestMyJobArchive(JobArchiveContract):
    @pytest.fixture
    async def archive(self) -> AsyncIterator[JobArchive]:
        async with my_archive() as opened:
            yield opened
"""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import pytest

from marketbel_adapters.testing.builders import NOW, a_full_job, a_job, fresh_id
from marketbel_core.catalog import SourceRef, SourceType
from marketbel_core.ids import FileKey, JobId
from marketbel_core.jobs import (
    AttemptFailed,
    Cancelled,
    DownloadStarted,
    Failure,
    FileSubmitted,
    Job,
    Phase,
    RetryRequested,
    advance,
)
from marketbel_core.ports import JobArchive, JournalEntry

__all__ = ["JobArchiveContract", "a_line"]

_SECOND: Final = timedelta(seconds=1)
_WHOLE: Final = SourceRef(
    type=SourceType.EXCEL,
    location="https://user:secret@example.com/march.xlsx?token=1#2",
    sheet_name="Лист 1",
)
_ROUNDS: Final = 10


def a_line(
    job: Job,
    position: int,
    *,
    event: str = "Created",
    before: Phase | None = None,
    at: datetime = NOW,
) -> JournalEntry:
    """Return the journal's line at `position` (from 0) that says how `job` was stored."""
    return JournalEntry(
        position=f"{position:016d}", at=at, event=event, before=before, token=job.token, job=job
    )


def shown(job: Job) -> Job:
    """Return the job as a `JobStore` keeps it: without what may be secret."""
    return replace(job, source=job.source.shown())


class JobArchiveContract:
    """What every `JobArchive` keeps; a subclass says which by its fixture `archive`."""

    @pytest.fixture
    def archive(self) -> JobArchive:
        """An empty archive: the subclass overrides this."""
        raise TypeError(f"{type(self).__name__} must override the fixture `archive`")

    @pytest.fixture
    def other_archive(self, archive: JobArchive) -> JobArchive:
        """The same archive as another process sees it; override it where that differs."""
        return archive

    async def test_nothing_is_known_of_an_unknown_job(self, archive: JobArchive) -> None:
        job_id = JobId(fresh_id())

        assert await archive.source_of(job_id) is None
        assert await archive.history(job_id, limit=10) == []
        assert await archive.unfinished(limit=10) == []

    async def test_a_recorded_job_is_known_with_its_whole_address(
        self, archive: JobArchive, other_archive: JobArchive
    ) -> None:
        job = a_job(source=_WHOLE)

        await archive.record(job)

        assert await other_archive.source_of(job.id) == _WHOLE
        assert await other_archive.unfinished(limit=10) == [job]

    async def test_recording_a_known_job_again_changes_nothing(self, archive: JobArchive) -> None:
        job = a_job(source=_WHOLE)
        await archive.record(job)

        await archive.record(replace(job, supplier_name="another", version=3, phase=Phase.FAILED))
        await archive.record(
            replace(job, source=replace(_WHOLE, location=_WHOLE.location + "0", sheet_name="2"))
        )

        assert await archive.unfinished(limit=10) == [job]

    async def test_jobs_that_are_recorded_together_are_known_as_if_one_by_one(
        self, archive: JobArchive, other_archive: JobArchive
    ) -> None:
        known, shortened, new = (a_job(source=_WHOLE) for _ in range(3))
        await archive.record(known)
        await archive.record(replace(shortened, source=_WHOLE.shown()))

        await archive.record_all([])
        await archive.record_all([replace(known, supplier_name="another"), shortened, new])

        unfinished = await other_archive.unfinished(limit=10)
        assert {job.id: job for job in unfinished} == {
            job.id: job for job in (known, shortened, new)
        }

    async def test_an_address_that_was_known_shortened_is_completed(
        self, archive: JobArchive
    ) -> None:
        job = a_job(source=_WHOLE)
        await archive.apply([a_line(shown(job), 1)])
        assert await archive.source_of(job.id) == _WHOLE.shown()

        await archive.record(replace(job, source=replace(_WHOLE, location="https://e.com/x?y")))
        assert await archive.source_of(job.id) == _WHOLE.shown()

        await archive.record(job)
        assert await archive.source_of(job.id) == _WHOLE

    async def test_lines_never_take_the_whole_address_away(self, archive: JobArchive) -> None:
        job = a_job(source=_WHOLE)
        await archive.record(job)
        started = advance(job, DownloadStarted(), now=NOW + _SECOND)

        await archive.apply([a_line(shown(job), 1), a_line(shown(started), 2)])

        assert await archive.source_of(job.id) == _WHOLE
        assert await archive.unfinished(limit=10) == [started]

    async def test_a_whole_address_of_one_line_is_kept_beside_shortened_ones(
        self, archive: JobArchive
    ) -> None:
        first, second = a_job(source=_WHOLE), a_job(source=_WHOLE)

        await archive.apply([a_line(first, 1), a_line(replace(shown(first), token=1), 2)])
        await archive.apply([a_line(shown(second), 3)])
        await archive.apply(
            [a_line(replace(second, token=1), 4), a_line(replace(shown(second), token=2), 5)]
        )

        assert await archive.source_of(first.id) == _WHOLE
        assert await archive.source_of(second.id) == _WHOLE
        told = await archive.history(first.id, limit=10) + await archive.history(
            second.id, limit=10
        )
        assert "secret" not in repr(told), "a history is there to be shown"

    async def test_a_job_that_nobody_recorded_is_known_by_its_lines(
        self, archive: JobArchive
    ) -> None:
        job = a_job()
        started = advance(job, DownloadStarted(), now=NOW + _SECOND)

        await archive.apply([a_line(job, 1), a_line(started, 2)])

        assert await archive.source_of(job.id) == job.source
        assert await archive.unfinished(limit=10) == [started]

    async def test_all_of_a_job_comes_back(self, archive: JobArchive) -> None:
        failed = a_full_job()
        line = a_line(failed, 1, event="AttemptFailed", before=Phase.MATCHING, at=NOW + _SECOND)
        active = replace(a_full_job(), phase=Phase.ANALYZING)

        await archive.apply([line, a_line(active, 2)])

        assert await archive.history(failed.id, limit=10) == [line]
        assert await archive.unfinished(limit=10) == [active]

    @pytest.mark.parametrize("text", ["a\0b", "\ud800", "\udfff\ud83c", "\\u0000", "\U0001f384"])
    async def test_no_job_is_lost_for_its_texts(self, archive: JobArchive, text: str) -> None:
        source = SourceRef(type=SourceType.CSV, location=text, sheet_name=text)
        recorded = a_job(supplier_name=text, source=source, file_key=FileKey(text))
        failure = Failure(code=text, message=text, details=(text,))
        failed = advance(
            a_job(supplier_name=text), AttemptFailed(failure=failure), now=NOW + _SECOND
        )
        line = a_line(failed, 1, event="AttemptFailed", before=Phase.DOWNLOADING)

        await archive.record(recorded)
        await archive.apply([line])

        assert await archive.unfinished(limit=10) == [recorded]
        assert await archive.source_of(recorded.id) == source
        assert await archive.history(failed.id, limit=10) == [line]

    async def test_of_a_batch_the_line_with_the_highest_position_wins(
        self, archive: JobArchive
    ) -> None:
        job = a_job()
        await archive.record(job)
        started = advance(job, DownloadStarted(), now=NOW)
        stored = advance(started, FileSubmitted(file_key=FileKey("k")), now=NOW)

        await archive.apply([a_line(stored, 3), a_line(job, 1), a_line(started, 2)])

        assert await archive.unfinished(limit=10) == [stored]
        lines = await archive.history(job.id, limit=10)
        assert [line.job for line in lines] == [job, started, stored]

    async def test_lines_that_come_again_change_nothing(
        self, archive: JobArchive, other_archive: JobArchive
    ) -> None:
        job = a_job()
        started = advance(job, DownloadStarted(), now=NOW)
        stored = advance(started, FileSubmitted(file_key=FileKey("k")), now=NOW)
        lines = [a_line(job, 1), a_line(started, 2), a_line(stored, 3)]
        await archive.apply(lines)

        await archive.apply(lines)
        await other_archive.apply(lines[:1])
        await other_archive.apply([])

        assert await archive.unfinished(limit=10) == [stored]
        assert await archive.history(job.id, limit=10) == lines

    async def test_a_new_token_is_news_without_a_new_version(self, archive: JobArchive) -> None:
        job = a_job()
        claimed = replace(job, token=1)

        await archive.apply([a_line(job, 1), a_line(claimed, 2, event="Claimed")])

        assert await archive.unfinished(limit=10) == [claimed]

    async def test_a_job_made_anew_in_an_emptied_store_is_followed(
        self, archive: JobArchive
    ) -> None:
        before = a_job(version=7, token=3)
        await archive.apply([a_line(before, 1)])
        anew = replace(before, version=0, token=0)
        ended = replace(anew, version=2, token=1, phase=Phase.COMPLETE)

        await archive.apply([a_line(anew, 2)])
        assert await archive.unfinished(limit=10) == [anew]

        await archive.apply([a_line(ended, 3)])
        assert await archive.unfinished(limit=10) == []

    async def test_a_newer_version_is_followed_though_the_clock_of_the_store_went_back(
        self, archive: JobArchive
    ) -> None:
        before = a_job(version=7, token=3)
        await archive.apply([a_line(before, 9)])
        put_back = replace(before, token=4)
        ended = replace(put_back, version=8, phase=Phase.COMPLETE)

        await archive.apply([a_line(put_back, 1)])
        assert await archive.unfinished(limit=10) == [put_back]

        await archive.apply([a_line(ended, 2)])
        assert await archive.unfinished(limit=10) == []

    async def test_a_job_is_unfinished_until_it_ends_and_again_after_a_retry(
        self, archive: JobArchive
    ) -> None:
        job = a_job()
        cancelled = advance(job, Cancelled(), now=NOW)
        retried = advance(cancelled, RetryRequested(), now=NOW)

        await archive.apply([a_line(cancelled, 1)])
        assert await archive.unfinished(limit=10) == []

        await archive.apply([a_line(retried, 2)])
        assert await archive.unfinished(limit=10) == [retried]

    @pytest.mark.parametrize("phase", Phase)
    async def test_what_is_unfinished_is_what_is_active(
        self, archive: JobArchive, phase: Phase
    ) -> None:
        job = a_job(phase=phase)

        await archive.record(job)

        assert await archive.unfinished(limit=10) == ([job] if job.is_active else [])

    async def test_a_supplier_is_busy_while_a_job_of_it_is_active(
        self, archive: JobArchive
    ) -> None:
        busy, free = a_job(), a_job(phase=Phase.COMPLETE)
        await archive.record(busy)
        await archive.record(replace(busy, id=a_job().id))
        await archive.record(free)

        assert await archive.busy_suppliers() == {busy.supplier_id}

    async def test_unfinished_jobs_come_in_pages_by_id(self, archive: JobArchive) -> None:
        jobs = [a_job() for _ in range(5)]
        for job in reversed(jobs):
            await archive.record(job)
        await archive.record(a_job(phase=Phase.COMPLETE))

        first = await archive.unfinished(limit=2)
        second = await archive.unfinished(limit=2, after=first[-1].id)
        third = await archive.unfinished(limit=2, after=second[-1].id)

        assert [first, second, third] == [jobs[:2], jobs[2:4], jobs[4:]]
        assert await archive.unfinished(limit=2, after=third[-1].id) == []
        assert await archive.unfinished(limit=0) == []

    async def test_a_history_has_the_newest_lines_of_one_job_oldest_first(
        self, archive: JobArchive
    ) -> None:
        job, other = a_job(), a_job()
        lines = [a_line(replace(job, version=number), number) for number in range(8, 12)]

        await archive.apply([*lines, a_line(other, 12)])

        assert await archive.history(job.id, limit=10) == lines
        assert await archive.history(job.id, limit=2) == lines[2:]
        assert await archive.history(job.id, limit=0) == []

    async def test_old_lines_are_forgotten_and_jobs_are_not(self, archive: JobArchive) -> None:
        job = a_job()
        lines = [
            a_line(replace(job, version=number), number, at=NOW + number * _SECOND)
            for number in range(4)
        ]
        await archive.apply(lines)

        assert await archive.forget(before=NOW + 3 * _SECOND, limit=2) == 2
        assert await archive.history(job.id, limit=10) == lines[2:]

        assert await archive.forget(before=NOW + 3 * _SECOND, limit=2) == 1
        assert await archive.forget(before=NOW + 3 * _SECOND, limit=2) == 0
        assert await archive.history(job.id, limit=10) == lines[3:]
        assert await archive.unfinished(limit=10) == [lines[3].job]

    async def test_relays_at_once_leave_each_line_once_and_the_newest_state(
        self, archive: JobArchive, other_archive: JobArchive
    ) -> None:
        for start in range(0, _ROUNDS * 20, 20):
            jobs = [a_job() for _ in range(5)]
            made = [a_line(job, start + number) for number, job in enumerate(jobs)]
            begun = [
                a_line(advance(line.job, DownloadStarted(), now=NOW), start + 10 + number)
                for number, line in enumerate(reversed(made))
            ]

            await asyncio.gather(
                archive.apply(made + begun),
                other_archive.apply(made),
                *(other_archive.record(job) for job in reversed(jobs)),
                other_archive.apply(begun[::-1]),
            )

            found = await archive.unfinished(limit=_ROUNDS * 5)
            assert found[-5:] == [line.job for line in reversed(begun)]
            for job in jobs:
                assert len(await archive.history(job.id, limit=10)) == 2
