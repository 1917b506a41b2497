"""The catalogue, one unit of work at a time."""

from abc import abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from marketbel_core.catalog import Offer, Product, ProductAggregates, Supplier, SupplierItem
from marketbel_core.ids import ProductId, SupplierId
from marketbel_core.intake.plan import ImportFigures
from marketbel_core.intake.rows import AcceptedRow
from marketbel_core.intake.supplier_plan import SupplierUpdate
from marketbel_core.matching.linking import MatchOutcome
from marketbel_core.ports.enrichments import Enrichments
from marketbel_core.ports.imports import Imports
from marketbel_core.ports.keys import Categories, Keys
from marketbel_core.ports.reviews import Links, Reviews, Verdicts
from marketbel_core.ports.sync import Outbox, SyncRuns

__all__ = [
    "Catalog",
    "CatalogUnit",
    "Founded",
    "LogEntry",
    "LogLevel",
    "ProductChanges",
    "Products",
    "RowLog",
    "SupplierItems",
    "Suppliers",
]


class LogLevel(StrEnum):
    """The error_type values of the row log that neighbours understand."""

    INFO = "INFO"  # a step began or went on
    SUCCESS = "SUCCESS"  # a step ended well
    WARNING = "WARNING"  # worth a look, nothing failed
    ERROR = "ERROR"  # the job failed; the admin interface shows the supplier red
    ROW = "ValidationError"  # one row was rejected; the admin interface does not count it


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One line of the row log.

    Attributes:
        task_id: The job's id as text, or the id that the caller gave the task.
        row_number: From 1, for a rejected row.
        details: Fits JSON.
        key: At most 64 characters; an entry with the same task and key is written once.
    """

    task_id: str
    level: LogLevel
    message: str
    key: str
    supplier_id: SupplierId | None = None
    row_number: int | None = None
    details: Mapping[str, object] = field(default_factory=dict)


@runtime_checkable
class Suppliers(Protocol):
    """The suppliers, inside a unit of work."""

    @abstractmethod
    async def get(self, supplier_id: SupplierId) -> Supplier:
        """Return the supplier.

        Raises:
            SupplierNotFoundError: there is none under this id.
        """

    @abstractmethod
    async def get_all(self, supplier_ids: Collection[SupplierId]) -> dict[SupplierId, Supplier]:
        """Return those of these suppliers that are stored."""

    @abstractmethod
    async def find(self, name: str) -> Supplier | None:
        """Return the supplier of this name, case and surrounding blanks aside; the oldest wins."""

    @abstractmethod
    async def add(self, supplier: Supplier) -> Supplier:
        """Store the supplier, or return the one that already has its name (case aside).

        Two units that add one name at once end with one supplier.
        """

    @abstractmethod
    async def all(self) -> list[Supplier]:
        """Return every supplier, oldest first; no other unit changes or adds one until this ends.

        Neighbours may still add some: names are ours to keep apart, and theirs.
        """

    @abstractmethod
    async def amend(
        self, *, new: Sequence[Supplier] = (), changed: Sequence[SupplierUpdate] = (), at: datetime
    ) -> None:
        """Store new suppliers, but none whose name is known, and merge changes key by key.

        Args:
            new: Suppliers that nobody has stored yet.
            changed: Of stored ones; one that is gone meanwhile is passed over.
            at: Written as the instant of the change (aware, UTC).
        """


@runtime_checkable
class SupplierItems(Protocol):
    """The suppliers' items, inside a unit of work."""

    @abstractmethod
    async def merge(
        self, supplier_id: SupplierId, rows: Sequence[AcceptedRow], *, at: datetime
    ) -> ImportFigures:
        """Bring the supplier's items up to `rows`, by sku; items not named stay as they are.

        A new item gets one price-history row, and so does each change of price. Links, scores
        and verdicts of known items are kept. Of rows that share a sku the last wins. What is
        written so cannot be undone: see `Imports` for the road of a whole list.

        Args:
            supplier_id: Whose items they are.
            rows: In the order of the list.
            at: Written as the instant of ingestion (aware, UTC).

        Raises:
            SupplierNotFoundError: the supplier is gone.
            RefusedError: a row cannot be stored (`row.unstorable`); the message names it.
        """

    @abstractmethod
    async def claim_unmatched(
        self, supplier_id: SupplierId | None, *, limit: int
    ) -> list[SupplierItem]:
        """Return up to `limit` unmatched items, oldest first, locked until the unit ends.

        Items that another unit has claimed are passed over. `None` means every supplier.
        """

    @abstractmethod
    async def count_unmatched(self, supplier_id: SupplierId | None) -> int:
        """Return how many items wait for the matcher, whoever has claimed them."""

    @abstractmethod
    async def record_matches(self, outcomes: Sequence[MatchOutcome], *, at: datetime) -> None:
        """Write what the matcher decided: links, review tasks and draft products.

        An item's review task is unique: a later one replaces it. A draft that exists already is
        left as it is.
        """

    @abstractmethod
    async def products_of(self, supplier_id: SupplierId) -> list[ProductId]:
        """Return the products to which the supplier's items are linked, sorted, each once."""

    @abstractmethod
    async def offers_of(self, product_ids: Sequence[ProductId]) -> list[Offer]:
        """Return what the items that are linked to these products offer.

        Whoever linked them: a neighbour's link counts before the matcher has heard of it. Items
        that share product, currency, stock and whether their supplier is active come as one
        offer, the lowest, so that a product with any number of items has a few offers.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductChanges:
    """What happened to the products that an item may be linked to.

    Attributes:
        products: What came or changed, oldest first; unchanged ones may be among them.
        gone: What is known to be no candidate any more; deleted ones show in `total` alone.
        total: How many products an item may be linked to now.
        mark: From where the next changes are to be told; opaque.
    """

    products: Sequence[Product]
    gone: Sequence[ProductId]
    total: int
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Founded:
    """Drafts that others founded.

    Attributes:
        products: The drafts, oldest first, that an item may be linked to.
        position: From where later ones are to be told.
    """

    products: Sequence[Product]
    position: int


@runtime_checkable
class Products(Protocol):
    """The products, inside a unit of work."""

    @abstractmethod
    async def add(self, products: Iterable[Product]) -> None:
        """Store products; one whose id is stored already is left as it is."""

    @abstractmethod
    async def matchable(self) -> list[Product]:
        """Return the products that an item may be linked to (active or draft), oldest first."""

    @abstractmethod
    async def changes(self, since: str | None) -> ProductChanges:
        """Return what came and went since a mark that was returned before.

        Whoever changed it, and whenever that was committed. `None`, or a mark that is not
        understood, means everything.
        """

    @abstractmethod
    async def founded(self) -> int:
        """Return the position of the latest draft that is committed, 0 without any."""

    @abstractmethod
    async def found_alone(self, *, since: int) -> Founded:
        """Wait until no other unit founds drafts, and let none until this one ends.

        Return the drafts past the position `since`: two suppliers' items that are new at the same
        time are one product, and only the second of two founders can see it.
        """

    @abstractmethod
    async def matchable_ids(self) -> frozenset[ProductId]:
        """Return the ids of what `matchable` returns."""

    @abstractmethod
    async def lock(self, product_ids: Sequence[ProductId]) -> list[ProductId]:
        """Lock these products until the unit ends; return those that exist, sorted.

        Always locks in the order of ids, so that two units never wait for each other.
        """

    @abstractmethod
    async def record_aggregates(
        self, aggregates: Mapping[ProductId, ProductAggregates], *, at: datetime
    ) -> int:
        """Write the aggregates; return how many products they changed."""


@runtime_checkable
class RowLog(Protocol):
    """What happened to jobs and rows, as the admin interface reads it, inside a unit of work."""

    @abstractmethod
    async def record(self, entries: Sequence[LogEntry], *, at: datetime) -> int:
        """Write the entries that are not there yet; return how many were written."""

    @abstractmethod
    async def rejections(self, task_id: str, *, skip: int, limit: int) -> list[LogEntry]:
        """Return up to `limit` rejected rows of a task, but for the first `skip`, by row."""


@runtime_checkable
class CatalogUnit(Protocol):
    """One transaction's view of the catalogue."""

    @property
    @abstractmethod
    def suppliers(self) -> Suppliers:
        """The suppliers."""

    @property
    @abstractmethod
    def items(self) -> SupplierItems:
        """The suppliers' items."""

    @property
    @abstractmethod
    def products(self) -> Products:
        """The products."""

    @property
    @abstractmethod
    def imports(self) -> Imports:
        """The imports."""

    @property
    @abstractmethod
    def log(self) -> RowLog:
        """The row log."""

    @property
    @abstractmethod
    def categories(self) -> Categories:
        """The catalogue's categories."""

    @property
    @abstractmethod
    def keys(self) -> Keys:
        """By what else than their names items are found again."""

    @property
    @abstractmethod
    def reviews(self) -> Reviews:
        """Items as people decide about them."""

    @property
    @abstractmethod
    def verdicts(self) -> Verdicts:
        """What people said of pairs."""

    @property
    @abstractmethod
    def links(self) -> Links:
        """What neighbours did past us."""

    @property
    @abstractmethod
    def enrichments(self) -> Enrichments:
        """Facts that are added to items."""

    @property
    @abstractmethod
    def outbox(self) -> Outbox:
        """Jobs that are to be started once the unit is committed."""

    @property
    @abstractmethod
    def syncs(self) -> SyncRuns:
        """The syncs that were applied."""


@runtime_checkable
class Catalog(Protocol):
    """Keeps suppliers, items and products. Contract: `marketbel_adapters.testing.catalog`."""

    @abstractmethod
    def unit(self) -> AbstractAsyncContextManager[CatalogUnit]:
        """Return a unit of work: committed when the block ends, rolled back when it raises.

        Raises:
            UnavailableError: the store cannot be reached, or the transaction lost a conflict and
                may be tried again; nothing was written.
        """
