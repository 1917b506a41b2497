"""How every step moves its job: advance, save, tell; and how a failed attempt is written down."""

from marketbel_core.errors import (
    MarketbelError,
    RefusedError,
    StaleJobError,
    UnavailableError,
)
from marketbel_core.ids import JobId
from marketbel_core.jobs import (
    Actor,
    AttemptFailed,
    Failure,
    Job,
    JobEvent,
    JobProgress,
    Phase,
    advance,
)
from marketbel_core.ports import (
    Catalog,
    Clock,
    CourierStep,
    ImportStep,
    JobStore,
    LogEntry,
    LogLevel,
    MatchStep,
    Step,
    Telemetry,
)

__all__ = ["JobMover", "failure_of", "step_of"]


def failure_of(error: MarketbelError) -> Failure:
    """Return the failure that `error` means for an attempt, with who erred by its code."""
    actor = Actor.ML_ANALYZE if error.code.startswith("ml.") else Actor.COURIER
    return Failure(code=error.code, message=str(error), actor=actor)


def step_of(job: Job) -> Step | None:
    """Return the step that the job waits for; `None` when it waits for ml-analyze or has ended."""
    match job.phase:
        case Phase.DOWNLOADING:
            return CourierStep(job_id=job.id, attempt=job.attempt)
        case Phase.ANALYZING if job.analysis_id is None:
            return ImportStep(job_id=job.id, attempt=job.attempt)
        case Phase.MATCHING:
            return MatchStep(job_id=job.id, attempt=job.attempt, supplier_id=job.supplier_id)
        case Phase.ANALYZING | Phase.COMPLETE | Phase.FAILED:
            return None


class JobMover:
    """Loads, moves and saves jobs for the steps; a transition is told once it is stored."""

    def __init__(
        self, *, jobs: JobStore, catalog: Catalog, clock: Clock, telemetry: Telemetry
    ) -> None:
        self._jobs = jobs
        self._catalog = catalog
        self._clock = clock
        self._telemetry = telemetry

    async def load(self, job_id: JobId) -> Job:
        """Return the stored job.

        Raises:
            JobNotFoundError: there is none.
        """
        return await self._jobs.get(job_id)

    async def move(self, job: Job, event: JobEvent) -> Job:
        """Return the job after `event`, stored.

        Raises:
            StaleJobError: somebody else moved it first; nothing was written.
            IllegalTransitionError: the event does not apply.
        """
        moved = advance(job, event, now=self._clock.now())
        await self._jobs.save(moved, expected_version=job.version)
        self._telemetry.event(
            "job.moved",
            job_id=str(moved.id),
            supplier_id=str(moved.supplier_id),
            moved_by=type(event).__name__,
            phase=moved.phase,
            attempt=moved.attempt,
            code=moved.failure.code if moved.failure else None,
        )
        self._telemetry.count(f"job.{moved.phase}")
        return moved

    async def fail(self, job: Job, failure: Failure) -> Job:
        """Return the job with its attempt ended; the row log tells people why.

        Raises:
            StaleJobError: somebody else moved it first; nothing was written.
            IllegalTransitionError: the job is not on its way.
        """
        failed = await self.move(job, AttemptFailed(failure=failure))
        await self.tell(failed, LogLevel.ERROR, f"{failure.code}: {failure.message}")
        return failed

    async def tell(self, job: Job, level: LogLevel, message: str) -> None:
        """Write one line about the job into the row log, once an attempt and level.

        The job has been stored before: when the catalogue cannot be reached, what became of the
        job is kept all the same, and only the line is lost.
        """
        entry = LogEntry(
            task_id=str(job.id),
            level=level,
            message=message,
            key=f"{level}:{job.attempt}",
            supplier_id=job.supplier_id,
        )
        try:
            async with self._catalog.unit() as unit:
                await unit.log.record([entry], at=self._clock.now())
        except UnavailableError as error:
            self._telemetry.event("log.lost", job_id=str(job.id), error=str(error))

    async def progress(self, job: Job, progress: JobProgress) -> None:
        """Show new figures; a job that somebody else moved meanwhile keeps its own.

        Figures decide nothing: when the store is away for a moment, they are lost and no more.
        """
        try:
            await self._jobs.record_progress(job.id, progress, expected_version=job.version)
        except UnavailableError as error:
            self._telemetry.event("progress.lost", job_id=str(job.id), error=str(error))

    async def end_attempt(self, job: Job, error: MarketbelError, *, may_retry: bool) -> Job:
        """Fail the job by `error`, unless time may cure it and another delivery will come.

        A job that somebody else moved meanwhile is theirs: it is returned as it is stored.

        Raises:
            UnavailableError: `error` itself, when `may_retry` and time may cure it.
        """
        if isinstance(error, UnavailableError) and may_retry:
            self._telemetry.event("step.deferred", job_id=str(job.id), code=error.code)
            raise error
        if isinstance(error, RefusedError):
            self._telemetry.count(f"refused.{error.code}")
        try:
            return await self.fail(job, failure_of(error))
        except StaleJobError:
            return await self.load(job.id)
