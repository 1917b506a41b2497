"""Article numbers for rows that have none: the same row gives the same one at every import.

A number is made from the name and the columns that make of one name several items (size, pack,
colour), never from the price. So it stays when rows are added, moved or repriced.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from hashlib import md5
from typing import Final

__all__ = ["MadeSkus", "RowKeys", "row_key"]

_DIGITS: Final = 8
_SEPARATOR: Final = "\x1f"


class RowKeys:
    """Tells apart the rows of one name where the columns of variants do not.

    Goes over a list before it is read: first `see` every row, then, if there `are_repeated` ones,
    `compare` every row.
    """

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._repeated: set[int] = set()
        self._first: dict[int, Sequence[str]] = {}
        self._differing: dict[int, set[int]] = {}

    @property
    def are_repeated(self) -> bool:
        """Whether two rows have the same name and the same variant."""
        return bool(self._repeated)

    def see(self, key: str) -> None:
        """Take note of a row's name and variant."""
        number = hash(key)
        (self._repeated if number in self._seen else self._seen).add(number)

    def compare(self, key: str, tellers: Sequence[str]) -> None:
        """Take note of what else a row says: which of it differs among rows of one key?"""
        number = hash(key)
        if number not in self._repeated:
            return
        first = self._first.setdefault(number, tellers)
        if first != tellers:
            differing = {place for place, text in enumerate(tellers) if first[place] != text}
            self._differing.setdefault(number, set()).update(differing)

    def key(self, key: str, tellers: Sequence[str]) -> str:
        """Return the key of a row with what tells it from others of the same key."""
        places = self._differing.get(hash(key)) if self._differing else None
        if not places:
            return key
        return _SEPARATOR.join((key, *(tellers[place] for place in sorted(places))))


class MadeSkus:
    """Makes the article numbers of one file; no two different rows get the same one."""

    def __init__(self) -> None:
        self._keys: dict[str, tuple[str, Decimal | None]] = {}
        self._further: dict[str, list[Decimal | None]] = {}

    def make(self, key: str, price: Decimal | None) -> str:
        """Return `AUTO-` and 8 digits of the key's md5, more when two keys collide.

        Rows of one key are one item if their prices are equal; else they are numbered from 2 in
        their order.
        """
        digest = md5(key.encode(errors="replace"), usedforsecurity=False).hexdigest().upper()
        length = _DIGITS
        while True:
            sku = f"AUTO-{digest[:length]}"
            first = self._keys.setdefault(sku, (key, price))
            if first[0] == key:
                break
            length += _DIGITS
        if first[1] == price:
            return sku
        others = self._further.setdefault(sku, [])
        if price not in others:
            others.append(price)
        return f"{sku}-{others.index(price) + 2}"


def row_key(name: str, variants: Iterable[str]) -> str:
    """Return what a row without an article number is known by."""
    said = sorted(text.casefold().rstrip(". ") for text in variants if text)
    return _SEPARATOR.join((name.casefold(), *said))
