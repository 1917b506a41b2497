"""Facts pulled from a product's name: words, codes, quantities, numbers, colours, editions.

Two names are compared by these facts and not by their letters, because "0.5 l" and "5 l" look
alike and are not. What is read from one piece of a name is remembered, for the pieces of a trade
return: reading a name costs some 30 microseconds.
"""

import re
import unicodedata
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import IntEnum
from functools import lru_cache
from typing import Final

import snowballstemmer
from anyascii import anyascii
from stdnum import ean

from marketbel_core.matching.units import (
    PIECES,
    UNIT_PATTERN,
    Quantity,
    quantity_in,
    quantity_of,
)
from marketbel_core.matching.units import quantity_token as _quantity_token
from marketbel_core.matching.vocabulary import (
    ABBREVIATIONS,
    COLOURS,
    EDITIONS,
    FOR_WORDS,
    SUBSTITUTE_STEMS,
    VOID_WORDS,
)

__all__ = ["Features", "Kind", "Quantity", "described", "features_of"]

_AMOUNT: Final = r"\d+(?:[.,]\d+)?"
_SCAN: Final = re.compile(
    rf"(?<![^\W_])(?<!\d[.,])(?:"
    rf"(?P<ratio>\d+:\d+)"
    rf"|(?P<times>\d+)\s?[xх×*]\s?(?P<each>{_AMOUNT})\s?(?P<each_unit>мл|ml|л|l|г|гр|g|кг|kg)\b"
    rf"|(?P<sides>{_AMOUNT}(?:\s?[xх×*]\s?{_AMOUNT})+)(?:\s?(?P<sides_unit>мм|mm|см|cm|м|m))?(?![^\W_])"
    rf"|(?P<least>{_AMOUNT})\s?-\s?(?P<most>{_AMOUNT})\s?(?P<span_unit>{UNIT_PATTERN})(?![^\W_])"
    rf"|(?P<amount>{_AMOUNT})[\s-]?(?P<unit>{UNIT_PATTERN})(?![^\W_])\.?"
    rf")"
    rf"|(?P<decimal>(?<![^\W_])\d+(?:[.,]\d+)+(?![^\W_]))"
    rf"|(?P<piece>[^\W_]+(?:[-/][^\W_]+)*\+?)"
)
_LOST_COMMA: Final = re.compile(r"(?<![\w.,])0[ -](\d{1,3}\s?(?:мл|ml|л|l|г|g|кг|kg)\b)")
"""Page addresses turn 0,5 l into 0-5l."""
_SIDES: Final = re.compile(r"\s?[xх×*]\s?")
_SEPARATORS: Final = re.compile(r"[-/]")
_INNER_SEPARATOR: Final = re.compile(r"(?<!\d)[-/]|[-/](?!\d)")
_RUNS: Final = re.compile(r"[а-я]+|[^\Wа-я_]+")
_GLUED: Final = re.compile(
    r"((?<![а-яa-z\d])(?=[авекмнорстух]*[^\Wавекмнорстух\d_a-z])[а-я]{4,})(?=[\da-z])"
    r"|([\da-z])(?=[а-я]{4,})"
)
"""A Russian word that runs into a code or a Latin one; look-alikes alone may be part of a code."""
_ABBREVIATED: Final = re.compile(
    "|".join(
        rf"(?<![^\W_]){re.escape(short)}{'' if short.endswith('/') else '(?![^\\W_])'}"
        for short in ABBREVIATIONS
    )
)
_LOOK_ALIKES: Final = str.maketrans("авекмнорстух", "abekmhopctyx")
_LOOK_ALIKES_BACK: Final = str.maketrans("abekmhopctyx", "авекмнорстух")
_CELLULAR: Final = re.compile(r"[2-6]g")
_LETTERED: Final = re.compile(r"\d{3,}[1-9][lm]")
"""Nobody sells 2,648 litres or 4,210 metres of a thing, but models are called 2648L and 4210M."""

