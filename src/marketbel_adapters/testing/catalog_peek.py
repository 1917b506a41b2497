"""What the catalogue's suite looks at behind the port: a few raw reads."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from marketbel_core.catalog import Category, MatchStatus
from marketbel_core.ids import JobId, ProductId, SupplierId, SupplierItemId
from marketbel_core.ports import ImportFigures

__all__ = [
    "CatalogPeek",
    "PeekedImport",
    "PeekedItem",
    "PeekedLogLine",
    "PeekedPrice",
    "PeekedProduct",
    "PeekedReview",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeekedItem:
    """A stored item; `candidates` are (product, score) pairs, best first."""

    id: SupplierItemId
    name: str
    price: Decimal
    characteristics: Mapping[str, object]
    product_id: ProductId | None
    match_status: str
    match_score: Decimal | None
    candidates: tuple[tuple[UUID, float], ...] | None
    last_ingested_at: datetime
    price_opt: Decimal | None
    price_rrc: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeekedPrice:
    """A line of the price history."""

    sku: str
    price: Decimal
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PeekedProduct:
    """A stored product with its aggregates."""

    internal_sku: str
    name: str
    status: str
    min_price: Decimal | None
    availability: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PeekedReview:
    """A stored review task; candidates as with the item."""

    candidates: tuple[tuple[UUID, float], ...]
    status: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PeekedLogLine:
    """A stored line of the row log."""

    task_id: str
    level: str
    message: str
    supplier_id: SupplierId | None
    row_number: int | None
    details: Mapping[str, object]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PeekedImport:
    """A stored record of an import."""

    job_id: JobId | None
    attempt: int
    supplier_id: SupplierId
    figures: ImportFigures
    state: str


class CatalogPeek(Protocol):
    """Reads and, as a neighbour would, changes what is stored, without the adapter under test.

    Every read sees what is committed, and nothing else.
    """

    @abstractmethod
    async def items(self, supplier_id: SupplierId) -> dict[str, PeekedItem]:
        """Return the supplier's items by sku."""

    @abstractmethod
    async def prices(self, supplier_id: SupplierId) -> list[PeekedPrice]:
        """Return the supplier's price history, by instant, then by sku."""

    @abstractmethod
    async def products(self) -> dict[ProductId, PeekedProduct]:
        """Return all products."""

    @abstractmethod
    async def reviews(self) -> dict[SupplierItemId, PeekedReview]:
        """Return all review tasks."""

    @abstractmethod
    async def log(self) -> list[PeekedLogLine]:
        """Return the whole row log, by instant, then by message."""

    @abstractmethod
    async def imports(self) -> list[PeekedImport]:
        """Return what was noted about imports, in the order of the notes."""

    @abstractmethod
    async def set_match(
        self, item_id: SupplierItemId, status: MatchStatus, product_id: ProductId | None
    ) -> None:
        """Give the item this status and link, as a person's verdict or a neighbour would."""

    @abstractmethod
    async def edit(
        self, item_id: SupplierItemId, *, name: str, characteristics: Mapping[str, object]
    ) -> None:
        """Give the item this name and these characteristics, as a person would."""

    @abstractmethod
    async def categorise(self, category: Category) -> None:
        """Add a category, as the admin interface does."""

    @abstractmethod
    async def delete_item(self, item_id: SupplierItemId) -> None:
        """Delete the item with its price history."""

    @abstractmethod
    async def delete_supplier(self, supplier_id: SupplierId) -> None:
        """Delete the supplier with its items, as the admin interface does."""
