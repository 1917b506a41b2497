"""How a stored list becomes items, shared by the job's import step and by imports by hand."""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Final

from marketbel_core.catalog import FileType, GivenLayout, Supplier
from marketbel_core.errors import RefusedError
from marketbel_core.ids import FileKey, ImportId, JobId, SupplierId
from marketbel_core.intake.plan import (
    Difference,
    HoldReason,
    ImportFigures,
    ImportRules,
    content_key,
    essential_changes,
    hold_reasons,
)
from marketbel_core.intake.remembered import RememberedLayout
from marketbel_core.intake.rows import (
    AcceptedRow,
    RowEvent,
    RowRejection,
    SheetSummary,
    UnpricedRow,
)
from marketbel_core.ports import (
    Catalog,
    CatalogUnit,
    Clock,
    IdSource,
    Import,
    ImportState,
    ListedRow,
    LogEntry,
    LogLevel,
    RowBatch,
    RowReader,
    StagedList,
)

__all__ = ["ImportPlan", "ListImporter", "ListToImport", "rejection_entries"]

_APPROVALS_LOOKED_AT: Final = 20
_STAGED_EVENTS_MIN: Final = 4_000

type Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListToImport:
    """A stored list and whose it is.

    Attributes:
        supplier: The id of one that is stored, or one that is stored if its name is new.
        source_name: The name that people know the file by.
        sha256: Of the file, 64 hex digits; empty when unknown.
        sheet_name: The only sheet to read; `None` means all.
        layout: What was said about columns and rows.
        job_id: The job that brought it; `None` when a person imports it by hand.
        attempt: The job's, from 1; 0 without a job.
    """

    supplier: SupplierId | Supplier
    key: FileKey
    file_type: FileType
    source_name: str
    sha256: str = ""
    sheet_name: str | None = None
    layout: GivenLayout | None = None
    job_id: JobId | None = None
    attempt: int = 0

    @property
    def content_key(self) -> str:
        """What names these bytes, read in this way."""
        return content_key(self.sha256, sheet_name=self.sheet_name, layout=self.layout)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPlan:
    """What an import would do.

    Attributes:
        supplier_name: As it is stored, or would be.
        version: What the catalogue was like: applying is bound to it.
        reasons: Why it would be held.
        differences: The first ones of each kind.
        repeats: The import that brought the same bytes: applying would do nothing.
        layout_changes: How the columns differ from those of the list before, in sentences.
        rejections: The first rows that were not accepted.
    """

    supplier_name: str
    version: str
    figures: ImportFigures
    reasons: tuple[HoldReason, ...] = ()
    differences: tuple[Difference, ...] = ()
    repeats: Import | None = None
    layout_changes: tuple[str, ...] = ()
    rejections: tuple[RowRejection, ...] = ()

    @property
    def is_held(self) -> bool:
        """Whether a person would be asked."""
        return bool(self.reasons)


@dataclass(slots=True)
class _Reading:
    """What has been read of a list so far."""

    rejected: int = 0
    no_price: int = 0
    read: int = 0
    layouts: dict[str, RememberedLayout] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)

    def figures(self, compared: ImportFigures) -> ImportFigures:
        return replace(compared, rejected=self.rejected, no_price=self.no_price)


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
        if before is not None and _is_same(before, wanted):
            async with self._catalog.unit() as unit:
                return await self._note_repeated(unit, wanted, before)
        remembered = _remembered(before, wanted)
        async with self._opened(wanted, remembered) as (unit, supplier, batches):
            staged = await unit.imports.stage(supplier.id)  # waits for others of this supplier
            last = await _last_applied(unit, supplier.id)
            if last is not None and _is_same(last, wanted):
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
            if waived or await _is_approved(unit, supplier.id, wanted):
                reasons = ()
            record = replace(
                record,
                state=ImportState.HELD if reasons else ImportState.APPLIED,
                figures=figures,
                reasons=reasons,
                layouts={name: each.to_json() for name, each in reading.layouts.items()},
            )
            await unit.log.record(_layout_entries(record, reading), at=record.noted_at)
            known = await _held_already(unit, record)
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
        remembered = _remembered(await self._before(wanted), wanted)
        async with self._opened(wanted, remembered) as (unit, supplier, batches):
            staged = await unit.imports.stage(supplier.id)
            last = await _last_applied(unit, supplier.id)
            version = await staged.version()
            reading = _Reading()
            first: list[RowRejection] = []
            async for batch in batches:
                first += (await _add(staged, batch, reading))[:examples]
                if progress is not None:
                    progress(reading.read)
            figures, reasons = await self._compared(staged, supplier, last, reading, remembered)
            repeats = last if last is not None and _is_same(last, wanted) else None
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
                yield unit, stored, _resumed(first, batches)
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
    ) -> _Reading:
        """Stage all rows; those that are not accepted go into the row log."""
        reading = _Reading()
        async for batch in batches:
            rejections = await _add(staged, batch, reading)
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
        reading: _Reading,
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
            last_accepted=last.figures.accepted if last else None,
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
            return await _last_applied(unit, supplier_id) if supplier_id else None

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


