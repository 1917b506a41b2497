"""Facts pulled from a product's name: words, codes, quantities and bare numbers.

Two names are compared by these facts and not by their letters, because "0.5 l" and "5 l" look
alike and are not.
"""

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final

import snowballstemmer
from anyascii import anyascii

__all__ = ["Features", "Quantity", "features_of"]

type Quantity = tuple[Decimal, str]
"""An amount in the base unit of its dimension: millilitres, grams, millimetres, pieces, …"""

_UNITS: Final[dict[str, tuple[str, Decimal]]] = {
    "мл": ("ml", Decimal(1)),
    "ml": ("ml", Decimal(1)),
    "л": ("ml", Decimal(1000)),
    "l": ("ml", Decimal(1000)),
    "г": ("g", Decimal(1)),
    "гр": ("g", Decimal(1)),
    "g": ("g", Decimal(1)),
    "кг": ("g", Decimal(1000)),
    "kg": ("g", Decimal(1000)),
    "мм": ("mm", Decimal(1)),
    "mm": ("mm", Decimal(1)),
    "см": ("mm", Decimal(10)),
    "cm": ("mm", Decimal(10)),
    "м": ("mm", Decimal(1000)),
    "m": ("mm", Decimal(1000)),
    "вт": ("w", Decimal(1)),
    "w": ("w", Decimal(1)),
    "квт": ("w", Decimal(1000)),
    "kw": ("w", Decimal(1000)),
    "в": ("v", Decimal(1)),
    "v": ("v", Decimal(1)),
    "гб": ("gb", Decimal(1)),
    "gb": ("gb", Decimal(1)),
    "тб": ("gb", Decimal(1000)),
    "tb": ("gb", Decimal(1000)),
    "шт": ("pcs", Decimal(1)),
    "pcs": ("pcs", Decimal(1)),
}
_UNIT_WORDS: Final = "|".join(sorted(_UNITS, key=len, reverse=True))
_QUANTITY: Final = re.compile(rf"(?<![\w.,])(\d+(?:[.,]\d+)?)\s*({_UNIT_WORDS})(?!\w)\.?")
_TOKEN: Final = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+(?:[-/][^\W_]+)*")
_SEPARATOR: Final = re.compile(r"(?<!\d)[-/]|[-/](?!\d)")
_HAS_DIGIT: Final = re.compile(r"\d")
_HAS_LETTER: Final = re.compile(r"[^\W\d_]")
_LOOK_ALIKES: Final = str.maketrans("авекмнорстух", "abekmhopctyx")
_STEM_LENGTH_MIN: Final = 4
"""Shorter words are codes, prepositions or units: cutting them joins what differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What a name says.

    Attributes:
        text: The words in their order, folded and joined by blanks; quantities in base units.
        words: Words without digits, stemmed and written in Latin letters.
        codes: Tokens in which letters and digits meet: model codes, article numbers.
        quantities: Amounts with a unit, in base units.
        numbers: Bare numbers, sorted; one that is said twice stands twice (600 x 600 x 300).
    """

    text: str
    words: frozenset[str]
    codes: frozenset[str]
    quantities: frozenset[Quantity]
    numbers: tuple[str, ...]


@lru_cache(maxsize=16_384)  # a product is compared with many items; about 1 KB a name
def features_of(name: str) -> Features:
    """Return the features of `name`; equal for names that differ in case, script or unit only."""
    folded = unicodedata.normalize("NFKC", name).casefold().replace("ё", "е")
    quantities = [
        _quantity(found.group(1), found.group(2)) for found in _QUANTITY.finditer(folded)
    ]
    rest = _QUANTITY.sub(" ", folded)
    words: list[str] = []
    codes: list[str] = []
    numbers: list[str] = []
    for token in _TOKEN.findall(rest):
        if not _HAS_DIGIT.search(token):
            words += [_word(part) for part in re.split(r"[-/]", token)]
        elif _HAS_LETTER.search(token):
            codes.append(_code(token))
        else:
            numbers.append(token.replace(",", "."))
    amounts = [f"{amount.normalize():f}{unit}" for amount, unit in quantities]
    return Features(
        text=" ".join([*words, *codes, *numbers, *amounts]),
        words=frozenset(words),
        codes=frozenset(codes),
        quantities=frozenset(quantities),
        numbers=tuple(sorted(numbers)),
    )


def _quantity(amount: str, unit: str) -> Quantity:
    base, factor = _UNITS[unit]
    return (Decimal(amount.replace(",", ".")) * factor).normalize(), base


@lru_cache(maxsize=65_536)
def _word(token: str) -> str:
    """Return the token's stem in Latin letters, so that `Самсунг` meets `Samsung`."""
    if len(token) >= _STEM_LENGTH_MIN and not token.isascii():
        # One stemmer a word: it keeps its state between calls, and look-ups run in threads.
        token = snowballstemmer.stemmer("russian").stemWord(token)
    return anyascii(token).lower()


@lru_cache(maxsize=65_536)
def _code(token: str) -> str:
    """Return a code with Cyrillic look-alikes as Latin letters.

    Separators go, except between two figures: 1/2 is not 12.
    """
    return _SEPARATOR.sub("", anyascii(token.translate(_LOOK_ALIKES)).lower())
