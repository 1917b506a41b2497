"""The polling round: what each report means, and that no job's trouble is another's."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from marketbel_adapters.memory import MemoryJobStore
from marketbel_adapters.testing.builders import a_job, fresh_id
from marketbel_core.catalog import FileType, SourceRef, SourceType
from marketbel_core.errors import (
    JobNotFoundError,
    MarketbelError,
    PortError,
    ProtocolError,
    UnavailableError,
)
from marketbel_core.ids import AnalysisId, FileKey, JobId
from marketbel_core.jobs import (
    Actor,
    Cancelled,
    FileSubmitted,
    Job,
    JobEvent,
    JobProgress,
    Phase,
    Reading,
)
from marketbel_core.ports import (
    AnalysisFailed,
    AnalysisFinished,
    AnalysisReport,
    AnalysisRequest,
    AnalysisRunning,
    AnalysisUnknown,
    Analyzer,
    JobStore,
    LogLevel,
    MatchStep,
    ReadElsewhere,
    Submission,
)
from marketbel_core.use_cases import CollectItems, JobMover, StartRequest
from marketbel_runtime.lifespan import InMemory, memory
from marketbel_runtime.settings import Settings

_KEY = FileKey("march.csv")
_STALLED = timedelta(minutes=30)
_DOWN = UnavailableError("ml-analyze is away", code="ml.unavailable")


class _MovedWhileAsked(Analyzer):
    """Lets `event` happen to the job between the report and the round's write."""

    def __init__(self, world: InMemory, job: Job, event: JobEvent, report: AnalysisReport) -> None:
        self._world = world
        self._job = job
        self._event = event
        self._report = report

    async def submit(self, request: AnalysisRequest) -> Submission:
        return await self._world.analyzer.submit(request)

    async def report(self, analysis_id: AnalysisId) -> AnalysisReport:
        assert analysis_id == self._job.analysis_id
        await self._world.container.mover().move(self._job, self._event)
        return self._report


class _ForgetfulJobs(MemoryJobStore):
    """Loses one job between the list and the write."""

    def __init__(self, lost: JobId) -> None:
        super().__init__()
        self._lost = lost

    async def save(self, job: Job, *, read: Job, event: type[JobEvent]) -> None:
        if job.id == self._lost:
            raise JobNotFoundError(job.id)
        await super().save(job, read=read, event=event)


async def analyzing(
    world: InMemory, *script: AnalysisReport | MarketbelError, jobs: JobStore | None = None
) -> Job:
    """Return a job whose reading ml-analyze will report on as scripted."""
    job = a_job(changed_at=world.clock.now())
    world.analyzer.script(job.id, *script)
    await (jobs or world.jobs).add(job)
    submission = await world.analyzer.submit(
        AnalysisRequest(
            job_id=job.id,
            attempt=1,
            reading=Reading.ML,
            supplier_id=job.supplier_id,
            supplier_name=job.supplier_name,
            key=_KEY,
            file_type=FileType.CSV,
            original_filename="march.csv",
        )
    )
    assert isinstance(submission, ReadElsewhere)
    submitted = FileSubmitted(file_key=_KEY, analysis_id=submission.analysis_id)
    return await mover_of(world, jobs).move(job, submitted)


def mover_of(world: InMemory, jobs: JobStore | None = None) -> JobMover:
    return world.container.mover(jobs=jobs or world.jobs)


def collector_of(
    world: InMemory, *, analyzer: Analyzer | None = None, jobs: JobStore | None = None
) -> CollectItems:
    return world.container.collect_items(
        mover=mover_of(world, jobs),
        jobs=jobs or world.jobs,
        analyzer=analyzer or world.analyzer,
    )


async def test_a_reading_under_way_shows_its_figures() -> None:
    world = memory()
    job = await analyzing(world, AnalysisRunning(items_processed=3, items_total=9))

    result = await world.container.collect_items()()

    assert (result.polled, result.moved, result.errors, result.skipped) == (1, 0, (), False)
    after = await world.jobs.get(job.id)
    assert (after.phase, after.version) == (Phase.ANALYZING, job.version)
    assert after.progress == JobProgress(items_processed=3, items_total=9)


async def test_a_reading_that_ended_has_its_items_matched() -> None:
    world = memory()
    job = await analyzing(
        world, AnalysisFinished(items_processed=9, items_total=9, error_count=2, errors=("a", "b"))
    )

    result = await world.container.collect_items()()

    after = await world.jobs.get(job.id)
    assert (result.polled, result.moved) == (1, 1)
    assert (after.phase, after.actor) == (Phase.MATCHING, Actor.ML_ANALYZE)
    assert after.progress == JobProgress(items_processed=9, items_total=9, error_count=2)
    assert await world.queue.take() == MatchStep(
        job_id=job.id, attempt=1, supplier_id=job.supplier_id
    )


