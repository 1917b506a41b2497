"""Imports: a list is staged, compared with what is stored, applied, and undone if need be."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, runtime_checkable

from marketbel_core.ids import ImportId, JobId, ProductId, SupplierId
from marketbel_core.intake.plan import Difference, HoldReason, ImportFigures, MissingPolicy
from marketbel_core.intake.rows import AcceptedRow, RowRejection, UnpricedRow

__all__ = ["Import", "ImportState", "Imports", "ListedRow", "StagedList", "UndoOutcome"]

type ListedRow = AcceptedRow | UnpricedRow


class ImportState(StrEnum):
    """What became of an import."""

    APPLIED = "applied"  # its rows are in the catalogue
    HELD = "held"  # beyond the limits: nothing was changed, a person is asked
    REPEATED = "repeated"  # the same bytes as the list before: there was nothing to do
    UNDONE = "undone"  # it was applied, and taken back


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """The record of one import.

    Attributes:
        job_id: The job that brought the list; `None` when a person imported it by hand.
        attempt: The job's, from 1; 0 without a job.
        task_id: Under which its rejected rows are in the row log.
        content_key: See `content_key`; empty when the bytes are not known.
        source_name: The name that people know the file by.
        figures: What it did; of a held one what it would do.
        reasons: Why it is held.
        layouts: Where the columns of each sheet were, for the supplier's next list; fits JSON.
        noted_at: When it was applied, held or found to be repeated (aware, UTC).
        approved_by: Who waived the limits for these bytes.
    """

    id: ImportId
    supplier_id: SupplierId
    state: ImportState
    noted_at: datetime
    task_id: str
    job_id: JobId | None = None
    attempt: int = 0
    content_key: str = ""
    source_name: str = ""
    figures: ImportFigures = field(default_factory=ImportFigures)
    reasons: tuple[HoldReason, ...] = ()
    layouts: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    approved_at: datetime | None = None
    approved_by: str | None = None
    undone_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoOutcome:
    """What an undo did, in items.

    Attributes:
        reversed: Restored to what they were, or deleted when the import had brought them.
        kept: Changed since, or judged or linked by somebody, and left as they are.
        failed: Gone, so that there is nothing to restore.
        kept_skus: Up to 100 of those that were kept, sorted.
        drafts: Products that the matcher had drafted for items that are deleted, deleted as well.
        product_ids: Products whose offers changed with it and that are still there, sorted.
    """

    reversed: int = 0
    kept: int = 0
    failed: int = 0
    kept_skus: tuple[str, ...] = ()
    drafts: int = 0
    product_ids: tuple[ProductId, ...] = ()


@runtime_checkable
class StagedList(Protocol):
    """One supplier's list inside a unit of work: first all of its rows, then what they mean.

    The supplier can neither be deleted nor take another list until the unit ends.
    """

    @abstractmethod
    async def add(self, rows: Sequence[ListedRow]) -> list[RowRejection]:
        """Stage further rows of the list; return those that the store refuses, with the reason.

        A row that is refused (`row.unstorable`) never costs another one.

        Raises:
            RefusedError: so many rows are refused that the list is none (`import.unstorable`).
        """

    @abstractmethod
    async def compare(self, *, price_move_max_percent: Decimal) -> ImportFigures:
        """Return what the staged rows would change. Once, and after the last `add`.

        Of rows that share a sku the last wins, and one with a price before those without. The
        figures `rejected` and `no_price` are the caller's to fill in.
        """

    @abstractmethod
    async def differences(self, *, limit: int) -> list[Difference]:
        """Return the first differences of each kind, the largest moves of prices first."""

    @abstractmethod
    async def version(self) -> str:
        """Return the version of what is stored: another one once an item or an import changed."""

    @abstractmethod
    async def apply(
        self, import_id: ImportId | None, *, missing: MissingPolicy, at: datetime
    ) -> None:
        """Write what `compare` found, and what it takes to undo it. Once, and last.

        A new item gets one row of price history, and so does each change of price. Links, scores
        and verdicts stay. An item that did not change is not written. A known item that is listed
        without a price keeps its price and becomes unavailable; an unknown one is not stored.

        Args:
            import_id: What to keep the changes under; `None`: they cannot be undone, and items
                that are missing stay untouched.
            missing: What becomes of items that are missing from this list and were not before.
            at: Written as the instant of ingestion (aware, UTC).
        """


@runtime_checkable
class Imports(Protocol):
    """The imports, inside a unit of work."""

    @abstractmethod
    async def stage(self, supplier_id: SupplierId) -> StagedList:
        """Return an empty list to be filled; one at a time in a unit.

        Raises:
            SupplierNotFoundError: the supplier is gone.
        """

    @abstractmethod
    async def note(self, record: Import) -> None:
        """Store the record; noting it again changes nothing.

        Raises:
            SupplierNotFoundError: the supplier is gone.
        """

    @abstractmethod
    async def get(self, import_id: ImportId) -> Import:
        """Return the record.

        Raises:
            ImportNotFoundError: there is none under this id.
        """

    @abstractmethod
    async def recent(
        self,
        supplier_id: SupplierId | None,
        *,
        limit: int,
        state: ImportState | None = None,
        content_key: str | None = None,
    ) -> list[Import]:
        """Return up to `limit` records, the latest first; `None` means any."""

    @abstractmethod
    async def approve(self, import_id: ImportId, *, by: str, at: datetime) -> None:
        """Waive the limits for the bytes of a held import; the first approval stays."""

    @abstractmethod
    async def to_follow(self, *, limit: int) -> list[Import]:
        """Return up to `limit` applied imports without a job that are not followed, the oldest
        first.
        """

    @abstractmethod
    async def followed(self, import_ids: Sequence[ImportId], *, at: datetime) -> None:
        """Note that the steps that follow these imports were asked for."""

    @abstractmethod
    async def changes(self, import_id: ImportId, *, limit: int) -> list[Difference]:
        """Return the first items that the applied import changed, changes of price first."""

    @abstractmethod
    async def undo(self, import_id: ImportId, *, at: datetime) -> UndoOutcome:
        """Take an applied import back, except for items that changed since.

        What it changed is restored to the microsecond; what it brought is deleted; its rows of
        price history go with it. An item that a later import changed, too, is kept. So is one that
        it brought when a person or a neighbour has judged or linked it since, or has taken up the
        product that was drafted for it. What the matcher alone made of an item that is deleted
        goes with it: its link, its place in the queue of reviews, and its draft, unless that is
        more than a draft by now, or anything else speaks of it. An import that is not applied is
        left alone.
        """