_STEM_LENGTH_MIN: Final = 4
"""Shorter words are codes, prepositions or units: cutting them joins what differs."""

_ARTICLE_LENGTH_MIN: Final = 5
"""Figures alone, so many or more, are an article number; fewer are a size or a count."""

_SPELT_OUT_LENGTH_MIN: Final = 4
"""A part of a hyphened code that is so long and has no figure is a word: galaxy-s9."""


class Kind(IntEnum):
    """What a token of a name is."""

    WORD = 0
    CODE = 1  # letters with figures, or a long number: a model, an article
    NUMBER = 2  # bare figures
    QUANTITY = 3  # an amount with its unit, in base units
    COLOUR = 4
    EDITION = 5
    FOR = 6  # "for": what follows is what an accessory belongs to
    SUBSTITUTE = 7  # compatible, remanufactured: not the maker's own
    VOID = 8  # and, with, in: nothing


@dataclass(frozen=True, slots=True)
class Features:
    """What a name says.

    Attributes:
        text: The tokens in their order, joined by blanks; quantities in base units.
        tokens: Each token once, in order, with its kind; those that say nothing are left out.
        head: The tokens before the first "for", when there is one and something before it.
        substitute: It says of itself that it is compatible, remanufactured or the like.
        brand: As its own column says it, folded; empty when no column does.
        vendor_code: The maker's article from its own column, without separators, or empty.
        gtin: A number of the world-wide register whose check digit holds, 14 figures, or empty.
        price: In one currency for all that are compared, or none.
    """

    text: str
    tokens: dict[str, Kind]
    head: frozenset[str]
    substitute: bool
    brand: str = ""
    vendor_code: str = ""
    gtin: str = ""
    price: float | None = None

    @property
    def words(self) -> frozenset[str]:
        """Words without digits, stemmed and written in Latin letters."""
        return self._of(_WORDY)

    @property
    def codes(self) -> frozenset[str]:
        """Tokens in which letters and digits meet, and long numbers: models, articles."""
        return self._of({Kind.CODE})

    @property
    def quantities(self) -> frozenset[Quantity]:
        """Amounts with a unit, in base units."""
        return frozenset(map(quantity_in, self._of({Kind.QUANTITY})))

    @property
    def numbers(self) -> tuple[str, ...]:
        """Bare numbers, sorted; one that is said twice stands twice (600 x 600 x 300)."""
        said = self.text.split(" ")
        return tuple(sorted(one for one in said if self.tokens.get(one) is Kind.NUMBER))

    @property
    def colours(self) -> frozenset[str]:
        """The colours that are named."""
        return self._of({Kind.COLOUR})

    @property
    def editions(self) -> frozenset[str]:
        """Pro, Plus, mini and their like."""
        return self._of({Kind.EDITION})

    def _of(self, kinds: AbstractSet[Kind]) -> frozenset[str]:
        return frozenset(token for token, kind in self.tokens.items() if kind in kinds)


@lru_cache(maxsize=16_384)  # a product is compared with many items; about 2 KB a name
def features_of(name: str) -> Features:
    """Return the features of `name`; equal for names that differ in case, script or unit only."""
    folded = name.casefold() if name.isascii() else _folded(name)
    folded = _LOST_COMMA.sub(r"0.\1", folded)
    order: list[str] = []
    tokens: dict[str, Kind] = {}
    head: frozenset[str] = frozenset()
    substitute = False
    for kind, token in _read(folded):
        if kind is Kind.VOID:
            continue
        if kind is Kind.FOR:
            head = head or frozenset(tokens)
            continue
        if kind is Kind.SUBSTITUTE:
            substitute = True
        order.append(token)
        tokens[token] = kind
    return Features(" ".join(order), tokens, head, substitute)


