"""Where a step may run: beside others, or alone when its job has taken workers with it."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Final

from arq import Retry

from marketbel_adapters.arq import HEAVY_FUNCTIONS
from marketbel_core.errors import DomainError
from marketbel_core.ids import JobId, parse_job_id
from marketbel_core.jobs import WORKER_KILLED, Job
from marketbel_runtime.container import Container

__all__ = ["KillsWorkersError", "place_for"]

_AWAY: Final = timedelta(seconds=4)
"""How long a step goes back into the queue for, on average, when there is no place for it."""


class KillsWorkersError(DomainError):
    """A job that took too many workers with it is run no more; the sweep buries it."""

    code = WORKER_KILLED

    def __init__(self, job_id: JobId) -> None:
        self.job_id = job_id
        super().__init__(f"the workers that ran job {job_id} died; it is not run again")


@asynccontextmanager
async def place_for(
    container: Container, function: str, kwargs: dict[str, object]
) -> AsyncGenerator[None]:
    """Run the block, a step of the job among `kwargs`, with the company that the job may have.

    A step without a job, such as a polling round, runs whatever else does. Light steps do not wait
    here: they would fill the lane that rounds and triggers run in. A heavy step whose job somebody
    holds comes again: the holder may be dead, and its claim not yet run out.

    Raises:
        Retry: there was no place for it in time; it is delivered again soon.
        KillsWorkersError: its job is not to be run at all.
        UnavailableError: the job store cannot be reached.
    """
    if not kwargs.get("job_id"):
        yield
        return
    is_heavy = function in HEAVY_FUNCTIONS
    job, is_held = await _as_it_stands(container, str(kwargs["job_id"]))
    if job is not None and job.kills_workers:
        raise KillsWorkersError(job.id)
    bulkhead = container.bulkhead()
    if is_held if is_heavy else bulkhead.is_closed:
        raise _soon()
    is_alone = job is not None and job.runs_alone
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(container.settings().step_seconds_max):
                await stack.enter_async_context(
                    bulkhead.alone() if is_alone else bulkhead.shared()
                )
        except TimeoutError as error:
            raise _soon() from error
        yield


def _soon() -> Retry:
    return Retry(defer=_AWAY * (0.5 + random.random()))  # noqa: S311 - jitter is no secret


async def _as_it_stands(container: Container, written: str) -> tuple[Job | None, bool]:
    """Return the job, with the worker counted that vanished with it a moment ago, and whether
    somebody holds it.

    A claim and the sweep count that worker too, but the one comes too late to be alone for it, and
    the other may not have come by yet. `None` for what is no job or has ended: the step says so.
    """
    jobs = container.jobs()
    try:
        job = await jobs.get(parse_job_id(written))
    except DomainError:
        return None, False
    if not job.is_active:
        return None, False
    until = (await jobs.held([job.id])).get(job.id)
    if until is None:
        return job, False
    if until > container.clock().now():
        return job, True
    return replace(job, deliveries=job.deliveries + 1), False
