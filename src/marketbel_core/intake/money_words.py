"""Words beside a price: whose money it is, and whether the figure counts more than it says.

A word that may be a currency and is none that we know is told apart from no word at all: a price
in tugriks must never pass for one in our own roubles.
"""

import re
from functools import lru_cache
from typing import Final

from marketbel_core.catalog import CURRENCIES, DEFAULT_CURRENCY, UNKNOWN_CURRENCY

__all__ = [
    "CURRENCY_WORDS",
    "ROUBLES",
    "UNKNOWN_CURRENCY",
    "currency_in_cell",
    "currency_in_header",
    "currency_in_title",
    "is_amount_scaled",
    "is_currency_alone",
    "is_scaled",
    "named_currency",
    "settled_currency",
]

ROUBLES: Final = "roubles"
"""Stands for the roubles of which the list does not say here whose they are."""

_ROUBLE_CODES: Final = frozenset({"BYN", "RUB"})
_ROUBLE: Final = r"руб(?:л\w*)?"
_WORDS: Final = {
    "BYN": rf"byn|br|бел\w*\.?\s*{_ROUBLE}|{_ROUBLE}\.?\s*(?:рб|бел\w*)|б\.?\s?р\.",
    "RUB": rf"rub|rur|₽|рос\w*\.?\s*{_ROUBLE}|{_ROUBLE}\.?\s*рф",
    "CAD": r"cad|ca?\$|канад\w*\.?\s*долл?(?:ар\w*)?",
    "AUD": r"aud|au?\$|австрал\w*\.?\s*долл?(?:ар\w*)?",
    "NZD": r"nzd|nz\$",
    "HKD": r"hkd|hk\$",
    "SGD": r"sgd|s\$",
    "BRL": r"brl|r\$",
    "USD": r"usd|us\$|\$|долл?(?:ар\w*)?(?:\.?\s*сша)?|у\.?\s?е\.?|(?:us\s)?dollars?",
    "EUR": r"euro?|€|евро",
    "UAH": r"uah|₴|грн|гривен|гривн\w*",
    "GBP": r"gbp|£|фунт\w*\s*стерл\w*",
    "PLN": r"pln|zł|злот\w{0,3}",
    "KZT": r"kzt|₸|тенге|тг",
    "CNY": r"cny|rmb|cn¥|元|юан\w{0,3}",
    "CHF": r"chf|швейц\w*\.?\s*франк\w*",
    "CZK": r"czk|kč|чеш\w*\.?\s*крон\w{0,2}",
    "SEK": r"sek|швед\w*\.?\s*крон\w{0,2}",
    "NOK": r"nok|норв\w*\.?\s*крон\w{0,2}",
    "DKK": r"dkk|датс\w*\.?\s*крон\w{0,2}",
    "TRY": r"try|₺|(?:тур\w*\.?\s*)?лир[аы]?",
    "GEL": r"gel|₾|лари",
    "AMD": r"amd|֏|драм\w{0,2}",
    "AZN": r"azn|₼|(?:аз\w*\.?\s*)манат\w{0,2}",
    "UZS": r"uzs|сум(?:ов)?",
    "KGS": r"kgs|сом(?:ов)?",
    "MDL": r"mdl|ле[йи]|леев",
    "JPY": r"jpy|jp¥|円|[ий]ен[аы]?",
    "KRW": r"krw|₩",
    "ILS": r"ils|₪|шекел\w{0,2}",
    "INR": r"inr|₹|рупи[ийя]",
    "AED": r"aed|дирхам\w{0,2}",
    "THB": r"thb|฿",
    "VND": r"vnd|₫",
    "MNT": r"mnt|₮|тугрик\w{0,2}",
}
_WORDS_OF_NONE: Final = (
    # Old roubles, coins of several states, signs of several states and signs of no state of ours.
    r"by[rb]|крон[аы]?|динар\w{0,2}|песо|франк\w{0,2}|манат\w{0,2}|usdt|btc|[¢¤¥؋৲৳₠-⃀]"
)
_ALL_WORDS: Final = {
    **_WORDS,
    **{code: code.lower() for code in sorted(CURRENCIES - _WORDS.keys())},
    ROUBLES: rf"{_ROUBLE}|(?<!\.)р(?!\.\s?[а-я])",  # neither letter of "р.р.ц."
    UNKNOWN_CURRENCY: _WORDS_OF_NONE,
}
CURRENCY_WORDS: Final = "|".join(f"(?:{words})" for words in (*_ALL_WORDS.values(), "р"))
"""A regular expression of all currencies, known or not, in small letters."""

