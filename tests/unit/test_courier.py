"""The courier: what it stores, whom it asks, and what becomes of the job when something fails."""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from marketbel_adapters.memory import MemoryFileStore, ScriptedFileInspector
from marketbel_adapters.memory.sources import MemoryFile
from marketbel_adapters.testing.builders import a_job
from marketbel_core.catalog import FileType, SourceRef, SourceType
from marketbel_core.errors import (
    JobNotFoundError,
    MarketbelError,
    ProtocolError,
    RefusedError,
    UnavailableError,
)
from marketbel_core.ids import FileKey, JobId
from marketbel_core.intake.stored_file import FileFacts
from marketbel_core.jobs import Cancelled, DownloadStarted, Failure, Job, Phase, RetryRequested
from marketbel_core.ports import (
    Catalog,
    CatalogUnit,
    CourierStep,
    FileSource,
    FileStore,
    ImportStep,
    IncomingFile,
    JobStore,
    LogLevel,
    StoredBytes,
)
from marketbel_core.use_cases import Courier, StartRequest
from marketbel_runtime.lifespan import InMemory, memory
from marketbel_runtime.settings import Settings

_PLACE = "https://example.com/lists/march.csv"
_LIST = "Наименование;Цена\nНасос;10,00\n".encode()
_DOWN = UnavailableError("the shop is closed", code="http.unavailable")


class _Meanwhile(FileSource):
    """Lets something happen while the file is on its way."""

    def __init__(self, inner: FileSource, happen: Callable[[], Awaitable[object]]) -> None:
        self._inner = inner
        self._happen = happen

    @asynccontextmanager
    async def open(
        self, source: SourceRef, *, size_bytes_max: int
    ) -> AsyncGenerator[IncomingFile]:
        await self._happen()
        async with self._inner.open(source, size_bytes_max=size_bytes_max) as incoming:
            yield incoming


