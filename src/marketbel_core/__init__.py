"""Marketbel's core: how price lists become a catalogue. It touches nothing outside itself.

The names listed here are the public ones, together with those that the packages `catalog`,
`intake`, `jobs`, `matching`, `ports` and `use_cases` list; everything else may change at any time.

They are fetched when they are asked for: a process that reads one list, or tells the version, does
not wait for the import of all.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
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


_HOMES: Final = ("errors", "ids", "catalog", "intake", "jobs", "matching", "use_cases")
"""Where the names are looked for, in this order: first what imports the least."""

if not TYPE_CHECKING:  # a type checker reads the imports above

    def __getattr__(name: str) -> object:
        """Return a public name, and keep it here for the next time."""
        if name in __all__:
            for home in _HOMES:
                module = import_module(f"{__name__}.{home}")
                if name in module.__all__:
                    found = globals()[name] = getattr(module, name)
                    return found
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
