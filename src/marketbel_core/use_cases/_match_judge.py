"""What becomes of a batch of items beside the products that the index finds for them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from marketbel_core.catalog import ExchangeRates, SupplierItem
from marketbel_core.ids import CategoryId, ProductId, SupplierId
from marketbel_core.matching import (
    NOTHING_KNOWN,
    Blocks,
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
    features_of,
    link,
    offered_features,
    redrafted,
)
from marketbel_core.ports import CandidateLookup

__all__ = ["Judge", "Sought"]

_BLOCK_MAX: Final = 50
"""Products compared with an item at most; beyond fifty the right one is hardly ever met."""

_DRAFTS_MAX: Final = 8
"""Drafts of the same batch that are compared beside them: they are few, and hardly ever alike."""


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


class _Round:
    """What one round of decisions has learnt: what is linked in it counts for its next items."""

    def __init__(
        self,
        found: Sequence[Sequence[Candidate]],
        columns: Mapping[ProductId, tuple[Columns, ...]],
        rates: ExchangeRates,
    ) -> None:
        self._columns = dict(columns)
        self._rates = rates
        self._read: dict[ProductId, tuple[Features, ...]] = {}
        self._met = {one.product.id: one for near in found for one in near}
        self._by_code: defaultdict[str, list[ProductId]] = defaultdict(list)
        self._drafts = Blocks()
        self._founders: set[SupplierId] = set()

    def beside(self, item: Features, candidate: Candidate) -> Features:
        """Return what a candidate says, as it is compared with the item."""
        offered = self._read.get(candidate.product.id)
        if offered is None:
            told = self._columns.get(candidate.product.id, ())
            offered = offered_features(candidate.features, told, rates=self._rates)
            self._read[candidate.product.id] = offered
        return beside(item, offered)

    def candidates(self, sought: Sought, found: Sequence[Candidate]) -> list[Candidate]:
        """Return what was found, with what this round founded and tied to the item's codes."""
        near = {one.product.id: one for one in found}
        for code in _codes(sought.features):
            near |= {one: self._met[one] for one in self._by_code.get(code, ())}
        if self._founders - {sought.item.supplier_id} and not sought.needs_category:
            drafts = self._drafts.nearest(sought.item.name, limit=_DRAFTS_MAX)
            near |= {one.id: self._met[one.id] for one in drafts}
        return list(near.values())

    def note(self, sought: Sought, outcome: MatchOutcome) -> None:
        """Count the item among its product's offers."""
        match outcome:
            case Drafted(product=product):
                features = features_of(product.name)
                self._met[product.id] = Candidate(product=product, features=features)
                self._drafts.put([product])
                self._founders.add(sought.item.supplier_id)
                self._offer(sought, product.id)
            case Linked(product_id=product_id):
                self._offer(sought, product_id)
            case ForReview():
                pass

    def _offer(self, sought: Sought, product_id: ProductId) -> None:
        told = (*self._columns.get(product_id, ()), columns_of(sought.item))
        self._columns[product_id] = told
        self._read.pop(product_id, None)
        for code in _codes(sought.features):
            self._by_code[code].append(product_id)


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
            lookup: Takes the drafts in.
        """
        told = _Round(found, columns, self._rates)
        outcomes: list[MatchOutcome] = []
        for sought, near in zip(batch, found, strict=True):
            outcome = self._outcome(sought, told.candidates(sought, near), told, now, lookup)
            told.note(sought, outcome)
            if isinstance(outcome, Drafted):
                lookup.join(outcome.product)
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
        for sought in batch:
            near = [one for one in self._nearest(sought, lookup) if one.product.id in newer]
            told = _Round([near], columns, self._rates)
            if near and not isinstance(self._outcome(sought, near, told, now, lookup), Drafted):
                return True
        return False

    def _nearest(self, sought: Sought, lookup: CandidateLookup) -> list[Candidate]:
        return lookup.nearest(sought.wanted, limit=0 if sought.needs_category else _BLOCK_MAX)

    def _outcome(
        self,
        sought: Sought,
        candidates: Sequence[Candidate],
        told: _Round,
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
            read={one.product.id: told.beside(sought.features, one) for one in candidates},
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