async def test_a_reading_that_ended_badly_ends_the_attempt_with_its_reasons() -> None:
    world = memory()
    reasons = tuple(f"sheet {number} is odd" for number in range(150))
    job = await analyzing(world, AnalysisFailed(errors=reasons))

    result = await world.container.collect_items()()

    after = await world.jobs.get(job.id)
    assert result.moved == 1
    assert after.failure is not None
    assert (after.failure.code, after.failure.actor) == ("ml.failed", Actor.ML_ANALYZE)
    assert "sheet 0 is odd; sheet 1 is odd; sheet 2 is odd" in after.failure.message
    assert after.failure.details == reasons[:100]
    (entry,) = world.catalog.log()
    assert entry.level is LogLevel.ERROR
    assert entry.message == f"ml.failed: {after.failure.message}"


async def test_a_reading_that_ended_badly_without_a_reason_says_so() -> None:
    world = memory()
    job = await analyzing(world, AnalysisFailed())

    await world.container.collect_items()()

    failure = (await world.jobs.get(job.id)).failure
    assert failure is not None
    assert "no reason" in failure.message


async def test_a_reading_that_nobody_knows_any_more_is_handed_over_once_more() -> None:
    world = memory()
    world.sources.put("/list.csv", b"a;b\n")
    job = await world.container.start_ingestion()(
        StartRequest(
            source=SourceRef(type=SourceType.CSV, location="/list.csv"), supplier_name="One"
        )
    )
    world.analyzer.script(job.id, AnalysisUnknown(), AnalysisUnknown(), AnalysisFinished())
    await world.run()

    await world.container.collect_items()()
    again = await world.jobs.get(job.id)
    await world.container.collect_items()()
    failed = await world.jobs.get(job.id)

    assert (again.phase, again.resubmissions) == (Phase.ANALYZING, 1)
    first, second = world.analyzer.requests
    assert first == second  # the same key: a reading that was not forgotten is not begun twice
    assert failed.failure is not None
    assert failed.failure.code == "ml.job_lost"


async def test_a_forgotten_reading_whose_file_is_gone_ends_the_attempt() -> None:
    world = memory()
    job = await analyzing(world, AnalysisUnknown())

    await world.container.collect_items()()

    failure = (await world.jobs.get(job.id)).failure
    assert failure is not None
    assert failure.code == "ml.job_lost"


@pytest.mark.parametrize(
    "script",
    [(AnalysisRunning(),), (_DOWN,), (ProtocolError("nonsense", code="ml.protocol"),)],
    ids=["no-progress", "away", "nonsense"],
)
async def test_a_reading_that_comes_to_no_end_is_stalled_at_the_limit(
    script: tuple[AnalysisReport | MarketbelError, ...],
) -> None:
    world = memory(Settings(_env_file=None, ml_stalled_minutes=30))
    job = await analyzing(world, *script)

    world.clock.tick(_STALLED - timedelta(seconds=1))
    before = await world.container.collect_items()()
    patient = await world.jobs.get(job.id)
    world.clock.tick(timedelta(seconds=1))
    after = await world.container.collect_items()()
    stalled = await world.jobs.get(job.id)

    assert (before.moved, patient.phase) == (0, Phase.ANALYZING)
    assert (after.moved, stalled.phase) == (1, Phase.FAILED)
    assert stalled.failure is not None
    assert (stalled.failure.code, stalled.failure.actor) == ("ml.stalled", Actor.ML_ANALYZE)
    assert "30 minutes" in stalled.failure.message


async def test_a_reading_that_goes_on_is_not_stalled() -> None:
    world = memory()
    job = await analyzing(
        world, AnalysisRunning(items_processed=1), AnalysisRunning(items_processed=2)
    )
    await world.container.collect_items()()
    world.clock.tick(_STALLED)

    result = await world.container.collect_items()()

    assert result.moved == 0
    assert (await world.jobs.get(job.id)).progress.items_processed == 2


async def test_one_jobs_trouble_does_not_stop_the_others() -> None:
    world = memory()
    away = await analyzing(world, _DOWN)
    odd = await analyzing(world, ProtocolError("nonsense", code="ml.protocol"))
    fine = await analyzing(world, AnalysisFinished(items_processed=1, items_total=1))

    result = await world.container.collect_items()()

    assert (result.polled, result.moved) == (3, 1)
    assert result.errors == (f"{away.id}: {_DOWN}", f"{odd.id}: nonsense")
    assert (await world.jobs.get(away.id)).phase is Phase.ANALYZING
    assert (await world.jobs.get(fine.id)).phase is Phase.MATCHING


async def test_a_job_that_is_gone_does_not_stop_the_others() -> None:
    world = memory()
    gone = JobId(fresh_id())
    jobs = _ForgetfulJobs(gone)
    await jobs.add(
        a_job(
            id=gone,
            phase=Phase.ANALYZING,
            analysis_id=AnalysisId("nobody-knows"),
            changed_at=world.clock.now() - 2 * _STALLED,
        )
    )
    fine = await analyzing(world, AnalysisFinished(), jobs=jobs)

    result = await collector_of(world, jobs=jobs)()

    assert (result.polled, result.moved) == (2, 1)
    assert result.errors == (f"{gone}: no job {gone}",)
    assert (await jobs.get(fine.id)).phase is Phase.MATCHING


