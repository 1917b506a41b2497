"""The task that gives a failed job a further attempt."""

from marketbel_core.errors import IllegalTransitionError
from marketbel_core.ids import parse_job_id
from marketbel_runtime.container import Container
from marketbel_runtime.tasks.running import Result, as_task, tell_unknown

__all__ = ["retry_job_task"]


@as_task()
async def retry_job_task(
    container: Container,
    *,
    job_id: str,
    task_id: str | None = None,
    attempt: int | None = None,
    **unknown: object,
) -> Result:
    """Start a failed job's next attempt; its source, sheet and file name are kept.

    A stored file that is still as it came is not fetched again.
    """
    tell_unknown(container, "retry_job_task", unknown)
    known = parse_job_id(job_id)
    try:
        job = await container.retry_job()(known, attempt=attempt)
    except IllegalTransitionError:
        job = await container.mover().load(known)
        status, message = "error", f"the job is {job.phase}; only a failed one with attempts left"
    else:
        status, message = "success", f"attempt {job.attempt} of {job.attempts_max}"
    return {
        "task_id": task_id,
        "job_id": str(job.id),
        "status": status,
        "phase": str(job.phase),
        "retry_count": job.attempt - 1,
        "message": message,
        "ml_job_id": job.analysis_id,
        "can_retry": job.can_retry,
    }
