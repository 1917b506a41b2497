"""What the words above a column mean, in Russian, Belarusian, Ukrainian and English."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from marketbel_core.intake.text import clean_text

__all__ = ["ALIASES", "HeaderMeaning", "Role", "folded_header", "meaning_of", "price_kinds"]


class Role(StrEnum):
    """What a column is for."""

    SKU = "sku"  # the supplier's article number
    NAME = "name"  # what is sold
    PRICE = "price"  # what it costs; a list may have several, one is the main price
    CURRENCY = "currency"  # of the row's prices
    STOCK = "stock"  # whether, or how many, are there
    UNIT = "unit"  # what the price is for: a piece, a kilogram
    BARCODE = "barcode"  # EAN or UPC
    BRAND = "brand"  # who makes it
    CATEGORY = "category"  # the supplier's own
    LINK = "link"  # the item's page
    DESCRIPTION = "description"  # more words about it


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


ALIASES: Final[dict[Role, tuple[str, ...]]] = {
    Role.NAME: (
        "наименование", "наименование товара", "наименование товаров", "название",
        "название товара", "номенклатура", "товар", "товары", "продукт", "продукция", "позиция",
        "найменування", "найменаванне", "назва", "назва тавару", "тавар",
        "name", "product name", "item name", "product", "product description", "item", "title",
        "item description",
    ),
    Role.SKU: (
        "артикул", "арт", "код", "код товара", "код номенклатуры", "артыкул", "код тавару",
        "sku", "article", "product code", "item code", "product id", "item id", "item no",
        "item number", "part number", "code", "vendor code",
    ),
    Role.PRICE: (
        "цена", "цены", "стоимость", "прайс", "ціна", "вартість", "цана", "кошт",
        "price", "unit price", "cost", "unit cost", "amount", "value",
    ),
    Role.CURRENCY: ("валюта", "вал", "currency"),
    Role.STOCK: (
        "наличие", "остаток", "остатки", "склад", "сток", "количество", "кол-во", "кол во",
        "наяўнасць", "рэшткі", "наявність", "залишок",
        "stock", "in stock", "availability", "qty", "quantity",
    ),
    Role.UNIT: (
        "ед", "ед изм", "единица", "единица измерения", "адз", "адзінка", "од вим", "одиниця",
        "unit", "units", "uom",
    ),
    Role.BARCODE: (
        "штрихкод", "штрих-код", "штрих код", "шк", "ean", "ean13", "gtin", "upc", "barcode",
    ),
    Role.BRAND: (
        "бренд", "марка", "торговая марка", "производитель", "вытворца", "виробник",
        "brand", "manufacturer", "vendor",
    ),
    Role.CATEGORY: (
        "категория", "группа", "группа товаров", "раздел", "катэгорыя", "категорія",
        "category", "group", "section",
    ),
    Role.LINK: ("ссылка", "ссылка на товар", "спасылка", "посилання", "link", "url"),
    Role.DESCRIPTION: ("описание", "апісанне", "опис", "description", "details"),
}  # fmt: skip
_EXACT: Final = {alias: role for role, aliases in ALIASES.items() for alias in aliases}

_PREORDER: Final = re.compile(r"предзаказ|pre-?order")
_CURRENCY_NAME: Final = re.compile(r"(?:код )?валют[аы](?: .*)?|(?:\w+ )?currency(?: code)?")
_DECOY: Final = re.compile(
    r"идентификатор|guid|измен|скидк|discount|сумм|итого|total|заказ|order|вес\b|масса|weight|"
    r"об[ъь]?[её]м|volume|фото|photo|image|картин|срок|гаранти|"
    r"(?:кол-?\s?во|количество|qty)\s+(?:в|на|per|in)\b|упаковк|package"
)
"""Words that make a column neither a price nor a name, whatever else its header says."""

_PRICE_WORD: Final = re.compile(r"\bцен|\bцан|стоимост|\bціна|вартіст|\bкошт|\bprice|\bcost\b")
_MONEY_WORD: Final = re.compile(
    r"\bруб|₽|\bтенге\b|\bюан|\bгрн|\b(?:byn|rub|usd|eur|uah|kzt|cny|pln|gbp)\b"
)
_KINDS: Final = (
    ("purchase", re.compile(r"закуп|purchase")),
    (
        "retail",
        re.compile(r"розн|р\.?р\.?ц|м\.?р\.?ц|\bрц\b|рекоменд|retail|\brrp\b|\bmsrp\b|\bmrp\b"),
    ),
    ("wholesale", re.compile(r"опт|\bгурт|wholesale|дилер|dealer|trade")),
)
_KEYWORDS: Final = (
    (Role.BARCODE, re.compile(r"штрих|\bean\b|barcode|gtin")),
    (Role.STOCK, re.compile(r"наличи|остат|свободн|\bсклад|на складе|\bсток\b|\bstock\b|availab")),
    (Role.SKU, re.compile(r"артикул|каталож|по каталогу|\bкод\b|\bsku\b|part n|\bcode\b")),
    (Role.CATEGORY, re.compile(r"категори|товарная группа|categor")),
    (Role.UNIT, re.compile(r"^ед\b|един\w* измер|\bизм\b")),
    (Role.BRAND, re.compile(r"бренд|производител|\bbrand\b|manufacturer")),
    (Role.LINK, re.compile(r"ссылк|\burl\b|\blink\b")),
    (Role.NAME, re.compile(r"наимен|назван|номенклатур|\bтовар|product name|\bname\b")),
    (Role.DESCRIPTION, re.compile(r"описан|descr")),
)
_WEAK_NAMES: Final = re.compile(r"модель|model|description")
_PUNCTUATION: Final = re.compile(r"[\s.,:;*()\[\]/\\№#\"'«»_]+")
_HEADER_LENGTH_MAX: Final = 120


def folded_header(text: str) -> str:
    """Return a header for comparing: small letters, no punctuation, `ё` as `е`."""
    return _PUNCTUATION.sub(" ", clean_text(text).casefold().replace("ё", "е")).strip()


def meaning_of(text: str) -> HeaderMeaning | None:
    """Return what a header means, `None` when it is no header of a known role."""
    folded = folded_header(text)
    if not folded or len(folded) > _HEADER_LENGTH_MAX:
        return None
    if (exact := _EXACT.get(folded)) is not None:
        return HeaderMeaning(exact, 4)
    if _CURRENCY_NAME.fullmatch(folded):
        return HeaderMeaning(Role.CURRENCY, 3)
    if _PREORDER.search(folded):
        return HeaderMeaning(Role.PRICE, 2, "preorder")
    return None if _DECOY.search(folded) else _by_keyword(folded)


def _by_keyword(folded: str) -> HeaderMeaning | None:
    kind = next((name for name, words in _KINDS if words.search(folded)), "")
    if _PRICE_WORD.search(folded):
        return HeaderMeaning(Role.PRICE, 3, kind)
    for role, words in _KEYWORDS:
        if words.search(folded):
            return HeaderMeaning(role, 3)
    if kind or _MONEY_WORD.search(folded):
        return HeaderMeaning(Role.PRICE, 2, kind)
    return HeaderMeaning(Role.NAME, 2) if _WEAK_NAMES.search(folded) else None


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
