"""What the words above a column mean, in Russian, Belarusian, Ukrainian and English."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from marketbel_core.intake.header_words import (
    ALIASES,
    CURRENCY_NAME,
    DECOY,
    DECOY_PRICE,
    KEYWORDS,
    KIND_OF_GOODS,
    MONEY_WORD,
    PRICE_KINDS,
    PRICE_WORD,
    WEAK_NAMES,
    WEAK_SKUS,
    Role,
)
from marketbel_core.intake.text import clean_text

__all__ = [
    "ALIASES",
    "HeaderMeaning",
    "Role",
    "folded_header",
    "is_decoy",
    "meaning_of",
    "price_kinds",
]


@dataclass(frozen=True, slots=True)
class HeaderMeaning:
    """What one header says.

    Attributes:
        strength: 1 (a resemblance) to 4 (the word itself); of two columns the stronger wins.
        price_kind: Of a price: `wholesale`, `retail` (also recommended), `purchase`, `preorder`;
            empty for the plain price.
    """

    role: Role
    strength: int
    price_kind: str = ""


_EXACT: Final = {alias: role for role, aliases in ALIASES.items() for alias in aliases}
_PUNCTUATION: Final = re.compile(r"[\s.,:;*()\[\]/\\№#\"'«»_]+")
_MIXED: Final = re.compile(r"\b(?=\w*[а-яіў])(?=\w*[a-z])[а-яіўa-z]+\b")
_LOOKALIKES: Final = str.maketrans("aceopxymtbhk", "асеорхумтвнк")
_SPACED: Final = re.compile(r"\w(?: \w){2,}")
_HEADER_LENGTH_MAX: Final = 120
_TAX: Final = re.compile(
    r"(?:\b(?:с|без|вкл\w*|з|у т ч|в т ч|inc\w*|ex\w*|with|without|plus)|\+)\s*"
    r"(?:ндс|пдв|vat|tax)\b"
)
_NUMBERED: Final = re.compile(
    r"(?:(?:manufacturer|mfr|our|product|stock|catalog(?:ue)?)\s+)?"
    r"(?:part|item|product|prod|cat(?:alog(?:ue)?)?|art(?:icle)?|stock|model|style|sku|арт|кат)\b\.?"
    r"\s*(?:#|№|n[or]\b\.?|num(?:ber)?\b\.?)"
)


def folded_header(text: str) -> str:
    """Return a header for comparing: small letters, no punctuation, `ё` as `е`.

    Latin letters in a Cyrillic word are what they look like; letters set apart are joined.
    """
    folded = _PUNCTUATION.sub(" ", clean_text(text).casefold().replace("ё", "е")).strip()
    if folded.isascii():
        return folded
    if _SPACED.fullmatch(folded):
        return folded.replace(" ", "")
    return _MIXED.sub(lambda word: word[0].translate(_LOOKALIKES), folded)


def meaning_of(text: str) -> HeaderMeaning | None:
    """Return what a header means, `None` when it is no header of a known role."""
    folded = folded_header(text)
    if not folded or len(folded) > _HEADER_LENGTH_MAX:
        return None
    if _NUMBERED.fullmatch(text.strip().casefold()):
        return HeaderMeaning(Role.SKU, 4)
    if (exact := _EXACT.get(folded)) is not None:
        return HeaderMeaning(exact, 4)
    if "/" in text and _has_name(text):
        return HeaderMeaning(Role.NAME, 3)
    if CURRENCY_NAME.fullmatch(folded):
        return HeaderMeaning(Role.CURRENCY, 3)
    return HeaderMeaning(Role.SKU, 1) if folded in WEAK_SKUS else _by_words(folded)


def _has_name(text: str) -> bool:
    """Tell whether one of several things that a column has is the name: "Group / goods / size"."""
    parts = [_EXACT.get(folded_header(part)) for part in text.split("/")]
    return Role.NAME in parts and Role.PRICE not in parts


def _by_words(folded: str) -> HeaderMeaning | None:
    kind = next((name for name, words in PRICE_KINDS if words.search(folded)), "")
    if PRICE_WORD.search(folded) and not DECOY_PRICE.search(folded):
        return HeaderMeaning(Role.PRICE, 3, kind)
    if kind == "preorder":
        return HeaderMeaning(Role.PRICE, 2, kind)
    plain = _TAX.sub(" ", folded).strip() if kind or MONEY_WORD.search(folded) else folded
    return None if not plain or DECOY.search(plain) else _by_keyword(plain, kind)


def is_decoy(text: str) -> bool:
    """Tell whether a header says that its column is neither a price nor a name."""
    folded = folded_header(text)
    return meaning_of(text) is None and (
        DECOY.search(folded) is not None or DECOY_PRICE.search(folded) is not None
    )


def _by_keyword(folded: str, kind: str) -> HeaderMeaning | None:
    for role, words in KEYWORDS:
        if words.search(folded):
            is_kind = role is Role.NAME and KIND_OF_GOODS.match(folded)
            return HeaderMeaning(role, 1 if is_kind else 3)
    if (kind and kind != "old") or MONEY_WORD.search(folded):
        return HeaderMeaning(Role.PRICE, 2, kind)
    return HeaderMeaning(Role.NAME, 2) if WEAK_NAMES.search(folded) else None


def price_kinds(prices: Sequence[int], meanings: Mapping[int, HeaderMeaning]) -> dict[str, int]:
    """Return the price columns by kind, the main one first and only if it has a kind.

    Further ones of an unnamed or a repeated kind are numbered from 2.
    """
    kinds: dict[str, int] = {}
    for number, column in enumerate(prices, start=1):
        kind = meanings[column].price_kind if column in meanings else ""
        if kind and kind not in kinds:
            kinds[kind] = column
        elif number > 1:
            kinds[str(number)] = column
    return kinds
