"""Whoever reads a carried file: ml-analyze far away, or this package on the spot."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from marketbel_core.catalog import FileType, GivenLayout
from marketbel_core.errors import PortError
from marketbel_core.ids import AnalysisId, FileKey, JobId, SupplierId
from marketbel_core.intake.reading import gathered
from marketbel_core.intake.remembered import RememberedLayout
from marketbel_core.intake.rows import AcceptedRow, ReadRows, RowEvent
from marketbel_core.jobs import Reading

__all__ = [
    "AnalysisFailed",
    "AnalysisFinished",
    "AnalysisReport",
    "AnalysisRequest",
    "AnalysisRunning",
    "AnalysisUnknown",
    "Analyzer",
    "ReadElsewhere",
    "ReadHere",
    "RowBatch",
    "RowReader",
    "Submission",
    "whole",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisRequest:
    """A stored file that wants to be read.

    Attributes:
        attempt: From 1; with the job's id it names the request, so that asking twice can be seen.
        reading: Who shall read it.
        original_filename: The name that people know the file by.
        sheet_name: The only sheet to read; `None` means all.
    """

    job_id: JobId
    attempt: int
    reading: Reading
    supplier_id: SupplierId
    supplier_name: str
    key: FileKey
    file_type: FileType
    original_filename: str
    sheet_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadElsewhere:
    """The analyzer reads on its own and stores the items; ask it how far it is."""

    analysis_id: AnalysisId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadHere:
    """The file is to be read by the import step."""


type Submission = ReadElsewhere | ReadHere


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisRunning:
    """Still reading. Figures are rows; `items_total` 0 means unknown."""

    items_processed: int = 0
    items_total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisFinished:
    """Read to the end; the items are in the catalogue.

    Attributes:
        errors: Sentences about rows that could not be read.
        error_count: How many rows those are.
    """

    items_processed: int = 0
    items_total: int = 0
    error_count: int = 0
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisFailed:
    """The reading ended without a result."""

    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisUnknown:
    """The analyzer does not know this reading (any more)."""


type AnalysisReport = AnalysisRunning | AnalysisFinished | AnalysisFailed | AnalysisUnknown


@runtime_checkable
class Analyzer(Protocol):
    """Has files read. Contract: `marketbel_adapters.testing.analyzer`."""

    @abstractmethod
    async def submit(self, request: AnalysisRequest) -> Submission:
        """Hand the stored file over for reading.

        Raises:
            RefusedError: the analyzer will not read this file (`ml.refused`).
            UnavailableError: the analyzer cannot be reached (`ml.unavailable`), wants to be asked
                later (`ml.busy`), or is left alone for a while (`ml.circuit_open`: it was not
                asked at all).
            ProtocolError: it answered something that was not agreed (`ml.protocol`).
        """

    @abstractmethod
    async def report(self, analysis_id: AnalysisId) -> AnalysisReport:
        """Return how far the reading is.

        Raises:
            UnavailableError: as for `submit`.
            ProtocolError: as for `submit`.
        """

    async def reports(
        self, analysis_ids: Sequence[AnalysisId]
    ) -> list[AnalysisReport | PortError]:
        """Return for each reading how far it is, or the error that `report` raises.

        One after the other unless the adapter can do better.
        """
        found: list[AnalysisReport | PortError] = []
        for analysis_id in analysis_ids:
            try:
                found.append(await self.report(analysis_id))
            except PortError as error:
                found.append(error)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class RowBatch:
    """Some of what a file says, the rows of each kind in the order of the file.

    Attributes:
        rows: Accepted rows that stand before the events; whoever read them may have left them in
            a form of its own, and may make each one only when it is asked for.
        events: What is told one by one.
    """

    rows: Sequence[AcceptedRow] = ()
    events: tuple[RowEvent, ...] = ()

    @property
    def told(self) -> tuple[RowEvent, ...]:
        """All of it, one by one."""
        return (*self.rows, *self.events)


@runtime_checkable
class RowReader(Protocol):
    """Reads a stored file on the spot. Contract: `marketbel_adapters.testing.rows`."""

    @abstractmethod
    def read(
        self,
        key: FileKey,
        *,
        file_type: FileType,
        sheet_name: str | None = None,
        layout: GivenLayout | None = None,
        remembered: Mapping[str, RememberedLayout] | None = None,
    ) -> AsyncIterator[RowBatch]:
        """Yield the rows of the file as they are read; each sheet ends with its summary.

        Who stops before the end closes the iterator.

        Args:
            key: The stored file.
            file_type: What it is said to be.
            sheet_name: The only sheet to read; `None` means all.
            layout: What was said about columns and rows; it wins over what the file suggests.
            remembered: The layouts of the supplier's last file, by sheet; the summaries tell what
                differs from them.

        Raises:
            RefusedError: the file cannot be read as a price list (`file.*`, `xlsx.*`, `csv.*`,
                `pdf.*`, `storage.missing`), or not by `layout` (`*.header`, `job.invalid`).
        """


async def whole(batches: AsyncIterator[RowBatch]) -> ReadRows:
    """Return all the rows of a file, for lists that fit the memory.

    Raises:
        RefusedError: as for `RowReader.read`.
    """
    return gathered([event async for batch in batches for event in batch.told])
