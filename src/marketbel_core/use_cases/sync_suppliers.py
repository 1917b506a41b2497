"""The suppliers are brought in line with the master sheet, and each due one gets a job."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from marketbel_core.catalog import Supplier
from marketbel_core.errors import MarketbelError, RefusedError, StaleSyncError, UnavailableError
from marketbel_core.ids import JobId, SupplierId
from marketbel_core.intake.master_sheet import MasterSheetRows
from marketbel_core.intake.supplier_plan import (
    SupplierPlan,
    after_updates,
    due_suppliers,
    entry_of,
    plan_suppliers,
)
from marketbel_core.ports import (
    Catalog,
    CatalogUnit,
    Clock,
    IdSource,
    JobArchive,
    JobStore,
    MasterSheet,
    OutboxEntry,
    StepQueue,
    SyncBoard,
    SyncBusy,
    SyncFigures,
    SyncNotDue,
    SyncRun,
    SyncState,
    SyncTurn,
    SyncTurns,
    SyncWish,
    Telemetry,
)
from marketbel_core.use_cases._job_starter import JobStarter
from marketbel_core.use_cases._outbox_drain import Drained, OutboxDrain
from marketbel_core.use_cases._sync_lines import no_source, plan_lines, summary

__all__ = ["SyncReport", "SyncRequest", "SyncSuppliers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRequest:
    """A wish for a sync.

    Attributes:
        location: The sheet; `None` takes the one chosen in the admin interface, or else the
            deployment's.
        spared: Suppliers that are not deactivated although the sheet may not name them.
        served: Digests of the triggers that it is for.
        accept_missing: Whether a sheet that lacks many suppliers is applied all the same.
    """

    wish: SyncWish
    triggered_by: str = "manual"
    location: str | None = None
    sheet_name: str | None = None
    spared: Collection[SupplierId] = ()
    served: tuple[str, ...] = ()
    accept_missing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncReport:
    """What a sync did.

    Attributes:
        run: As it was noted, `errors` of jobs that could not be started included.
        drained: What left the outbox meanwhile.
        repeated: Whether the changes had been applied before, by a sync that then broke off.
    """

    run: SyncRun
    drained: Drained
    repeated: bool = False


class SyncSuppliers:
    """Runs one sync, one at a time. Broken off anywhere, it is finished by whoever comes next:
    changes and jobs are committed together, once for what the sync is for.
    """

    def __init__(
        self,
        *,
        turns: SyncTurns,
        board: SyncBoard,
        sheet: MasterSheet,
        catalog: Catalog,
        archive: JobArchive,
        jobs: JobStore,
        queue: StepQueue,
        clock: Clock,
        ids: IdSource,
        telemetry: Telemetry,
        location: str | None,
        missing_share_max: float,
        ml_enabled: bool,
    ) -> None:
        """Hold back what deactivates more than `missing_share_max` (0.0 to 1.0) of the active."""
        self._turns = turns
        self._board = board
        self._sheet = sheet
        self._catalog = catalog
        self._archive = archive
        self._clock = clock
        self._ids = ids
        self._telemetry = telemetry
        self._location = location
        self._missing_share_max = missing_share_max
        starter = JobStarter(
            jobs=jobs, archive=archive, queue=queue, clock=clock, ml_enabled=ml_enabled
        )
        self._drain = OutboxDrain(
            starter=starter, catalog=catalog, clock=clock, telemetry=telemetry
        )

    async def __call__(self, request: SyncRequest) -> SyncReport | SyncBusy | SyncNotDue:
        """Return what the sync did, or why it was not its turn.

        Raises:
            RefusedError: the sheet that was named for this sync cannot be used; nothing was done.
            StaleSyncError: somebody else has taken the turn meanwhile.
            UnavailableError: a store cannot be reached; the sync may be run again.
        """
        async with self._turns.take(request.wish) as turn:
            if not isinstance(turn, SyncTurn):
                return turn
            self._telemetry.event("sync.started", task=turn.task_id, by=request.triggered_by)
            run, repeated = await self._applied(turn, request)
            drained = await self._jobs_started(turn, run)
            if not await self._board.finish(turn, succeeded=True):
                raise StaleSyncError(turn.task_id)
        self._telemetry.event("sync.finished", task=turn.task_id, queued=run.figures.queued)
        return SyncReport(run=run, drained=drained, repeated=repeated)

    async def plan(self, request: SyncRequest) -> SupplierPlan:
        """Return what a sync would change now; nothing is written, and no turn is taken.

        Raises:
            RefusedError: there is no sheet (`sync.no_sheet`), or it cannot be used.
            UnavailableError: the sheet or the catalogue cannot be reached.
        """
        location, sheet_name = await self._place(request)
        if location is None:
            raise RefusedError(
                "sync.no_sheet",
                "no master sheet is named: set MASTER_SHEET_URL, or choose one in the admin "
                "interface",
            )
        rows = await self._sheet.read(location, sheet_name=sheet_name)
        async with self._catalog.unit() as unit:
            return plan_suppliers(rows, await unit.suppliers.all(), spared=request.spared)

    def is_held(self, plan: SupplierPlan) -> bool:
        """Return whether a sync would hold the plan back."""
        return plan.is_held(missing_share_max=self._missing_share_max)

    async def _place(self, request: SyncRequest) -> tuple[str | None, str | None]:
        if request.location is not None:
            return request.location, request.sheet_name
        chosen = await self._board.chosen_sheet()
        return chosen.location or self._location, request.sheet_name or chosen.sheet_name

    async def _applied(self, turn: SyncTurn, request: SyncRequest) -> tuple[SyncRun, bool]:
        """Return the run, committed, and whether it had been before."""
        async with self._catalog.unit() as unit:
            known = await unit.syncs.begin(turn)
        if known is not None:
            return known, True
        rows, trouble = await self._rows(request)
        async with self._catalog.unit() as unit:
            known = await unit.syncs.begin(turn)
            if known is not None:
                return known, True
            run = SyncRun(
                key=turn.key,
                task_id=turn.task_id,
                triggered_by=request.triggered_by,
                era=turn.era,
                token=turn.token,
                served=request.served,
                applied_at=self._clock.now(),
                figures=await self._apply(unit, turn, rows, request),
            )
            if trouble is not None:
                run = replace(run, figures=replace(run.figures, errors=(str(trouble),)))
            await unit.syncs.record(run)
            if rows is not None or trouble is not None or run.figures.queued:
                await unit.log.record(summary(run, trouble), at=run.applied_at)
        return run, False

    async def _rows(
        self, request: SyncRequest
    ) -> tuple[MasterSheetRows | None, MarketbelError | None]:
        """Return what the sheet says; the usual sheet in trouble stops no price list.

        A sheet that was named for this sync is all that it is for: its trouble is raised.
        """
        location, sheet_name = await self._place(request)
        if location is None:
            return None, None
        try:
            return await self._sheet.read(location, sheet_name=sheet_name), None
        except (RefusedError, UnavailableError) as error:
            self._telemetry.event("sync.sheet_refused", code=error.code)
            if request.location is not None:
                raise
            return None, error

    async def _apply(
        self,
        unit: CatalogUnit,
        turn: SyncTurn,
        rows: MasterSheetRows | None,
        request: SyncRequest,
    ) -> SyncFigures:
        known = await unit.suppliers.all()
        if rows is None:
            return await self._queue_due(unit, turn, known, SyncFigures())
        plan = plan_suppliers(rows, known, spared=request.spared)
        figures = SyncFigures(
            parsed=len(rows.rows),
            skipped=len(rows.skipped),
            unchanged=plan.unchanged,
            missing=len(plan.deactivations) + len(plan.spared),
        )
        await unit.log.record(plan_lines(turn, plan), at=self._clock.now())
        if self.is_held(plan) and not request.accept_missing:
            return await self._queue_due(unit, turn, known, replace(figures, held=True))
        changed = [*plan.updates, *plan.deactivations]
        new = [
            Supplier(
                id=SupplierId(self._ids.new_id()),
                name=row.name,
                source_type=row.source_type,
                is_active=row.is_active,
                metadata=entry_of(row),
            )
            for row in plan.creations
        ]
        await unit.suppliers.amend(new=new, changed=changed, at=self._clock.now())
        figures = replace(
            figures,
            created=len(new),
            updated=len(plan.updates),
            deactivated=len(plan.deactivations),
        )
        return await self._queue_due(unit, turn, [*after_updates(known, changed), *new], figures)

    async def _queue_due(
        self,
        unit: CatalogUnit,
        turn: SyncTurn,
        suppliers: Sequence[Supplier],
        figures: SyncFigures,
    ) -> SyncFigures:
        """Leave one job a due supplier in the outbox, but none for whom one is on its way."""
        due, without_source = due_suppliers(suppliers)
        # The outbox first: what leaves it is in the archive by then.
        waiting = await unit.outbox.suppliers()
        waiting |= await self._archive.busy_suppliers()
        entries = [
            OutboxEntry(
                job_id=JobId(self._ids.new_id()), supplier_id=supplier.id, run_key=turn.key
            )
            for supplier in due
            if supplier.id not in waiting
        ]
        queued = await unit.outbox.put(entries, at=self._clock.now())
        if queued:  # a sync that has nobody to fetch from has nothing to say of it
            await unit.log.record(no_source(turn, without_source), at=self._clock.now())
        return replace(figures, queued=queued, waiting=len(due) - len(entries))

    async def _jobs_started(self, turn: SyncTurn, run: SyncRun) -> Drained:
        total = run.figures.queued

        async def told(taken: int) -> bool:
            return await self._board.tell(
                turn, SyncState.PROCESSING_SUPPLIERS, current=min(taken, total), total=total
            )

        if not await told(0):
            raise StaleSyncError(turn.task_id)
        return await self._drain(told)
