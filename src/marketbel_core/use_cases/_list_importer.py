"""How a stored list becomes items, shared by the job's import step and by imports by hand."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import chain

from marketbel_core.catalog import Supplier
from marketbel_core.errors import RefusedError
from marketbel_core.ids import ImportId, SupplierId
from marketbel_core.intake.plan import (
    HoldReason,
    ImportFigures,
    ImportRules,
    essential_changes,
    hold_reasons,
)
from marketbel_core.intake.remembered import RememberedLayout
from marketbel_core.intake.rows import RowRejection
from marketbel_core.ports import (
    Catalog,
    CatalogUnit,
    Clock,
    IdSource,
    Import,
    ImportState,
    RowBatch,
    RowReader,
    StagedList,
)
from marketbel_core.use_cases._list_history import (
    held_already,
    is_approved,
    is_same,
    last_applied,
    remembered_layouts,
)
from marketbel_core.use_cases._list_reading import Reading, rejection_entries, resumed
from marketbel_core.use_cases._list_to_import import ImportPlan, ListToImport

__all__ = ["ListImporter"]

type Progress = Callable[[int], None]


class _PlannedError(Exception):
    """Ends the unit of a plan, so that nothing of it stays."""

    def __init__(self, plan: ImportPlan) -> None:
        self.plan = plan
        super().__init__("planned")


class ListImporter:
    """Reads a list batch by batch into one transaction, compares it there, and applies it.

    No list is ever in memory as a whole, and nothing of it is seen before all of it is.
    """

    def __init__(
        self,
        *,
        reader: RowReader,
        catalog: Catalog,
        clock: Clock,
        ids: IdSource,
        rules: ImportRules,
    ) -> None:
        """Import by `rules`, but for what a supplier's own metadata says."""
        self._reader = reader
        self._catalog = catalog
        self._clock = clock
        self._ids = ids
        self._rules = rules

    async def plan(
        self, wanted: ListToImport, *, examples: int, progress: Progress | None = None
    ) -> ImportPlan:
        """Return what importing the list would do; nothing is written.

        Args:
            wanted: The list.
            examples: How many differences of each kind, and rejections, the plan names.
            progress: Told how many rows have been read.

        Raises:
            RefusedError: the file is no price list.
            SupplierNotFoundError: the supplier is gone.
            UnavailableError: the catalogue cannot be reached.
        """
        try:
            await self._plan_and_leave(wanted, examples, progress)
        except _PlannedError as planned:
            return planned.plan
        raise AssertionError("a plan leaves by its own error")

    async def carry_out(
        self,
        wanted: ListToImport,
        *,
        version: str | None = None,
        waived: bool = False,
        progress: Progress | None = None,
    ) -> Import:
        """Import the list, or hold it when it goes beyond the limits; return the record.

        The same bytes as those of the supplier's last applied list are not even read.

        Args:
            wanted: The list.
            version: Of the plan that a person saw; `None`: whatever the catalogue is like.
            waived: Whether a person has waived the limits. An approval of the same bytes does so.
            progress: Told how many rows have been read.

        Raises:
            RefusedError: the file is no price list; the catalogue changed since the plan
                (`import.plan_stale`).
            SupplierNotFoundError: the supplier is gone.
            UnavailableError: the catalogue cannot be reached; nothing was written.
        """
        before = await self._before(wanted)
        if before is not None and is_same(before, wanted):
            async with self._catalog.unit() as unit:
                return await self._note_repeated(unit, wanted, before)
        remembered = remembered_layouts(before, wanted)
        async with self._opened(wanted, remembered) as (unit, supplier, batches):
            staged = await unit.imports.stage(supplier.id)  # waits for others of this supplier
            last = await last_applied(unit, supplier.id)
            if last is not None and is_same(last, wanted):
                return await self._note_repeated(unit, wanted, last)
            if version is not None and await staged.version() != version:
                raise RefusedError(
                    "import.plan_stale",
                    "the supplier's items changed since the plan was made: plan again, look at "
                    "what it says, and apply that one",
                )
            record = self._record(wanted, supplier.id)
            reading = await self._fill(unit, staged, batches, record, progress)
            figures, reasons = await self._compared(staged, supplier, last, reading, remembered)
            if waived or await is_approved(unit, supplier.id, wanted):
                reasons = ()
            record = replace(
                record,
                state=ImportState.HELD if reasons else ImportState.APPLIED,
                figures=figures,
                reasons=reasons,
                layouts={name: each.to_json() for name, each in reading.layouts.items()},
            )
            changed = reading.layout_entries(record.task_id, record.supplier_id)
            await unit.log.record(changed, at=record.noted_at)
            known = await held_already(unit, record)
            if known is not None:
                return known
            await unit.imports.note(record)
            if not reasons:
                missing = self._rules.of(supplier.metadata).missing
                await staged.apply(record.id, missing=missing, at=record.noted_at)
            return record

    async def _plan_and_leave(
        self, wanted: ListToImport, examples: int, progress: Progress | None
    ) -> None:
        """Plan in a unit that is left by an error: what a new supplier needs is undone with it.

        Raises:
            _PlannedError: always; it carries the plan.
        """
        remembered = remembered_layouts(await self._before(wanted), wanted)
        async with self._opened(wanted, remembered) as (unit, supplier, batches):
            staged = await unit.imports.stage(supplier.id)
            last = await last_applied(unit, supplier.id)
            version = await staged.version()
            reading = Reading()
            first: list[RowRejection] = []
            async for batch in batches:
                first += (await reading.stage(staged, batch))[:examples]
                if progress is not None:
                    progress(reading.read)
            figures, reasons = await self._compared(staged, supplier, last, reading, remembered)
            repeats = last if last is not None and is_same(last, wanted) else None
            raise _PlannedError(
                ImportPlan(
                    supplier_name=supplier.name,
                    version=version,
                    figures=figures,
                    reasons=() if repeats else reasons,
                    differences=tuple(await staged.differences(limit=examples)),
                    repeats=repeats,
                    layout_changes=tuple(reading.changes),
                    rejections=tuple(first[:examples]),
                )
            )

    @asynccontextmanager
    async def _opened(
        self, wanted: ListToImport, remembered: Mapping[str, RememberedLayout]
    ) -> AsyncGenerator[tuple[CatalogUnit, Supplier, AsyncIterator[RowBatch]]]:
        """Open the file first and the unit with the first rows: opening may take a while."""
        batches = self._reader.read(
            wanted.key,
            file_type=wanted.file_type,
            sheet_name=wanted.sheet_name,
            layout=wanted.layout,
            remembered=remembered,
        )
        try:
            first = [batch] if (batch := await anext(batches, None)) is not None else []
            async with self._catalog.unit() as unit:
                match wanted.supplier:
                    case Supplier() as supplier:
                        stored = await unit.suppliers.add(supplier)
                    case supplier_id:
                        stored = await unit.suppliers.get(supplier_id)
                yield unit, stored, resumed(first, batches)
        finally:
            close = getattr(batches, "aclose", None)  # an iterator need not have one
            if close is not None:
                await close()

    async def _fill(
        self,
        unit: CatalogUnit,
        staged: StagedList,
        batches: AsyncIterator[RowBatch],
        record: Import,
        progress: Progress | None,
    ) -> Reading:
        """Stage all rows; those that are not accepted go into the row log."""
        reading = Reading()
        async for batch in batches:
            rejections = await reading.stage(staged, batch)
            if rejections:
                entries = rejection_entries(record.task_id, record.supplier_id, rejections)
                await unit.log.record(entries, at=record.noted_at)
            if progress is not None:
                progress(reading.read)
        return reading

    async def _compared(
        self,
        staged: StagedList,
        supplier: Supplier,
        last: Import | None,
        reading: Reading,
        remembered: Mapping[str, RememberedLayout],
    ) -> tuple[ImportFigures, tuple[HoldReason, ...]]:
        limits = self._rules.of(supplier.metadata).limits
        compared = await staged.compare(price_move_max_percent=limits.price_move_max_percent)
        figures = reading.figures(compared)
        changes = chain.from_iterable(
            essential_changes(before, reading.layouts[sheet])
            for sheet, before in remembered.items()
            if sheet in reading.layouts
        )
        return figures, hold_reasons(
            figures,
            limits=limits,
            last=last.figures if last else None,
            layout_changes=tuple(changes),
        )

    async def _before(self, wanted: ListToImport) -> Import | None:
        """Return the supplier's last applied import, if there is one."""
        async with self._catalog.unit() as unit:
            match wanted.supplier:
                case Supplier(name=name):
                    found = await unit.suppliers.find(name)
                    supplier_id = found.id if found else None
                case supplier_id:
                    pass
            return await last_applied(unit, supplier_id) if supplier_id else None

    async def _note_repeated(
        self, unit: CatalogUnit, wanted: ListToImport, last: Import
    ) -> Import:
        if wanted.job_id is not None and last.job_id == wanted.job_id:
            return last  # the same step, delivered again
        figures = last.figures
        record = replace(
            self._record(wanted, last.supplier_id),
            state=ImportState.REPEATED,
            figures=ImportFigures(
                unchanged=figures.accepted - figures.merged,
                merged=figures.merged,
                rejected=figures.rejected,
                no_price=figures.no_price,
                missing=figures.missing,
            ),
            layouts=last.layouts,
        )
        await unit.imports.note(record)
        return record

    def _record(self, wanted: ListToImport, supplier_id: SupplierId) -> Import:
        import_id = ImportId(self._ids.new_id())
        return Import(
            id=import_id,
            supplier_id=supplier_id,
            state=ImportState.APPLIED,
            noted_at=self._clock.now(),
            task_id=str(wanted.job_id or import_id),
            job_id=wanted.job_id,
            attempt=wanted.attempt,
            content_key=wanted.content_key,
            source_name=wanted.source_name,
        )
