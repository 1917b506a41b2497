"""The wishes of the admin interface's retry button become steps, and none is lost."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from marketbel_core.errors import MarketbelError, UnavailableError
from marketbel_core.ids import parse_job_id
from marketbel_core.jobs import Phase
from marketbel_core.ports import Inbox, JobStore, Leases, RetryStep, StepQueue, Telemetry, Tray

__all__ = ["TakeRetries", "TakenRetries"]

_LEASE_NAME: Final = "inbox:retries"
_LEASE_DURATION: Final = timedelta(seconds=30)
_BATCH_MAX: Final = 100

_OF_NO_USE: Final = (MarketbelError, ValueError, TypeError, RecursionError)
"""What a message can be wrong by, the job that it names included: none may stop those behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenRetries:
    """What a round did: triggers whose retry was asked for, and those that were of no use."""

    asked: int = 0
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
        asked = rejected = 0
        try:
            for message in await self._inbox.take(Tray.RETRY_TRIGGERS, limit=_BATCH_MAX):
                try:
                    await self._queue.ask(await self._step(message))
                except UnavailableError:
                    raise
                except _OF_NO_USE as error:
                    rejected += 1
                    self._telemetry.event("trigger.rejected", reason=str(error)[:200])
                    await self._inbox.reject(Tray.RETRY_TRIGGERS, message, reason=str(error)[:500])
                else:
                    asked += 1
                    await self._inbox.done(Tray.RETRY_TRIGGERS, message)
        finally:
            await self._leases.release(lease)
        return TakenRetries(asked=asked, rejected=rejected)

    async def _step(self, message: str) -> RetryStep:
        """Return the step that the trigger wishes for.

        Raises:
            ValueError: it is no JSON object with a job's id, or the job has not failed.
            JobNotFoundError: there is no such job.
        """
        said = json.loads(message)
        if not isinstance(said, dict):
            raise TypeError("a trigger is a JSON object with job_id")
        job = await self._jobs.get(parse_job_id(str(said.get("job_id"))))
        if job.phase is not Phase.FAILED or not job.can_retry:
            raise ValueError(f"job {job.id} is {job.phase} and cannot be retried")
        return RetryStep(job_id=job.id, attempt=job.attempt)