def rejection_entries(
    task_id: str, supplier_id: SupplierId, rejections: Sequence[RowRejection]
) -> list[LogEntry]:
    """Return the row log's entries for rejected rows; a row and reason is logged once a task."""
    return [
        LogEntry(
            task_id=task_id,
            level=LogLevel.ROW,
            message=f"{rejection.code}: {rejection.message}",
            key=_key(rejection),
            supplier_id=supplier_id,
            row_number=rejection.row_number,
            details={
                "sheet": rejection.sheet,
                "column": rejection.column,
                "value": rejection.value,
                "code": rejection.code,
                "cells": dict(rejection.cells),
            },
        )
        for rejection in rejections
    ]


def _layout_entries(record: Import, reading: _Reading) -> list[LogEntry]:
    """Return what the row log is told of columns that have changed."""
    if not reading.changes:
        return []
    return [
        LogEntry(
            task_id=record.task_id,
            level=LogLevel.WARNING,
            message=f"the columns have changed: {'; '.join(reading.changes)}",
            key="layout",
            supplier_id=record.supplier_id,
        )
    ]


def _key(rejection: RowRejection) -> str:
    place = f"{rejection.sheet}\0{rejection.row_number}\0{rejection.code}\0{rejection.value}"
    return hashlib.sha256(place.encode(errors="replace")).hexdigest()


async def _add(staged: StagedList, batch: RowBatch, reading: _Reading) -> list[RowRejection]:
    """Stage the rows of a batch and return those that gave no item, in the order of the list."""
    rows: list[ListedRow] = []
    rejections: list[RowRejection] = []
    for event in batch.events:
        match event:
            case AcceptedRow():
                rows.append(event)
            case UnpricedRow():
                rows.append(event)
                rejections.append(event.as_rejection)
                reading.no_price += 1
            case RowRejection():
                rejections.append(event)
                reading.rejected += 1
            case SheetSummary():
                _summarised(event, reading)
    refused = await staged.add(rows)
    reading.rejected += len(refused)
    reading.read += len(rows) + len(rejections)
    return [*rejections, *refused]


def _summarised(summary: SheetSummary, reading: _Reading) -> None:
    if summary.layout is not None:
        reading.layouts[summary.name] = summary.layout
    if summary.change is not None:
        reading.changes += [f"{summary.name}: {told}" for told in summary.change.sentences]


async def _resumed(
    first: Sequence[RowBatch], batches: AsyncIterator[RowBatch]
) -> AsyncGenerator[RowBatch]:
    """Yield all batches as fewer and larger ones: a store is slow to ask and quick to be told."""
    events: list[RowEvent] = [event for batch in first for event in batch.events]
    async for batch in batches:
        events += batch.events
        if len(events) >= _STAGED_EVENTS_MIN:
            yield RowBatch(events=tuple(events))
            events = []
    if events:
        yield RowBatch(events=tuple(events))


def _remembered(last: Import | None, wanted: ListToImport) -> dict[str, RememberedLayout]:
    """Return where the columns of the last list were; nothing where a person has said so."""
    found: dict[str, RememberedLayout] = {}
    if last is None or wanted.layout is not None:
        return found
    for sheet, layout in last.layouts.items():
        try:
            found[sheet] = RememberedLayout.from_json(layout)
        except ValueError:
            continue  # of another version: the list is read as one is that nobody knows
    return found


async def _last_applied(unit: CatalogUnit, supplier_id: SupplierId) -> Import | None:
    found = await unit.imports.recent(supplier_id, limit=1, state=ImportState.APPLIED)
    return found[0] if found else None


def _is_same(last: Import, wanted: ListToImport) -> bool:
    return bool(last.content_key) and last.content_key == wanted.content_key


async def _is_approved(unit: CatalogUnit, supplier_id: SupplierId, wanted: ListToImport) -> bool:
    if not wanted.content_key:
        return False
    held = await unit.imports.recent(
        supplier_id,
        limit=_APPROVALS_LOOKED_AT,
        state=ImportState.HELD,
        content_key=wanted.content_key,
    )
    return any(record.approved_at is not None for record in held)


async def _held_already(unit: CatalogUnit, record: Import) -> Import | None:
    """Return the record of the same attempt, held before: its step was delivered again."""
    if record.state is not ImportState.HELD or record.job_id is None:
        return None
    held = await unit.imports.recent(record.supplier_id, limit=1, state=ImportState.HELD)
    same = (
        each for each in held if (each.job_id, each.attempt) == (record.job_id, record.attempt)
    )
    return next(same, None)
