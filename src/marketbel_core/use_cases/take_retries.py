"""The wishes of the admin interface's retry button become steps, and none is lost."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from marketbel_core.errors import MarketbelError, RefusedError, UnavailableError
from marketbel_core.ids import JobId
from marketbel_core.intake.triggers import parse_retry_trigger
from marketbel_core.jobs import Phase
from marketbel_core.ports import Inbox, JobStore, Leases, RetryStep, StepQueue, Telemetry, Tray

__all__ = ["TakeRetries", "TakenRetries"]

_LEASE_NAME: Final = "inbox:retries"
_LEASE_DURATION: Final = timedelta(seconds=30)
_BATCH_MAX: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenRetries:
    """What a round did: triggers that were obeyed, and those that were of no use."""

    taken: int = 0
    rejected: int = 0


class TakeRetries:
    """Asks for a retry step for each trigger. One taker at a time; a crash loses none.

    The step names the attempt that failed: a trigger that is read twice, or a button that is
    pressed twice, starts one attempt.
    """

    def __init__(
        self,
        *,
        inbox: Inbox,
        jobs: JobStore,
        leases: Leases,
        queue: StepQueue,
        telemetry: Telemetry,
    ) -> None:
        self._inbox = inbox
        self._jobs = jobs
        self._leases = leases
        self._queue = queue
        self._telemetry = telemetry

    async def __call__(self) -> TakenRetries:
        """Take what waits; another worker that is at it is left to it.

        Raises:
            UnavailableError: Redis cannot be reached; what was not acknowledged comes again.
        """
        lease = await self._leases.acquire(_LEASE_NAME, duration=_LEASE_DURATION)
        if lease is None:
            return TakenRetries()
        taken = rejected = 0
        try:
            for message in await self._inbox.take(Tray.RETRY_TRIGGERS, limit=_BATCH_MAX):
                if await self._is_taken(message):
                    taken += 1
                else:
                    rejected += 1
        finally:
            await self._leases.release(lease)
        return TakenRetries(taken=taken, rejected=rejected)

    async def _is_taken(self, message: str) -> bool:
        """Do what the message wishes for, or lay it aside; return which of both."""
        try:
            step = await self._step(message)
        except UnavailableError:
            raise
        except MarketbelError as error:
            self._telemetry.event("trigger.rejected", reason=str(error)[:200], code=error.code)
            reason = f"{error.code}: {error}"[:500]
            await self._inbox.reject(Tray.RETRY_TRIGGERS, message, reason=reason)
            return False
        if step is not None:
            await self._queue.ask(step)
        await self._inbox.done(Tray.RETRY_TRIGGERS, message)
        return True

    async def _step(self, message: str) -> RetryStep | None:
        """Return the step that the trigger wishes for; `None` when the job is on its way already.

        Raises:
            RefusedError: the message is no such trigger (`job.invalid`), or the job has ended in
                a way that cannot be tried again (`job.not_retryable`).
            JobNotFoundError: there is no such job.
            ProtocolError: the stored job cannot be read.
        """
        job = await self._jobs.get(JobId(parse_retry_trigger(message).job_id))
        if job.is_active:
            return None  # the button was pressed again before the job was seen to move
        if job.phase is not Phase.FAILED or not job.can_retry:
            raise RefusedError(
                "job.not_retryable", f"job {job.id} is {job.phase} and cannot be retried"
            )
        return RetryStep(job_id=job.id, attempt=job.attempt)
