"""Clerical review: what waits for people, what they decided, and what neighbours did meanwhile."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable
from uuid import UUID

from marketbel_core.catalog import Product
from marketbel_core.ids import ProductId, SupplierId, SupplierItemId
from marketbel_core.matching.verdicts import ItemReview, PairVerdict, ReviewDecision

__all__ = ["Links", "NamedVerdict", "ReviewQueue", "Reviews", "Verdicts", "WaitingReview"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingReview:
    """An item that waits for a person.

    Attributes:
        in_stock: Whether its supplier has it.
        lowers_price: Whether it would be the cheapest offer of its best candidate, both in the
            default currency, or the only one.
    """

    review: ItemReview
    supplier_name: str
    in_stock: bool
    lowers_price: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewQueue:
    """What waits: the first of it, and how much there is.

    Attributes:
        counts: Lines of the queue by status.
    """

    waiting: tuple[WaitingReview, ...]
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedVerdict:
    """A verdict with the names by which another catalogue knows item and product."""

    item_id: SupplierItemId
    supplier_name: str
    sku: str
    item_name: str
    product_sku: str
    product_name: str
    verdict: PairVerdict


@runtime_checkable
class Reviews(Protocol):
    """Items as people decide about them, inside a unit of work."""

    @abstractmethod
    async def open(self, item_id: SupplierItemId) -> ItemReview:
        """Return the item and where its match stands, locked until the unit ends.

        Raises:
            ItemNotFoundError: there is none under this id.
        """

    @abstractmethod
    async def record(self, decisions: Sequence[ReviewDecision]) -> None:
        """Write what was decided: each item's state `after`, the products founded, the decisions.

        The items were opened in this unit. A founded product that is stored already is left as
        it is. A reviewer whom the user table does not know is kept by name alone.
        """

    @abstractmethod
    async def decisions(
        self, item_id: SupplierItemId | None = None, *, limit: int
    ) -> list[ReviewDecision]:
        """Return up to `limit` decisions, of the item or of all, the latest first."""

    @abstractmethod
    async def decision(self, decision_id: UUID) -> ReviewDecision | None:
        """Return the decision of this id."""

    @abstractmethod
    async def take_back(self, decision: ReviewDecision, *, by: str, at: datetime) -> None:
        """Put back the state before the decision, and mark it as undone.

        A product founded by it goes, if it is still a draft to which no item is linked.
        """

    @abstractmethod
    async def waiting(self, *, limit: int) -> ReviewQueue:
        """Return what waits for people, by impact.

        First what nobody was unsure about; of that what is in stock; of that what would lower a
        price; then the highest score, then the oldest.
        """

    @abstractmethod
    async def overdue(self, *, at: datetime, limit: int) -> list[ItemReview]:
        """Return up to `limit` items whose pending line ran out before `at`, locked.

        Items that another unit holds are passed over.
        """

    @abstractmethod
    async def product(self, product_id: ProductId) -> Product | None:
        """Return the product of this id, archived or not."""


@runtime_checkable
class Verdicts(Protocol):
    """What people said of pairs, inside a unit of work."""

    @abstractmethod
    async def of(
        self, item_ids: Sequence[SupplierItemId]
    ) -> dict[SupplierItemId, tuple[PairVerdict, ...]]:
        """Return the verdicts on these items; an item without any is left out."""

    @abstractmethod
    async def page(
        self, *, after: tuple[SupplierItemId, ProductId] | None, limit: int
    ) -> list[NamedVerdict]:
        """Return up to `limit` verdicts in the order of item and product, those past `after`."""

    @abstractmethod
    async def put(self, verdicts: Sequence[NamedVerdict]) -> list[bool]:
        """Store verdicts from elsewhere; tell of each whether item and product are known here.

        Item and product are found by id, else by supplier and sku, and by article number. What is
        here and not older stays.
        """


@runtime_checkable
class Links(Protocol):
    """What neighbours did to links and offers past us, inside a unit of work."""

    @abstractmethod
    async def drifted(self, supplier_id: SupplierId | None, *, limit: int) -> list[ItemReview]:
        """Return up to `limit` items whose link is not the one that we wrote last, locked.

        Among them items with a settled status and no link, and items with a link and a status
        that says that they wait. Items that another unit holds are passed over.
        """

    @abstractmethod
    async def adopt(self, item_ids: Sequence[SupplierItemId]) -> None:
        """Take the links of these items for ours, as they are."""

    @abstractmethod
    async def repriced(self, *, limit: int) -> list[ProductId]:
        """Return products that offers came to or went from with nobody telling, each told once.

        They had an item that is gone, or have one of a supplier that was switched on or off.
        """
