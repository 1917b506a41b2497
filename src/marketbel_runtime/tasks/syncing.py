"""The task that brings the suppliers in line with the master sheet, under its three names."""

import functools
from typing import Any, Final

from marketbel_core.ports import AtOnce
from marketbel_core.use_cases import SyncRequest
from marketbel_runtime.container import Container
from marketbel_runtime.sync_results import sync_result
from marketbel_runtime.tasks.running import Result, Task, as_task, tell_unknown

__all__ = ["master_sync_task", "scheduled_sync_task", "trigger_master_sync_task"]

_BUSY: Final = {"suppliers_created": 0, "suppliers_updated": 0, "suppliers_deactivated": 0}


async def _sync(
    container: Container,
    *,
    call_key: str,
    task_id: str | None = None,
    triggered_by: str = "manual",
    master_sheet_url: str | None = None,
    **unknown: object,
) -> Result:
    """Bring the suppliers in line with the master sheet, and start a job for each active one."""
    unknown.pop("triggered_at", None)
    tell_unknown(container, "master_sync_task", unknown)
    seconds = int(container.clock().now().timestamp())
    told = str(task_id or f"sync-{triggered_by}-{seconds}")[:255]
    outcome = await container.sync_suppliers()(
        SyncRequest(
            wish=AtOnce(task_id=told, key=f"task:{call_key}"),
            triggered_by=str(triggered_by)[:50],
            location=master_sheet_url or None,
        )
    )
    result = sync_result(outcome)
    return {**_BUSY, **result, "task_id": told, "triggered_by": triggered_by}


def _named(name: str, *, triggered_by: str = "manual") -> Task:
    @functools.wraps(_sync)
    async def run(*args: Any, **kwargs: Any) -> Result:  # noqa: ANN401 - passed on as they are
        return await _sync(*args, **{"triggered_by": triggered_by, **kwargs})

    run.__name__ = run.__qualname__ = name
    return as_task(keyed=True)(run)


master_sync_task = _named("master_sync_task")
trigger_master_sync_task = _named("trigger_master_sync_task")
scheduled_sync_task = _named("scheduled_sync_task", triggered_by="scheduled")
