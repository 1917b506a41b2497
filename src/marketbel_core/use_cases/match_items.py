"""The match step: a supplier's whole backlog is linked, sent to review or founds drafts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from marketbel_core.catalog import SupplierItem
from marketbel_core.errors import UnavailableError
from marketbel_core.ids import JobId, ProductId, SupplierId, SupplierItemId
from marketbel_core.jobs import Job, Phase
from marketbel_core.matching import (
    Drafted,
    ForReview,
    Linked,
    MatchOutcome,
    PairVerdict,
    Thresholds,
    Wanted,
    features_of,
    link,
    redrafted,
    ruled_out,
)
from marketbel_core.ports import (
    CandidateIndex,
    CandidateLookup,
    Catalog,
    Clock,
    RecalculateStep,
    StepQueue,
)
from marketbel_core.use_cases._job_mover import JobMover
from marketbel_core.use_cases._link_keeper import LinkKeeper

__all__ = ["MatchItems", "MatchResult"]

_BLOCK_MAX: Final = 50
"""Products compared with an item at most; beyond fifty the right one is hardly ever met."""

_PRODUCTS_A_STEP: Final = 100
"""The neighbours' messages name at most 100 products."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchResult:
    """What was decided, in items; `product_ids` are the products that got a new link."""

    linked: int = 0
    for_review: int = 0
    drafted: int = 0
    product_ids: tuple[ProductId, ...] = ()

    @property
    def items(self) -> int:
        """All items that were looked at."""
        return self.linked + self.for_review + self.drafted


@dataclass(slots=True)
class _Tally:
    """What a drain has done so far; kept when it breaks off, for what is matched stays matched."""

    counts: Counter[type[MatchOutcome]] = field(default_factory=Counter)
    touched: set[ProductId] = field(default_factory=set)

    def add(self, outcomes: Sequence[MatchOutcome]) -> None:
        for outcome in outcomes:
            self.counts[type(outcome)] += 1
            match outcome:
                case Drafted(product=product):
                    self.touched.add(product.id)
                case Linked(product_id=product_id):
                    self.touched.add(product_id)
                case ForReview():
                    pass

    def result(self) -> MatchResult:
        return MatchResult(
            linked=self.counts[Linked],
            for_review=self.counts[ForReview],
            drafted=self.counts[Drafted],
            product_ids=tuple(sorted(self.touched)),
        )


