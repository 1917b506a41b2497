"""Marketbel's core: how price lists become a catalogue. It touches nothing outside itself.

The names listed here are the public ones, together with those that the packages `catalog`,
`intake`, `jobs`, `matching`, `ports` and `use_cases` list; everything else may change at any time.

What the processes that open strangers' files do not need is imported when it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

from marketbel_core.catalog import (
    FileType,
    MatchStatus,
    Money,
    Product,
    ProductAggregates,
    ProductStatus,
    SourceRef,
    SourceType,
    Supplier,
    SupplierItem,
)
from marketbel_core.errors import (
    DomainError,
    IllegalTransitionError,
    InvalidIdError,
    ItemNotFoundError,
    JobNotFoundError,
    MarketbelError,
    PortError,
    ProductNotFoundError,
    ProtocolError,
    RefusedError,
    StaleJobError,
    SupplierNotFoundError,
    UnavailableError,
)
from marketbel_core.ids import (
    AnalysisId,
    CategoryId,
    FileKey,
    JobId,
    ProductId,
    SupplierId,
    SupplierItemId,
)

if TYPE_CHECKING:
    from marketbel_core.intake import (
        ColumnMapping,
        CsvParserConfig,
        ExcelParserConfig,
        GoogleSheetsConfig,
        ParsedItem,
        ParseTaskMessage,
        parse_message,
    )
    from marketbel_core.jobs import Job, JobProgress, Phase, Reading
    from marketbel_core.matching import Decision, Thresholds
    from marketbel_core.use_cases import StartRequest

__version__ = "0.1.0"

__all__ = [
    "AnalysisId",
    "CategoryId",
    "ColumnMapping",
    "CsvParserConfig",
    "Decision",
    "DomainError",
    "ExcelParserConfig",
    "FileKey",
    "FileType",
    "GoogleSheetsConfig",
    "IllegalTransitionError",
    "InvalidIdError",
    "ItemNotFoundError",
    "Job",
    "JobId",
    "JobNotFoundError",
    "JobProgress",
    "MarketbelError",
    "MatchStatus",
    "Money",
    "ParseTaskMessage",
    "ParsedItem",
    "Phase",
    "PortError",
    "Product",
    "ProductAggregates",
    "ProductId",
    "ProductNotFoundError",
    "ProductStatus",
    "ProtocolError",
    "Reading",
    "RefusedError",
    "SourceRef",
    "SourceType",
    "StaleJobError",
    "StartRequest",
    "Supplier",
    "SupplierId",
    "SupplierItem",
    "SupplierItemId",
    "SupplierNotFoundError",
    "Thresholds",
    "UnavailableError",
    "__version__",
    "parse_message",
]

_LATER: Final = {
    "ColumnMapping": "intake",
    "CsvParserConfig": "intake",
    "Decision": "matching",
    "ExcelParserConfig": "intake",
    "GoogleSheetsConfig": "intake",
    "Job": "jobs",
    "JobProgress": "jobs",
    "ParseTaskMessage": "intake",
    "ParsedItem": "intake",
    "Phase": "jobs",
    "Reading": "jobs",
    "StartRequest": "use_cases",
    "Thresholds": "matching",
    "parse_message": "intake",
}


def __getattr__(name: str) -> object:
    """Return what is imported when it is asked for (PEP 562)."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = found
    return found
