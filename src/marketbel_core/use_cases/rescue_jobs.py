"""The sweep: jobs whose worker vanished, and jobs that wait for a step too long, go on again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from marketbel_core.errors import IllegalTransitionError, StaleJobError
from marketbel_core.jobs import WORKER_KILLED, Failure, Job, Phase
from marketbel_core.ports import Clock, JobStore, StepQueue, Telemetry
from marketbel_core.use_cases._job_mover import JobMover, step_of

__all__ = ["RescueJobs", "RescueResult"]

_WAITING_MAX: Final = timedelta(seconds=60)
"""Longer than a step waits on a busy day, and short beside the patience of a person."""

_BATCH_MAX: Final = 1_000
"""Jobs of a phase in one sweep; the longest unchanged first, so that none starves."""

_REAPED_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class RescueResult:
    """What a sweep did.

    Attributes:
        reaped: Jobs whose worker had vanished.
        buried: Those of them that took too many workers with them; they failed for good.
        waiting: Jobs that nobody held and that had waited for longer than they should.
        asked: Steps that were neither queued nor running, and now are.
    """

    reaped: int = 0
    buried: int = 0
    waiting: int = 0
    asked: int = 0


class RescueJobs:
    """Asks for lost steps again. Safe to run at any time, by any number of workers.

    A step that is queued already is not asked for twice: the queue knows its name.
    """

    def __init__(
        self,
        *,
        mover: JobMover,
        jobs: JobStore,
        queue: StepQueue,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._mover = mover
        self._jobs = jobs
        self._queue = queue
        self._clock = clock
        self._telemetry = telemetry

    async def __call__(self) -> RescueResult:
        """Take jobs from vanished workers, and look at every job that nobody holds.

        Raises:
            UnavailableError: the job store or the queue cannot be reached; running again is safe.
        """
        reaped = buried = asked = 0
        while jobs := await self._jobs.reap(limit=_REAPED_AT_ONCE):
            for job in jobs:
                reaped += 1
                self._telemetry.event(
                    "job.reaped", job_id=str(job.id), phase=job.phase, deliveries=job.deliveries
                )
                if job.kills_workers:
                    buried += await self._bury(job)
                else:
                    asked += await self._ask(job)
        lost = await self._ask_for_lost()
        return replace(lost, reaped=reaped, buried=buried + lost.buried, asked=asked + lost.asked)

    async def _ask_for_lost(self) -> RescueResult:
        waiting = buried = asked = 0
        for phase in (Phase.DOWNLOADING, Phase.ANALYZING, Phase.MATCHING):
            late = [
                job
                for job in await self._jobs.list_in(phase, limit=_BATCH_MAX)
                if self._waits_too_long(job) and step_of(job) is not None
            ]
            for job in await self._unheld(late):
                waiting += 1
                if job.kills_workers:  # a sweep died between its last loss and its burial
                    buried += await self._bury(job)
                elif await self._ask(job):
                    asked += 1
                    self._telemetry.event("job.asked_again", job_id=str(job.id), phase=job.phase)
        return RescueResult(buried=buried, waiting=waiting, asked=asked)

    async def _unheld(self, jobs: Sequence[Job]) -> list[Job]:
        held = await self._jobs.held([job.id for job in jobs])
        return [job for job in jobs if job.id not in held]

    async def _ask(self, job: Job) -> bool:
        step = step_of(job)  # None: ml-analyze is at it; the polling round asks
        # It has waited already: its place in the queue is before those that came later.
        due = job.not_before or min(job.created_at, self._clock.now())
        return step is not None and await self._queue.ask(step, not_before=due)

    async def _bury(self, job: Job) -> bool:
        failure = Failure(
            code=WORKER_KILLED,
            message=(
                f"{job.deliveries} workers died over this job, the last ones with nothing else to "
                "do: look at its file before it is replayed"
            ),
        )
        try:
            await self._mover.fail(job, failure)
        except (StaleJobError, IllegalTransitionError):
            return False  # moved by somebody else since
        return True

    def _waits_too_long(self, job: Job) -> bool:
        since = max(job.changed_at, job.not_before or job.changed_at)
        return self._clock.now() - since >= _WAITING_MAX
