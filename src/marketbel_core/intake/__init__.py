"""What arrives: sheets as cells, their layout, values as people write them, rows, stored files."""

from marketbel_core.intake.grid import Cell, Grid
from marketbel_core.intake.layout import Layout, Role, find_layout
from marketbel_core.intake.messages import (
    ParsedItem,
    ParseTaskMessage,
    Priority,
    parse_message,
)
from marketbel_core.intake.parser_configs import (
    DEFAULT_SHEET_NAME,
    ColumnMapping,
    CsvParserConfig,
    ExcelParserConfig,
    GoogleSheetsConfig,
    ParserType,
    parser_type_of,
)
from marketbel_core.intake.reading import read_rows
from marketbel_core.intake.rows import AcceptedRow, ReadRows, RowRejection
from marketbel_core.intake.source_config import SaidSource, read_source_config, source_of
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
    "ParseTaskMessage",
    "ParsedItem",
    "ParsedPrice",
    "ParserType",
    "PriceRefusal",
    "Priority",
    "ReadRows",
    "Role",
    "RowRejection",
    "SaidSource",
    "Sidecar",
    "StoredName",
    "cell_text",
    "clean_text",
    "decimal_mark_of",
    "file_key",
    "file_type_of",
    "find_layout",
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
]
