"""Steps as arq jobs: one arq id a step and attempt, so that asking twice runs once."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from redis.exceptions import RedisError

from marketbel_adapters.arq.lanes import HEAVY_FUNCTIONS
from marketbel_adapters.arq.pool import JsonArqRedis, QueuedCall
from marketbel_core.errors import UnavailableError
from marketbel_core.ports import (
    CourierStep,
    EnrichStep,
    ImportStep,
    MatchStep,
    RecalculateStep,
    RetryStep,
    Step,
    StepQueue,
)

__all__ = ["ArqStepQueue", "arq_job_of"]

_FUNCTIONS: Final[dict[type[Step], str]] = {
    CourierStep: "courier_task",
    EnrichStep: "enrich_items_task",
    ImportStep: "import_items_task",
    MatchStep: "match_items_task",
    RecalculateStep: "recalc_product_aggregates_task",
    RetryStep: "retry_job_task",
}
_PAGE: Final = 500
"""Steps that go to Redis at once."""


class ArqStepQueue(StepQueue):
    """A `StepQueue` on arq. The pool must be one of this package (`pool_on`)."""

    def __init__(
        self, pool: JsonArqRedis, *, queue_name: str, heavy_queue_name: str | None = None
    ) -> None:
        """Ask for steps on `queue_name`.

        Args:
            pool: What they are asked for through.
            queue_name: Where every worker looks.
            heavy_queue_name: Where long steps are asked for; only for whoever knows that a worker
                looks there. `None` asks for all on `queue_name`, from where they are moved on.
        """
        self._pool = pool
        self._queue_name = queue_name
        self._heavy_queue_name = heavy_queue_name or queue_name

    async def ask(self, step: Step, *, not_before: datetime | None = None) -> bool:
        function, arq_id, kwargs = arq_job_of(step)
        is_heavy = function in HEAVY_FUNCTIONS
        try:
            job = await self._pool.enqueue_job(
                function,
                _job_id=arq_id,
                _queue_name=self._heavy_queue_name if is_heavy else self._queue_name,
                _defer_until=not_before,
                **kwargs,
            )
        except (RedisError, OSError, TimeoutError) as error:
            raise UnavailableError(
                f"the queue cannot be reached: {error}", code="redis.unavailable"
            ) from error
        return job is not None

    async def ask_all(self, steps: Sequence[Step]) -> None:
        for start in range(0, len(steps), _PAGE):
            asked: list[QueuedCall] = []
            for step in steps[start : start + _PAGE]:
                function, arq_id, kwargs = arq_job_of(step)
                is_heavy = function in HEAVY_FUNCTIONS
                queue_name = self._heavy_queue_name if is_heavy else self._queue_name
                call = QueuedCall(
                    function=function, job_id=arq_id, queue_name=queue_name, kwargs=kwargs
                )
                asked.append(call)
            try:
                await self._pool.enqueue_all(asked)
            except (RedisError, OSError, TimeoutError) as error:
                raise UnavailableError(
                    f"the queue cannot be reached: {error}", code="redis.unavailable"
                ) from error


def arq_job_of(step: Step) -> tuple[str, str, dict[str, Any]]:
    """Return the arq function, the arq id and the keyword arguments that `step` becomes.

    The id names attempt and delivery: arq refuses an id for as long as it is queued or running,
    and a new try must not be taken for the old one.
    """
    function = _FUNCTIONS[type(step)]
    if isinstance(step, EnrichStep) or step.job_id is None:
        wanted = _wanted_without_job(step)
        digest = hashlib.sha256(f"{step.asked_at},{wanted}".encode()).hexdigest()[:32]
        return function, f"{function}:{digest}", wanted
    kwargs = {"job_id": str(step.job_id), "attempt": step.attempt}
    return function, f"{function}:{step.job_id}:{step.attempt}:{step.delivery}", kwargs


def _wanted_without_job(step: MatchStep | RecalculateStep | EnrichStep) -> dict[str, Any]:
    supplier = {} if step.supplier_id is None else {"supplier_id": str(step.supplier_id)}
    match step:
        case MatchStep():
            return supplier
        case EnrichStep(after=after):
            return {**supplier, "after": after and str(after)}
        case RecalculateStep(product_ids=product_ids):
            ids = [str(product_id) for product_id in product_ids]
            return {**supplier, "product_ids": ids, "trigger": "auto_match"}
