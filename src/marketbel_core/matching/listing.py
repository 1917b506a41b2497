"""A list matched against a catalogue without a database: records in, answers out, in order."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from marketbel_core.catalog import Product, ProductStatus
from marketbel_core.ids import ProductId
from marketbel_core.matching.blocking import Blocks
from marketbel_core.matching.comparison import compare
from marketbel_core.matching.corpus import Corpus
from marketbel_core.matching.decision import DEFAULT_THRESHOLDS, Decision, Thresholds
from marketbel_core.matching.features import Features, described, features_of
from marketbel_core.matching.ranking import Ranked, rank

__all__ = ["Answer", "Listing", "Record", "one_to_one", "record_features"]

_COMPARED_MAX: Final = 40
"""Products compared with an item in full; beyond forty the right one is hardly ever met."""

_CANDIDATES_MAX: Final = 5
_BELOW_LINK: Final = 0.01
_BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line of a table: a product of a catalogue or an item of a list.

    Attributes:
        category: A name; empty when it is not known, which is matched against everything.
        model: The maker's article.
        price: In one currency throughout, or none.
        supplier: Whose list the line is of; empty when it is not known.
    """

    id: str
    name: str
    category: str = ""
    brand: str = ""
    model: str = ""
    gtin: str = ""
    price: float | None = None
    supplier: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of one item.

    Attributes:
        score: Of the best candidate, 0.0 to 100.0; 0.0 without one.
        candidates: Up to five products' ids with how they compare, best first.
    """

    item: Record
    decision: Decision
    score: float
    candidates: tuple[tuple[str, Ranked], ...]


class Listing:
    """A catalogue that records are matched against; identical names never collapse."""

    def __init__(
        self, products: Sequence[Record], *, thresholds: Thresholds = DEFAULT_THRESHOLDS
    ) -> None:
        self._thresholds = thresholds
        self._products = products
        self._features = [record_features(product) for product in products]
        self._keys: defaultdict[str, list[int]] = defaultdict(list)
        self._pools: dict[str, Blocks] = {}
        rows: defaultdict[str, list[int]] = defaultdict(list)
        for at, (product, features) in enumerate(zip(products, self._features, strict=True)):
            rows[_folded(product.category)].append(at)
            for key in _keys_of(features):
                self._keys[key].append(at)
        without_category = rows.get("", [])
        for category, members in rows.items():
            everyone = members if category == "" else [*members, *without_category]
            self._pools[category] = self._pool(everyone)
        self._everything: Blocks | None = None

    def match(self, item: Record) -> Answer:
        """Return what becomes of `item`."""
        features = record_features(item)
        pool = self._pool_for(_folded(item.category))
        found = [product.id.int for product in pool.nearest(_named(item), limit=_COMPARED_MAX)]
        keyed = (at for key in _keys_of(features) for at in self._keys.get(key, ()))
        places = sorted({*found, *keyed})
        ranked = rank(
            features,
            [self._features[at] for at in places],
            pool.corpus,
            places=_CANDIDATES_MAX,
        )
        kept = tuple(
            (self._products[places[one.index]].id, one) for one in ranked[:_CANDIDATES_MAX]
        )
        score = kept[0][1].score if kept else 0.0
        decision = self._thresholds.decide(score if kept else None)
        return Answer(item=item, decision=decision, score=score, candidates=kept)

    def explain(self, item: Record, product: Record) -> Ranked:
        """Return how a pair compares, beside the other candidates of the item.

        Raises:
            ValueError: the product is none of the catalogue's.
        """
        at = self._products.index(product)
        features = record_features(item)
        pool = self._pool_for(_folded(item.category))
        found = {one.id.int for one in pool.nearest(_named(item), limit=_COMPARED_MAX)}
        places = sorted({*found, at})
        ranked = rank(features, [self._features[place] for place in places], pool.corpus)
        return next(one for one in ranked if places[one.index] == at)

    def _pool_for(self, category: str) -> Blocks:
        """Return the category's products, or all of them where the category is not known."""
        if category and category in self._pools:
            return self._pools[category]
        if len(self._pools) == 1 and "" in self._pools:
            return self._pools[""]
        if self._everything is None:
            self._everything = self._pool(range(len(self._products)))
        return self._everything

    def _pool(self, places: Iterable[int]) -> Blocks:
        blocks = Blocks()
        blocks.put([_as_product(at, self._products[at]) for at in places])
        return blocks


def record_features(record: Record) -> Features:
    """Return the features of a record's name and of the columns beside it."""
    return described(
        features_of(record.name),
        brand=record.brand,
        code=record.model,
        gtin=record.gtin,
        price=record.price,
    )


def one_to_one(answers: Sequence[Answer], corpus: Corpus) -> Iterator[Answer]:
    """Return the answers; of two lines of one list that claim one product the weaker is doubted.

    Two lines of one supplier's list are rarely one product. It is evidence, not law: lines that do
    not contradict each other may share it. Lines whose supplier is not known claim nothing.
    """
    claims: defaultdict[tuple[str, str], list[Answer]] = defaultdict(list)
    for answer in answers:
        if answer.item.supplier and answer.decision is Decision.LINK:
            claims[answer.item.supplier, answer.candidates[0][0]].append(answer)
    doubted = {
        weaker.item.id
        for claimants in claims.values()
        for weaker in _weaker_ones(claimants, corpus)
    }
    for answer in answers:
        yield _doubted(answer) if answer.item.id in doubted else answer


def _weaker_ones(claimants: list[Answer], corpus: Corpus) -> Iterator[Answer]:
    first, *others = sorted(claimants, key=lambda answer: -answer.score)
    mine = record_features(replace(first.item, price=None))
    for other in others:
        theirs = record_features(replace(other.item, price=None))
        comparison = compare(mine, theirs, corpus)
        if comparison.conflicts or comparison.silences:
            yield other


def _doubted(answer: Answer) -> Answer:
    score = DEFAULT_THRESHOLDS.link_min - _BELOW_LINK
    (product_id, best), *others = answer.candidates
    capped = replace(best, score=score, capped_by=("shared",))
    return replace(
        answer,
        decision=Decision.REVIEW,
        score=score,
        candidates=((product_id, capped), *others),
    )


def _as_product(at: int, record: Record) -> Product:
    return Product(
        id=ProductId(UUID(int=at)),
        internal_sku=record.id,
        name=_named(record),
        status=ProductStatus.ACTIVE,
        created_at=_BEGINNING,
    )


def _named(record: Record) -> str:
    if not record.brand or record.brand.casefold() in record.name.casefold():
        return record.name
    return f"{record.brand} {record.name}"


def _keys_of(features: Features) -> list[str]:
    keys = (("gtin", features.gtin), ("code", features.vendor_code))
    return [f"{kind} {key}" for kind, key in keys if key]


def _folded(category: str) -> str:
    return " ".join(category.casefold().split())
