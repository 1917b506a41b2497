"""The suppliers of the memory catalogue; names are unique without regard to case."""

from collections.abc import Collection, Sequence
from datetime import datetime

from marketbel_adapters.catalog_values import (
    amended_supplier,
    stored_supplier,
    supplier_metadata,
)
from marketbel_adapters.memory.catalog_state import State, conflict
from marketbel_core.catalog import Supplier
from marketbel_core.errors import SupplierNotFoundError
from marketbel_core.ids import SupplierId
from marketbel_core.intake.supplier_plan import SupplierUpdate
from marketbel_core.ports import Suppliers

__all__ = ["MemorySuppliers"]


class MemorySuppliers(Suppliers):
    """The suppliers, on a unit's draft."""

    def __init__(self, draft: State) -> None:
        self._draft = draft

    async def get(self, supplier_id: SupplierId) -> Supplier:
        try:
            return self._draft.suppliers[supplier_id]
        except KeyError as error:
            raise SupplierNotFoundError(supplier_id) from error

    async def get_all(self, supplier_ids: Collection[SupplierId]) -> dict[SupplierId, Supplier]:
        known = self._draft.suppliers
        return {each: known[each] for each in supplier_ids if each in known}

    async def find(self, name: str) -> Supplier | None:
        wanted = name.strip().lower()
        known = self._draft.suppliers.values()
        return next((one for one in known if one.name.strip().lower() == wanted), None)

    async def add(self, supplier: Supplier) -> Supplier:
        metadata = supplier_metadata(supplier)
        known = await self.find(supplier.name)
        if known is not None:
            return known
        if supplier.id in self._draft.suppliers:
            raise conflict(f"supplier {supplier.id} is stored under another name")
        stored = stored_supplier(
            supplier.id,
            name=supplier.name.strip(),
            source_type=supplier.source_type,
            metadata=metadata,
        )
        self._draft.suppliers[stored.id] = stored
        return stored

    async def all(self) -> list[Supplier]:
        return list(self._draft.suppliers.values())

    async def amend(
        self, *, new: Sequence[Supplier] = (), changed: Sequence[SupplierUpdate] = (), at: datetime
    ) -> None:
        del at  # suppliers show no instants
        for supplier in new:
            await self.add(supplier)
        for update in changed:
            known = self._draft.suppliers.get(update.supplier_id)
            if known is not None:
                self._draft.suppliers[known.id] = amended_supplier(known, update)
