"""Roubles and kopecks with a dash between them: "12-50", "1 240-00", "7=05".

A range is written the same way. One cell cannot tell, its column can: the end of a range is more
than its beginning, and kopecks are less than the roubles before them often enough.
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from marketbel_core.intake.money_words import CURRENCY_WORDS

__all__ = ["DASHED", "are_dashed", "dashed_amount"]

DASHED: Final = re.compile(
    r"(?P<whole>[0-9]{1,3}(?:[ '’.][0-9]{3})+|[0-9]{1,8})\s?(?P<mark>[-–—=])\s?(?P<cents>[0-9]{2})"
    rf"\s*(?P<after>{CURRENCY_WORDS})?\.?"
)
_ANY_DASHED: Final = re.compile(r"[0-9][0-9 .,]*\s?[-–—=]\s?[0-9][0-9 .,]*")
_NO_RANGES_MIN: Final = 0.05
"""Of a hundred cheap goods some cost a round sum or few kopecks."""


def are_dashed(texts: Iterable[str]) -> bool:
    """Tell whether the figures of a column with a dash in them are roubles and kopecks."""
    dashed = proven = others = 0
    for text in texts:
        found = DASHED.fullmatch(text.casefold())
        if found is None:
            others += _ANY_DASHED.match(text) is not None
            continue
        dashed += 1
        cents = found["cents"]
        is_no_range = found["mark"] == "=" or cents[0] == "0" or int(cents) <= _whole(found)
        proven += is_no_range
    return proven > 0 and others == 0 and proven >= _NO_RANGES_MIN * dashed


def dashed_amount(found: re.Match[str]) -> Decimal:
    """Return the amount of a text that `DASHED` fits."""
    return Decimal(f"{_whole(found)}.{found['cents']}")


def _whole(found: re.Match[str]) -> int:
    return int("".join(filter(str.isdigit, found["whole"])))
