"""What the core needs from outside, said without saying how.

Our own adapters inherit these by name. Anybody may write further ones: hold them to the suites in
`marketbel_adapters.testing`. A port may gain methods in a minor version, with a note in
the changelog.
"""

from marketbel_core.intake.plan import ImportFigures
from marketbel_core.ports.analyzer import (
    AnalysisFailed,
    AnalysisFinished,
    AnalysisReport,
    AnalysisRequest,
    AnalysisRunning,
    AnalysisUnknown,
    Analyzer,
    ReadElsewhere,
    ReadHere,
    RowBatch,
    RowReader,
    Submission,
    whole,
)
from marketbel_core.ports.breaker import Breaker
from marketbel_core.ports.candidates import CandidateIndex
from marketbel_core.ports.catalog import (
    Catalog,
    CatalogUnit,
    LogEntry,
    LogLevel,
    Products,
    RowLog,
    SupplierItems,
    Suppliers,
)
from marketbel_core.ports.environment import Clock, IdSource
from marketbel_core.ports.files import FileInspector, FileStore, StoredBytes
from marketbel_core.ports.imports import (
    Import,
    Imports,
    ImportState,
    ListedRow,
    StagedList,
    UndoOutcome,
)
from marketbel_core.ports.inbox import Inbox, Tray
from marketbel_core.ports.jobs import (
    JobArchive,
    JobHolds,
    JobJournal,
    JobStore,
    JournalEntry,
    Lease,
    Leases,
    Renewal,
)
from marketbel_core.ports.queue import (
    CourierStep,
    ImportStep,
    MatchStep,
    RecalculateStep,
    RetryStep,
    Step,
    StepQueue,
)
from marketbel_core.ports.sources import FileSource, IncomingFile
from marketbel_core.ports.telemetry import Telemetry
from marketbel_core.ports.waiting_triggers import WaitingTriggers

__all__ = [
    "AnalysisFailed",
    "AnalysisFinished",
    "AnalysisReport",
    "AnalysisRequest",
    "AnalysisRunning",
    "AnalysisUnknown",
    "Analyzer",
    "Breaker",
    "CandidateIndex",
    "Catalog",
    "CatalogUnit",
    "Clock",
    "CourierStep",
    "FileInspector",
    "FileSource",
    "FileStore",
    "IdSource",
    "Import",
    "ImportFigures",
    "ImportState",
    "ImportStep",
    "Imports",
    "Inbox",
    "IncomingFile",
    "JobArchive",
    "JobHolds",
    "JobJournal",
    "JobStore",
    "JournalEntry",
    "Lease",
    "Leases",
    "ListedRow",
    "LogEntry",
    "LogLevel",
    "MatchStep",
    "Products",
    "ReadElsewhere",
    "ReadHere",
    "RecalculateStep",
    "Renewal",
    "RetryStep",
    "RowBatch",
    "RowLog",
    "RowReader",
    "StagedList",
    "Step",
    "StepQueue",
    "StoredBytes",
    "Submission",
    "SupplierItems",
    "Suppliers",
    "Telemetry",
    "Tray",
    "UndoOutcome",
    "WaitingTriggers",
    "whole",
]
