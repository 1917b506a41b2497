"""The task that removes what has been in the shared folder for long enough."""

from marketbel_runtime.clean_up import clean_up_result, ttl_of
from marketbel_runtime.container import Container
from marketbel_runtime.tasks.running import Result, as_task, tell_unknown

__all__ = ["cleanup_shared_files_task"]


@as_task(timed=False)
async def cleanup_shared_files_task(
    container: Container,
    *,
    ttl_hours: float | None = None,
    dry_run: bool = False,
    **unknown: object,
) -> Result:
    """Remove files older than `ttl_hours` (FILE_CLEANUP_TTL_HOURS) that nothing needs."""
    unknown.pop("task_id", None)  # any task may be given one
    tell_unknown(container, "cleanup_shared_files_task", unknown)
    result = await container.clean_up_files()(ttl=ttl_of(ttl_hours), dry_run=dry_run)
    return clean_up_result(result)
