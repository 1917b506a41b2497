"""The last step: products get their lowest price and availability anew, and the job completes."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from marketbel_core.catalog import ExchangeRates, Offer, aggregate, without_worth
from marketbel_core.ids import JobId, ProductId, SupplierId
from marketbel_core.jobs import ItemsMatched, Job, Phase
from marketbel_core.ports import Catalog, Clock, LogLevel
from marketbel_core.use_cases._job_mover import JobMover

__all__ = ["RecalculateAggregates", "RecalculateResult"]

_CHUNK: Final = 1_000
"""Products locked and recomputed in one transaction: short enough to let others in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecalculateResult:
    """How many products were looked at, and how many of them changed.

    Attributes:
        without_worth: How many of their live items set no lowest price, because nobody said what
            their currency is worth; by currency.
    """

    processed: int = 0
    updated: int = 0
    without_worth: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


class RecalculateAggregates:
    """Recomputes from the rows, never by adding up changes. Safe to run any number of times."""

    def __init__(
        self, *, mover: JobMover, catalog: Catalog, clock: Clock, rates: ExchangeRates
    ) -> None:
        self._mover = mover
        self._catalog = catalog
        self._clock = clock
        self._rates = rates

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
                await self._complete(job, result)
        return result

    async def _recalculate_all(
        self, supplier_id: SupplierId | None, product_ids: Sequence[ProductId]
    ) -> RecalculateResult:
        wanted = set(product_ids)
        if supplier_id is not None:
            async with self._catalog.unit() as unit:
                wanted.update(await unit.items.products_of(supplier_id))
        ordered = sorted(wanted)
        updated, left_out = 0, Counter[str]()
        for start in range(0, len(ordered), _CHUNK):
            updated += await self._recalculate(ordered[start : start + _CHUNK], left_out)
        return RecalculateResult(
            processed=len(ordered), updated=updated, without_worth=MappingProxyType(left_out)
        )

    async def _recalculate(self, product_ids: list[ProductId], left_out: Counter[str]) -> int:
        """Recompute a chunk; return how many changed, and add up what has no worth."""
        async with self._catalog.unit() as unit:
            locked = await unit.products.lock(product_ids)
            offers: defaultdict[ProductId, list[Offer]] = defaultdict(list)
            found = await unit.items.offers_of(locked)
            for offer in found:
                offers[offer.product_id].append(offer)
            updated = await unit.products.record_aggregates(
                {
                    product_id: aggregate(offers[product_id], rates=self._rates)
                    for product_id in locked
                },
                at=self._clock.now(),
            )
        left_out.update(without_worth(found, rates=self._rates))
        return updated

    async def _complete(self, job: Job, result: RecalculateResult) -> None:
        done = await self._mover.move(job, ItemsMatched())
        figures = done.progress
        await self._mover.tell(
            done,
            LogLevel.SUCCESS,
            f"{figures.items_processed} rows read, {figures.error_count} rejected, "
            f"{figures.matches_found} linked, {figures.review_queue_count} sent to review"
            + _told(result.without_worth),
        )


def _told(without_worth: Mapping[str, int]) -> str:
    """Return what people are told of prices in currencies without a rate, if there are any."""
    if not without_worth:
        return ""
    counts = ", ".join(f"{code} {items}" for code, items in sorted(without_worth.items()))
    return f"; set no lowest price, for want of a rate: {counts}"
