"""Words whose meaning the matcher knows: colours, editions, accessories, words that say nothing.

General words of the trade in English, German and Russian; no brand and no product line.
"""

from typing import Final

__all__ = ["ABBREVIATIONS", "COLOURS", "EDITIONS", "FOR_WORDS", "SUBSTITUTE_STEMS", "VOID_WORDS"]


def _words(line: str) -> frozenset[str]:
    return frozenset(line.split())


_COLOUR_SPELLINGS: Final[dict[str, str]] = {
    "white": "white wht weiss weiß weis bianco белый белая белое белые бел белого белой",
    "black": "black blk schwarz nero черный черная черное черные черн черного черной",
    "grey": "grey gray grau серый серая серое серые сер серого серой graphite графит anthracite"
    " anthrazit антрацит графитовый",
    "silver": "silver slv silber серебристый серебристая серебро серебряный серебристые серебр",
    "steel": "inox edelstahl",
    "gold": "gold золотой золотая золото золотистый золотистая",
    "red": "red rot rouge красный красная красное красные красн красного красной",
    "blue": "blue blau bleu navy синий синяя синее синие син синего синей",
    "lightblue": "голубой голубая голубое голубые",
    "green": "green grün gruen grun зеленый зеленая зеленое зеленые зел зеленого",
    "yellow": "yellow gelb желтый желтая желтое желтые желт",
    "orange": "orange оранжевый оранжевая оранжевое оранжевые",
    "pink": "pink rosa розовый розовая розовое розовые",
    "purple": "purple violet lila фиолетовый фиолетовая фиолетовые лиловый сиреневый",
    "brown": "brown braun коричневый коричневая коричневое коричневые корич коричн",
    "beige": "beige бежевый бежевая бежевое бежевые беж",
    "transparent": "прозрачный прозрачная прозрачное бесцветный бесцветная бесцветное clear",
    "turquoise": "turquoise бирюзовый бирюзовая",
    "bronze": "bronze бронза бронзовый",
    "copper": "copper медный",
}
COLOURS: Final[dict[str, str]] = {
    word: colour for colour, words in _COLOUR_SPELLINGS.items() for word in words.split()
}
"""A colour word, folded, and the colour that it names."""

EDITIONS: Final[frozenset[str]] = _words(
    "pro plus max mini lite ultra air premium deluxe edge xl xxl xs xr se fe gt junior kids"
    " про плюс макс мини лайт ультра слим премиум делюкс люкс"
)
"""Words that makers put behind a product's name to tell a sister product apart."""

FOR_WORDS: Final[frozenset[str]] = _words("for für fur для под")
"""What stands behind them is what an accessory belongs to, not the thing itself."""

SUBSTITUTE_STEMS: Final[tuple[str, ...]] = (
    "compatib", "kompatib", "совместим", "remanufactured", "refurbished", "refurb", "replacement",
    "восстановлен", "аналог", "реплика", "уценка", "уценен", "переупак", "renewed",
)  # fmt: skip
"""Beginnings of words that say: not the maker's own or not new."""

VOID_WORDS: Final[frozenset[str]] = _words(
    "and with in of the a an by on at to from or und mit der die das im von zu"
    " dlya и с со в во на из по от или до за к"
    " акция хит новинка распродажа скидка наличии наличие заказ опт ндс арт артикул"
)
"""Words that carry no meaning for the matter of sameness, suppliers' cries among them."""

ABBREVIATIONS: Final[dict[str, str]] = {
    "ср-во": "средство", "ср-ва": "средство", "ф-р": "фильтр", "к-т": "комплект",
    "р-р": "размер", "д/": "для ", "б/у": "уценка", "ж/б": "железобетон", "эл/": "электрический ",
}  # fmt: skip
"""What the trade writes with the middle of a word left out, folded."""