class MatchItems:
    """Drains a backlog in batches, a transaction each; several workers may share one backlog."""

    def __init__(
        self,
        *,
        mover: JobMover,
        links: LinkKeeper,
        catalog: Catalog,
        candidates: CandidateIndex,
        queue: StepQueue,
        clock: Clock,
        thresholds: Thresholds,
        batch_size: int,
        candidates_max: int,
        review_for: timedelta,
    ) -> None:
        self._mover = mover
        self._links = links
        self._catalog = catalog
        self._candidates = candidates
        self._queue = queue
        self._clock = clock
        self._thresholds = thresholds
        self._batch_size = batch_size
        self._candidates_max = candidates_max
        self._review_for = review_for

    async def __call__(
        self,
        *,
        supplier_id: SupplierId | None = None,
        job_id: JobId | None = None,
        attempt: int | None = None,
    ) -> MatchResult:
        """Match all that waits: of one supplier, or of every supplier.

        With a job its figures follow, and the aggregates of the supplier's products are asked for;
        without one the aggregates of the products that got a new link.

        Args:
            supplier_id: Whose backlog, when no job says it; `None` means every supplier's.
            job_id: The job whose file brought the items.
            attempt: The job's attempt that asked; another one is left alone. `None` means any.

        Raises:
            JobNotFoundError: `job_id` is unknown.
            UnavailableError: without a job, another worker still holds items of this backlog
                (`match.busy`) or the catalogue cannot be reached, what was matched stays matched;
                with one, the job store or the queue cannot be reached.
        """
        tally = _Tally()
        if job_id is None:
            try:
                await self._drain(supplier_id, tally)
            finally:
                await self._ask_for_products(tally.result().product_ids)
            return tally.result()
        matched: Job | None = None
        async with self._mover.hold(job_id, phase=Phase.MATCHING, attempt=attempt) as job:
            if job is not None:
                try:
                    await self._drain(job.supplier_id, tally)
                finally:
                    await self._show(job, tally.result())
                matched = job
        if matched is not None:  # the job is given back: the next step may hold it
            await self._queue.ask(
                RecalculateStep(
                    job_id=matched.id,
                    attempt=matched.attempt,
                    supplier_id=matched.supplier_id,
                    delivery=matched.delivery,
                )
            )
        return tally.result()

    async def _drain(self, supplier_id: SupplierId | None, tally: _Tally) -> None:
        await self._links.reconcile(supplier_id)  # what a neighbour linked is not matched again
        await self._refresh_index()
        while outcomes := await self._match_batch(supplier_id):
            tally.add(outcomes)
        async with self._catalog.unit() as unit:
            left = await unit.items.count_unmatched(supplier_id)
        if left:
            raise UnavailableError(
                f"{left} items are held by another worker or program, so they cannot be matched: "
                "if nothing changes, end the transaction that stands open in PostgreSQL "
                "(pg_stat_activity), then retry",
                code="match.busy",
            )

    async def _refresh_index(self) -> None:
        """Bring the index up to the catalogue, by what changed since it was last looked at."""
        async with self._catalog.unit() as unit:
            changes = await unit.products.changes(self._candidates.mark)
        await self._candidates.refresh(changes)
        if self._candidates.size == changes.total:
            return
        # Products were deleted, or another worker's drafts never came to be.
        async with self._catalog.unit() as unit:
            ids = await unit.products.matchable_ids()
        if await self._candidates.keep_only(ids):
            async with self._catalog.unit() as unit:
                products = await unit.products.matchable()
            await self._candidates.put(products)

    async def _match_batch(self, supplier_id: SupplierId | None) -> list[MatchOutcome]:
        outcomes: list[MatchOutcome] = []
        try:
            async with self._catalog.unit() as unit:
                items = await unit.items.claim_unmatched(supplier_id, limit=self._batch_size)
                if not items:
                    return []
                said = await unit.verdicts.of([item.id for item in items])
                outcomes = await self._candidates.consult(partial(self._decide, items, said))
                await unit.items.record_matches(outcomes, at=self._clock.now())
        except BaseException:
            await self._candidates.forget(
                [outcome.product.id for outcome in outcomes if isinstance(outcome, Drafted)]
            )
            raise
        return outcomes

    def _decide(
        self,
        items: list[SupplierItem],
        said: Mapping[SupplierItemId, tuple[PairVerdict, ...]],
        lookup: CandidateLookup,
    ) -> list[MatchOutcome]:
        """Decide about one item after the other: a draft may be what the next one is."""
        now = self._clock.now()
        outcomes: list[MatchOutcome] = []
        for item in items:
            outcome = self._decide_on(item, ruled_out(said.get(item.id, ())), lookup, now)
            if isinstance(outcome, Drafted):
                lookup.join(outcome.product)
            outcomes.append(outcome)
        return outcomes

    def _decide_on(
        self,
        item: SupplierItem,
        ruled: frozenset[ProductId],
        lookup: CandidateLookup,
        now: datetime,
    ) -> MatchOutcome:
        """Decide about an item, without the products that a person ruled out for it."""
        features = features_of(item.name)
        found = lookup.nearest(Wanted(name=item.name, features=features), limit=_BLOCK_MAX)
        outcome = link(
            item,
            [one.product for one in found if one.product.id not in ruled],
            corpus=lookup.corpus,
            thresholds=self._thresholds,
            candidates_max=self._candidates_max,
            now=now,
            review_for=self._review_for,
            read={one.product.id: one.features for one in found},
        )
        if isinstance(outcome, Drafted):
            product = redrafted(outcome.product, ruled=ruled, at=now)
            outcome = replace(outcome, product=product)
        return outcome

    async def _show(self, job: Job, result: MatchResult) -> None:
        """Let people see the job's figures with those of `result` added."""
        if not result.items:
            return
        figures = replace(
            job.progress,
            matches_found=job.progress.matches_found + result.linked,
            review_queue_count=job.progress.review_queue_count + result.for_review,
        )
        await self._mover.progress(job, figures)

    async def _ask_for_products(self, product_ids: tuple[ProductId, ...]) -> None:
        for start in range(0, len(product_ids), _PRODUCTS_A_STEP):
            chunk = product_ids[start : start + _PRODUCTS_A_STEP]
            await self._queue.ask(RecalculateStep(product_ids=chunk, asked_at=self._clock.now()))
