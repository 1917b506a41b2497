"""The tasks that match items and recompute what depends on their links."""

import functools
from typing import Any

from marketbel_core.ids import parse_job_id, parse_product_id, parse_supplier_id
from marketbel_runtime.container import Container
from marketbel_runtime.tasks.running import Result, Task, as_task

__all__ = ["match_items_task", "recalc_aggregates_task", "recalc_product_aggregates_task"]


@as_task()
async def match_items_task(
    container: Container,
    *,
    task_id: str | None = None,
    job_id: str | None = None,
    supplier_id: str | None = None,
    attempt: int | None = None,
    **_: object,
) -> Result:
    """Match a backlog: a job's supplier's, a named supplier's, or everybody's.

    The whole backlog is matched, whatever `batch_size` a caller names.
    """
    result = await container.match_items()(
        supplier_id=parse_supplier_id(supplier_id) if supplier_id else None,
        job_id=parse_job_id(job_id) if job_id else None,
        attempt=attempt,
    )
    return {
        "task_id": task_id,
        "status": "success",
        "items_processed": result.items,
        "auto_matched": result.linked,
        "potential_matches": result.for_review,
        "new_products_created": result.drafted,
        "skipped_no_category": 0,
        "skipped_verified": 0,
        "errors": [],
    }


async def _recalculate(
    container: Container,
    *,
    task_id: str | None = None,
    job_id: str | None = None,
    product_ids: list[str] | None = None,
    supplier_id: str | None = None,
    trigger: str = "manual",
    attempt: int | None = None,
    **_: object,
) -> Result:
    """Recompute lowest price and availability; complete the job that waits for it."""
    result = await container.recalculate_aggregates()(
        job_id=parse_job_id(job_id) if job_id else None,
        attempt=attempt,
        supplier_id=parse_supplier_id(supplier_id) if supplier_id else None,
        product_ids=[parse_product_id(text) for text in product_ids or []],
    )
    return {
        "task_id": task_id,
        "status": "success",
        "trigger": trigger,
        "products_processed": result.processed,
        "products_updated": result.updated,
        "items_without_rate": dict(result.without_worth),
        "errors": [],
    }


def _named(name: str) -> Task:
    @functools.wraps(_recalculate)
    async def run(*args: Any, **kwargs: Any) -> Result:  # noqa: ANN401 - passed on as they are
        return await _recalculate(*args, **kwargs)

    run.__name__ = run.__qualname__ = name
    return as_task()(run)


recalc_product_aggregates_task = _named("recalc_product_aggregates_task")
recalc_aggregates_task = _named("recalc_aggregates_task")
