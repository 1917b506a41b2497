"""What a person may ask of a job: a further attempt, a replay, or to be called off."""

from collections.abc import Callable

from marketbel_core.errors import StaleJobError
from marketbel_core.ids import JobId
from marketbel_core.jobs import Cancelled, Job, JobEvent, Replayed, RetryRequested
from marketbel_core.ports import LogLevel, StepQueue
from marketbel_core.use_cases._job_mover import JobMover, step_of

__all__ = ["CancelJob", "ReplayJob", "RetryJob"]

_RACES_MAX = 5
"""Against a worker that moves the job at the same time; each lost race reads the job anew."""


class _Intervention:
    """Moves a job by a person's word, whatever else happens to it at that moment."""

    def __init__(self, *, mover: JobMover, queue: StepQueue) -> None:
        self._mover = mover
        self._queue = queue

    async def _move(self, job_id: JobId, event: JobEvent, is_done: Callable[[Job], bool]) -> Job:
        for _ in range(_RACES_MAX - 1):
            try:
                return await self._try(job_id, event, is_done)
            except StaleJobError:
                continue
        return await self._try(job_id, event, is_done)

    async def _try(self, job_id: JobId, event: JobEvent, is_done: Callable[[Job], bool]) -> Job:
        job = await self._mover.load(job_id)
        if not is_done(job):
            job = await self._mover.move(job, event)
        step = step_of(job)
        if step is not None:  # asked for again as well, in case an earlier ask was lost
            await self._queue.ask(step)
        return job


class RetryJob(_Intervention):
    """Gives a failed job a further attempt; what it knows of its source and file is kept."""

    async def __call__(self, job_id: JobId, *, attempt: int | None = None) -> Job:
        """Return the job on its way again.

        Args:
            job_id: Which job.
            attempt: The attempt that failed, when the caller knows it: the same wish delivered
                twice then starts one attempt.

        Raises:
            JobNotFoundError: there is no such job.
            IllegalTransitionError: it has not failed, or no attempt is left.
            UnavailableError: the job store or the queue cannot be reached; asking again is safe.
        """

        def is_done(job: Job) -> bool:
            return attempt is not None and job.attempt > attempt

        job = await self._move(job_id, RetryRequested(), is_done)
        await self._mover.tell(job, LogLevel.INFO, f"retry: attempt {job.attempt} begins")
        return job


class ReplayJob(_Intervention):
    """Takes a dead letter up again, with all its attempts before it."""

    async def __call__(self, job_id: JobId) -> Job:
        """Return the job on its way again.

        Raises:
            JobNotFoundError: there is no such job.
            IllegalTransitionError: it has not failed.
            UnavailableError: the job store or the queue cannot be reached.
        """
        job = await self._move(job_id, Replayed(), lambda _: False)
        await self._mover.tell(job, LogLevel.INFO, f"replay: generation {job.generation} begins")
        return job


class CancelJob(_Intervention):
    """Calls a job off; whoever works on it finds its writes refused."""

    async def __call__(self, job_id: JobId) -> Job:
        """Return the job, failed with `job.cancelled`; it can be retried.

        Raises:
            JobNotFoundError: there is no such job.
            IllegalTransitionError: it has ended already.
            UnavailableError: the job store cannot be reached.
        """
        job = await self._move(job_id, Cancelled(), lambda _: False)
        await self._mover.tell(job, LogLevel.WARNING, "called off by a person")
        return job
