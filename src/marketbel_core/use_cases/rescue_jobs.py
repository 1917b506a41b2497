"""The sweep: a job that waits for a step too long has it asked for again."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from marketbel_core.jobs import Job, Phase
from marketbel_core.ports import Clock, JobStore, StepQueue, Telemetry
from marketbel_core.use_cases._job_mover import step_of

__all__ = ["RescueJobs", "RescueResult"]

_WAITING_MAX: Final = timedelta(seconds=60)
"""Longer than a step waits on a busy day, and short beside the patience of a person."""

_BATCH_MAX: Final = 1_000
"""Jobs of a phase in one sweep; the longest unchanged first, so that none starves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RescueResult:
    """What a sweep did.

    Attributes:
        waiting: Jobs that had waited for longer than they should.
        asked: Steps of theirs that were neither queued nor running, and now are.
    """

    waiting: int = 0
    asked: int = 0


class RescueJobs:
    """Asks for lost steps again. Safe to run at any time, by any number of workers.

    A step that is queued or running already is not asked for twice: the queue knows its name.
    A download that has begun is given the time that a step may take: its worker may be at it.
    """

    def __init__(
        self,
        *,
        jobs: JobStore,
        queue: StepQueue,
        clock: Clock,
        telemetry: Telemetry,
        download_max: timedelta,
    ) -> None:
        self._jobs = jobs
        self._queue = queue
        self._clock = clock
        self._telemetry = telemetry
        self._download_max = download_max

    async def __call__(self) -> RescueResult:
        """Look at every job on its way, and ask for the step of each that waits too long."""
        waiting = asked = 0
        for phase in (Phase.DOWNLOADING, Phase.ANALYZING, Phase.MATCHING):
            for job in await self._jobs.list_in(phase, limit=_BATCH_MAX):
                if not self._waits_too_long(job):
                    continue
                step = step_of(job)
                if step is None:
                    continue  # ml-analyze is at it; the polling round asks
                waiting += 1
                if await self._queue.ask(step):
                    asked += 1
                    self._telemetry.event("job.asked_again", job_id=str(job.id), phase=job.phase)
        return RescueResult(waiting=waiting, asked=asked)

    def _waits_too_long(self, job: Job) -> bool:
        begun = job.phase is Phase.DOWNLOADING and job.started_at is not None
        longest = self._download_max + _WAITING_MAX if begun else _WAITING_MAX
        return self._clock.now() - job.changed_at >= longest