@pytest.mark.parametrize(
    "report", [AnalysisFinished(), AnalysisFailed(errors=("x",)), AnalysisUnknown()]
)
async def test_a_job_that_moved_meanwhile_keeps_what_moved_it(report: AnalysisReport) -> None:
    world = memory()
    job = await analyzing(world)
    analyzer = _MovedWhileAsked(world, job, Cancelled(), report)

    result = await collector_of(world, analyzer=analyzer)()

    assert (result.polled, result.moved, result.errors) == (1, 0, ())
    failure = (await world.jobs.get(job.id)).failure
    assert failure is not None
    assert failure.code == "job.cancelled"
    assert len(world.queue) == 0
    assert world.catalog.log() == []


async def test_a_job_that_moved_meanwhile_is_not_stalled() -> None:
    world = memory()
    job = await analyzing(world)
    world.clock.tick(2 * _STALLED)
    analyzer = _MovedWhileAsked(world, job, Cancelled(), AnalysisRunning())

    result = await collector_of(world, analyzer=analyzer)()

    assert result.moved == 0
    failure = (await world.jobs.get(job.id)).failure
    assert failure is not None
    assert failure.code == "job.cancelled"


async def test_what_is_read_here_is_not_asked_about() -> None:
    world = memory()
    local = a_job(reading=Reading.LOCAL, phase=Phase.ANALYZING, changed_at=world.clock.now())
    await world.jobs.add(local)
    world.clock.tick(2 * _STALLED)

    result = await world.container.collect_items()()

    assert (result.polled, result.moved) == (0, 0)
    assert await world.jobs.get(local.id) == local


async def test_a_round_beside_another_one_is_skipped() -> None:
    world = memory()
    job = await analyzing(world, AnalysisFinished())
    leases = world.container.leases()
    theirs = await leases.acquire("poll", duration=timedelta(seconds=60))
    assert theirs is not None

    skipped = await world.container.collect_items()()
    await leases.release(theirs)
    result = await world.container.collect_items()()

    assert (skipped.skipped, skipped.polled) == (True, 0)
    assert world.telemetry.counts["poll.skipped"] == 1
    assert (result.skipped, result.moved) == (False, 1)
    assert (await world.jobs.get(job.id)).phase is Phase.MATCHING


async def test_a_round_gives_its_lease_back() -> None:
    world = memory()

    first = await world.container.collect_items()()
    second = await world.container.collect_items()()

    assert (first.skipped, second.skipped) == (False, False)


async def test_two_rounds_ask_for_one_match() -> None:
    world = memory()
    await analyzing(world, AnalysisFinished())

    await world.container.collect_items()()
    again = await world.container.collect_items()()

    assert again.polled == 0
    assert len(world.queue) == 1


class _AskedOf(Analyzer):
    """Takes down which readings it was asked about, and then asks no more than `chunks_max`."""

    def __init__(self, world: InMemory, *, chunks_max: int) -> None:
        self._world = world
        self._chunks_left = chunks_max
        self.asked: list[AnalysisId] = []

    async def submit(self, request: AnalysisRequest) -> Submission:
        return await self._world.analyzer.submit(request)

    async def report(self, analysis_id: AnalysisId) -> AnalysisReport:
        raise AssertionError(analysis_id)

    async def reports(
        self, analysis_ids: Sequence[AnalysisId]
    ) -> list[AnalysisReport | PortError]:
        self.asked += analysis_ids
        self._chunks_left -= 1
        if not self._chunks_left:
            away = UnavailableError("away", code="ml.circuit_open")
            return [away for _ in analysis_ids]
        return [AnalysisRunning(items_processed=0, items_total=0) for _ in analysis_ids]


async def many_readings(world: InMemory, count: int) -> set[AnalysisId]:
    names = {AnalysisId(f"a{number}") for number in range(count)}
    for name in names:
        job = a_job(phase=Phase.ANALYZING, analysis_id=name, reading=Reading.ML)
        await world.jobs.add(replace(job, id=JobId(fresh_id()), changed_at=world.clock.now()))
    return names


async def test_every_job_is_asked_about_in_one_round_however_many_there_are() -> None:
    world = memory()
    names = await many_readings(world, 1_250)
    analyzer = _AskedOf(world, chunks_max=100)

    result = await world.container.collect_items(analyzer=analyzer)()

    assert (result.polled, len(analyzer.asked)) == (1_250, 1_250)
    assert set(analyzer.asked) == names


async def test_rounds_that_are_broken_off_leave_out_other_jobs_each_time() -> None:
    world = memory()
    names = await many_readings(world, 400)
    asked: set[AnalysisId] = set()

    for chance in (0.0, 0.3, 0.6, 0.999):
        analyzer = _AskedOf(world, chunks_max=1)
        await world.container.collect_items(analyzer=analyzer, chance=lambda: chance)()  # noqa: B023
        asked.update(analyzer.asked)

    assert asked == names
