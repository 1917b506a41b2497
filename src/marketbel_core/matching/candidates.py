"""What is looked for among the products, and what is found."""

from dataclasses import dataclass

from marketbel_core.catalog import Product
from marketbel_core.ids import CategoryId, ProductId
from marketbel_core.matching.features import Features

__all__ = ["Candidate", "Wanted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What candidates are sought for.

    Attributes:
        name: Of the item, as its supplier writes it.
        features: What it says.
        categories: Where to look; `None` means everywhere. Products without a category are
            looked at in any case, and so is everything that shares a key.
        known: Products that are candidates whatever their names and categories say: an earlier
            verdict or link names them.
    """

    name: str
    features: Features
    categories: frozenset[CategoryId] | None = None
    known: frozenset[ProductId] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A product that may be what is wanted, with what its name says."""

    product: Product
    features: Features
