"""By what else than their names items are found again, in the memory catalogue."""

from collections import defaultdict
from collections.abc import Sequence

from marketbel_adapters.memory.catalog_state import State
from marketbel_core.catalog import Category
from marketbel_core.ids import ProductId, SupplierItemId
from marketbel_core.matching import Columns, ItemKeys, SharedKeys, columns_of
from marketbel_core.ports import Categories, Keys

__all__ = ["MemoryCategories", "MemoryKeys"]


class MemoryCategories(Categories):
    """The categories, on a unit's draft."""

    def __init__(self, draft: State) -> None:
        self._draft = draft

    async def all(self) -> list[Category]:
        return list(self._draft.categories.values())


class MemoryKeys(Keys):
    """The keys of items, on a unit's draft."""

    def __init__(self, draft: State) -> None:
        self._draft = draft

    async def record(self, keys: Sequence[ItemKeys]) -> None:
        for one in keys:
            if one.item_id in self._draft.items:
                self._draft.keys[one.item_id] = one

    async def shared(self, keys: Sequence[ItemKeys]) -> dict[SupplierItemId, SharedKeys]:
        linked = [
            (kept, stored.item.product_id)
            for kept in self._draft.keys.values()
            if (stored := self._draft.items.get(kept.item_id)) and stored.item.product_id
        ]
        found = {}
        for one in keys:
            others = [(kept, to) for kept, to in linked if kept.item_id != one.item_id]
            by_code = frozenset(to for kept, to in others if _share_a_code(one, kept))
            by_name = frozenset(
                to
                for kept, to in others
                if (kept.supplier_id, kept.name) == (one.supplier_id, one.name)
            )
            if by_code or by_name:
                found[one.item_id] = SharedKeys(by_code=by_code, by_name=by_name)
        return found

    async def offers(
        self, product_ids: Sequence[ProductId]
    ) -> dict[ProductId, tuple[Columns, ...]]:
        wanted = set(product_ids)
        told: defaultdict[ProductId, dict[tuple[str, ...], Columns]] = defaultdict(dict)
        items = (stored.item for stored in self._draft.items.values())
        for item in sorted(items, key=lambda one: one.created_at):
            if item.product_id not in wanted or item.product_id is None:
                continue
            said = columns_of(item)
            line = (said.brand, said.vendor_code, said.barcode, item.price.currency)
            known = told[item.product_id].get(line)
            if known is None or (known.price and item.price.amount < known.price.amount):
                told[item.product_id][line] = said
        return {product_id: tuple(lines.values()) for product_id, lines in told.items()}


def _share_a_code(one: ItemKeys, other: ItemKeys) -> bool:
    return bool(
        (one.gtin and one.gtin == other.gtin)
        or (one.vendor_code and one.vendor_code == other.vendor_code)
    )
