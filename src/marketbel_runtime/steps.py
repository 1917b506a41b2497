"""Which use case a step is."""

from marketbel_core.ports import (
    CourierStep,
    EnrichStep,
    ImportStep,
    MatchStep,
    RecalculateStep,
    RetryStep,
    Step,
)
from marketbel_runtime.container import Container

__all__ = ["run_step"]


async def run_step(container: Container, step: Step) -> None:
    """Run `step` once.

    Raises:
        UnavailableError: a store or the queue cannot be reached; running again is safe.
    """
    match step:
        case CourierStep(job_id=job_id, attempt=attempt):
            await container.courier()(job_id, attempt=attempt)
        case ImportStep(job_id=job_id, attempt=attempt):
            await container.import_items()(job_id, attempt=attempt)
        case MatchStep(job_id=job_id, attempt=attempt, supplier_id=supplier_id):
            await container.match_items()(job_id=job_id, attempt=attempt, supplier_id=supplier_id)
        case RecalculateStep():
            await container.recalculate_aggregates()(
                job_id=step.job_id,
                attempt=step.attempt,
                supplier_id=step.supplier_id,
                product_ids=step.product_ids,
            )
        case EnrichStep():
            await container.enrich_supplier()(step)
        case RetryStep(job_id=job_id, attempt=attempt):
            await container.retry_job()(job_id, attempt=attempt)
