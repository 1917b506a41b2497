"""By what else than its name an item is found again, inside a unit of work."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from marketbel_core.catalog import Category
from marketbel_core.ids import ProductId, SupplierItemId
from marketbel_core.matching.columns import Columns, ItemKeys, SharedKeys

__all__ = ["Categories", "Keys"]


@runtime_checkable
class Categories(Protocol):
    """The catalogue's categories."""

    @abstractmethod
    async def all(self) -> list[Category]:
        """Return every category that is in use."""


@runtime_checkable
class Keys(Protocol):
    """The keys of items, kept as the matcher met them, and what linked items say."""

    @abstractmethod
    async def record(self, keys: Sequence[ItemKeys]) -> None:
        """Keep these keys; an item's earlier ones are replaced. Items that are gone are none."""

    @abstractmethod
    async def shared(self, keys: Sequence[ItemKeys]) -> dict[SupplierItemId, SharedKeys]:
        """Return the products of linked items that share a key; an item without is left out.

        The links are those of now, whoever made them. Of a key that many products share some
        are told.
        """

    @abstractmethod
    async def offers(
        self, product_ids: Sequence[ProductId]
    ) -> dict[ProductId, tuple[Columns, ...]]:
        """Return what the columns of the items say that are linked to these products.

        Lines that say the same come as one, with the lowest price of each currency. A product
        without items is left out.
        """
