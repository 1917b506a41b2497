"""The lines above the columns, read as one: what stands above each column, and what it means."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from rapidfuzz import fuzz, process

from marketbel_core.intake.grid import Cell
from marketbel_core.intake.headers import ALIASES, HeaderMeaning, Role, folded_header, meaning_of
from marketbel_core.intake.money_words import is_currency_alone
from marketbel_core.intake.sample import SheetSample
from marketbel_core.intake.text import ParsedPrice, cell_text, is_number_like, parse_price

__all__ = [
    "HEADER_LINES_MAX",
    "SCANNED_ROWS",
    "HeaderLines",
    "header_meaning",
    "is_value",
    "joined_lines",
    "likely_header",
]

SCANNED_ROWS: Final = 60
HEADER_LINES_MAX: Final = 3

_NEAR_MIN: Final = 86.0
"""Two wrong letters in a long word; below it, different words of four letters meet."""

_NEAR_LENGTH_MIN: Final = 5
_TIER_STARTS: Final = ("от ", "ад ", "від ", "from ")
_EXACT: Final = 4
_END_LENGTH_MAX: Final = 25
_UNIT: Final = re.compile(
    r"[(\[]?(?:(?:руб\w*|коп|byn|rub|usd|eur|uah|грн|у\.?\s?е|[$€₽₴]|%)[./ ]{0,2}(?:за )?)?"
    r"(?:шт\w*|кг|гр?|мг|т|тн|м[23²³.]?|п\.? ?м|пог\. ?м|см|мм|км|л|мл|уп\w*|ед|пар\w*|рул\w*"
    r"|лист|компл\w*|дн\w*|сут\w*|мес\w*|pcs|pc|ea|kg|g|m|cm|mm|l|ml|box|%)?[.)\]]{0,2}"
)
_TITLED_ROLES: Final = (Role.NAME, Role.SKU, Role.CATEGORY)
_NEAR_WORDS: Final = {
    alias: role
    for role, words in ALIASES.items()
    for alias in words
    if len(alias) >= _NEAR_LENGTH_MIN
}


@dataclass(frozen=True, slots=True)
class HeaderLines:
    """Some lines of a sheet as a header.

    Attributes:
        first: The first line, from 1.
        last: The last line, from 1.
        texts: What stands above each column, by index from 0.
        words: The texts of all cells.
    """

    first: int
    last: int
    texts: Mapping[int, str]
    words: frozenset[str] = frozenset()


@lru_cache(maxsize=4096)
def header_meaning(text: str) -> HeaderMeaning | None:
    """Return what a header means; a misspelt word still means what it resembles."""
    meaning = meaning_of(text)
    folded = folded_header(text)
    if meaning is not None or not _NEAR_LENGTH_MIN <= len(folded) <= 40:  # noqa: PLR2004
        return meaning
    near = process.extractOne(
        folded, _NEAR_WORDS.keys(), scorer=fuzz.ratio, score_cutoff=_NEAR_MIN
    )
    return HeaderMeaning(_NEAR_WORDS[near[0]], 1) if near else None


def likely_header(sheet: SheetSample, first: int, last: int) -> HeaderLines | None:
    """Return the lines as a header, or `None` if one of several does not look like it."""
    if last > len(sheet.rows):
        return None
    texts = _texts(sheet.rows[first - 1 : last])
    for line, words in enumerate(texts):
        filled = [text for text in words if text]
        if last > first and any(map(is_value, filled)):
            return None
        if line and not _goes_on(texts[line - 1], words):
            return None
    return _lines(first, last, texts, spread=True)


@lru_cache(maxsize=4096)
def is_value(text: str) -> bool:
    """Tell a figure or a price, which no header has for a cell of its own."""
    return is_number_like(text) or (
        isinstance(parse_price(text), ParsedPrice) and not text.startswith(_TIER_STARTS)
    )


def _lines(first: int, last: int, texts: Sequence[Sequence[str]], *, spread: bool) -> HeaderLines:
    words = frozenset(text for line in texts for text in line if text)
    return HeaderLines(first, last, _joined(texts, spread=spread), words)


def _goes_on(above: Sequence[str], words: Sequence[str]) -> bool:
    """Tell whether a line goes on with the header of the line above it."""
    own = [
        "" if column < len(above) and text == above[column] else text  # merged cells repeat it
        for column, text in enumerate(words)
    ]
    filled = [text for text in own if text]
    if len(filled) == 1:
        return _is_part(above, own, own.index(filled[0]))
    return (
        _are_ends(above, own)
        or _are_meant([text for text in words if text])
        or _are_units(filled)
        or _are_grouped(above, own)
        or _are_parts(above, own)
        or _fills_gaps(above, own)
    )


def _are_ends(above: Sequence[str], words: Sequence[str]) -> bool:
    """Tell whether all texts go on with the one above them: "Цена," and "руб.".

    Small letters say so, and words below a price where no product is named.
    """
    filled = [column for column, text in enumerate(words) if text]
    if not filled or not all(column < len(above) and above[column] for column in filled):
        return False
    meanings = [header_meaning(above[column]) for column in filled]
    roles = {meaning.role for meaning in meanings if meaning is not None}
    return (Role.PRICE in roles and Role.NAME not in roles) or all(
        len(words[column]) <= _END_LENGTH_MAX
        and (words[column][0].islower() or words[column][0] in "(%/")
        for column in filled
    )


def _are_units(filled: Sequence[str]) -> bool:
    """Tell whether a line says what its columns count in: "кг", "руб./шт"."""
    return bool(filled) and all(_UNIT.fullmatch(text.casefold()) for text in filled)


def _fills_gaps(above: Sequence[str], words: Sequence[str]) -> bool:
    """Tell whether a line has texts where the line above has none only, a known one with them."""
    filled = [column for column, text in enumerate(words) if text]
    return all(column >= len(above) or not above[column] for column in filled) and any(
        header_meaning(words[column]) is not None for column in filled
    )


def _is_part(above: Sequence[str], words: Sequence[str], column: int) -> bool:
    """Tell a word of a header that stands alone in its line from the title of a section.

    Titles stand above codes and names, and have words of headers in them: "Товары для дома".
    """
    text = words[column]
    title = above[column] if column < len(above) else ""
    upper = header_meaning(title) if title else None
    if (upper is None or upper.role not in _TITLED_ROLES) and _are_ends(above, words):
        return True
    meaning = header_meaning(text)
    if meaning is None or is_currency_alone(text):
        return is_currency_alone(text)
    if not title:
        return meaning.role is Role.PRICE or meaning.strength >= _EXACT
    return ":" not in text and upper is not None and upper.role not in _TITLED_ROLES


def _are_meant(filled: Sequence[str]) -> bool:
    """Tell whether most texts of a line mean something as headers."""
    meant = sum(header_meaning(text) is not None or is_currency_alone(text) for text in filled)
    return meant * 2 > len(filled)


def _are_grouped(above: Sequence[str], words: Sequence[str]) -> bool:
    """Tell whether the texts of a line are the parts of a title of prices in the line above it.

    "Prices" stands once above "from 10 pieces" and "from 50 pieces".
    """
    filled = [column for column, text in enumerate(words) if text]
    repeated = [column for column in filled if column < len(above) and above[column]]
    grouped = [column for column in filled if _group_title(above, column)]
    return len(filled) >= 2 and len(grouped) >= 2 and len(repeated) + len(grouped) == len(filled)  # noqa: PLR2004  # one part is none


def _are_parts(above: Sequence[str], words: Sequence[str]) -> bool:
    """Tell whether all texts of a line are parts of titles above them, or meant by themselves.

    "Stock" and "Price" stand above the names of shops and "wholesale" and "retail".
    """
    parts: dict[int, int] = {}
    meant = [column for column, text in enumerate(words) if text and header_meaning(text)]
    for column in (column for column, text in enumerate(words) if text):
        title = next((at for at in range(min(column, len(above) - 1), -1, -1) if above[at]), None)
        if title is None:
            return False
        parts[title] = parts.get(title, 0) + 1
    meanings = [header_meaning(above[title]) for title in parts]
    grouped = {title for title, count in parts.items() if count > 1}
    return (
        bool(grouped)
        and grouped.issuperset(parts.keys() - meant)
        and any(meaning is not None and meaning.role is Role.PRICE for meaning in meanings)
    )


def joined_lines(sheet: SheetSample, first: int, last: int, *, spread: bool = True) -> HeaderLines:
    """Return the lines as a header, whatever stands in them.

    Args:
        sheet: A sample of the sheet; lines below its end are empty ones.
        first: The first line, from 1.
        last: The last line, from 1.
        spread: Whether the title of a group of prices stands above each column of the group.
    """
    return _lines(first, last, _texts(sheet.rows[first - 1 : last]), spread=spread)


def _texts(rows: Sequence[Sequence[Cell]]) -> list[list[str]]:
    return [[cell_text(cell) for cell in row] for row in rows]


def _joined(texts: Sequence[Sequence[str]], *, spread: bool) -> dict[int, str]:
    width = max((len(words) for words in texts), default=0)
    joined = {}
    for column in range(width):
        parts: list[str] = []
        for line, words in enumerate(texts):
            text = words[column] if column < len(words) else ""
            below = any(column < len(lower) and lower[column] for lower in texts[line + 1 :])
            if spread and not text and below:
                text = _group_title(words, column)
            if text and text not in parts:
                parts.append(text)
        if parts:
            joined[column] = " ".join(parts)
    return joined


def _group_title(words: Sequence[str], column: int) -> str:
    """Return the title to the left that spans this column: "Prices" over wholesale and retail."""
    if column < len(words) and words[column]:
        return ""
    left = next((text for text in reversed(words[:column]) if text), "")
    meaning = header_meaning(left) if left else None
    return left if meaning is not None and meaning.role is Role.PRICE else ""