class _WatchedFiles(MemoryFileStore):
    """Notes what the job shows each time that a chunk comes."""

    def __init__(self, jobs: JobStore, job_id: JobId) -> None:
        super().__init__()
        self.shown: list[tuple[int, int]] = []
        self._jobs = jobs
        self._job_id = job_id

    async def store(
        self, key: FileKey, chunks: AsyncIterable[bytes], *, size_bytes_max: int
    ) -> StoredBytes:
        return await super().store(key, self._watched(chunks), size_bytes_max=size_bytes_max)

    async def _watched(self, chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            progress = (await self._jobs.get(self._job_id)).progress
            self.shown.append((progress.download_bytes, progress.download_total))
            yield chunk


class _NoCatalog(Catalog):
    """A catalogue that cannot be reached."""

    def unit(self) -> AbstractAsyncContextManager[CatalogUnit]:
        raise UnavailableError("no catalogue", code="postgres.unavailable")


async def started(
    world: InMemory, file: bytes | MemoryFile | MarketbelError = _LIST, *, read_here: bool = False
) -> Job:
    world.sources.put(_PLACE, file)
    return await world.container.start_ingestion()(
        StartRequest(
            source=SourceRef(type=SourceType.CSV, location=_PLACE, sheet_name="Лист 1"),
            supplier_name="ООО «Ромашка»",
            read_here=read_here,
        ),
        ask=False,
    )


def courier_of(
    world: InMemory, *, sources: FileSource | None = None, files: FileStore | None = None
) -> Courier:
    inspector = world.inspector if files is None else ScriptedFileInspector(files)
    return world.container.courier(
        sources=sources or world.sources, files=files or world.files, inspector=inspector
    )


async def test_a_file_for_ml_analyze_is_stored_with_its_sidecar_and_submitted() -> None:
    world = memory()
    file = MemoryFile(content=_LIST, filename="Прайс март.csv", mime_type="text/csv")
    job = await started(world, file)

    carried = await world.container.courier()(job.id)

    assert (carried.phase, carried.analysis_id) == (Phase.ANALYZING, "a1")
    assert carried == await world.jobs.get(job.id)
    assert carried.started_at == world.clock.now()
    assert carried.file_key is not None
    assert carried.file_key.startswith(f"{job.id}_")
    assert await world.files.read(carried.file_key) == _LIST
    sidecar = await world.files.sidecar(carried.file_key)
    assert sidecar is not None
    assert (sidecar.job_id, sidecar.supplier_id) == (job.id, job.supplier_id)
    assert (sidecar.original_filename, sidecar.source_url) == ("Прайс март.csv", _PLACE)
    assert (sidecar.file_type, sidecar.mime_type) == (FileType.CSV, "text/csv")
    assert sidecar.file_size_bytes == len(_LIST)
    (request,) = world.analyzer.requests
    assert (request.job_id, request.attempt, request.key) == (job.id, 1, carried.file_key)
    assert (request.file_type, request.sheet_name) == (FileType.CSV, "Лист 1")
    assert len(world.queue) == 0  # the polling round does the rest


async def test_a_file_that_is_read_here_has_its_import_asked_for() -> None:
    world = memory()
    job = await started(world, read_here=True)

    carried = await world.container.courier()(job.id)

    assert (carried.phase, carried.analysis_id) == (Phase.ANALYZING, None)
    assert world.analyzer.requests == []
    assert await world.queue.take() == ImportStep(job_id=job.id, attempt=1)


async def test_what_arrived_is_shown() -> None:
    world = memory()
    job = await started(world)

    carried = await world.container.courier()(job.id)

    assert carried.progress.download_bytes == carried.progress.download_total == len(_LIST)


@pytest.mark.parametrize("announces_size", [True, False])
async def test_a_large_file_shows_how_far_it_is(*, announces_size: bool) -> None:
    world = memory()
    size = 3 * 1024 * 1024
    job = await started(world, MemoryFile(content=b"x" * size, announces_size=announces_size))
    files = _WatchedFiles(world.jobs, job.id)

    await courier_of(world, files=files)(job.id)

    announced = size if announces_size else 0
    assert set(files.shown) == {(0, 0), (1024 * 1024, announced), (2 * 1024 * 1024, announced)}


async def test_the_sidecar_says_when_the_last_byte_arrived() -> None:
    world = memory()
    job = await started(world)
    begun = world.clock.now()

    async def wait() -> None:
        world.clock.tick(timedelta(minutes=3))

    carried = await courier_of(world, sources=_Meanwhile(world.sources, wait))(job.id)

    assert carried.file_key is not None
    sidecar = await world.files.sidecar(carried.file_key)
    assert sidecar is not None
    assert sidecar.downloaded_at == begun + timedelta(minutes=3)
    assert carried.started_at == begun


@pytest.mark.parametrize("read_here", [True, False])
async def test_a_second_delivery_carries_nothing_and_asks_again_what_may_be_lost(
    *, read_here: bool
) -> None:
    world = memory()
    job = await started(world, read_here=read_here)
    carried = await world.container.courier()(job.id)
    lost = await world.queue.take()
    if lost is not None:
        await world.queue.done(lost)

    again = await world.container.courier()(job.id)

    assert again == carried
    assert len(await world.files.keys()) == 1
    assert len(world.analyzer.requests) == (0 if read_here else 1)
    assert await world.queue.take() == lost


async def test_a_delivery_after_a_crash_carries_the_file() -> None:
    world = memory()
    job = await started(world)
    await world.container.mover().move(job, DownloadStarted())

    carried = await world.container.courier()(job.id)

    assert carried.phase is Phase.ANALYZING


async def test_what_time_may_cure_is_tried_again_later_without_a_new_attempt() -> None:
    world = memory()
    job = await started(world, _DOWN)

    waiting = await world.container.courier()(job.id)
    world.sources.put(_PLACE, _LIST)
    at_once = await world.queue.take()
    world.clock.tick(timedelta(minutes=5))
    step = await world.queue.take()
    carried = await world.container.courier()(job.id)

    assert (waiting.phase, waiting.attempt, waiting.failure) == (Phase.DOWNLOADING, 1, None)
    assert waiting.deferred_by is not None
    assert waiting.deferred_by.code == _DOWN.code
    assert at_once is None
    assert step == CourierStep(job_id=job.id, attempt=1, delivery=1)
    assert (carried.phase, carried.deferred_by, carried.not_before) == (
        Phase.ANALYZING,
        None,
        None,
    )
    assert world.catalog.log() == []


async def test_what_time_does_not_cure_ends_the_attempt_after_three_further_tries() -> None:
    world = memory()
    job = await started(world, _DOWN)

    for tries in range(1, 4):
        assert (await world.container.courier()(job.id)).deferrals == tries
    failed = await world.container.courier()(job.id)

    assert failed.phase is Phase.FAILED
    assert failed.failure is not None
    assert (failed.failure.code, failed.can_retry) == (_DOWN.code, True)
    assert [entry.level for entry in world.catalog.log()] == [LogLevel.ERROR]


async def test_waiting_for_a_neighbour_that_is_known_to_be_away_uses_up_no_try() -> None:
    world = memory()
    job = await started(world)
    soon = timedelta(seconds=20)
    for _ in range(4):  # one more than trouble is tried again
        world.analyzer.refuse_next(
            UnavailableError("away", code="ml.circuit_open", retry_after=soon)
        )
        waiting = await world.container.courier()(job.id)
        assert (waiting.phase, waiting.deferrals) == (Phase.DOWNLOADING, 0)
        assert waiting.not_before is not None
        assert waiting.not_before - world.clock.now() >= soon

    assert (await world.container.courier()(job.id)).phase is Phase.ANALYZING


@pytest.mark.parametrize(
    "error",
    [
        RefusedError("http.denied", "share the file"),
        ProtocolError("nonsense", code="ml.protocol"),
    ],
)
async def test_what_nothing_will_cure_ends_the_attempt_and_people_are_told(
    error: MarketbelError,
) -> None:
    world = memory()
    job = await started(world, error)

    failed = await world.container.courier()(job.id)

    assert failed == await world.jobs.get(job.id)
    assert failed.phase is Phase.FAILED
    assert failed.failure is not None
    assert (failed.failure.code, failed.failure.message) == (error.code, str(error))
    (entry,) = world.catalog.log()
    assert (entry.task_id, entry.level) == (str(job.id), LogLevel.ERROR)
    assert entry.message == f"{error.code}: {error}"
    assert entry.supplier_id == job.supplier_id
    refused = world.telemetry.counts[f"refused.{error.code}"]
    assert refused == isinstance(error, RefusedError)


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (b"", "file.empty"),
        (MemoryFile(content=b"x" * (1024 * 1024 + 1)), "file.too_large"),
        (MemoryFile(content=b"x" * (1024 * 1024 + 1), announces_size=False), "file.too_large"),
        (RefusedError("source.missing", "there is none"), "source.missing"),
    ],
)
async def test_a_file_that_is_not_taken_leaves_nothing_behind(
    file: bytes | MemoryFile | MarketbelError, code: str
) -> None:
    world = memory(Settings(_env_file=None, max_file_size_mb=1))
    job = await started(world, file)

    failed = await world.container.courier()(job.id)

    assert failed.failure is not None
    assert failed.failure.code == code
    assert await world.files.keys() == []
    assert world.analyzer.requests == []
    assert world.telemetry.counts[f"refused.{code}"] == 1


