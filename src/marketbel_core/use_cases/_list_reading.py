"""How the rows of a list are staged as they are read, and what the row log is told of them."""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from marketbel_core.ids import SupplierId
from marketbel_core.intake.plan import ImportFigures
from marketbel_core.intake.remembered import RememberedLayout
from marketbel_core.intake.rows import (
    AcceptedRow,
    RowEvent,
    RowRejection,
    SheetSummary,
    UnpricedRow,
)
from marketbel_core.ports import ListedRow, LogEntry, LogLevel, RowBatch, StagedList

__all__ = ["Reading", "rejection_entries", "resumed"]

_STAGED_EVENTS_MIN: Final = 4_000


@dataclass(slots=True)
class Reading:
    """What has been read of a list so far.

    Attributes:
        read: Rows that should have been items.
        layouts: Where the columns of each sheet are.
        changes: How they differ from those of the list before, in sentences.
    """

    rejected: int = 0
    no_price: int = 0
    read: int = 0
    layouts: dict[str, RememberedLayout] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)

    async def stage(self, staged: StagedList, batch: RowBatch) -> list[RowRejection]:
        """Stage a batch's rows and return those that gave no item, in the order of the list."""
        refused = await staged.add(batch.rows) if batch.rows else []
        rows: list[ListedRow] = []
        rejections: list[RowRejection] = []
        for event in batch.events:
            match event:
                case AcceptedRow():
                    rows.append(event)
                case UnpricedRow():
                    rows.append(event)
                    rejections.append(event.as_rejection)
                    self.no_price += 1
                case RowRejection():
                    rejections.append(event)
                    self.rejected += 1
                case SheetSummary():
                    self._summarise(event)
        if rows:
            refused += await staged.add(rows)
        self.rejected += len(refused)
        self.read += len(batch.rows) + len(rows) + len(rejections)
        return [*rejections, *refused]

    def figures(self, compared: ImportFigures) -> ImportFigures:
        """Return what the comparison counted, together with the rows that gave no item."""
        return replace(compared, rejected=self.rejected, no_price=self.no_price)

    def layout_entries(self, task_id: str, supplier_id: SupplierId) -> list[LogEntry]:
        """Return what the row log is told of columns that have changed."""
        if not self.changes:
            return []
        return [
            LogEntry(
                task_id=task_id,
                level=LogLevel.WARNING,
                message=f"the columns have changed: {'; '.join(self.changes)}",
                key="layout",
                supplier_id=supplier_id,
            )
        ]

    def _summarise(self, summary: SheetSummary) -> None:
        if summary.layout is not None:
            self.layouts[summary.name] = summary.layout
        if summary.change is not None:
            self.changes += [f"{summary.name}: {told}" for told in summary.change.sentences]


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
                "columns": list(rejection.cells),  # stores do not keep the order of keys
            },
        )
        for rejection in rejections
    ]


def _key(rejection: RowRejection) -> str:
    place = f"{rejection.sheet}\0{rejection.row_number}\0{rejection.code}\0{rejection.value}"
    return hashlib.sha256(place.encode(errors="replace")).hexdigest()


async def resumed(
    first: Sequence[RowBatch], batches: AsyncIterator[RowBatch]
) -> AsyncGenerator[RowBatch]:
    """Yield all batches as fewer and larger ones: a store is slow to ask and quick to be told."""
    events: list[RowEvent] = []
    async for batch in _chained(first, batches):
        if events and (batch.rows or len(events) >= _STAGED_EVENTS_MIN):
            yield RowBatch(events=tuple(events))
            events = []
        if batch.rows:
            yield RowBatch(rows=batch.rows)
        events += batch.events
    if events:
        yield RowBatch(events=tuple(events))


async def _chained(
    first: Sequence[RowBatch], batches: AsyncIterator[RowBatch]
) -> AsyncGenerator[RowBatch]:
    for batch in first:
        yield batch
    async for batch in batches:
        yield batch