_ALONE: Final = re.compile(
    "|".join(rf"(?P<{code}>(?<!\w)(?:{words})(?!\w))" for code, words in _ALL_WORDS.items())
)
_WHOLE: Final = re.compile("|".join(f"(?:{words})" for words in _ALL_WORDS.values()))
_RATE: Final = re.compile(r"(?<!\w)курс|exchange|(?<!\w)rate|=\s*[0-9]|заказ|доставк")
_OF_PRICES: Final = re.compile(
    r"(?<!\w)(?:цен|цін|цан|стоимост|вартіст|кошт|прайс|price|cost|валют|currency)"
)
_TITLE_LENGTH_MAX: Final = 160
_NUMERIC_CODES: Final = {
    "933": "BYN", "643": "RUB", "810": "RUB", "840": "USD", "978": "EUR", "980": "UAH",
    "398": "KZT", "985": "PLN", "156": "CNY",
}  # fmt: skip
_SOME_CURRENCY: Final = re.compile(r"(?<!\w)валют[аеуы](?!\w)")
_CODE_IN_HEADER: Final = re.compile(
    r"(?:[,;(\[]|\b(?:[Вв]|in)|^[A-ZА-ЯЁІ]?[a-zа-яёі]+)\s*(?P<code>[A-Z]{3})(?=\s*(?:$|[)\],;./]))"
)
_TRADE_CODES: Final = frozenset({
    "VAT", "NDS", "TAX", "NET", "INC", "EXC", "OPT", "RRC", "RRP", "MRC", "MRP", "MSP", "EXW",
    "FCA", "FOB", "CIF", "CFR", "CPT", "CIP", "DAP", "DDP", "DPU", "FAS", "RSP", "WSP", "VIP",
    "NEW", "MIN", "MAX", "AVG", "TOP", "USA", "UAE", "PCS", "PCE", "PKG", "PAC", "PKT", "BOX",
    "SET", "KIT", "BAG", "CTN", "LTR", "DOZ", "BTL", "TON", "LBS", "MTR", "ROL", "JAR", "CAN",
    "TIN",
})  # fmt: skip
_SCALE: Final = r"(?:т[ыи]с(?:яч\w*)?|млн|млрд|мил+ион\w*|mln|mio|bn|thousands?|millions?)(?!\w)"
_THOUSANDS: Final = r"[0-9]{1,3}[ .]?000(?:[ .]?000)*(?![0-9])"
_ANY_SCALE: Final = re.compile(rf"(?<!\w){_SCALE}|(?<=[0-9]){_SCALE}")
_BY_SCALE: Final = re.compile(
    rf"(?<!\w)(?P<tier>(?:от|до|свыше|более|выше|from|over)\s+)?(?P<count>[0-9][0-9 .,]*)?{_SCALE}"
)
_BY_COUNT: Final = re.compile(
    rf"(?:(?<!\w)(?:за|per)\s|(?<![0-9])/)\s*(?:[0-9][0-9 .,]*{_SCALE}|{_THOUSANDS}"
    r"|(?:[2-9]|[1-9][0-9]+)\s*(?:шт|штук\w*|ед|пар|экз|pcs|pieces|units)(?!\w))"
    r"|(?:^|[\s,(])[x×х*]1[ .]?000(?![0-9]|\s*[смc]?[мm])|(?<![0-9])['’(]000(?![0-9])"
)


@lru_cache(maxsize=4096)
def named_currency(text: str) -> str | None:
    """Return the currency that a cleaned text names.

    Returns:
        An ISO code, `ROUBLES`, or `None` when no currency is named; `UNKNOWN_CURRENCY` when one
        is named that we do not know, or several are.
    """
    found = {match.lastgroup for match in _ALONE.finditer(text.casefold())}
    if found & _ROUBLE_CODES:
        found.discard(ROUBLES)
    if len(found) > 1:
        return UNKNOWN_CURRENCY
    return found.pop() if found else None


def currency_in_cell(text: str) -> str | None:
    """Return the currency in a cell of a currency column, as `named_currency` does.

    A blank cell, or a dash in it, names none; whatever else is not understood is unknown.
    """
    named = _NUMERIC_CODES.get(text) or named_currency(text)
    is_blank = not any(map(str.isalnum, text))
    return named or (None if is_blank else UNKNOWN_CURRENCY)


@lru_cache(maxsize=1024)
def is_currency_alone(text: str) -> bool:
    """Tell whether a cleaned text is the name of one currency and nothing else."""
    folded = text.casefold().rstrip(". ")
    return text in _NUMERIC_CODES or (
        folded in {"р", "руб"} or (bool(folded) and _WHOLE.fullmatch(folded) is not None)
    )


def currency_in_title(text: str) -> str | None:
    """Return the currency that a line above or below the table says the prices are in.

    "Цены указаны в USD", "Валюта: EUR", "Прайс-лист (руб. РФ)"; a rate of exchange says nothing.
    """
    folded = text.casefold()
    if _RATE.search(folded) or len(folded) > _TITLE_LENGTH_MAX:
        return None
    if is_currency_alone(text.strip("()[]:; ")) or _OF_PRICES.search(folded):
        named = named_currency(text)
        return None if named == UNKNOWN_CURRENCY else named
    return None


def currency_in_header(text: str) -> str | None:
    """Return the currency in the header of a price column, as `named_currency` does.

    Three capitals set apart, as in "Цена, XYZ", or after one word only are a code, unless the
    trade means another thing by them.
    """
    named = named_currency(text)
    if named is not None:
        return named
    codes = {found["code"] for found in _CODE_IN_HEADER.finditer(text)}
    some = codes - _TRADE_CODES or _SOME_CURRENCY.search(text.casefold())
    return UNKNOWN_CURRENCY if some else None


def settled_currency(*names: str | None) -> str:
    """Return the first currency that is named, the catalogue's own when none is.

    Plain roubles are the ones that a later name tells, else the catalogue's own.
    """
    plain_roubles = False
    for name in names:
        if name == ROUBLES:
            plain_roubles = True
        elif name is not None and (not plain_roubles or name in _ROUBLE_CODES):
            return name
    return DEFAULT_CURRENCY


def is_scaled(text: str) -> bool:
    """Tell whether a header makes prices count thousands of money, or price many pieces at once.

    "тыс. руб." and "за 1000 шт" do; "от 50 тыс. руб." is the size of an order and does not.
    """
    folded = text.casefold()
    return _BY_COUNT.search(folded) is not None or any(
        not found["tier"] and not found["count"] for found in _BY_SCALE.finditer(folded)
    )


def is_amount_scaled(text: str) -> bool:
    """Tell whether the amount in a cell counts thousands, or prices many pieces: "1,5 тыс."."""
    folded = text.casefold()
    return _ANY_SCALE.search(folded) is not None or _BY_COUNT.search(folded) is not None
