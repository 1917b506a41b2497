"""Where a list is and how it is laid out, as the neighbours write it: three kinds of config.

Names are read as any of the neighbours writes them; a field that nobody knows is passed over, and
`null` or an empty text is a field that was not given.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from marketbel_core.intake.grid import DEFAULT_SHEET_NAME

__all__ = [
    "ColumnMapping",
    "CsvParserConfig",
    "ExcelParserConfig",
    "GoogleSheetsConfig",
    "LenientModel",
    "ParserType",
    "SourceConfig",
    "guessed_parser_type",
    "parser_type_of",
]

_NO_DELIMITERS: Final = frozenset('"\r\n\x00')
_LOCATIONS: Final = ("file_path", "file_url", "source_url", "sheet_url", "spreadsheet_url")
_WORKBOOKS: Final = (".xlsx", ".xls", ".xlsm", ".ods")


class ParserType(StrEnum):
    """How a list is to be read, in the words of the messages."""

    GOOGLE_SHEETS = "google_sheets"
    CSV = "csv"  # delimited text; what is said to be a PDF goes by this word as well
    EXCEL = "excel"  # a workbook
    STUB = "stub"  # nothing is read; such a supplier is kept as csv


_PARSER_WORDS: Final = {
    **{word.value: word for word in ParserType},
    **dict.fromkeys(("googlesheets", "gsheet", "gsheets"), ParserType.GOOGLE_SHEETS),
    **dict.fromkeys(("xlsx", "xls", "url"), ParserType.EXCEL),
    "pdf": ParserType.CSV,
}


def parser_type_of(said: object) -> object:
    """Return the parser type that a word means, or what was said if it is none."""
    word = str(said).strip().lower().replace(" ", "_").replace("-", "_")
    return _PARSER_WORDS.get(word, said)


def guessed_parser_type(config: Mapping[str, object]) -> ParserType:
    """Return how a list is most likely read, by where it is."""
    location = next((str(config[name]) for name in _LOCATIONS if config.get(name)), "")
    if "docs.google.com/spreadsheets/" in location:
        return ParserType.GOOGLE_SHEETS
    path = location.lower().partition("?")[0]
    return ParserType.EXCEL if path.endswith(_WORKBOOKS) else ParserType.CSV


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
        usable = parts.scheme.lower() in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:  # the address itself may hold a secret, and is not repeated
        raise PydanticCustomError("address", "an http(s) address is wanted")
    return text


def _encoding(name: str) -> str:
    try:
        b"text".decode(name)
    except UnicodeError:
        return name  # those four bytes are in another one
    except (LookupError, ValueError):
        raise PydanticCustomError("encoding", "no encoding is known by this name") from None
    return name


def _delimiter(text: str) -> str:
    if set(text) & _NO_DELIMITERS:
        raise PydanticCustomError("delimiter", "a delimiter has neither quotes nor line breaks")
    return text


def _below_the_header(said: dict[str, Any]) -> int:
    """Return the row after the last one of the header: where data starts when nobody says."""
    return int(said.get("header_row_end") or said.get("header_row") or 1) + 1


class LenientModel(BaseModel):
    """What a stranger wrote: read leniently, never changed."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="ignore",
        frozen=True,
        populate_by_name=True,
        str_strip_whitespace=True,
        coerce_numbers_to_str=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _empty_is_not_given(cls, said: object) -> object:
        if not isinstance(said, Mapping):
            return said
        return {name: value for name, value in said.items() if value is not None and value != ""}


type _HeaderText = Annotated[str, Field(min_length=1, max_length=500)]


class ColumnMapping(LenientModel):
    """The header above each column that is named; a column that is not named is looked for."""

    sku: _HeaderText | None = Field(
        default=None, validation_alias=AliasChoices("sku", "supplier_sku")
    )
    name: _HeaderText | None = None
    price: _HeaderText | None = Field(
        default=None, validation_alias=AliasChoices("price", "current_price")
    )
    currency: _HeaderText | None = None
    stock: _HeaderText | None = None
    unit: _HeaderText | None = None
    barcode: _HeaderText | None = None
    brand: _HeaderText | None = None
    category: _HeaderText | None = None
    link: _HeaderText | None = None
    description: _HeaderText | None = None

    def headers(self) -> dict[str, str]:
        """Return the header texts that were given, by what the column is for."""
        return self.model_dump(exclude_none=True)


class _TableConfig(LenientModel):
    """Where the header of a table is; rows are counted from 1."""

    original_filename: Annotated[str | None, Field(max_length=255)] = None
    column_mapping: ColumnMapping | None = None
    characteristic_columns: tuple[_HeaderText, ...] | None = None
    header_row: Annotated[int, Field(ge=1)] = 1
    header_row_end: Annotated[int | None, Field(ge=1)] = None
    data_start_row: Annotated[int, Field(ge=1)] = Field(default_factory=_below_the_header)

    @model_validator(mode="after")
    def _rows_in_order(self) -> Self:
        last = self.header_row if self.header_row_end is None else self.header_row_end
        if last < self.header_row:
            raise PydanticCustomError("rows", "header_row_end must not be above header_row")
        if self.data_start_row <= last:
            raise PydanticCustomError("rows", "data_start_row must be below the header")
        return self


class GoogleSheetsConfig(_TableConfig):
    """A Google Sheet; its address is given as sheet_url, spreadsheet_url or source_url."""

    parser_type: Literal["google_sheets"] = "google_sheets"
    sheet_url: Annotated[str, Field(max_length=4096), AfterValidator(_address)] = Field(
        validation_alias=AliasChoices("sheet_url", "spreadsheet_url", "source_url")
    )
    sheet_name: Annotated[str, Field(min_length=1, max_length=255)] = DEFAULT_SHEET_NAME

    @property
    def spreadsheet_url(self) -> str:
        """The same as `sheet_url`."""
        return self.sheet_url

    @property
    def location(self) -> str:
        """Where the list is fetched from."""
        return self.sheet_url


class _FileConfig(_TableConfig):
    """A file: a path, or an http(s) address; suppliers' metadata call it source_url."""

    file_path: Annotated[str, Field(min_length=1, max_length=4096)] = Field(
        validation_alias=AliasChoices(*_LOCATIONS)
    )

    @property
    def location(self) -> str:
        """Where the list is fetched from."""
        return self.file_path


class CsvParserConfig(_FileConfig):
    """A delimited text; what is not in `model_fields_set` was not given and may be detected.

    A sheet is read where the file turns out to be a workbook.
    """

    parser_type: Literal["csv"] = "csv"
    delimiter: Annotated[
        str,
        StringConstraints(min_length=1, max_length=5, strip_whitespace=False),
        AfterValidator(_delimiter),
    ] = ","
    sheet_name: Annotated[str | None, Field(min_length=1, max_length=255)] = None
    encoding: Annotated[str, AfterValidator(_encoding)] = "utf-8"


class ExcelParserConfig(_FileConfig):
    """A workbook."""

    parser_type: Literal["excel"] = "excel"
    sheet_name: Annotated[str, Field(min_length=1, max_length=255)] = DEFAULT_SHEET_NAME


type SourceConfig = GoogleSheetsConfig | CsvParserConfig | ExcelParserConfig
