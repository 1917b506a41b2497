"""Facts that are added to items after they came, inside a unit of work."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from marketbel_core.catalog import SupplierItem
from marketbel_core.ids import SupplierId, SupplierItemId

__all__ = ["Enrichments"]


@runtime_checkable
class Enrichments(Protocol):
    """Items and the characteristics that are added to them."""

    @abstractmethod
    async def open(self, item_ids: Sequence[SupplierItemId]) -> list[SupplierItem]:
        """Return those of the items that exist, by id, locked until the unit ends."""

    @abstractmethod
    async def lacking(
        self,
        supplier_id: SupplierId,
        *,
        after: SupplierItemId | None,
        limit: int,
    ) -> list[SupplierItem]:
        """Return up to `limit` items without the mark of facts that were added, by id, locked.

        Args:
            supplier_id: Whose.
            after: Only those past this one.
            limit: How many at most.
        """

    @abstractmethod
    async def record(
        self, facts: Mapping[SupplierItemId, Mapping[str, object]], *, at: datetime
    ) -> None:
        """Add facts, which fit JSON, to the characteristics; a key that is there is replaced."""
