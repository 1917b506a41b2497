"""How an arq coroutine is made of a step: an error is a retry or a result, never a dead worker."""

import asyncio
import functools
import random
import time
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from arq import Retry

from marketbel_core.errors import DomainError, MarketbelError, UnavailableError
from marketbel_core.ids import parse_job_id
from marketbel_core.jobs import Actor, Failure, backoff
from marketbel_runtime.container import Container
from marketbel_runtime.steps import TRIES_MAX

__all__ = ["Context", "Result", "Task", "TaskUnavailableError", "as_task", "tell_unknown"]

type Result = dict[str, object]
type Context = dict[Any, Any]
type Task = Callable[..., Coroutine[Any, Any, Result]]

_TASK_IDS: Final = UUID("0d4a6f0e-58c5-5d55-8f0e-0c5b7a3f7b52")
_RETRY_BASE: Final = timedelta(seconds=1)
_RETRY_CAP: Final = timedelta(seconds=30)


class TaskUnavailableError(DomainError):
    """A task that the deployment knows is not built yet."""

    code = "task.not_available"

    def __init__(self, task: str) -> None:
        self.task = task
        super().__init__(f"{task} is not available in this version; nothing was done")


def as_task(
    *, tries_max: int = TRIES_MAX, timed: bool = True, starts_job: bool = False
) -> Callable[[Task], Task]:
    """Return a decorator that makes an arq coroutine of a step.

    An `UnavailableError` asks for another delivery with full jitter until `tries_max`, and so does
    a step that takes too long: it is ended by us a little before arq would end it for good. Any
    other error of ours becomes the result; an unexpected one also fails the job, so that it is not
    left waiting for a step that will never come. A task that is not built yet says so by raising.

    Args:
        tries_max: Deliveries before the step itself has to end the attempt.
        timed: Whether the result tells its `duration_seconds`.
        starts_job: Whether the task makes the job that it works on; the job's id is then made of
            the task's when the caller names none.
    """

    def decorate(run: Task) -> Task:
        name = run.__name__

        @functools.wraps(run)
        async def task(ctx: Context, *args: object, **kwargs: object) -> Result:
            container: Container = ctx["container"]
            begin = time.monotonic()
            kwargs = _named(args, kwargs)
            if starts_job and not kwargs.get("job_id"):
                kwargs["job_id"] = str(
                    uuid5(_TASK_IDS, str(kwargs.get("task_id") or ctx["job_id"]))
                )
            tries = int(ctx["job_try"])
            try:
                async with asyncio.timeout(container.settings().step_seconds_max):
                    result = await run(container, may_retry=tries < tries_max, **kwargs)
            except TaskUnavailableError:
                container.telemetry().event("task.not_available", task=name)
                raise
            except (UnavailableError, TimeoutError) as error:
                if tries < tries_max:
                    raise Retry(defer=_wait(tries)) from error
                result = await _given_up(container, kwargs, error)
            except MarketbelError as error:
                container.telemetry().event("task.refused", task=name, code=error.code)
                result = _error(kwargs, error)
            except Exception as error:  # noqa: BLE001 - a task never kills the worker
                container.telemetry().event("task.crashed", task=name, error=repr(error)[:500])
                message = f"an unexpected error: {type(error).__name__}"
                await _fail(container, kwargs, code="internal.error", message=message)
                result = {**_error(kwargs, error), "code": "internal.error"}
            if timed:
                result["duration_seconds"] = round(time.monotonic() - begin, 3)
            return result

        return task

    return decorate


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


async def _given_up(
    container: Container, kwargs: dict[str, object], error: UnavailableError | TimeoutError
) -> Result:
    """Return the result of a step's last delivery; the step itself has ended its job's attempt,
    unless it ran out of time.
    """
    if isinstance(error, UnavailableError):
        return _error(kwargs, error)
    seconds = container.settings().step_seconds_max
    message = f"a step took longer than {seconds:.0f} s, {TRIES_MAX} times: raise JOB_TIMEOUT"
    await _fail(container, kwargs, code="step.timed_out", message=message)
    return {**_error(kwargs, error), "code": "step.timed_out", "error": message}


async def _fail(
    container: Container, kwargs: dict[str, object], *, code: str, message: str
) -> None:
    """End the attempt of the job that the task worked on, if it worked on one."""
    if not kwargs.get("job_id"):
        return
    try:
        mover = container.mover()
        job = await mover.load(parse_job_id(str(kwargs["job_id"])))
        if job.is_active:
            await mover.fail(job, Failure(code=code, message=message, actor=Actor.COURIER))
    except MarketbelError as trouble:
        container.telemetry().event("task.job_not_failed", error=str(trouble))
