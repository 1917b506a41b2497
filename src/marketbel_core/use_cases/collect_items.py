"""One polling round: every reading at ml-analyze is asked how far it is."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from marketbel_core.errors import MarketbelError, StaleJobError
from marketbel_core.jobs import Actor, Failure, ItemsParsed, Job, Phase
from marketbel_core.ports import (
    AnalysisFailed,
    AnalysisFinished,
    AnalysisReport,
    AnalysisRunning,
    AnalysisUnknown,
    Analyzer,
    Clock,
    JobStore,
    Leases,
    LogLevel,
    StepQueue,
    Telemetry,
)
from marketbel_core.use_cases._job_mover import JobMover, step_of

__all__ = ["CollectItems", "CollectResult"]

_BATCH_MAX: Final = 1_000
"""Jobs a round; the longest unchanged first, so that none starves."""

_LEASE_NAME: Final = "poll"
_LEASE_DURATION: Final = timedelta(seconds=60)
_SENTENCES_TOLD: Final = 3
_DETAILS_MAX: Final = 100
"""Sentences of the analyzer kept with a job; more would only fill the admin interface's page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectResult:
    """What a round did.

    Attributes:
        polled: Jobs that were asked about.
        moved: Jobs that left the phase.
        errors: One sentence for each job whose report could not be had.
        skipped: Whether another worker's round was under way.
    """

    polled: int = 0
    moved: int = 0
    errors: tuple[str, ...] = ()
    skipped: bool = False


class CollectItems:
    """Runs one polling round; rounds of several workers do not overlap."""

    def __init__(
        self,
        *,
        mover: JobMover,
        jobs: JobStore,
        leases: Leases,
        analyzer: Analyzer,
        queue: StepQueue,
        clock: Clock,
        telemetry: Telemetry,
        analyzing_max: timedelta,
    ) -> None:
        self._mover = mover
        self._jobs = jobs
        self._leases = leases
        self._analyzer = analyzer
        self._queue = queue
        self._clock = clock
        self._telemetry = telemetry
        self._analyzing_max = analyzing_max

    async def __call__(self) -> CollectResult:
        """Poll every job that is read elsewhere; one job's trouble never stops the others."""
        lease = await self._leases.acquire(_LEASE_NAME, duration=_LEASE_DURATION)
        if lease is None:
            self._telemetry.count("poll.skipped")
            return CollectResult(skipped=True)
        try:
            return await self._round()
        finally:
            await self._leases.release(lease)

    async def _round(self) -> CollectResult:
        polled = moved = 0
        errors: list[str] = []
        for job in await self._jobs.list_in(Phase.ANALYZING, limit=_BATCH_MAX):
            if job.analysis_id is None:
                continue  # read here, by the import step
            polled += 1
            try:
                moved += await self._poll(job)
            except MarketbelError as error:
                errors.append(f"{job.id}: {error}")
                moved += await self._fail_if_stalled(job)
        return CollectResult(polled=polled, moved=moved, errors=tuple(errors))

    async def _poll(self, job: Job) -> bool:
        assert job.analysis_id is not None, "only jobs that are read elsewhere are polled"
        report = await self._analyzer.report(job.analysis_id)
        try:
            return await self._follow(job, report)
        except StaleJobError:
            return False  # another worker moved it between our read and our write

    async def _follow(self, job: Job, report: AnalysisReport) -> bool:
        match report:
            case AnalysisRunning():
                return await self._still_running(job, report)
            case AnalysisFinished():
                await self._finish(job, report)
            case AnalysisFailed(errors=errors):
                sentence = "; ".join(errors[:3]) or "ml-analyze gave no reason"
                message = f"ml-analyze could not read it: {sentence}"
                await self._fail(job, "ml.failed", message, details=errors[:_DETAILS_MAX])
            case AnalysisUnknown():
                await self._fail(
                    job, "ml.job_lost", "ml-analyze does not know the reading any more; retry it"
                )
        return True

    async def _still_running(self, job: Job, report: AnalysisRunning) -> bool:
        figures = replace(
            job.progress,
            items_processed=report.items_processed,
            items_total=report.items_total,
        )
        if figures == job.progress:
            return await self._fail_if_stalled(job)
        await self._mover.progress(job, figures)
        return False

    async def _finish(self, job: Job, report: AnalysisFinished) -> None:
        figures = replace(
            job.progress,
            items_processed=report.items_processed,
            items_total=report.items_total,
            error_count=report.error_count,
        )
        moved = await self._mover.move(replace(job, progress=figures), ItemsParsed())
        if report.errors:
            told = "; ".join(report.errors[:_SENTENCES_TOLD])
            await self._mover.tell(moved, LogLevel.WARNING, f"ml-analyze reports: {told}")
        step = step_of(moved)
        assert step is not None, "a job that is being matched waits for the match step"
        await self._queue.ask(step)

    async def _fail_if_stalled(self, job: Job) -> bool:
        if self._clock.now() - job.changed_at < self._analyzing_max:
            return False
        minutes = int(self._analyzing_max.total_seconds() // 60)
        try:
            await self._fail(job, "ml.stalled", f"no end of the reading after {minutes} minutes")
        except MarketbelError:
            return False  # moved by somebody else, gone, or out of reach: the next round sees
        return True

    async def _fail(
        self, job: Job, code: str, message: str, *, details: tuple[str, ...] = ()
    ) -> None:
        failure = Failure(code=code, message=message, actor=Actor.ML_ANALYZE, details=details)
        await self._mover.fail(job, failure)
