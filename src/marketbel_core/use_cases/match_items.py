"""The match step: a supplier's whole backlog is linked, sent to review or founds drafts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Final

from marketbel_core.catalog import CategoryTree, ExchangeRates, Product, SupplierItem
from marketbel_core.errors import UnavailableError
from marketbel_core.ids import CategoryId, JobId, ProductId, SupplierId
from marketbel_core.jobs import Job, Phase
from marketbel_core.matching import (
    CATEGORY_KEY,
    Drafted,
    ForReview,
    Linked,
    MatchOutcome,
    SharedKeys,
    Thresholds,
    item_features,
    keys_of_item,
    precedents_of,
)
from marketbel_core.ports import (
    CandidateIndex,
    Catalog,
    CatalogUnit,
    Clock,
    EnrichStep,
    RecalculateStep,
    StepQueue,
)
from marketbel_core.use_cases._job_mover import JobMover
from marketbel_core.use_cases._link_keeper import LinkKeeper
from marketbel_core.use_cases._match_judge import Judge, Sought

__all__ = ["MatchItems", "MatchResult"]

_PRODUCTS_A_STEP: Final = 100
"""The neighbours' messages name at most 100 products."""

_NOTHING_SHARED: Final = SharedKeys()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """Which drafts the index knows: all up to a position, and later ones of our own."""

    position: int
    own: frozenset[ProductId] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """What became of a batch, and which drafts are seen after it."""

    outcomes: list[MatchOutcome]
    seen: _Seen


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
        rates: ExchangeRates,
        thresholds: Thresholds,
        batch_size: int,
        candidates_max: int,
        review_for: timedelta,
        needs_category: bool,
    ) -> None:
        self._mover = mover
        self._links = links
        self._catalog = catalog
        self._candidates = candidates
        self._queue = queue
        self._clock = clock
        self._rates = rates
        self._batch_size = batch_size
        self._needs_category = needs_category
        self._judge = Judge(
            thresholds=thresholds,
            candidates_max=candidates_max,
            review_for=review_for,
            rates=rates,
        )

    async def __call__(
        self,
        *,
        supplier_id: SupplierId | None = None,
        job_id: JobId | None = None,
        attempt: int | None = None,
    ) -> MatchResult:
        """Match all that waits: of one supplier, or of every supplier.

        With a job its figures follow, and the aggregates of the supplier's products are asked for;
        without one the aggregates of the products that got a new link. Then the supplier's items
        get what their names state.

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
            if supplier_id is not None:
                await self._ask_for_facts(supplier_id)
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
            await self._ask_for_facts(matched.supplier_id)
        return tally.result()

    async def _drain(self, supplier_id: SupplierId | None, tally: _Tally) -> None:
        await self._links.reconcile(supplier_id)  # what a neighbour linked is not matched again
        tree, position = await self._refresh()
        seen = _Seen(position=position)
        while batch := await self._match_batch(supplier_id, tree, seen):
            seen = batch.seen
            tally.add(batch.outcomes)
        async with self._catalog.unit() as unit:
            left = await unit.items.count_unmatched(supplier_id)
        if left:
            raise UnavailableError(
                f"{left} items are held by another worker or program, so they cannot be matched: "
                "if nothing changes, end the transaction that stands open in PostgreSQL "
                "(pg_stat_activity), then retry",
                code="match.busy",
            )

    async def _refresh(self) -> tuple[CategoryTree, int]:
        """Bring the index up to the catalogue, by what changed since it was last looked at.

        Return the categories, and from which draft on others' are not in the index yet.
        """
        async with self._catalog.unit() as unit:
            tree = CategoryTree(await unit.categories.all())
            position = await unit.products.founded()  # before the changes: none falls between
            changes = await unit.products.changes(self._candidates.mark)
        await self._candidates.refresh(changes)
        if self._candidates.size == changes.total:
            return tree, position
        # Products were deleted, or another worker's drafts never came to be.
        async with self._catalog.unit() as unit:
            ids = await unit.products.matchable_ids()
        if await self._candidates.keep_only(ids):
            async with self._catalog.unit() as unit:
                products = await unit.products.matchable()
            await self._candidates.put(products)
        return tree, position

    async def _match_batch(
        self, supplier_id: SupplierId | None, tree: CategoryTree, seen: _Seen
    ) -> _Batch | None:
        drafts: list[ProductId] = []
        try:
            async with self._catalog.unit() as unit:
                items = await unit.items.claim_unmatched(supplier_id, limit=self._batch_size)
                if not items:
                    return None
                sought = await self._sought(unit, items, tree)
                outcomes = await self._decided(unit, sought, drafts)
                if drafts:
                    founded = await unit.products.found_alone(since=seen.position)
                    others = [one for one in founded.products if one.id not in seen.own]
                    seen = _Seen(position=founded.position)
                    if await self._meet(unit, outcomes, others, tree):
                        await self._candidates.forget(drafts)
                        sought = await self._sought(unit, items, tree)
                        outcomes = await self._decided(unit, sought, drafts)
                await unit.items.record_matches(outcomes, at=self._clock.now())
                await unit.keys.record([keys_of_item(one.item, one.features) for one in sought])
        except BaseException:
            await self._candidates.forget(drafts)
            raise
        return _Batch(outcomes=outcomes, seen=replace(seen, own=seen.own.union(drafts)))

    async def _sought(
        self, unit: CatalogUnit, items: Sequence[SupplierItem], tree: CategoryTree
    ) -> list[Sought]:
        """Return the items with what is known of them before their names are compared."""
        said = await unit.verdicts.of([item.id for item in items])
        features = [item_features(item, rates=self._rates) for item in items]
        keys = [keys_of_item(item, one) for item, one in zip(items, features, strict=True)]
        shared = await unit.keys.shared(keys)
        sought = []
        for item, one in zip(items, features, strict=True):
            tied = shared.get(item.id, _NOTHING_SHARED)
            categories = _categories_of(item, tree)
            sought.append(
                Sought(
                    item=item,
                    features=one,
                    precedents=precedents_of(said.get(item.id, ()), tied.by_name),
                    sharing=tied.by_code,
                    categories=categories,
                    needs_category=self._needs_category and categories is None,
                )
            )
        return sought

    async def _decided(
        self, unit: CatalogUnit, sought: list[Sought], drafts: list[ProductId]
    ) -> list[MatchOutcome]:
        """Decide about the batch; what it founds is in the index, and named in `drafts`."""
        drafts.clear()
        found = await self._candidates.consult(partial(self._judge.find, sought))
        columns = await unit.keys.offers(
            sorted({candidate.product.id for near in found for candidate in near})
        )
        decide = partial(self._judge.decide, sought, found, columns, self._clock.now())
        outcomes = await self._candidates.consult(decide)
        drafts += [one.product.id for one in outcomes if isinstance(one, Drafted)]
        return outcomes

    async def _meet(
        self,
        unit: CatalogUnit,
        outcomes: Sequence[MatchOutcome],
        others: Sequence[Product],
        tree: CategoryTree,
    ) -> bool:
        """Take others' drafts in; tell whether one of them may be what a draft was founded for."""
        await self._candidates.put(others)
        founders = [one.item for one in outcomes if isinstance(one, Drafted)]
        suppliers = {item.supplier_id for item in founders}
        newer = {one.id for one in others if suppliers - {one.drafted_for}}
        if not newer:
            return False
        sought = await self._sought(unit, founders, tree)
        columns = await unit.keys.offers(sorted(newer))
        meets = partial(self._judge.meets, sought, newer, columns, self._clock.now())
        return await self._candidates.consult(meets)

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

    async def _ask_for_facts(self, supplier_id: SupplierId) -> None:
        """Have names read for what they state; an ask that is lost is made up for by the next."""
        await self._queue.ask(EnrichStep(supplier_id=supplier_id, asked_at=self._clock.now()))


def _categories_of(item: SupplierItem, tree: CategoryTree) -> frozenset[CategoryId] | None:
    """Return where the item's product may be; `None` where its category is not known."""
    if item.category_id is not None:
        return tree.within([item.category_id])
    path = item.characteristics.get(CATEGORY_KEY)
    return tree.meant_by(path) if isinstance(path, str) else None
