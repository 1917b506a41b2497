"""The contract of `JobStore`, for every adapter of it.

    class TestMyJobStore(JobStoreContract):
        @pytest.fixture
        async def store(self) -> AsyncIterator[JobStore]:
            async with my_job_store() as opened:
                yield opened

The random half of the contract is `JobStoreMachine`, in `marketbel_adapters.testing.job_machine`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from marketbel_adapters.testing.builders import NOW, a_full_job, a_job, fresh_id
from marketbel_core.catalog import SourceRef, SourceType
from marketbel_core.errors import JobNotFoundError, StaleJobError
from marketbel_core.ids import AnalysisId, FileKey, JobId
from marketbel_core.jobs import (
    AttemptFailed,
    DownloadStarted,
    Failure,
    FileSubmitted,
    Job,
    JobProgress,
    Phase,
    RetryRequested,
    advance,
)
from marketbel_core.ports import JobStore

__all__ = ["JobStoreContract"]

_RACES: Final = 25
_SECOND: Final = timedelta(seconds=1)
_FIGURES: Final = JobProgress(download_bytes=5, download_total=9, items_processed=2)


class JobStoreContract:
    """What every `JobStore` keeps; a subclass says which store by its fixture `store`."""

    @pytest.fixture
    def store(self) -> JobStore:
        """An empty store: the subclass overrides this."""
        raise TypeError(f"{type(self).__name__} must override the fixture `store`")

    @pytest.fixture
    def other_store(self, store: JobStore) -> JobStore:
        """The same jobs as another process sees them; override it where that is a difference."""
        return store

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

    async def test_an_unknown_id_is_not_found(self, store: JobStore) -> None:
        job_id = JobId(fresh_id())

        with pytest.raises(JobNotFoundError) as caught:
            await store.get(job_id)

        assert caught.value.job_id == job_id

    async def test_saving_replaces_the_whole_job(self, store: JobStore) -> None:
        job = a_job()
        await store.add(job)
        changed = replace(a_full_job(), id=job.id)

        await store.save(changed, expected_version=job.version)

        assert await store.get(job.id) == changed

    async def test_a_full_job_may_become_an_empty_one(self, store: JobStore) -> None:
        full = a_full_job()
        await store.add(full)
        empty = a_job(id=full.id, version=full.version + 1)

        await store.save(empty, expected_version=full.version)

        assert await store.get(full.id) == empty

    async def test_saving_an_unknown_job_stores_nothing(self, store: JobStore) -> None:
        job = a_job()

        with pytest.raises(JobNotFoundError):
            await store.save(job, expected_version=0)

        with pytest.raises(JobNotFoundError):
            await store.get(job.id)
        assert await store.list_in(job.phase, limit=10) == []

    async def test_the_second_of_two_writers_is_told_it_is_stale(
        self, store: JobStore, other_store: JobStore
    ) -> None:
        job = a_job()
        await store.add(job)
        first = advance(job, FileSubmitted(file_key=FileKey("k")), now=NOW)
        await store.save(first, expected_version=0)
        late = advance(job, AttemptFailed(failure=Failure(code="a.b", message="late")), now=NOW)

        with pytest.raises(StaleJobError) as caught:
            await other_store.save(late, expected_version=0)

        assert (caught.value.expected_version, caught.value.stored_version) == (0, 1)
        assert await other_store.get(job.id) == first
        assert await other_store.list_in(Phase.FAILED, limit=10) == []

    async def test_a_second_writer_of_the_very_same_job_is_stale_as_well(
        self, store: JobStore, other_store: JobStore
    ) -> None:
        job = a_job()
        await store.add(job)
        started = advance(job, DownloadStarted(), now=NOW)
        await store.save(started, expected_version=0)

        with pytest.raises(StaleJobError):
            await other_store.save(started, expected_version=0)

    async def test_a_version_from_the_future_is_stale(self, store: JobStore) -> None:
        job = a_job()
        await store.add(job)

        with pytest.raises(StaleJobError):
            await store.save(replace(job, version=6), expected_version=5)

        assert await store.get(job.id) == job

    async def test_of_two_saves_at_once_exactly_one_wins(
        self, store: JobStore, other_store: JobStore
    ) -> None:
        for _ in range(_RACES):
            job = a_job()
            await store.add(job)
            left = advance(job, DownloadStarted(), now=NOW + _SECOND)
            right = advance(job, FileSubmitted(file_key=FileKey("k")), now=NOW)

            outcomes = await asyncio.gather(
                store.save(left, expected_version=0),
                other_store.save(right, expected_version=0),
                return_exceptions=True,
            )

            assert sorted(map(type, outcomes), key=str) == sorted(
                [type(None), StaleJobError], key=str
            )
            winner = left if outcomes[0] is None else right
            assert await store.get(job.id) == winner
            assert winner in await store.list_in(winner.phase, limit=_RACES)

    async def test_creation_is_remembered_over_a_retry(self, store: JobStore) -> None:
        failed = a_full_job()
        await store.add(failed)
        retried = advance(failed, RetryRequested(), now=NOW + timedelta(days=1))

        await store.save(retried, expected_version=failed.version)

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

    async def test_progress_is_recorded_without_a_new_version(self, store: JobStore) -> None:
        job = a_job(version=4)
        await store.add(job)

        recorded = await store.record_progress(job.id, _FIGURES, expected_version=4)

        assert recorded
        assert await store.get(job.id) == replace(job, progress=_FIGURES)
        assert await store.list_in(job.phase, limit=10) == [replace(job, progress=_FIGURES)]

    @pytest.mark.parametrize("expected_version", [3, 5])
    async def test_progress_of_another_version_is_dropped(
        self, store: JobStore, expected_version: int
    ) -> None:
        job = a_job(version=4)
        await store.add(job)

        recorded = await store.record_progress(job.id, _FIGURES, expected_version=expected_version)

        assert not recorded
        assert await store.get(job.id) == job

    async def test_progress_of_an_unknown_job_is_dropped(self, store: JobStore) -> None:
        job_id = JobId(fresh_id())

        recorded = await store.record_progress(job_id, _FIGURES, expected_version=0)

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

        await store.save(started, expected_version=0)

        assert await store.list_in(Phase.DOWNLOADING, limit=10) == [second, started]
