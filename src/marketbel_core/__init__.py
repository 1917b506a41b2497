"""Marketbel's core: how price lists become a catalogue. It touches nothing outside itself.

The names listed here are the public ones, together with those that the packages `catalog`,
`intake`, `jobs`, `matching`, `ports` and `use_cases` list; everything else may change at any time.
"""

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
