"""Which category each product of the index is in, by small numbers."""

from array import array
from collections import Counter
from collections.abc import Collection
from typing import Final

from marketbel_core.ids import CategoryId

__all__ = ["Shelves"]

_NOWHERE: Final = 0  # the shelf of products without a category

_SHELVES_MAX: Final = 6
"""More categories than so are looked for everywhere, and the rest is left out afterwards."""


class Shelves:
    """A shelf a category; slots are put on them in their order. Not thread-safe."""

    def __init__(self) -> None:
        self._shelf_of = array("L")
        self._shelves: dict[CategoryId, int] = {}
        self._held: Counter[int] = Counter()

    def __getitem__(self, slot: int) -> int:
        return self._shelf_of[slot]

    def put_next(self, category: CategoryId | None) -> None:
        """Put the next slot on its category's shelf."""
        shelf = _NOWHERE
        if category is not None:
            shelf = self._shelves.setdefault(category, len(self._shelves) + 1)
        self._shelf_of.append(shelf)
        self._held[shelf] += 1

    def drop(self, slot: int) -> None:
        """Count a slot out, once."""
        self._held[self._shelf_of[slot]] -= 1

    def of(self, categories: Collection[CategoryId] | None) -> frozenset[int] | None:
        """Return the shelves where products of these categories may be; `None` means on all."""
        if categories is None:
            return None
        known = (self._shelves[one] for one in categories if one in self._shelves)
        return frozenset({_NOWHERE, *known})

    def sought(self, shelves: Collection[int] | None) -> list[int] | None:
        """Return those of the shelves that hold something, or `None` when all are looked at."""
        if shelves is None:
            return None
        few = [shelf for shelf in sorted(shelves) if self._held[shelf]]
        return few if len(few) <= _SHELVES_MAX else None
