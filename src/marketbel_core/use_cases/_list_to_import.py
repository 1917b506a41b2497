"""A list that is to be imported, and what importing it would do."""

from dataclasses import dataclass

from marketbel_core.catalog import FileType, GivenLayout, Supplier
from marketbel_core.ids import FileKey, JobId, SupplierId
from marketbel_core.intake.plan import Difference, HoldReason, ImportFigures, content_key
from marketbel_core.intake.rows import RowRejection
from marketbel_core.ports import Import

__all__ = ["ImportPlan", "ListToImport"]


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
