"""What is known of an item before its name is compared, from the surest to the least sure.

1. A person said SAME: that product. A person said DIFFERENT: never that product again.
2. An equal number of the world-wide register (GTIN, EAN, UPC).
3. An equal article of the maker under the same brand.
4. What this supplier's item was linked to before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from marketbel_core.ids import ProductId
from marketbel_core.matching.conflicts import Conflict
from marketbel_core.matching.features import Features

__all__ = ["NOTHING_KNOWN", "Precedents", "Rung", "rung_of", "score_of"]


class Rung(StrEnum):
    """What makes a pair certain before any name is compared."""

    VERDICT = "verdict"  # a person said that they are the same
    GTIN = "gtin"
    VENDOR_CODE = "vendor_code"  # the maker's article, under one brand
    EARLIER_LINK = "earlier_link"  # the supplier's item was linked to it before


_SCORES: Final[dict[Rung, float]] = {
    Rung.VERDICT: 100.0,
    Rung.GTIN: 99.5,
    Rung.VENDOR_CODE: 98.5,
    Rung.EARLIER_LINK: 98.0,
}
"""All safe to link; their order is the order in which one overrules the other."""

_CONTRADICT_A_KEY: Final = frozenset(
    {Conflict.QUANTITY, Conflict.PACK, Conflict.ACCESSORY, Conflict.SUBSTITUTE, Conflict.PRICE}
)
"""Suppliers copy the number of a single piece onto the case of twelve and onto spare parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Precedents:
    """What is known of one item from before.

    Attributes:
        same: The product that a person said the item is.
        different: Products that a person said the item is not.
        earlier: The product that this supplier's item was linked to before.
    """

    same: ProductId | None = None
    different: frozenset[ProductId] = frozenset()
    earlier: ProductId | None = None

    def known_among(self, product_ids: Sequence[ProductId]) -> dict[int, Rung]:
        """Return by place which of the products a verdict or an earlier link names."""
        known: dict[int, Rung] = {}
        for at, product_id in enumerate(product_ids):
            if product_id == self.same:
                known[at] = Rung.VERDICT
            elif product_id == self.earlier:
                known[at] = Rung.EARLIER_LINK
        return known


NOTHING_KNOWN: Final = Precedents()


def rung_of(
    item: Features, product: Features, conflicts: Sequence[Conflict], *, known: Rung | None
) -> Rung | None:
    """Return the highest rung on which the pair stands, or `None`.

    A person's verdict stands whatever the names say; a key does not stand against a conflict that
    says "another thing under the same number".
    """
    if known is Rung.VERDICT:
        return known
    if _CONTRADICT_A_KEY.isdisjoint(conflicts):
        if item.gtin and item.gtin == product.gtin:
            return Rung.GTIN
        if (
            item.vendor_code
            and item.vendor_code == product.vendor_code
            and _one_brand(item, product)
        ):
            return Rung.VENDOR_CODE
    return known if not conflicts else None


def score_of(rung: Rung) -> float:
    """Return the match score of a pair on a rung: 95.0 and above."""
    return _SCORES[rung]


def _one_brand(item: Features, product: Features) -> bool:
    """Tell whether both are of one brand, by its column or as a word of the other's name."""
    if item.brand and product.brand:
        return item.brand == product.brand
    brand = item.brand or product.brand
    return bool(brand) and set(brand.split(" ")) <= item.tokens.keys() & product.tokens.keys()
