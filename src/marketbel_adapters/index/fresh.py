"""What came since the last commit: found by the same keys, counted by hand.

A commit costs a library made for millions of documents tens of milliseconds, and a draft has to be
found by the very next item. A few hundred products are counted quicker than that.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from math import log1p
from typing import Final

__all__ = ["Fresh"]

_COMMON_MIN: Final = 100
"""A key that more than so many fresh products have is counted for none: they are all of a kind."""

_TELLING_MIN: Final = 50
"""Fewer fresh products do not tell how common a key is among all."""


class Fresh:
    """Slots by key. Not thread-safe."""

    def __init__(self) -> None:
        self._keys: dict[int, Collection[str]] = {}
        self._holders: defaultdict[str, list[int]] = defaultdict(list)

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, slot: object) -> bool:
        return slot in self._keys

    def keys_by_slot(self) -> dict[int, Collection[str]]:
        """Return the keys of each slot, the oldest first."""
        return dict(self._keys)

    def holders(self, key: str) -> list[int]:
        """Return the slots that have the key."""
        return list(self._holders.get(key, ()))

    def add(self, slot: int, keys: Collection[str]) -> None:
        """Take a slot in."""
        self._keys[slot] = keys
        for key in keys:
            self._holders[key].append(slot)

    def discard(self, slots: Iterable[int]) -> None:
        """Forget slots; those that are not in are passed over."""
        for slot in slots:
            for key in self._keys.pop(slot, ()):
                holders = self._holders[key]
                holders.remove(slot)
                if not holders:
                    del self._holders[key]

    def scores(
        self, keys: Iterable[str], *, held_by: Callable[[str], int], size: int
    ) -> dict[int, float]:
        """Return how much each slot shares with these keys, on the scale of BM25.

        Args:
            keys: What is sought.
            held_by: How many of all products have a token, 0 for what is a key alone.
            size: How many products there are in all, at least the fresh ones.
        """
        scores: defaultdict[int, float] = defaultdict(float)
        share = size / max(_TELLING_MIN, len(self._keys))
        for key in keys:
            holders = self._holders.get(key)
            if holders is None or len(holders) > _COMMON_MIN:
                continue
            # Parts and beginnings are counted nowhere: what is fresh stands for all.
            among_all = len(holders) * share if key[0] == "=" or key[-1] == "~" else 0
            weight = log1p(size / (max(among_all, held_by(key), len(holders)) + 0.5))
            for slot in holders:
                scores[slot] += weight
        return scores
