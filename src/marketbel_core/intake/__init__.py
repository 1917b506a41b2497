"""What arrives: sheets as cells, their layout, values as people write them, rows, stored files.

What describes messages is imported when it is asked for: who only reads files does without it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

from marketbel_core.intake.grid import DEFAULT_SHEET_NAME, Cell, Grid
from marketbel_core.intake.layout import Layout, Role, find_layout
from marketbel_core.intake.reading import gathered, read_rows, stream_rows
from marketbel_core.intake.remembered import LayoutChange, RememberedLayout
from marketbel_core.intake.rows import (
    AcceptedRow,
    ReadRows,
    RowEvent,
    RowRejection,
    SheetSummary,
    UnpricedRow,
)
from marketbel_core.intake.stored_file import (
    FileKind,
    FoundFile,
    KeepReason,
    Sidecar,
    StoredName,
    file_key,
    file_type_of,
    mentioned_names,
    original_filename,
    reason_to_keep,
    sanitised,
    stored_name,
)
from marketbel_core.intake.text import (
    DecimalMark,
    ParsedPrice,
    PriceRefusal,
    cell_text,
    clean_text,
    decimal_mark_of,
    parse_price,
)

if TYPE_CHECKING:
    from marketbel_core.intake.messages import (
        ParsedItem,
        ParseTaskMessage,
        Priority,
        parse_message,
    )
    from marketbel_core.intake.parser_configs import (
        ColumnMapping,
        CsvParserConfig,
        ExcelParserConfig,
        GoogleSheetsConfig,
        ParserType,
        parser_type_of,
    )
    from marketbel_core.intake.source_config import SaidSource, read_source_config, source_of

__all__ = [
    "DEFAULT_SHEET_NAME",
    "AcceptedRow",
    "Cell",
    "ColumnMapping",
    "CsvParserConfig",
    "DecimalMark",
    "ExcelParserConfig",
    "FileKind",
    "FoundFile",
    "GoogleSheetsConfig",
    "Grid",
    "KeepReason",
    "Layout",
    "LayoutChange",
    "ParseTaskMessage",
    "ParsedItem",
    "ParsedPrice",
    "ParserType",
    "PriceRefusal",
    "Priority",
    "ReadRows",
    "RememberedLayout",
    "Role",
    "RowEvent",
    "RowRejection",
    "SaidSource",
    "SheetSummary",
    "Sidecar",
    "StoredName",
    "UnpricedRow",
    "cell_text",
    "clean_text",
    "decimal_mark_of",
    "file_key",
    "file_type_of",
    "find_layout",
    "gathered",
    "mentioned_names",
    "original_filename",
    "parse_message",
    "parse_price",
    "parser_type_of",
    "read_rows",
    "read_source_config",
    "reason_to_keep",
    "sanitised",
    "source_of",
    "stored_name",
    "stream_rows",
]

_LATER: Final = {
    "ColumnMapping": "parser_configs",
    "CsvParserConfig": "parser_configs",
    "ExcelParserConfig": "parser_configs",
    "GoogleSheetsConfig": "parser_configs",
    "ParseTaskMessage": "messages",
    "ParsedItem": "messages",
    "ParserType": "parser_configs",
    "Priority": "messages",
    "SaidSource": "source_config",
    "parse_message": "messages",
    "parser_type_of": "parser_configs",
    "read_source_config": "source_config",
    "source_of": "source_config",
}


if not TYPE_CHECKING:  # a type checker reads the imports above

    def __getattr__(name: str) -> object:
        """Return what is imported when it is asked for, and keep it here for the next time."""
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
        globals()[name] = found
        return found