async def test_a_file_that_is_refused_for_its_content_leaves_nothing_behind() -> None:
    world = memory()
    job = await started(world, MemoryFile(content=_LIST, filename="march.xlsx"))
    world.inspector.tell("march.xlsx", RefusedError("xlsx.bomb", "save it again"))

    failed = await world.container.courier()(job.id)

    assert failed.failure is not None
    assert (failed.failure.code, failed.failure.message) == ("xlsx.bomb", "save it again")
    assert not world.files.stored_keys()
    assert world.analyzer.requests == []
    assert world.telemetry.counts["refused.xlsx.bomb"] == 1


async def test_a_file_that_cannot_be_judged_now_is_fetched_again_later() -> None:
    world = memory()
    job = await started(world)
    world.inspector.tell("march.csv", UnavailableError("busy", code="check.unavailable"))
    waiting = await world.container.courier()(job.id)
    left = world.files.stored_keys()
    world.inspector.tell("march.csv", FileFacts(file_type=FileType.CSV, sniffed_type="csv"))

    carried = await world.container.courier()(job.id)

    assert not left
    assert waiting.deferrals == 1
    assert carried.phase is Phase.ANALYZING


async def test_the_content_and_not_the_name_says_what_the_sidecar_and_the_analyzer_hear() -> None:
    world = memory()
    job = await started(world, MemoryFile(content=_LIST, filename="march.csv"))
    facts = FileFacts(file_type=FileType.EXCEL, sniffed_type="xlsm", formula_cells=3, macros=True)
    world.inspector.tell("march.csv", facts)

    carried = await world.container.courier()(job.id)

    assert carried.file_key is not None
    sidecar = await world.files.sidecar(carried.file_key)
    assert sidecar is not None
    assert (sidecar.file_type, sidecar.sniffed_type) == (FileType.EXCEL, "xlsm")
    assert (sidecar.formula_cells, sidecar.macros) == (3, True)
    assert [request.file_type for request in world.analyzer.requests] == [FileType.EXCEL]


