"""What the demo sends: suppliers, their price lists, and the catalogue that is there before."""

import csv
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict

from marketbel_core.catalog import Product, ProductStatus, SourceType, Supplier
from marketbel_core.errors import PortError
from marketbel_core.ids import JobId, ProductId, SupplierId

__all__ = ["PriceList", "Scenario", "ScenarioMissingError", "examples_folder", "load_scenario"]

_IDS: Final = UUID("c0d9f4a8-0b5a-5c43-8a37-5b0c0d4c7e52")
_CATALOGUE_BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)


class ScenarioMissingError(PortError):
    """The examples are not where they should be: the package was not installed whole."""

    code = "demo.examples_missing"


class _ListEntry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    fetched: Literal["http", "folder"]


class _SupplierEntry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    source_type: SourceType
    use_ml_processing: bool
    lists: tuple[_ListEntry, ...]


class _Entries(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    catalogue: str
    suppliers: tuple[_SupplierEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList:
    """One list to send.

    Attributes:
        over_http: Fetched from a web server; otherwise it lies in the shared folder already.
    """

    job_id: JobId
    file: Path
    supplier: Supplier
    over_http: bool

    def uploaded_name(self) -> str:
        """Return the name under which an upload rests: `{supplier_id}_{epoch_ms}_{name}`."""
        instant = int(_CATALOGUE_BEGIN.timestamp() * 1000)
        return f"{self.supplier.id}_{instant}_{re.sub(r'[^A-Za-z0-9_.-]', '_', self.file.name)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """All that the demo sends."""

    folder: Path
    suppliers: tuple[Supplier, ...]
    products: tuple[Product, ...]
    lists: tuple[PriceList, ...]


def examples_folder() -> Path:
    """Return the folder of the examples: the packaged one, else the clone's.

    Raises:
        ScenarioMissingError: neither is there.
    """
    here = Path(__file__).resolve()
    for folder in (here.parents[1] / "_examples", here.parents[3] / "examples"):
        if (folder / "demo.json").is_file():
            return folder
    raise ScenarioMissingError("the example price lists are missing: install marketbel anew")


def load_scenario(folder: Path | None = None) -> Scenario:
    """Return the scenario described by `demo.json` in `folder`.

    Raises:
        ScenarioMissingError: there is none, or it cannot be read.
    """
    folder = (folder or examples_folder()).resolve()
    try:
        described = json.loads((folder / "demo.json").read_text(encoding="utf-8"))
        entries = _Entries.model_validate(described)
    except (OSError, ValueError) as error:
        raise ScenarioMissingError(f"{folder}/demo.json cannot be used: {error}") from error
    suppliers = tuple(
        Supplier(
            id=SupplierId(uuid5(_IDS, entry.name)),
            name=entry.name,
            source_type=entry.source_type,
            use_ml_processing=entry.use_ml_processing,
        )
        for entry in entries.suppliers
    )
    lists = tuple(
        PriceList(
            job_id=JobId(uuid5(_IDS, sent.file)),
            file=folder / sent.file,
            supplier=supplier,
            over_http=sent.fetched == "http",
        )
        for supplier, entry in zip(suppliers, entries.suppliers, strict=True)
        for sent in entry.lists
    )
    return Scenario(
        folder=folder,
        suppliers=suppliers,
        products=_catalogue(folder / entries.catalogue),
        lists=lists,
    )


def _catalogue(file: Path) -> tuple[Product, ...]:
    with file.open(encoding="utf-8", newline="") as opened:
        return tuple(
            Product(
                id=ProductId(uuid5(_IDS, row["internal_sku"])),
                internal_sku=row["internal_sku"],
                name=row["name"],
                status=ProductStatus.ACTIVE,
                created_at=_CATALOGUE_BEGIN + timedelta(seconds=number),
            )
            for number, row in enumerate(csv.DictReader(opened))
        )
