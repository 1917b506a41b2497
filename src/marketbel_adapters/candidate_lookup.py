"""An index as one judge sees it from a thread; what joined is forgotten when the judge fails."""

import threading
from collections.abc import Iterable, Sequence
from typing import Protocol

from marketbel_core.catalog import Product
from marketbel_core.ids import ProductId
from marketbel_core.matching import Candidate, Corpus, Wanted
from marketbel_core.ports import CandidateLookup

__all__ = ["ThreadLookup", "Threaded"]


class Threaded(Protocol):
    """An index whose methods may be called from any thread."""

    @property
    def corpus(self) -> Corpus:
        """The counts over the products that are in."""

    def put_now(self, products: Sequence[Product]) -> None:
        """Take the products in."""

    def forget_now(self, product_ids: Iterable[ProductId]) -> None:
        """Take the products out."""

    def nearest_now(self, wanted: Wanted, *, limit: int) -> list[Candidate]:
        """Return what `CandidateLookup.nearest` promises."""


class ThreadLookup(CandidateLookup):
    """The index as one judge sees it."""

    def __init__(self, index: Threaded) -> None:
        self._index = index
        self._joined: list[ProductId] = []
        self._guard = threading.Lock()
        self._is_open = True

    @property
    def corpus(self) -> Corpus:
        return self._index.corpus

    def nearest(self, wanted: Wanted, *, limit: int) -> list[Candidate]:
        return self._index.nearest_now(wanted, limit=limit)

    def join(self, product: Product) -> None:
        with self._guard:
            if self._is_open:
                self._joined.append(product.id)
                self._index.put_now([product])

    def close(self) -> None:
        """Forget what joined: nobody stores it any more."""
        with self._guard:
            self._is_open = False
            self._index.forget_now(self._joined)
