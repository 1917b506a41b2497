"""Facts that are added to items, in the memory catalogue."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from marketbel_adapters.catalog_values import strict_json
from marketbel_adapters.memory.catalog_state import State, comparable
from marketbel_core.catalog import ENRICHED_KEY, SupplierItem
from marketbel_core.ids import SupplierId, SupplierItemId
from marketbel_core.ports import Enrichments

__all__ = ["MemoryEnrichments"]


class MemoryEnrichments(Enrichments):
    """Items and what is added to them, on a unit's draft."""

    def __init__(self, draft: State) -> None:
        self._draft = draft

    async def open(self, item_ids: Sequence[SupplierItemId]) -> list[SupplierItem]:
        known = sorted(set(item_ids) & self._draft.items.keys())
        return [self._draft.items[item_id].item for item_id in known]

    async def lacking(
        self,
        supplier_id: SupplierId,
        *,
        after: SupplierItemId | None,
        limit: int,
    ) -> list[SupplierItem]:
        found = [
            stored.item
            for stored in self._draft.items.values()
            if stored.item.supplier_id == supplier_id
            and ENRICHED_KEY not in stored.item.characteristics
            and (after is None or stored.item.id > after)
        ]
        return sorted(found, key=lambda item: item.id)[:limit]

    async def record(
        self,
        facts: Mapping[SupplierItemId, Mapping[str, object]],
        *,
        at: datetime,  # noqa: ARG002  # memory keeps no instant of change for items
    ) -> None:
        for item_id, added in facts.items():
            stored = self._draft.items[item_id]
            text = strict_json({**stored.item.characteristics, **added}, of=f"item {item_id}")
            self._draft.items[item_id] = replace(
                stored,
                item=replace(stored.item, characteristics=MappingProxyType(json.loads(text))),
                characteristics=comparable(text),
            )
