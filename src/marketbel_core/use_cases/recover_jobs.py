"""After a loss of the job store: every unfinished job that the archive knows goes on."""

from dataclasses import dataclass
from typing import Final

from marketbel_core.errors import JobNotFoundError
from marketbel_core.ids import JobId
from marketbel_core.jobs import Job, put_back
from marketbel_core.ports import Clock, JobArchive, JobStore, StepQueue, Telemetry
from marketbel_core.use_cases._job_mover import step_of

__all__ = ["RecoverJobs", "RecoverResult"]

_PAGE: Final = 200
"""Jobs read at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverResult:
    """What was found and done, in jobs.

    Attributes:
        unfinished: All that the archive knows.
        kept: Those that the store still has; they were left alone.
        put_back: Those that it had lost and has again.
        asked: Those of them whose step is in the queue now; the others are read at ml-analyze,
            and the polling round asks about them.
    """

    unfinished: int = 0
    kept: int = 0
    put_back: int = 0
    asked: int = 0


class RecoverJobs:
    """Puts lost jobs back. Safe to run at any time, and to run again when it was broken off.

    A step whose ask was lost by that is asked for by the sweep.
    """

    def __init__(
        self,
        *,
        jobs: JobStore,
        archive: JobArchive,
        queue: StepQueue,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._jobs = jobs
        self._archive = archive
        self._queue = queue
        self._clock = clock
        self._telemetry = telemetry

    async def __call__(self) -> RecoverResult:
        """Look at every unfinished job of the archive.

        Raises:
            UnavailableError: store, archive or queue cannot be reached.
            ProtocolError: an archived job cannot be read (`archive.corrupt`).
        """
        unfinished = lost = asked = 0
        after: JobId | None = None
        while page := await self._archive.unfinished(limit=_PAGE, after=after):
            after = page[-1].id
            unfinished += len(page)
            for job in page:
                if await self._is_stored(job):
                    continue
                lost += 1
                asked += await self._put_back(job)
        return RecoverResult(
            unfinished=unfinished, kept=unfinished - lost, put_back=lost, asked=asked
        )

    async def _is_stored(self, job: Job) -> bool:
        try:
            await self._jobs.get(job.id)
        except JobNotFoundError:
            return False
        return True

    async def _put_back(self, job: Job) -> bool:
        job = put_back(job, now=self._clock.now())
        await self._jobs.add(job)
        self._telemetry.event("job.put_back", job_id=str(job.id), phase=job.phase)
        step = step_of(job)
        return step is not None and await self._queue.ask(step, not_before=job.not_before)