async def test_a_file_of_exactly_the_limit_is_taken() -> None:
    world = memory(Settings(_env_file=None, max_file_size_mb=1))
    job = await started(world, b"x" * (1024 * 1024))

    assert (await world.container.courier()(job.id)).phase is Phase.ANALYZING


async def test_a_file_that_ml_analyze_refuses_ends_the_attempt() -> None:
    world = memory()
    job = await started(world)
    world.analyzer.refuse_next(RefusedError("ml.refused", "too odd"))

    failed = await world.container.courier()(job.id)

    assert failed.failure is not None
    assert failed.failure.code == "ml.refused"


async def test_a_submission_that_was_not_taken_is_made_again() -> None:
    world = memory()
    job = await started(world)
    world.analyzer.refuse_next(UnavailableError("busy", code="ml.unavailable"))
    waiting = await world.container.courier()(job.id)
    world.sources.put(_PLACE, _DOWN)  # the stored file is handed over, and not fetched again

    carried = await world.container.courier()(job.id)

    assert waiting.phase is Phase.DOWNLOADING
    assert (carried.phase, carried.analysis_id, carried.attempt) == (Phase.ANALYZING, "a1", 1)
    assert len(await world.files.keys()) == 1


async def test_a_retry_fetches_again_what_is_no_longer_as_it_came() -> None:
    world = memory()
    job = await started(world)
    carried = await world.container.courier()(job.id)
    await world.container.mover().fail(carried, Failure(code="ml.failed", message="odd"))
    assert carried.file_key is not None
    await world.files.delete(carried.file_key)

    await world.container.retry_job()(job.id)
    again = await world.container.courier()(job.id)

    assert (again.phase, again.attempt) == (Phase.ANALYZING, 2)
    assert again.file_key is not None
    assert await world.files.verify(again.file_key)


async def test_the_whole_address_is_used_and_nowhere_shown() -> None:
    world = memory()
    place = "https://user:secret@example.com/list.csv?token=hidden"
    world.sources.put(place, _LIST)
    job = await world.container.start_ingestion()(
        StartRequest(source=SourceRef(type=SourceType.CSV, location=place), supplier_name="One"),
        ask=False,
    )

    carried = await world.container.courier()(job.id)

    assert carried.phase is Phase.ANALYZING
    assert carried.source.location == "https://example.com/list.csv"
    assert carried.file_key is not None
    sidecar = await world.files.sidecar(carried.file_key)
    assert sidecar is not None
    assert sidecar.source_url == "https://example.com/list.csv"


@pytest.mark.parametrize("is_known_shortened", [False, True])
async def test_a_whole_address_that_the_archive_does_not_know_yet_is_waited_for(
    is_known_shortened: bool,
) -> None:
    world = memory()
    place = "https://example.com/list.csv?token=hidden"
    job = a_job(source=SourceRef(type=SourceType.CSV, location=place), phase=Phase.DOWNLOADING)
    await world.jobs.add(job)
    if is_known_shortened:
        await world.container.relay_journal()()

    waiting = await world.container.courier()(job.id)

    assert waiting.deferred_by is not None
    assert waiting.deferred_by.code == "job.not_archived"


async def test_an_unknown_job_is_told() -> None:
    with pytest.raises(JobNotFoundError):
        await memory().container.courier()(JobId(UUID(int=7)))


