"""What the memory catalogue holds: frozen values in dicts, so that a shallow copy will do."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from marketbel_core.catalog import (
    Category,
    Money,
    Product,
    ProductAggregates,
    Supplier,
    SupplierItem,
    as_listed,
)
from marketbel_core.errors import UnavailableError
from marketbel_core.ids import CategoryId, ImportId, ProductId, SupplierId, SupplierItemId
from marketbel_core.matching import ItemKeys, PairVerdict, ReviewDecision, ReviewRow
from marketbel_core.ports import Import, LogEntry, OutboxEntry, SyncRun

__all__ = [
    "NO_AGGREGATES",
    "ItemChange",
    "Missing",
    "PriceRecord",
    "State",
    "StoredItem",
    "StoredLogEntry",
    "StoredProduct",
    "comparable",
    "conflict",
    "content_of",
]

NO_AGGREGATES = ProductAggregates(min_price=None, availability=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredItem:
    """An item with what the port does not show of it.

    Attributes:
        characteristics: The item's characteristics as JSON, for comparison.
        match_score: 0 to 100, two decimals; `None` before a match.
        match_candidates: As JSON, best first; `None` before a match.
        last_ingested_at: When an import last wrote it (aware, UTC).
        price_opt: The wholesale price in Belarusian roubles.
        price_rrc: The retail or recommended price, likewise.
    """

    item: SupplierItem
    characteristics: str
    last_ingested_at: datetime
    price_opt: Decimal | None = None
    price_rrc: Decimal | None = None
    match_score: Decimal | None = None
    match_candidates: tuple[Mapping[str, object], ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredProduct:
    """A product with its aggregates."""

    product: Product
    aggregates: ProductAggregates = NO_AGGREGATES


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRecord:
    """A price that an item had from `recorded_at` on."""

    item_id: SupplierItemId
    price: Money
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLogEntry:
    """An entry of the row log and when it was written."""

    entry: LogEntry
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemChange:
    """An item before and after an import; `price` is the line of history that came with it."""

    before: StoredItem | None
    after: StoredItem
    price: PriceRecord | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """That lists left an item out, from one import until another one."""

    item_id: SupplierItemId
    supplier_id: SupplierId
    since: ImportId
    until: ImportId | None = None


@dataclass(slots=True)
class State:
    """Everything that is stored, in the order in which it came.

    Attributes:
        skus: The products'.
        drafts: In the order in which they were founded.
        known_links: The links that we wrote last; other ones were made by neighbours.
        activity: Whether each supplier was active when somebody last asked what was repriced.
    """

    suppliers: dict[SupplierId, Supplier] = field(default_factory=dict)
    items: dict[SupplierItemId, StoredItem] = field(default_factory=dict)
    item_ids: dict[tuple[SupplierId, str], SupplierItemId] = field(default_factory=dict)
    products: dict[ProductId, StoredProduct] = field(default_factory=dict)
    skus: set[str] = field(default_factory=set)
    reviews: dict[SupplierItemId, ReviewRow] = field(default_factory=dict)
    verdicts: dict[SupplierItemId, dict[ProductId, PairVerdict]] = field(default_factory=dict)
    decisions: dict[UUID, ReviewDecision] = field(default_factory=dict)
    known_links: dict[SupplierItemId, ProductId] = field(default_factory=dict)
    activity: dict[SupplierId, bool] = field(default_factory=dict)
    categories: dict[CategoryId, Category] = field(default_factory=dict)
    keys: dict[SupplierItemId, ItemKeys] = field(default_factory=dict)
    drafts: list[ProductId] = field(default_factory=list)
    prices: list[PriceRecord] = field(default_factory=list)
    log: dict[tuple[str, str], StoredLogEntry] = field(default_factory=dict)
    imports: dict[ImportId, Import] = field(default_factory=dict)
    changes: dict[ImportId, tuple[ItemChange, ...]] = field(default_factory=dict)
    missing: list[Missing] = field(default_factory=list)
    followed: set[ImportId] = field(default_factory=set)
    outbox: dict[SupplierId, OutboxEntry] = field(default_factory=dict)
    syncs: dict[str, SyncRun] = field(default_factory=dict)

    def copy(self) -> "State":
        """Return a snapshot: nothing done to it reaches this one."""
        return State(
            suppliers=dict(self.suppliers),
            items=dict(self.items),
            item_ids=dict(self.item_ids),
            products=dict(self.products),
            skus=set(self.skus),
            reviews=dict(self.reviews),
            verdicts={item_id: dict(said) for item_id, said in self.verdicts.items()},
            decisions=dict(self.decisions),
            known_links=dict(self.known_links),
            activity=dict(self.activity),
            categories=dict(self.categories),
            keys=dict(self.keys),
            drafts=list(self.drafts),
            prices=list(self.prices),
            log=dict(self.log),
            imports=dict(self.imports),
            changes=dict(self.changes),
            missing=list(self.missing),
            followed=set(self.followed),
            outbox=dict(self.outbox),
            syncs=dict(self.syncs),
        )

    def is_missing(self, item_id: SupplierItemId) -> bool:
        """Tell whether the last list left the item out."""
        return any(line.item_id == item_id and line.until is None for line in self.missing)

    def forget_price(self, record: PriceRecord) -> None:
        """Take one line out of the price history, the latest that says this."""
        place = len(self.prices) - 1 - self.prices[::-1].index(record)
        del self.prices[place]


def conflict(message: str) -> UnavailableError:
    """Return the error of a write that met another one, as a database would raise it."""
    return UnavailableError(message, code="memory.conflict")


def content_of(stored: StoredItem) -> tuple[object, ...]:
    """Return what an import writes of an item, for comparison."""
    item = stored.item
    return (item.name, item.price, stored.characteristics, stored.price_opt, stored.price_rrc)


def comparable(characteristics: str) -> str:
    """Return the JSON so that what JSONB holds equal is equal: 1.0 is 1, but 1 is not true.

    What we added ourselves is left out: it is no change of the list.
    """
    said = as_listed(json.loads(characteristics, parse_float=_number))
    return json.dumps(said, sort_keys=True)


def _number(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() else number
