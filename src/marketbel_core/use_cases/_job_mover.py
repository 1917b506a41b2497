"""How every step holds and moves its job, and what trouble does to it."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from marketbel_core.errors import (
    MarketbelError,
    RefusedError,
    StaleJobError,
    UnavailableError,
)
from marketbel_core.ids import FileKey, JobId
from marketbel_core.intake.stored_file import Sidecar
from marketbel_core.jobs import (
    Actor,
    AttemptFailed,
    Failure,
    Job,
    JobEvent,
    JobProgress,
    Phase,
    advance,
    next_try,
)
from marketbel_core.ports import (
    AnalysisRequest,
    Catalog,
    Clock,
    CourierStep,
    ImportStep,
    JobHolds,
    JobStore,
    LogEntry,
    LogLevel,
    MatchStep,
    Step,
    StepQueue,
    Telemetry,
)

__all__ = ["JobMover", "analysis_request", "failure_of", "step_of"]


def failure_of(error: MarketbelError) -> Failure:
    """Return the failure that `error` means for an attempt, with who erred by its code."""
    actor = Actor.ML_ANALYZE if error.code.startswith("ml.") else Actor.COURIER
    return Failure(code=error.code, message=str(error), actor=actor)


def step_of(job: Job) -> Step | None:
    """Return the step that the job waits for; `None` when it waits for ml-analyze or has ended."""
    match job.phase:
        case Phase.DOWNLOADING:
            return CourierStep(job_id=job.id, attempt=job.attempt, delivery=job.delivery)
        case Phase.ANALYZING if job.analysis_id is None:
            return ImportStep(job_id=job.id, attempt=job.attempt, delivery=job.delivery)
        case Phase.MATCHING:
            return MatchStep(
                job_id=job.id,
                attempt=job.attempt,
                supplier_id=job.supplier_id,
                delivery=job.delivery,
            )
        case Phase.ANALYZING | Phase.COMPLETE | Phase.FAILED:
            return None


def analysis_request(job: Job, key: FileKey, sidecar: Sidecar) -> AnalysisRequest:
    """Return the request to have the file under `key` read: the same one for the same attempt."""
    return AnalysisRequest(
        job_id=job.id,
        attempt=job.attempt,
        reading=job.reading,
        supplier_id=job.supplier_id,
        supplier_name=job.supplier_name,
        key=key,
        file_type=sidecar.file_type,
        original_filename=sidecar.original_filename,
        sheet_name=job.source.sheet_name,
    )


class JobMover:
    """Holds, moves and saves jobs for the steps; a transition is told once it is stored."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        holds: JobHolds,
        catalog: Catalog,
        queue: StepQueue,
        clock: Clock,
        telemetry: Telemetry,
        chance: Callable[[], float],
    ) -> None:
        """Spread automatic tries by `chance`, which gives numbers from 0.0 to 1.0."""
        self._jobs = jobs
        self._holds = holds
        self._catalog = catalog
        self._queue = queue
        self._clock = clock
        self._telemetry = telemetry
        self._chance = chance

    @asynccontextmanager
    async def hold(
        self, job_id: JobId, *, phase: Phase, attempt: int | None = None
    ) -> AsyncGenerator[Job | None]:
        """Hold the job while the block works on it, and end its attempt by what goes wrong there.

        The block gets `None` when there is nothing for it to do: the job is in another phase or
        attempt, or somebody else has it. An error of ours in the block defers the job or fails it;
        when somebody else has moved it meanwhile, it is theirs, and nothing is written.

        Args:
            job_id: Whose state it is.
            phase: The phase that the step belongs to.
            attempt: The attempt that asked; another one is left alone. `None` means any.

        Raises:
            JobNotFoundError: there is no such job.
            UnavailableError: the job store cannot be reached.
        """
        waiting = await self._jobs.get(job_id)
        if waiting.phase is not phase or attempt not in {None, waiting.attempt}:
            yield None
            return
        try:
            async with self._holds.hold(job_id) as job:
                if job is None or job.phase is not phase or attempt not in {None, job.attempt}:
                    yield None
                    return
                try:
                    yield job
                except StaleJobError:
                    raise
                except MarketbelError as error:
                    await self._end_held(job, error)
        except StaleJobError:
            self._telemetry.event("job.taken_over", job_id=str(job_id))

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
        await self._jobs.save(moved, read=job, event=type(event))
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
            key=f"{level}:{job.generation}:{job.attempt}",
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
            await self._jobs.record_progress(
                job.id,
                progress,
                expected_version=job.version,
                at=self._clock.now(),
                token=job.token,
            )
        except UnavailableError as error:
            self._telemetry.event("progress.lost", job_id=str(job.id), error=str(error))

    async def end_attempt(self, job: Job, error: MarketbelError) -> Job:
        """Defer the job when time may cure `error` and tries are left; else fail it.

        A job that somebody else moved meanwhile is theirs: it is returned as it is stored.

        Raises:
            UnavailableError: the job store cannot be reached.
        """
        if isinstance(error, RefusedError):
            self._telemetry.count(f"refused.{error.code}")
        failure = failure_of(error)
        try:
            if isinstance(error, UnavailableError):
                deferred = await self._defer(job, failure, error)
                if deferred is not None:
                    return deferred
            return await self.fail(job, failure)
        except StaleJobError:
            return await self.load(job.id)

    async def _defer(self, job: Job, failure: Failure, error: UnavailableError) -> Job | None:
        event = next_try(
            job,
            failure,
            now=self._clock.now(),
            chance=self._chance(),
            retry_after=error.retry_after,
        )
        step = step_of(job)
        if event is None or step is None:
            return None
        deferred = await self.move(job, event)
        again = step_of(deferred)
        assert again is not None, "a deferred job waits for the step that it waited for before"
        await self._queue.ask(again, not_before=event.until)
        return deferred

    async def _end_held(self, job: Job, error: MarketbelError) -> None:
        """End the attempt of a job that is held, as it stands now under the holder's own token."""
        latest = await self._jobs.get(job.id)
        if latest.token != job.token or latest.phase is not job.phase:
            raise StaleJobError(
                job.id, expected_version=job.version, stored_version=latest.version
            )
        await self.end_attempt(latest, error)
