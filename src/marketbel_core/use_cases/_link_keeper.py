"""What steps share about links: aggregates that follow them, and neighbours' own changes."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from marketbel_core.catalog import ExchangeRates, Offer, SupplierItem, aggregate
from marketbel_core.ids import ProductId, SupplierId
from marketbel_core.matching import (
    API,
    Action,
    ItemKeys,
    ItemReview,
    ReviewDecision,
    item_features,
    keys_of_item,
    reconciled,
)
from marketbel_core.ports import Catalog, CatalogUnit, Clock, IdSource

__all__ = ["LinkKeeper", "Reconciled"]

_CHUNK: Final = 500
"""Items, or products, in one transaction: short enough to let others in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What neighbours had done past us.

    Attributes:
        linked: Items that they linked, or linked to another product.
        unlinked: Items whose link they took away.
        adopted: Links that were there before us, taken as they were.
        repriced: Products that offers came to or went from with nobody telling.
    """

    linked: int = 0
    unlinked: int = 0
    adopted: int = 0
    repriced: int = 0


class LinkKeeper:
    """Keeps aggregates true to the links, in the very transaction that changes a link."""

    def __init__(
        self, *, catalog: Catalog, clock: Clock, ids: IdSource, rates: ExchangeRates
    ) -> None:
        self._catalog = catalog
        self._clock = clock
        self._ids = ids
        self._rates = rates

    async def follow(
        self, unit: CatalogUnit, product_ids: Collection[ProductId], *, at: datetime
    ) -> None:
        """Recompute the aggregates of these products, those that exist, within the unit."""
        if not product_ids:
            return
        locked = await unit.products.lock(sorted(product_ids))
        offers: defaultdict[ProductId, list[Offer]] = defaultdict(list)
        for offer in await unit.items.offers_of(locked):
            offers[offer.product_id].append(offer)
        figures = {one: aggregate(offers[one], rates=self._rates) for one in locked}
        await unit.products.record_aggregates(figures, at=at)

    async def reconcile(self, supplier_id: SupplierId | None = None) -> Reconciled:
        """Understand every link that a neighbour made or took away; recompute what depends on it.

        Safe to run at any time, by several workers at once.

        Args:
            supplier_id: Whose items; `None` means every supplier's.

        Raises:
            UnavailableError: the catalogue cannot be reached; what was understood stays so.
        """
        total = Reconciled()
        while True:
            done = await self._reconcile_chunk(supplier_id)
            if done is None:
                break
            total = replace(
                total,
                linked=total.linked + done.linked,
                unlinked=total.unlinked + done.unlinked,
                adopted=total.adopted + done.adopted,
            )
        return replace(total, repriced=await self._reprice())

    def understood(self, review: ItemReview, *, at: datetime) -> ReviewDecision | None:
        """Return what a neighbour decided about the item, if one did."""
        found = reconciled(review, at=at)
        if found is None:
            return None
        action, after = found
        known = review.known_product_id if review.known_product_exists else None
        # Nothing but the link is changed by neighbours: with it, all is as it was.
        before = replace(review.state, product_id=known)
        return ReviewDecision(
            id=self._ids.new_id(),
            item_id=review.item.id,
            action=action,
            by=API,
            at=at,
            before=before,
            after=after,
            product_id=after.product_id or known,
        )

    def keys_of(self, item: SupplierItem) -> ItemKeys:
        """Return the keys of an item that the matcher may never have met."""
        return keys_of_item(item, item_features(item, rates=self._rates))

    async def _reconcile_chunk(self, supplier_id: SupplierId | None) -> Reconciled | None:
        """Understand a chunk; `None` when there is nothing left to understand."""
        now = self._clock.now()
        async with self._catalog.unit() as unit:
            drifted = await unit.links.drifted(supplier_id, limit=_CHUNK)
            if not drifted:
                return None
            found = [self.understood(review, at=now) for review in drifted]
            decisions = [one for one in found if one is not None]
            adopted = [review for review, one in zip(drifted, found, strict=True) if one is None]
            await unit.reviews.record(decisions)
            await unit.links.adopt([review.item.id for review in adopted])
            await unit.keys.record([self.keys_of(review.item) for review in drifted])
            touched = {product_id for one in decisions for product_id in one.touched}
            for review in adopted:
                both = {review.state.product_id, review.known_product_id}
                touched |= {one for one in both if one is not None}
            await self.follow(unit, touched, at=now)
        linked = sum(one.action is Action.API_LINK for one in decisions)
        return Reconciled(linked=linked, unlinked=len(decisions) - linked, adopted=len(adopted))

    async def _reprice(self) -> int:
        repriced = 0
        while True:
            async with self._catalog.unit() as unit:
                touched = await unit.links.repriced(limit=_CHUNK)
                await self.follow(unit, touched, at=self._clock.now())
            repriced += len(touched)
            if not touched:
                return repriced
