"""The last step: products get their lowest price and availability anew, and the job completes."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from marketbel_core.catalog import Offer, aggregate
from marketbel_core.ids import JobId, ProductId, SupplierId
from marketbel_core.jobs import ItemsMatched, Job, Phase
from marketbel_core.ports import Catalog, Clock, LogLevel
from marketbel_core.use_cases._job_mover import JobMover

__all__ = ["RecalculateAggregates", "RecalculateResult"]

_CHUNK: Final = 1_000
"""Products locked and recomputed in one transaction: short enough to let others in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecalculateResult:
    """How many products were looked at, and how many of them changed."""

    processed: int = 0
    updated: int = 0


class RecalculateAggregates:
    """Recomputes from the rows, never by adding up changes. Safe to run any number of times."""

    def __init__(self, *, mover: JobMover, catalog: Catalog, clock: Clock, currency: str) -> None:
        self._mover = mover
        self._catalog = catalog
        self._clock = clock
        self._currency = currency

    async def __call__(
        self,
        *,
        job_id: JobId | None = None,
        attempt: int | None = None,
        supplier_id: SupplierId | None = None,
        product_ids: Sequence[ProductId] = (),
    ) -> RecalculateResult:
        """Recompute the named products and those that the supplier offers; complete the job.

        Args:
            job_id: The job that completes with it; its supplier is meant.
            attempt: The job's attempt that asked; another one is left alone. `None` means any.
            supplier_id: Whose products, when no job says it.
            product_ids: Further products.

        Raises:
            JobNotFoundError: `job_id` is unknown.
            UnavailableError: without a job, the catalogue cannot be reached; with one, the job
                store. Running again is safe.
        """
        if job_id is None:
            return await self._recalculate_all(supplier_id, product_ids)
        result = RecalculateResult()
        async with self._mover.hold(job_id, phase=Phase.MATCHING, attempt=attempt) as job:
            if job is not None:
                async with self._catalog.unit() as unit:
                    await unit.suppliers.get(job.supplier_id)  # gone meanwhile: nothing to tell
                result = await self._recalculate_all(job.supplier_id, product_ids)
                await self._complete(job)
        return result

    async def _recalculate_all(
        self, supplier_id: SupplierId | None, product_ids: Sequence[ProductId]
    ) -> RecalculateResult:
        wanted = set(product_ids)
        if supplier_id is not None:
            async with self._catalog.unit() as unit:
                wanted.update(await unit.items.products_of(supplier_id))
        ordered = sorted(wanted)
        updated = 0
        for start in range(0, len(ordered), _CHUNK):
            updated += await self._recalculate(ordered[start : start + _CHUNK])
        return RecalculateResult(processed=len(ordered), updated=updated)

    async def _recalculate(self, product_ids: list[ProductId]) -> int:
        async with self._catalog.unit() as unit:
            locked = await unit.products.lock(product_ids)
            offers: defaultdict[ProductId, list[Offer]] = defaultdict(list)
            for offer in await unit.items.offers_of(locked):
                offers[offer.product_id].append(offer)
            return await unit.products.record_aggregates(
                {
                    product_id: aggregate(offers[product_id], currency=self._currency)
                    for product_id in locked
                },
                at=self._clock.now(),
            )

    async def _complete(self, job: Job) -> None:
        done = await self._mover.move(job, ItemsMatched())
        figures = done.progress
        await self._mover.tell(
            done,
            LogLevel.SUCCESS,
            f"{figures.items_processed} rows read, {figures.error_count} rejected, "
            f"{figures.matches_found} linked, {figures.review_queue_count} sent to review",
        )
