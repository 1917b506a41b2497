"""Who sends price lists, and where each list is fetched from."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from marketbel_core.catalog.given_layout import GivenLayout
from marketbel_core.ids import SupplierId

__all__ = ["FileType", "SourceRef", "SourceType", "Supplier", "shown_location"]

_NAME_LENGTH_MAX: Final = 255

_ADDRESS: Final = re.compile(
    r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.\-]+:)(?P<slashes>[/\\]*)(?P<rest>.*)"
)
"""An address begins with a scheme of two letters or more: `C:` is a drive."""

_IGNORED: Final = re.compile(r"[\x00-\x1f\x7f]")
"""What browsers and libraries drop from an address before they read it."""

_AUTHORITY_END: Final = re.compile(r"[/?#]")
_PARAMETERS: Final = re.compile(r"[?#]")
_HOST_AND_PORT: Final = re.compile(r"(\[[^\]]*\]|[^:]+)(:[0-9]+)?")


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
        is_shortened: Whether `location` is only what may be shown of the address.
        layout: What was said about its columns and rows; `None` means nothing.
    """

    type: SourceType
    location: str
    sheet_name: str | None = None
    original_filename: str | None = None
    is_shortened: bool = False
    layout: GivenLayout | None = None

    def __post_init__(self) -> None:
        if not self.location.strip():
            raise ValueError("location must not be blank")

    def shown(self) -> "SourceRef":
        """Return the source as it may be shown: see `shown_location`."""
        location = shown_location(self.location)
        if location == self.location:
            return self
        return replace(self, location=location, is_shortened=True)

    def completed_by(self, told: "SourceRef") -> "SourceRef":
        """Return this source with the whole address, if it was shortened and `told` has it."""
        if not self.is_shortened or told.is_shortened:
            return self
        if shown_location(told.location) != self.location:
            return self
        return replace(self, location=told.location, is_shortened=False)


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


def shown_location(location: str) -> str:
    """Return `location` as it may be shown and kept: an address without what may be secret.

    Credentials, query and fragment of an address go, whatever its scheme; where it cannot be told
    where credentials end, all but the scheme goes. A path is returned as it is. Never raises.
    """
    address = _ADDRESS.fullmatch(_IGNORED.sub("", location).strip())
    if address is None:
        return location
    scheme, slashes, rest = address.group("scheme", "slashes", "rest")
    authority = _AUTHORITY_END.split(rest, maxsplit=1)[0]
    host = authority.rpartition("@")[2]
    if "@" in rest and not _HOST_AND_PORT.fullmatch(host):
        return scheme + slashes  # a password with a bare `/`, `?` or `#` in it, or worse
    kept = _PARAMETERS.split(host + rest[len(authority) :], maxsplit=1)[0]
    return scheme + slashes + kept.rstrip()
