"""How an arq coroutine is made of a step: an error is a retry or a result, never a dead worker."""

import asyncio
import functools
import random
import time
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from arq import Retry

from marketbel_core.errors import MarketbelError, UnavailableError
from marketbel_core.ids import parse_job_id
from marketbel_core.jobs import Actor, Failure, Job, Phase, backoff
from marketbel_core.use_cases import JobMover
from marketbel_runtime.container import Container
from marketbel_runtime.tasks.arguments import checker_of
from marketbel_runtime.tasks.place import place_for

__all__ = [
    "TRIES_MAX",
    "Context",
    "Result",
    "Task",
    "as_task",
    "tell_unknown",
]

type Result = dict[str, object]
type Context = dict[Any, Any]
type Task = Callable[..., Coroutine[Any, Any, Result]]

TRIES_MAX: Final = 500
"""Deliveries of a task that finds its stores away: four hours, on average, at the cap below. A
step with a job needs few of them: it defers itself, and each delivery counts from one again."""

_TASK_IDS: Final = UUID("0d4a6f0e-58c5-5d55-8f0e-0c5b7a3f7b52")
_RETRY_BASE: Final = timedelta(seconds=1)
_RETRY_CAP: Final = timedelta(seconds=60)


def as_task(
    *,
    tries_max: int = TRIES_MAX,
    timed: bool = True,
    starts_job: bool = False,
    keyed: bool = False,
) -> Callable[[Task], Task]:
    """Return a decorator that makes an arq coroutine of a step.

    An `UnavailableError` that reaches it, from a store that is away or in a task without a job,
    asks for another delivery with full jitter until `tries_max`. A step that takes too long is
    ended by us a little before arq would end it for good, and its job deferred or failed. Any
    other error of ours becomes the result; an unexpected one also fails the job, so that it is not
    left waiting for a step that will never come.

    Args:
        tries_max: Deliveries before the result is the error.
        timed: Whether the result tells its `duration_seconds`.
        starts_job: Whether the task makes the job that it works on; the job's id is then made of
            the task's when the caller names none.
        keyed: Whether the task is told, as `call_key`, what is the same in each delivery of one
            call and differs between calls.
    """

    def decorate(run: Task) -> Task:
        name = run.__name__
        checked = checker_of(run)

        @functools.wraps(run)
        async def task(ctx: Context, *args: object, **kwargs: object) -> Result:
            container: Container = ctx["container"]
            begin = time.monotonic()
            kwargs = _named(args, kwargs)
            if starts_job and not kwargs.get("job_id"):
                kwargs["job_id"] = str(
                    uuid5(_TASK_IDS, str(kwargs.get("task_id") or ctx["job_id"]))
                )
            if keyed:
                kwargs["call_key"] = f"{ctx['job_id']}:{ctx.get('enqueue_time')}"
            tries = int(ctx["job_try"])
            try:
                result = await _outcome(container, run, checked, kwargs)
            except UnavailableError as error:
                if tries < tries_max:
                    raise Retry(defer=_wait(tries)) from error
                container.telemetry().event("task.given_up", task=name, code=error.code)
                result = _error(kwargs, error)
            if timed:
                result["duration_seconds"] = round(time.monotonic() - begin, 3)
            return result

        return task

    return decorate


async def _outcome(
    container: Container,
    run: Task,
    checked: Callable[[dict[str, object]], dict[str, object]],
    kwargs: dict[str, object],
) -> Result:
    """Return what came of the step, good or bad.

    Raises:
        UnavailableError: time may cure it.
        Retry: there is no place for the step now.
    """
    name = run.__name__
    try:
        kwargs = checked(kwargs)
        async with place_for(container, name, kwargs):
            async with asyncio.timeout(container.settings().step_seconds_max):
                return await run(container, **kwargs)
    except (UnavailableError, Retry):
        raise
    except TimeoutError:
        return await _timed_out(container, kwargs)
    except MarketbelError as error:
        container.telemetry().event("task.refused", task=name, code=error.code)
        return _error(kwargs, error)
    except Exception as error:  # noqa: BLE001 - a task never kills the worker
        container.telemetry().event("task.crashed", task=name, error=repr(error)[:500])
        message = f"an unexpected error: {type(error).__name__}"
        failure = Failure(code="internal.error", message=message, actor=Actor.COURIER)
        await _end(container, kwargs, lambda mover, job: mover.fail(job, failure))
        return {**_error(kwargs, error), "code": "internal.error"}


def tell_unknown(container: Container, task: str, unknown: dict[str, object]) -> None:
    """Note which arguments a producer passed that `task` does not know; they change nothing."""
    if unknown:
        container.telemetry().event("task.unknown_kwargs", task=task, names=",".join(unknown))


def _named(args: tuple[object, ...], kwargs: dict[str, object]) -> dict[str, object]:
    """Return what a producer passed by name: a message's fields are arguments, and so is an id."""
    message = args[0] if args else kwargs.get("message")
    rest = {name: value for name, value in kwargs.items() if name != "message"}
    if isinstance(message, dict):
        return {**message, **rest}
    return rest if message is None else {"job_id": message, **rest}


def _error(kwargs: dict[str, object], error: Exception) -> Result:
    return {
        "task_id": kwargs.get("task_id"),
        "job_id": kwargs.get("job_id"),
        "status": "error",
        "code": getattr(error, "code", None),
        "error": str(error),
    }


def _wait(tries: int) -> timedelta:
    # Jitter needs no secret randomness.
    return backoff(tries, base=_RETRY_BASE, cap=_RETRY_CAP, chance=random.random())  # noqa: S311


async def _timed_out(container: Container, kwargs: dict[str, object]) -> Result:
    seconds = container.settings().step_seconds_max
    message = f"a step took longer than {seconds:.0f} s: raise JOB_TIMEOUT, or lighten the list"
    error = UnavailableError(message, code="step.timed_out")
    await _end(container, kwargs, lambda mover, job: mover.end_attempt(job, error))
    return _error(kwargs, error)


async def _end(
    container: Container,
    kwargs: dict[str, object],
    how: Callable[[JobMover, Job], Awaitable[object]],
) -> None:
    """End the attempt of the job that the task worked on, if it still waits for such a step.

    Only a job that nobody holds: a worker that was frozen finds its step out of time when it wakes
    up, and by then the job may be in other hands.
    """
    if not kwargs.get("job_id"):
        return
    try:
        mover = container.mover()
        job = await mover.load(parse_job_id(str(kwargs["job_id"])))
        is_read_elsewhere = job.phase is Phase.ANALYZING and job.analysis_id is not None
        is_its_attempt = kwargs.get("attempt") in (None, job.attempt)  # it may be anything
        if not (job.is_active and is_its_attempt) or is_read_elsewhere:
            return
        async with mover.hold(job.id, phase=job.phase, attempt=job.attempt) as held:
            if held is not None:
                await how(mover, held)
    except MarketbelError as trouble:  # the sweep asks for the step again
        container.telemetry().event("task.job_not_ended", error=str(trouble))