def described(
    features: Features, *, brand: str = "", code: str = "", gtin: str = "", price: float | None
) -> Features:
    """Return the features of a name with what the columns beside it say.

    A brand that the name leaves out becomes one of its words. A code of fewer than four characters
    or without a figure names too much to be one.
    """
    brand_features = features_of(brand) if brand else None
    vendor_code = _vendor_code(code) if code else ""
    tokens = features.tokens
    text = features.text
    if brand_features is not None and brand_features.text:
        missing = {t: k for t, k in brand_features.tokens.items() if t not in tokens}
        if missing:
            tokens = {**missing, **tokens}
            text = " ".join([*missing, text])
    return replace(
        features,
        text=text,
        tokens=tokens,
        brand=brand_features.text if brand_features else "",
        vendor_code=vendor_code,
        gtin=_gtin(gtin),
        price=price,
    )


def _vendor_code(code: str) -> str:
    folded = anyascii(unicodedata.normalize("NFKC", code).casefold().translate(_LOOK_ALIKES))
    bare = "".join(letter for letter in folded.lower() if letter.isalnum())
    useful = len(bare) >= _VENDOR_CODE_LENGTH_MIN and any(map(str.isdecimal, bare))
    return bare if useful else ""


def _gtin(text: str) -> str:
    figures = "".join(filter(str.isdecimal, text))
    if not figures or not ean.is_valid(figures) or not figures.strip("0"):
        return ""
    return figures.zfill(_GTIN_LENGTH)


_VENDOR_CODE_LENGTH_MIN: Final = 4
_GTIN_LENGTH: Final = 14

_WORDY: Final = frozenset({Kind.WORD, Kind.COLOUR, Kind.EDITION, Kind.SUBSTITUTE})

type _Token = tuple[Kind, str]


def _folded(name: str) -> str:
    """Return the name in one case and form, with words of two scripts that were glued apart."""
    folded = unicodedata.normalize("NFKC", name).casefold().replace("ё", "е")
    if "-" in folded or "/" in folded:
        folded = _ABBREVIATED.sub(lambda found: ABBREVIATIONS[found.group()], folded)
    return _GLUED.sub(r"\1\2 ", folded)


def _read(folded: str) -> Iterator[_Token]:
    for found in _SCAN.finditer(folded):
        match found.lastgroup:
            case "piece":
                yield from _piece(found.group())
            case "unit":
                amount, unit = found.group("amount", "unit")
                yield from _amount(amount, unit, spelt=found.group())
            case "each_unit":
                times, each, unit = found.group("times", "each", "each_unit")
                yield from _amount(times, "шт", spelt="")
                yield from _amount(each, unit, spelt="")
            case "span_unit":
                least, most, unit = found.group("least", "most", "span_unit")
                yield from _amount(least, unit, spelt="")
                yield from _amount(most, unit, spelt="")
            case "sides" | "sides_unit":
                for side in _SIDES.split(found["sides"]):
                    yield from _side(side, found["sides_unit"])
            case _:
                yield Kind.NUMBER, _number(found.group())


def _side(side: str, unit: str | None) -> Iterator[_Token]:
    if unit is None:
        yield Kind.NUMBER, _number(side)
    else:
        yield from _amount(side, unit, spelt="")


def _amount(amount: str, unit: str, *, spelt: str) -> Iterator[_Token]:
    if _CELLULAR.fullmatch(spelt):  # a generation of networks, not grams
        yield Kind.WORD, spelt
        return
    if _LETTERED.fullmatch(spelt):
        yield Kind.CODE, spelt
        return
    quantity = quantity_of(amount, unit)
    if quantity == _ONE_PIECE:
        return
    yield Kind.QUANTITY, _quantity_token(quantity)


_ONE_PIECE: Final = (Decimal(1), PIECES)
"""One piece is what a line of a price list is about anyway."""


def _number(figures: str) -> str:
    figures = figures.replace(",", ".")
    return figures.rstrip("0").rstrip(".") if figures.count(".") == 1 else figures


