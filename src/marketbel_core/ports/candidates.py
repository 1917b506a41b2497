"""What is compared at all: the cheap look-up of products that resemble a name."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from marketbel_core.catalog import Product
from marketbel_core.ids import ProductId
from marketbel_core.matching.candidates import Candidate, Wanted
from marketbel_core.matching.corpus import Corpus
from marketbel_core.ports.catalog import ProductChanges

__all__ = ["CandidateIndex", "CandidateLookup"]


@runtime_checkable
class CandidateLookup(Protocol):
    """The index while a judge consults it. Not for use after that."""

    @property
    @abstractmethod
    def corpus(self) -> Corpus:
        """The counts over the products that are in; it changes as they do."""

    @abstractmethod
    def nearest(self, wanted: Wanted, *, limit: int) -> list[Candidate]:
        """Return up to `limit` products, most alike first, of equals the older.

        A product of the very same name is always among them, and so are all of its namesakes
        as far as `limit` reaches. Those that are far less alike than the first are left out.
        What `wanted` knows comes on top of the limit.
        """

    @abstractmethod
    def join(self, product: Product) -> None:
        """Take a product in at once: what is asked for next may be it.

        It is forgotten again when the judge fails or nobody waits for it any more.
        """


@runtime_checkable
class CandidateIndex(Protocol):
    """Finds products by the look of their names. Contract: `…testing.candidates`."""

    @property
    @abstractmethod
    def mark(self) -> str | None:
        """The mark of the changes that `refresh` was last told of; `None` at first."""

    @property
    @abstractmethod
    def size(self) -> int:
        """How many products are in."""

    @abstractmethod
    async def refresh(self, changes: ProductChanges) -> None:
        """Take in what came, forget what went, and remember the changes' mark."""

    @abstractmethod
    async def put(self, products: Sequence[Product]) -> None:
        """Take the products in; a known id is replaced. Visible to the next look-up."""

    @abstractmethod
    async def forget(self, product_ids: Sequence[ProductId]) -> None:
        """Take these products out; unknown ones are passed over."""

    @abstractmethod
    async def keep_only(self, product_ids: frozenset[ProductId]) -> frozenset[ProductId]:
        """Forget every product that is not named; return which of the named are not in."""

    @abstractmethod
    async def consult[T](self, judge: Callable[[CandidateLookup], T]) -> T:
        """Return what `judge` makes of the index, called where it keeps nobody else waiting.

        It may take long, and products may come and go meanwhile; each look-up is whole.
        """
