"""What speaks against two names being one product, and what one of them leaves unsaid."""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import Final

from rapidfuzz.distance import OSA

from marketbel_core.matching.alignment import Alignment, amount_of
from marketbel_core.matching.corpus import Corpus
from marketbel_core.matching.features import Features, Kind
from marketbel_core.matching.units import PIECES

__all__ = ["Conflict", "conflicts_of", "silences_of"]

_PRICE_RATIO_MAX: Final = 3.3
"""Shops that sell one thing hardly ever differ more; packs and accessories do."""

_ROUNDED: Final = frozenset({"mp", "inch", "mm", "w", "mah"})
"""Dimensions that makers round: 14.7 megapixels are sold as 14, 39.9 inches as 40."""

_ROUNDING_SHARE: Final = 0.025
_TWIN_LENGTH_MIN: Final = 4
_FIGURES: Final = re.compile(r"\d+")


class Conflict(StrEnum):
    """Something that both say and disagree in, or that only one says and that changes it all."""

    CODE = "code"  # another model or article
    TWIN_CODE = "twin_code"  # codes of one make-up with other figures: sister models
    NUMBER = "number"
    QUANTITY = "quantity"
    PACK = "pack"  # a count of pieces that one side alone has
    COLOUR = "colour"
    EDITION = "edition"  # Pro, Plus, mini behind what both have
    ACCESSORY = "accessory"  # one is for the other
    SUBSTITUTE = "substitute"  # one is compatible with, or remade from, the other
    BRAND = "brand"
    SIBLING = "sibling"  # words that stand for each other in the catalogue
    PRICE = "price"
    VENDOR_CODE = "vendor_code"  # the codes in their columns differ under one brand


def conflicts_of(
    item: Features,
    product: Features,
    alignment: Alignment,
    corpus: Corpus,
    *,
    same_code: bool,
    same_model: bool,
) -> tuple[Conflict, ...]:
    """Return what speaks against the pair; the other way round it is the same.

    Args:
        same_code: They share a rare code, so that other codes are details.
        same_model: It is so long that it names one thing, so that numbers and words such as
            "ultra" are details too.
    """
    mine, theirs = _by_kind(alignment.item_rest), _by_kind(alignment.product_rest)
    return (
        *_of_codes(mine.get(Kind.CODE), theirs.get(Kind.CODE), same_code=same_code),
        *_of_amounts(mine, theirs, same_model=same_model),
        *_of_names(item, product, alignment, corpus, same_model=same_model),
        *_of_words(mine, theirs, corpus),
        *_of_columns(item, product),
    )


def silences_of(alignment: Alignment) -> tuple[Kind, ...]:
    """Return the kinds of facts that one side alone names."""
    named = {*alignment.item_rest.values(), *alignment.product_rest.values()}
    return tuple(kind for kind in _TELLING if kind in named)


_TELLING: Final = (Kind.CODE, Kind.NUMBER, Kind.QUANTITY, Kind.COLOUR)

type _Tokens = dict[Kind, list[str]]


def _by_kind(rest: Mapping[str, Kind]) -> _Tokens:
    tokens: _Tokens = {}
    for token, kind in rest.items():
        tokens.setdefault(kind, []).append(token)
    return tokens


def _of_codes(
    mine: list[str] | None, theirs: list[str] | None, *, same_code: bool
) -> Iterator[Conflict]:
    if not mine or not theirs:
        return
    if any(_are_twins(one, other) for one in mine for other in theirs):
        yield Conflict.TWIN_CODE
    elif not same_code:
        yield Conflict.CODE


@lru_cache(maxsize=65_536)
def _are_twins(one: str, other: str) -> bool:
    """Tell whether codes are of one make-up: `v3` and `v4`, `ln40a550` and `ln46a550`."""
    if one[0] != other[0]:
        return False
    if _FIGURES.sub("0", one) == _FIGURES.sub("0", other):
        return True
    long = min(len(one), len(other)) >= _TWIN_LENGTH_MIN and len(one) == len(other)
    return long and OSA.distance(one, other, score_cutoff=1) <= 1


def _of_amounts(mine: _Tokens, theirs: _Tokens, *, same_model: bool) -> Iterator[Conflict]:
    if Kind.NUMBER in mine and Kind.NUMBER in theirs and not same_model:
        yield Conflict.NUMBER
    one = _by_unit(mine.get(Kind.QUANTITY, []))
    other = _by_unit(theirs.get(Kind.QUANTITY, []))
    if any(_clash(unit, one[unit], other[unit]) for unit in one.keys() & other.keys()) or (
        ("ml" in one and "g" in other) or ("g" in one and "ml" in other)
    ):
        yield Conflict.QUANTITY
    elif PIECES in one or PIECES in other:
        yield Conflict.PACK


def _by_unit(tokens: list[str]) -> dict[str, list[float]]:
    amounts: dict[str, list[float]] = {}
    for token in tokens:
        unit, amount = amount_of(token)
        amounts.setdefault(unit, []).append(amount)
    return amounts


def _clash(unit: str, mine: list[float], theirs: list[float]) -> bool:
    if unit not in _ROUNDED:
        return True
    return not any(_rounds_to(one, other) for one in mine for other in theirs)


def _rounds_to(one: float, other: float) -> bool:
    low, high = min(one, other), max(one, other)
    return low == int(high) or high - low <= _ROUNDING_SHARE * high


def _of_names(
    item: Features,
    product: Features,
    alignment: Alignment,
    corpus: Corpus,
    *,
    same_model: bool,
) -> Iterator[Conflict]:
    mine, theirs = alignment.item_rest, alignment.product_rest
    if not same_model and (_stands_behind(item, mine) or _stands_behind(product, theirs)):
        yield Conflict.EDITION
    if _is_for(item, product, mine) or _is_for(product, item, theirs):
        yield Conflict.ACCESSORY
    if item.substitute != product.substitute:
        yield Conflict.SUBSTITUTE
    if _begins_with_a_brand(item, mine, corpus) and _begins_with_a_brand(product, theirs, corpus):
        yield Conflict.BRAND


def _begins_with_a_brand(features: Features, rest: Mapping[str, Kind], corpus: Corpus) -> bool:
    first = next(iter(features.tokens), "")
    return rest.get(first) is Kind.WORD and corpus.is_brand(first)


def _of_words(mine: _Tokens, theirs: _Tokens, corpus: Corpus) -> Iterator[Conflict]:
    if Kind.COLOUR in mine and Kind.COLOUR in theirs:
        yield Conflict.COLOUR
    words, their_words = mine.get(Kind.WORD, []), theirs.get(Kind.WORD, [])
    if any(corpus.are_substitutes(one, other) for one in words for other in their_words):
        yield Conflict.SIBLING


def _stands_behind(features: Features, rest: Mapping[str, Kind]) -> bool:
    """Tell whether an edition that the other lacks stands right behind what both have."""
    if Kind.EDITION not in rest.values():
        return False
    order = features.text.split(" ")
    return any(
        rest.get(token) is Kind.EDITION and before not in rest for before, token in pairwise(order)
    )


def _is_for(one: Features, other: Features, rest: Mapping[str, Kind]) -> bool:
    return bool(one.head) and not other.head and one.head <= rest.keys()


def _of_columns(item: Features, product: Features) -> Iterator[Conflict]:
    if item.price and product.price:
        low, high = sorted((item.price, product.price))
        if high > _PRICE_RATIO_MAX * low:
            yield Conflict.PRICE
    codes = item.vendor_code, product.vendor_code
    if all(codes) and codes[0] != codes[1] and item.brand == product.brand != "":
        yield Conflict.VENDOR_CODE