async def test_of_two_couriers_at_once_the_second_gives_way() -> None:
    world = memory()
    job = await started(world, read_here=True)
    seen: list[Job] = []

    async def another_is_asked() -> None:
        seen.append(await world.container.courier()(job.id))

    carried = await courier_of(world, sources=_Meanwhile(world.sources, another_is_asked))(job.id)

    assert [other.phase for other in seen] == [Phase.DOWNLOADING]
    assert carried == await world.jobs.get(job.id)
    assert (carried.phase, carried.attempt) == (Phase.ANALYZING, 1)
    assert len(await world.files.keys()) == 1
    assert len(world.queue) == 1


@pytest.mark.parametrize("file", [_LIST, _DOWN], ids=["arrives", "does-not-arrive"])
async def test_a_courier_that_outlived_its_lease_writes_nothing(
    file: bytes | MarketbelError,
) -> None:
    world = memory()
    job = await started(world, file)

    async def another_carries_it() -> None:
        world.clock.tick(timedelta(hours=1))
        world.sources.put(_PLACE, _LIST)
        await world.container.courier()(job.id)
        world.sources.put(_PLACE, file)

    sources = _Meanwhile(world.sources, another_carries_it)

    carried = await courier_of(world, sources=sources)(job.id)

    assert (carried.phase, carried.failure, carried.deliveries) == (Phase.ANALYZING, None, 0)
    assert (carried.token, carried.deferred_by) == (2, None)
    assert world.catalog.log() == []


@pytest.mark.parametrize("file", [_LIST, _DOWN], ids=["arrives", "does-not-arrive"])
async def test_a_job_that_is_called_off_meanwhile_stays_called_off(
    file: bytes | MarketbelError,
) -> None:
    world = memory()
    job = await started(world, file)

    async def call_off() -> None:
        await world.container.mover().move(await world.jobs.get(job.id), Cancelled())

    sources = _Meanwhile(world.sources, call_off)

    carried = await courier_of(world, sources=sources)(job.id)

    assert carried == await world.jobs.get(job.id)
    assert carried.failure is not None
    assert carried.failure.code == "job.cancelled"
    assert len(world.queue) == 0


async def test_the_error_of_an_earlier_attempt_does_not_end_the_present_one() -> None:
    world = memory()
    job = await started(world, _DOWN)

    async def start_over() -> None:
        mover = world.container.mover()
        called_off = await mover.move(await world.jobs.get(job.id), Cancelled())
        await mover.move(called_off, RetryRequested())

    sources = _Meanwhile(world.sources, start_over)

    carried = await courier_of(world, sources=sources)(job.id)

    assert (carried.phase, carried.attempt) == (Phase.DOWNLOADING, 2)


async def test_a_failure_is_kept_when_the_row_log_cannot_be_reached() -> None:
    world = memory()
    job = await started(world, RefusedError("http.denied", "share the file"))
    mover = world.container.mover(catalog=_NoCatalog())

    failed = await mover.end_attempt(job, RefusedError("http.denied", "no"))

    assert (await world.jobs.get(job.id)) == failed
    assert failed.phase is Phase.FAILED
    lost = {"job_id": str(job.id), "error": "no catalogue"}
    assert ("log.lost", lost) in world.telemetry.events


async def test_an_attempt_that_somebody_else_ended_is_not_ended_again() -> None:
    world = memory()
    job = await started(world)
    mover = world.container.mover()
    theirs = await mover.move(job, Cancelled())

    assert await mover.end_attempt(job, _DOWN) == theirs
    assert world.catalog.log() == []


async def test_figures_of_a_job_that_moved_on_are_dropped() -> None:
    world = memory()
    job = await started(world)
    mover = world.container.mover()
    moved = await mover.move(job, DownloadStarted())

    await mover.progress(job, replace(job.progress, download_bytes=7))

    assert await world.jobs.get(job.id) == moved


async def test_a_transition_is_told_once_it_is_stored() -> None:
    world = memory()
    job = await started(world)

    await world.container.mover().move(job, DownloadStarted())

    (told,) = [facts for name, facts in world.telemetry.events if name == "job.moved"]
    assert (told["job_id"], told["phase"], told["attempt"]) == (str(job.id), "downloading", 1)
    assert world.telemetry.counts["job.downloading"] == 1
