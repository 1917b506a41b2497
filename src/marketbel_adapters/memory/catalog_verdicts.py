"""Verdicts, and what neighbours did to links, in the memory catalogue."""

from collections.abc import Sequence
from dataclasses import replace

from marketbel_adapters.memory.catalog_reviews import review_of
from marketbel_adapters.memory.catalog_state import State
from marketbel_core.catalog import MatchStatus
from marketbel_core.ids import ProductId, SupplierId, SupplierItemId
from marketbel_core.matching import ItemReview, PairVerdict
from marketbel_core.ports import Links, NamedVerdict, Verdicts

__all__ = ["MemoryLinks", "MemoryVerdicts"]

_SETTLED = frozenset({MatchStatus.AUTO_MATCHED, MatchStatus.VERIFIED_MATCH})


class MemoryVerdicts(Verdicts):
    """What people said of pairs, on a unit's draft."""

    def __init__(self, draft: State) -> None:
        self._draft = draft

    async def of(
        self, item_ids: Sequence[SupplierItemId]
    ) -> dict[SupplierItemId, tuple[PairVerdict, ...]]:
        found = ((item_id, self._draft.verdicts.get(item_id)) for item_id in item_ids)
        return {
            item_id: tuple(said[product_id] for product_id in sorted(said))
            for item_id, said in found
            if said
        }

    async def page(
        self, *, after: tuple[SupplierItemId, ProductId] | None, limit: int
    ) -> list[NamedVerdict]:
        pairs = sorted(
            (item_id, product_id)
            for item_id, said in self._draft.verdicts.items()
            for product_id in said
        )
        wanted = [pair for pair in pairs if after is None or pair > after][:limit]
        return [self._named(item_id, product_id) for item_id, product_id in wanted]

    async def put(self, verdicts: Sequence[NamedVerdict]) -> list[bool]:
        return [self._put(named) for named in verdicts]

    def _put(self, named: NamedVerdict) -> bool:
        item_id, product_id = self._item(named), self._product(named)
        if item_id is None or product_id is None:
            return False
        said = dict(self._draft.verdicts.get(item_id, {}))
        known = said.get(product_id)
        if known is None or known.at < named.verdict.at:
            said[product_id] = replace(named.verdict, product_id=product_id)
            self._draft.verdicts[item_id] = said
        return True

    def _item(self, named: NamedVerdict) -> SupplierItemId | None:
        if named.item_id in self._draft.items:
            return named.item_id
        wanted = named.supplier_name.strip().lower()
        for supplier in self._draft.suppliers.values():
            if supplier.name.strip().lower() == wanted:
                return self._draft.item_ids.get((supplier.id, named.sku))
        return None

    def _product(self, named: NamedVerdict) -> ProductId | None:
        if named.verdict.product_id in self._draft.products:
            return named.verdict.product_id
        for product_id, stored in self._draft.products.items():
            if stored.product.internal_sku == named.product_sku:
                return product_id
        return None

    def _named(self, item_id: SupplierItemId, product_id: ProductId) -> NamedVerdict:
        item = self._draft.items[item_id].item
        product = self._draft.products[product_id].product
        return NamedVerdict(
            item_id=item_id,
            supplier_name=self._draft.suppliers[item.supplier_id].name,
            sku=item.sku,
            item_name=item.name,
            product_sku=product.internal_sku,
            product_name=product.name,
            verdict=self._draft.verdicts[item_id][product_id],
        )


class MemoryLinks(Links):
    """What neighbours did past us, on a unit's draft."""

    def __init__(self, draft: State) -> None:
        self._draft = draft

    async def drifted(self, supplier_id: SupplierId | None, *, limit: int) -> list[ItemReview]:
        found = []
        for item_id in sorted(self._draft.items):
            stored = self._draft.items[item_id]
            item, known = stored.item, self._draft.known_links.get(item_id)
            if supplier_id not in {None, item.supplier_id}:
                continue
            is_settled = item.match_status in _SETTLED
            if item.product_id != known or is_settled != (item.product_id is not None):
                found.append(review_of(self._draft, stored))
        return found[:limit]

    async def adopt(self, item_ids: Sequence[SupplierItemId]) -> None:
        for item_id in item_ids:
            product_id = self._draft.items[item_id].item.product_id
            if product_id is None:
                self._draft.known_links.pop(item_id, None)
            else:
                self._draft.known_links[item_id] = product_id

    async def repriced(self, *, limit: int) -> list[ProductId]:
        links = self._draft.known_links
        gone = [item_id for item_id in sorted(links) if item_id not in self._draft.items][:limit]
        found = {links.pop(item_id) for item_id in gone}
        if len(gone) < limit:
            found.update(self._of_switched())
        return sorted(found & self._draft.products.keys())

    def _of_switched(self) -> set[ProductId]:
        """Return the products of suppliers that are not as active as they were when we looked."""
        switched = {
            supplier.id
            for supplier in self._draft.suppliers.values()
            if self._draft.activity.get(supplier.id, True) != supplier.is_active
        }
        self._draft.activity = {
            supplier.id: supplier.is_active for supplier in self._draft.suppliers.values()
        }
        items = (stored.item for stored in self._draft.items.values())
        linked = {item.product_id for item in items if item.supplier_id in switched}
        return {product_id for product_id in linked if product_id is not None}
