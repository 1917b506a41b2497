"""Who sends price lists, and where each list is fetched from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from marketbel_core.catalog.given_layout import GivenLayout
from marketbel_core.ids import SupplierId

__all__ = ["FileType", "SourceRef", "SourceType", "Supplier"]

_NAME_LENGTH_MAX: Final = 255


class SourceType(StrEnum):
    """How a supplier publishes: the three values that the suppliers table admits."""

    GOOGLE_SHEETS = "google_sheets"  # a spreadsheet, exported as xlsx
    CSV = "csv"  # delimited text; PDF lists are kept under this value as well
    EXCEL = "excel"  # a workbook


class FileType(StrEnum):
    """What a carried file is, in ml-analyze's words."""

    EXCEL = "excel"
    CSV = "csv"
    PDF = "pdf"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRef:
    """Where one price list rests.

    Attributes:
        type: How the supplier publishes it.
        location: An http(s) address, or the path of a local file.
        sheet_name: The sheet to read; `None` means every sheet.
        original_filename: The name that people know the file by, when it is known.
        layout: What was said about its columns and rows; `None` means nothing.
    """

    type: SourceType
    location: str
    sheet_name: str | None = None
    original_filename: str | None = None
    layout: GivenLayout | None = None

    def __post_init__(self) -> None:
        if not self.location.strip():
            raise ValueError("location must not be blank")


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplier:
    """One supplier as the catalogue knows it.

    Attributes:
        name: 1 to 255 characters; unique without regard to case.
        is_active: Items of an inactive supplier set no lowest price.
        use_ml_processing: The supplier's own wish; `None` follows the deployment's setting.
        metadata: All that the neighbours keep with the supplier, by key.
    """

    id: SupplierId
    name: str
    source_type: SourceType
    is_active: bool = True
    use_ml_processing: bool | None = None
    metadata: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        if not 1 <= len(self.name.strip()) <= _NAME_LENGTH_MAX:
            raise ValueError(f"name must have 1 to {_NAME_LENGTH_MAX} characters")
