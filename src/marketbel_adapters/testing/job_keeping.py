"""The contract of `JobStore`, first part: what is kept, and how it is listed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from marketbel_adapters.testing.builders import NOW, a_full_job, a_job, fresh_id
from marketbel_core.catalog import SourceRef, SourceType
from marketbel_core.errors import JobNotFoundError
from marketbel_core.ids import AnalysisId, FileKey, JobId
from marketbel_core.jobs import (
    AttemptFailed,
    DownloadStarted,
    Failure,
    Job,
    JobProgress,
    Phase,
    RetryRequested,
    advance,
)
from marketbel_core.ports import JobStore

__all__ = ["KeptJobsContract"]

_SECOND: Final = timedelta(seconds=1)
_FIGURES: Final = JobProgress(download_bytes=5, download_total=9, items_processed=2)
_SECRET: Final = "https://user:pass@example.com/lists/march.xlsx?key=secret#sheet"  # noqa: S105 - invented


class KeptJobsContract:
    """What a store remembers."""

    @pytest.mark.parametrize("make", [a_job, a_full_job])
    async def test_a_job_comes_back_as_it_was_added(
        self, store: JobStore, make: Callable[[], Job]
    ) -> None:
        job = make()

        await store.add(job)

        assert await store.get(job.id) == job

    async def test_adding_a_stored_id_again_changes_nothing(self, store: JobStore) -> None:
        job = a_full_job()
        await store.add(job)

        await store.add(a_job(id=job.id, supplier_name="another"))

        assert await store.get(job.id) == job
        assert await store.list_in(job.phase, limit=10) == [job]
        assert await store.list_in(Phase.DOWNLOADING, limit=10) == []

    async def test_of_jobs_that_are_added_together_known_ones_stay_and_are_told(
        self, store: JobStore
    ) -> None:
        known = a_full_job()
        new = [a_job() for _ in range(150)]
        await store.add(known)

        told = await store.add_all([*new, a_job(id=known.id, supplier_name="another")])

        assert told == {known.id}
        assert await store.get(known.id) == known
        listed = await store.list_in(Phase.DOWNLOADING, limit=200)
        assert {job.id: job for job in listed} == {job.id: job for job in new}
        assert await store.add_all([]) == frozenset()

    async def test_an_unknown_id_is_not_found(self, store: JobStore) -> None:
        job_id = JobId(fresh_id())

        with pytest.raises(JobNotFoundError) as caught:
            await store.get(job_id)

        assert caught.value.job_id == job_id

    async def test_saving_replaces_the_whole_job(self, store: JobStore) -> None:
        job = a_job()
        await store.add(job)
        changed = replace(a_full_job(), id=job.id, version=job.version + 1)

        await store.save(changed, read=job, event=AttemptFailed)

        assert await store.get(job.id) == changed

    async def test_a_full_job_may_become_an_empty_one(self, store: JobStore) -> None:
        full = a_full_job()
        await store.add(full)
        empty = a_job(id=full.id, version=full.version + 1)

        await store.save(empty, read=full, event=RetryRequested)

        assert await store.get(full.id) == empty

    async def test_saving_an_unknown_job_stores_nothing(self, store: JobStore) -> None:
        job = a_job()

        with pytest.raises(JobNotFoundError):
            await store.save(job, read=job, event=DownloadStarted)

        with pytest.raises(JobNotFoundError):
            await store.get(job.id)
        assert await store.list_in(job.phase, limit=10) == []

    async def test_creation_is_remembered_over_a_retry(self, store: JobStore) -> None:
        failed = a_full_job()
        await store.add(failed)
        retried = advance(failed, RetryRequested(), now=NOW + timedelta(days=1))

        await store.save(retried, read=failed, event=RetryRequested)

        stored = await store.get(failed.id)
        assert stored == retried
        assert stored.created_at == failed.created_at
        assert await store.list_in(Phase.FAILED, limit=10) == []
        assert await store.list_in(Phase.DOWNLOADING, limit=10) == [retried]

    async def test_nothing_and_an_empty_text_are_two_things(self, store: JobStore) -> None:
        nothing = SourceRef(type=SourceType.EXCEL, location="a.xlsx")
        empty = replace(nothing, sheet_name="", original_filename="")
        jobs = [
            a_job(source=nothing, file_key=None, analysis_id=None, failure=None),
            a_job(
                source=empty,
                file_key=FileKey(""),
                analysis_id=AnalysisId(""),
                failure=Failure(code="", message=""),
            ),
        ]

        for job in jobs:
            await store.add(job)

        assert [await store.get(job.id) for job in jobs] == jobs

    async def test_of_an_address_only_what_may_be_shown_is_kept(self, store: JobStore) -> None:
        source = SourceRef(type=SourceType.EXCEL, location=_SECRET)
        job = a_job(source=source)
        await store.add(job)
        added = await store.get(job.id)

        moved = advance(job, DownloadStarted(), now=NOW)
        await store.save(moved, read=added, event=DownloadStarted)

        saved = await store.get(job.id)
        assert added.source == saved.source == source.shown()
        assert saved.source.location == "https://example.com/lists/march.xlsx"

    async def test_progress_is_recorded_without_a_new_version(self, store: JobStore) -> None:
        job = a_job(version=4)
        await store.add(job)

        recorded = await store.record_progress(
            job.id, _FIGURES, expected_version=4, at=NOW + _SECOND
        )

        assert recorded
        shown = replace(job, progress=_FIGURES, progressed_at=NOW + _SECOND)
        assert await store.get(job.id) == shown
        assert await store.list_in(job.phase, limit=10) == [shown]

    @pytest.mark.parametrize("expected_version", [3, 5])
    async def test_progress_of_another_version_is_dropped(
        self, store: JobStore, expected_version: int
    ) -> None:
        job = a_job(version=4)
        await store.add(job)

        recorded = await store.record_progress(
            job.id, _FIGURES, expected_version=expected_version, at=NOW
        )

        assert not recorded
        assert await store.get(job.id) == job

    async def test_progress_of_a_holder_is_dropped_once_somebody_else_has_claimed_the_job(
        self, store: JobStore
    ) -> None:
        job = a_job(version=4)
        await store.add(job)
        held = await store.claim(job.id, duration=timedelta(minutes=1))
        assert held is not None

        late = await store.record_progress(
            job.id, _FIGURES, expected_version=4, at=NOW, token=held.token - 1
        )
        own = await store.record_progress(
            job.id, JobProgress(error_count=1), expected_version=4, at=NOW, token=held.token
        )

        assert (late, own) == (False, True)
        assert (await store.get(job.id)).progress == JobProgress(error_count=1)

    async def test_progress_of_an_unknown_job_is_dropped(self, store: JobStore) -> None:
        job_id = JobId(fresh_id())

        recorded = await store.record_progress(job_id, _FIGURES, expected_version=0, at=NOW)

        assert not recorded
        with pytest.raises(JobNotFoundError):
            await store.get(job_id)

    async def test_figures_beyond_their_total_come_back_as_they_were(
        self, store: JobStore
    ) -> None:
        figures = JobProgress(
            download_bytes=30, download_total=20, items_processed=5, items_total=4
        )
        job = a_job(progress=figures)

        await store.add(job)

        assert (await store.get(job.id)).progress == figures

    @pytest.mark.parametrize("phase", Phase)
    async def test_a_job_is_listed_in_its_phase_alone(self, store: JobStore, phase: Phase) -> None:
        job = a_job(phase=phase)

        await store.add(job)

        listed = {each: await store.list_in(each, limit=10) for each in Phase}
        assert listed == {each: [job] if each is phase else [] for each in Phase}

    async def test_the_longest_unchanged_is_listed_first_then_by_id(self, store: JobStore) -> None:
        waits = [5, 1, 3, 3, 3, 0]
        jobs = [a_job(changed_at=NOW - wait * timedelta(microseconds=1)) for wait in waits]
        for job in reversed(jobs):
            await store.add(job)

        listed = await store.list_in(Phase.DOWNLOADING, limit=10)

        assert listed == [jobs[place] for place in (0, 2, 3, 4, 1, 5)]

    @pytest.mark.parametrize("limit", [0, 1, 2, 3, 4])
    async def test_no_more_are_listed_than_asked_for(self, store: JobStore, limit: int) -> None:
        jobs = [a_job() for _ in range(3)]
        for job in jobs:
            await store.add(job)

        assert await store.list_in(Phase.DOWNLOADING, limit=limit) == jobs[:limit]

    async def test_a_changed_job_goes_to_the_end_of_the_list(self, store: JobStore) -> None:
        first, second = a_job(), a_job()
        await store.add(first)
        await store.add(second)
        started = advance(first, DownloadStarted(), now=NOW + _SECOND)

        await store.save(started, read=first, event=DownloadStarted)

        assert await store.list_in(Phase.DOWNLOADING, limit=10) == [second, started]
