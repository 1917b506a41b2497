"""One polling round: every reading at ml-analyze is asked how far it is."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from marketbel_core.errors import MarketbelError, PortError, StaleJobError
from marketbel_core.jobs import Actor, Failure, ItemsParsed, Job, Phase, Resubmitted
from marketbel_core.ports import (
    AnalysisFailed,
    AnalysisFinished,
    AnalysisReport,
    AnalysisRequest,
    AnalysisRunning,
    AnalysisUnknown,
    Analyzer,
    Clock,
    FileStore,
    JobStore,
    Lease,
    Leases,
    LogLevel,
    ReadElsewhere,
    StepQueue,
    Telemetry,
)
from marketbel_core.use_cases._job_mover import JobMover, analysis_request, step_of

__all__ = ["CollectItems", "CollectResult"]

_BATCH_MAX: Final = 10_000
"""Jobs a round; those that are read here are counted among them."""

_CHUNK: Final = 100
"""Jobs that are asked about together; the round's lease is renewed between."""

_LEFT_ALONE: Final = "ml.circuit_open"
"""ml-analyze is away and known to be: nothing is learnt about any job, and none has stalled."""

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
        files: FileStore,
        analyzer: Analyzer,
        queue: StepQueue,
        clock: Clock,
        telemetry: Telemetry,
        chance: Callable[[], float],
        analyzing_max: timedelta,
    ) -> None:
        self._chance = chance
        self._mover = mover
        self._jobs = jobs
        self._leases = leases
        self._files = files
        self._analyzer = analyzer
        self._queue = queue
        self._clock = clock
        self._telemetry = telemetry
        self._analyzing_max = analyzing_max

    async def __call__(self) -> CollectResult:
        """Poll every job that is read elsewhere; one job's trouble never stops the others.

        Raises:
            UnavailableError: the job store cannot be reached.
        """
        lease = await self._leases.acquire(_LEASE_NAME, duration=_LEASE_DURATION)
        if lease is None:
            self._telemetry.count("poll.skipped")
            return CollectResult(skipped=True)
        try:
            return await self._round(lease)
        finally:
            await self._leases.release(lease)

    async def _round(self, lease: Lease) -> CollectResult:
        polled = moved = 0
        errors: list[str] = []
        waiting = [
            job
            for job in await self._jobs.list_in(Phase.ANALYZING, limit=_BATCH_MAX)
            if job.analysis_id is not None  # the others are read here, by the import step
        ]
        for start in self._starts(len(waiting)):
            if await self._leases.renew(lease, duration=_LEASE_DURATION) is None:
                break  # another worker's round goes on from here
            jobs = waiting[start : start + _CHUNK]
            ids = [job.analysis_id for job in jobs if job.analysis_id is not None]
            for job, report in zip(jobs, await self._analyzer.reports(ids), strict=True):
                polled += 1
                try:
                    moved += await self._poll(job, report)
                except MarketbelError as error:
                    errors.append(f"{job.id}: {error}")
                    if error.code == _LEFT_ALONE:
                        return CollectResult(polled=polled, moved=moved, errors=tuple(errors))
                    moved += await self._fail_if_stalled(job)
        return CollectResult(polled=polled, moved=moved, errors=tuple(errors))

    def _starts(self, count: int) -> list[int]:
        """Return where the chunks begin, in an order that begins elsewhere in each round: a round
        that slow answers break off leaves out other jobs than the one before.
        """
        starts = list(range(0, count, _CHUNK))
        first = min(int(self._chance() * len(starts)), max(len(starts) - 1, 0))
        return [*starts[first:], *starts[:first]]

    async def _poll(self, job: Job, report: AnalysisReport | PortError) -> bool:
        if isinstance(report, PortError):
            raise report
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
                await self._resubmit(job)
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

    async def _resubmit(self, job: Job) -> None:
        """Hand the file over once more under the same key; a reading forgotten twice is lost."""
        request = await self._request(job) if job.resubmissions == 0 else None
        if request is None:
            await self._fail(
                job, "ml.job_lost", "ml-analyze does not know the reading any more; retry it"
            )
            return
        submission = await self._analyzer.submit(request)
        if isinstance(submission, ReadElsewhere):
            await self._mover.move(job, Resubmitted(analysis_id=submission.analysis_id))

    async def _request(self, job: Job) -> AnalysisRequest | None:
        if job.file_key is None:
            return None
        sidecar = await self._files.sidecar(job.file_key)
        return None if sidecar is None else analysis_request(job, job.file_key, sidecar)

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
        if self._clock.now() - (job.progressed_at or job.changed_at) < self._analyzing_max:
            return False
        minutes = int(self._analyzing_max.total_seconds() // 60)
        try:
            await self._fail(
                job, "ml.stalled", f"no progress of the reading for {minutes} minutes; retry it"
            )
        except MarketbelError:
            return False  # moved by somebody else, gone, or out of reach: the next round sees
        return True

    async def _fail(
        self, job: Job, code: str, message: str, *, details: tuple[str, ...] = ()
    ) -> None:
        failure = Failure(code=code, message=message, actor=Actor.ML_ANALYZE, details=details)
        await self._mover.fail(job, failure)
