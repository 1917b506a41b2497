"""What becomes of a batch of items beside the products that the index finds for them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from marketbel_core.catalog import ExchangeRates, SupplierItem
from marketbel_core.ids import CategoryId, ProductId, SupplierId
from marketbel_core.matching import (
    NOTHING_KNOWN,
    Candidate,
    Columns,
    Drafted,
    Features,
    ForReview,
    Linked,
    MatchOutcome,
    Precedents,
    ReviewStatus,
    ReviewTask,
    Thresholds,
    Wanted,
    beside,
    columns_of,
    link,
    offered_features,
    redrafted,
)
from marketbel_core.ports import CandidateLookup

__all__ = ["Judge", "Sought"]

_BLOCK_MAX: Final = 50
"""Products compared with an item at most; beyond fifty the right one is hardly ever met."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """An item of a batch, with all that is known of it before names are compared.

    Attributes:
        features: Its name's, with what its columns say.
        precedents: Earlier verdicts and links.
        sharing: Products to whose items it is tied by an equal GTIN or maker's article.
        categories: Where to look; `None` means that its category is not known.
        needs_category: Nothing is compared but what is tied to it, for want of a category.
    """

    item: SupplierItem
    features: Features
    precedents: Precedents = NOTHING_KNOWN
    sharing: frozenset[ProductId] = frozenset()
    categories: frozenset[CategoryId] | None = None
    needs_category: bool = False

    @property
    def wanted(self) -> Wanted:
        """What the index is asked for."""
        tied = {self.precedents.same, self.precedents.earlier} - {None}
        return Wanted(
            name=self.item.name,
            features=self.features,
            categories=self.categories,
            known=self.sharing | frozenset(one for one in tied if one is not None),
        )


@dataclass(slots=True)
class _Offers:
    """What the offers of products say; what is linked in a batch counts for its next items."""

    columns: dict[ProductId, tuple[Columns, ...]]
    rates: ExchangeRates
    read: dict[ProductId, tuple[Features, ...]] = field(default_factory=dict)
    by_key: defaultdict[str, list[ProductId]] = field(default_factory=lambda: defaultdict(list))

    def beside(self, item: Features, candidate: Candidate) -> Features:
        """Return what a candidate says, as it is compared with the item."""
        offered = self.read.get(candidate.product.id)
        if offered is None:
            told = self.columns.get(candidate.product.id, ())
            offered = offered_features(candidate.features, told, rates=self.rates)
            self.read[candidate.product.id] = offered
        return beside(item, offered)

    def tied_to(self, features: Features) -> frozenset[ProductId]:
        """Return the products that got an item with an equal code in this batch."""
        return frozenset(one for key in _codes(features) for one in self.by_key.get(key, ()))

    def add(self, sought: Sought, product_id: ProductId) -> None:
        """Count the item among the product's offers."""
        self.columns[product_id] = (
            *self.columns.get(product_id, ()),
            columns_of(sought.item),
        )
        self.read.pop(product_id, None)
        for key in _codes(sought.features):
            self.by_key[key].append(product_id)


class Judge:
    """Decides about items one after the other: a draft may be what the next one is."""

    def __init__(
        self,
        *,
        thresholds: Thresholds,
        candidates_max: int,
        review_for: timedelta,
        rates: ExchangeRates,
    ) -> None:
        self._thresholds = thresholds
        self._candidates_max = candidates_max
        self._review_for = review_for
        self._rates = rates

    def find(self, batch: Sequence[Sought], lookup: CandidateLookup) -> list[list[Candidate]]:
        """Return the candidates of each item, as the index has them now."""
        return [self._nearest(sought, lookup) for sought in batch]

    def decide(
        self,
        batch: Sequence[Sought],
        found: Sequence[Sequence[Candidate]],
        columns: Mapping[ProductId, tuple[Columns, ...]],
        now: datetime,
        lookup: CandidateLookup,
    ) -> list[MatchOutcome]:
        """Return what becomes of each item; the drafts that are founded join the index.

        Args:
            batch: In the order in which they are decided about.
            found: The candidates of each, as `find` told them.
            columns: What the offers of these candidates say.
            now: The instant of the decision (aware, UTC).
            lookup: Asked again once another supplier's item of this batch has founded a draft.
        """
        offers = _Offers(columns=dict(columns), rates=self._rates)
        founders: set[SupplierId] = set()
        outcomes: list[MatchOutcome] = []
        for sought, candidates in zip(batch, found, strict=True):
            tied = offers.tied_to(sought.features)
            one = replace(sought, sharing=sought.sharing | tied) if tied else sought
            if tied or founders - {sought.item.supplier_id}:
                candidates = self._nearest(one, lookup)  # noqa: PLW2901 - looked up anew
            outcome = self._outcome(one, candidates, offers, now, lookup)
            match outcome:
                case Drafted(product=product):
                    lookup.join(product)
                    founders.add(sought.item.supplier_id)
                    offers.add(sought, product.id)
                case Linked(product_id=product_id):
                    offers.add(sought, product_id)
                case ForReview():
                    pass
            outcomes.append(outcome)
        return outcomes

    def meets(
        self,
        batch: Sequence[Sought],
        newer: Collection[ProductId],
        columns: Mapping[ProductId, tuple[Columns, ...]],
        now: datetime,
        lookup: CandidateLookup,
    ) -> bool:
        """Tell whether one of these items would not found a draft beside these newer products."""
        offers = _Offers(columns=dict(columns), rates=self._rates)
        for sought in batch:
            near = self._nearest(sought, lookup)
            candidates = [one for one in near if one.product.id in newer]
            if not candidates:
                continue
            if not isinstance(self._outcome(sought, candidates, offers, now, lookup), Drafted):
                return True
        return False

    def _nearest(self, sought: Sought, lookup: CandidateLookup) -> list[Candidate]:
        return lookup.nearest(sought.wanted, limit=0 if sought.needs_category else _BLOCK_MAX)

    def _outcome(
        self,
        sought: Sought,
        candidates: Sequence[Candidate],
        offers: _Offers,
        now: datetime,
        lookup: CandidateLookup,
    ) -> MatchOutcome:
        outcome = link(
            sought.item,
            [one.product for one in candidates],
            corpus=lookup.corpus,
            thresholds=self._thresholds,
            candidates_max=self._candidates_max,
            now=now,
            review_for=self._review_for,
            precedents=sought.precedents,
            said=sought.features,
            read={one.product.id: offers.beside(sought.features, one) for one in candidates},
        )
        if not isinstance(outcome, Drafted):
            return outcome
        if sought.needs_category:
            return self._without_category(sought.item, now)
        ruled = sought.precedents.different
        return replace(outcome, product=redrafted(outcome.product, ruled=ruled, at=now))

    def _without_category(self, item: SupplierItem, now: datetime) -> ForReview:
        task = ReviewTask(
            item_id=item.id,
            candidates=(),
            created_at=now,
            expires_at=now + self._review_for,
            status=ReviewStatus.NEEDS_CATEGORY,
        )
        return ForReview(item=item, score=0.0, task=task)


def _codes(features: Features) -> list[str]:
    codes = (("gtin", features.gtin), ("code", features.vendor_code))
    return [f"{kind} {code}" for kind, code in codes if code]