@lru_cache(maxsize=131_072)  # the pieces of a trade's names return; about 200 bytes each
def _piece(piece: str) -> tuple[_Token, ...]:
    """Return the tokens of one piece of a name: what stands between blanks and signs."""
    plus = piece.endswith("+")
    piece = piece.rstrip("+")
    after: tuple[_Token, ...] = ((Kind.EDITION, "plus"),) if plus else ()
    if piece.isdecimal():
        kind = Kind.CODE if len(piece) >= _ARTICLE_LENGTH_MIN else Kind.NUMBER
        return (kind, piece), *after
    if not any(letter.isdecimal() for letter in piece):
        return tuple(_word(part) for part in _SEPARATORS.split(piece)) + after
    return tuple(_code(piece)) + after


def _word(word: str) -> _Token:
    """Return a word's stem in Latin letters, so that `Самсунг` meets `Samsung`."""
    if word in VOID_WORDS:
        return Kind.VOID, ""
    if word in FOR_WORDS:
        return Kind.FOR, ""
    colour = COLOURS.get(word)
    if colour is not None:
        return Kind.COLOUR, colour
    latin = _latin(_stem(word))
    if word in EDITIONS:
        return Kind.EDITION, _latin(word)
    kind = Kind.SUBSTITUTE if word.startswith(SUBSTITUTE_STEMS) else Kind.WORD
    return kind, latin


def _latin(word: str) -> str:
    """Return a word in Latin letters; the soft sign, which transliterations drop, goes."""
    return word if word.isascii() else anyascii(word).lower().replace("'", "")


def _stem(word: str) -> str:
    if len(word) < _STEM_LENGTH_MIN:
        return word
    if word.isascii():  # a plural is the thing; "glass" and "plus" are no plurals
        plural = word.endswith("s") and not word.endswith(("ss", "us", "is"))
        return word[:-1] if plural else word
    cyrillic = _one_script(word)
    # One stemmer a word: it keeps its state between calls, and look-ups run in threads.
    return str(snowballstemmer.stemmer("russian").stemWord(cyrillic))


def _one_script(word: str) -> str:
    """Return a word typed with look-alikes of the other script in the script of its majority."""
    runs = _RUNS.findall(word)
    if len(runs) == 1:
        return word
    russian = sum(len(run) for run in runs if "а" <= run[0] <= "я")
    table = _LOOK_ALIKES_BACK if russian * 2 >= len(word) else _LOOK_ALIKES
    return word.translate(table)


def _models(piece: str) -> list[str]:
    """Return the models that a slash sets apart, each once: `cma583ms0b/cma583ms0b`."""
    models = list(dict.fromkeys(piece.split("/")))
    apart = "/" in piece and all(
        len(model) >= _MODEL_LENGTH_MIN and not model.isalpha() and not model.isdecimal()
        for model in models
    )
    return models if apart else []


_MODEL_LENGTH_MIN: Final = 6
"""What stands behind a slash and is shorter is a suffix of one model."""


def _code(piece: str) -> Iterator[_Token]:
    """Return a code with Cyrillic look-alikes as Latin letters and without separators.

    Separators between two figures stay: 1/2 is not 12. Parts that are words go their own way.
    """
    parts = _SEPARATORS.split(piece)
    models = _models(piece)
    if models:
        for model in models:
            yield from _piece(model)
        return
    spelt_out = [part for part in parts if part.isalpha() and len(part) >= _SPELT_OUT_LENGTH_MIN]
    if spelt_out:
        for part in parts:
            yield from _piece(part)
        return
    folded = piece if piece.isascii() else anyascii(piece.translate(_LOOK_ALIKES)).lower()
    code = _INNER_SEPARATOR.sub("", folded)
    if code.isdecimal() and len(code) < _ARTICLE_LENGTH_MIN:
        yield Kind.NUMBER, code
    else:
        yield Kind.CODE, code
