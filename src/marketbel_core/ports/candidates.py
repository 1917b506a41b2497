"""What is compared at all: the cheap look-up of products that resemble a name."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from marketbel_core.catalog import Product
from marketbel_core.ids import ProductId
from marketbel_core.matching.corpus import Corpus

__all__ = ["CandidateIndex"]


@runtime_checkable
class CandidateIndex(Protocol):
    """Finds products by the look of their names. Contract: `…testing.candidates`."""

    @abstractmethod
    async def put(self, products: Sequence[Product]) -> None:
        """Take the products in; a known id is replaced. Visible to the next `nearest`."""

    @abstractmethod
    async def keep_only(self, product_ids: frozenset[ProductId]) -> None:
        """Forget every product that is not named."""

    @abstractmethod
    async def nearest(self, names: Sequence[str], *, limit: int) -> list[list[Product]]:
        """Return for each name up to `limit` products, most alike first, of equals the older.

        A product of the very same name is always among them, and so are all of its namesakes
        as far as `limit` reaches.
        """

    @abstractmethod
    async def corpus(self) -> Corpus:
        """Return the counts over the products that were put; it changes as they do."""
