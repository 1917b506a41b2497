"""What a row of a list is once it is stored; what PostgreSQL cannot hold is refused by name.

Every store refuses the same rows, so that none is kinder than PostgreSQL.
"""

import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Final, NamedTuple

from marketbel_core.catalog import (
    CURRENCY_KEY,
    DEFAULT_CURRENCY,
    RETAIL_PRICE_KEY,
    WHOLESALE_PRICE_KEY,
    price_currency_key,
)
from marketbel_core.errors import RefusedError
from marketbel_core.intake.rows import AcceptedRow

__all__ = [
    "NAME_LENGTH_MAX",
    "SKU_LENGTH_MAX",
    "UNSTORABLE",
    "StorableRow",
    "is_text",
    "storable_row",
    "strict_json",
]

SKU_LENGTH_MAX: Final = 255
NAME_LENGTH_MAX: Final = 500
UNSTORABLE: Final = "row.unstorable"

_KIND_PRICE_MAX: Final = Decimal("9999999999.99")  # NUMERIC(12,2)
_CENT: Final = Decimal("0.01")
_STRICT: Final = json.JSONEncoder(allow_nan=False, ensure_ascii=False, sort_keys=True)
# The database sorts keys by itself, and a list has a million rows.
_STRICT_ROW: Final = json.JSONEncoder(
    allow_nan=False, ensure_ascii=False, separators=(",", ":"), check_circular=False
)
_CURRENCY_KEYS: Final = {
    key: price_currency_key(key) for key in (WHOLESALE_PRICE_KEY, RETAIL_PRICE_KEY)
}
_ZERO_IN_JSON: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # not a backslash and "u0000"
_PLAIN_PRICE: Final = re.compile(r"[0-9]{1,10}\.[0-9]{2}")


class StorableRow(NamedTuple):
    """A row as it is stored, its fields in the order in which they are copied.

    Attributes:
        amount: The main price; its currency is among the characteristics.
        characteristics: A JSON object, the currency among them.
        price_opt: The wholesale price (0 to 9,999,999,999.99 BYN) when the row has a usable one.
        price_rrc: The retail or recommended price, likewise.
    """

    sku: str
    name: str
    amount: Decimal
    characteristics: str
    price_opt: Decimal | None
    price_rrc: Decimal | None
    sheet: str
    row_number: int


def storable_row(row: AcceptedRow) -> StorableRow:
    """Return the row as it is stored.

    Raises:
        RefusedError: it cannot be (`row.unstorable`).
    """
    if not 1 <= len(row.sku) <= SKU_LENGTH_MAX:
        raise RefusedError(UNSTORABLE, f"a sku has 1 to {SKU_LENGTH_MAX} characters")
    if not 1 <= len(row.name) <= NAME_LENGTH_MAX:
        raise RefusedError(UNSTORABLE, f"a name has 1 to {NAME_LENGTH_MAX} characters")
    if not is_text(row.sku + row.name):
        raise RefusedError(UNSTORABLE, "the sku or the name has a character that is none")
    characteristics = row.characteristics
    currency = row.price.currency
    is_usual = currency == DEFAULT_CURRENCY and CURRENCY_KEY not in characteristics
    if not (is_usual and isinstance(characteristics, dict)):
        characteristics = {k: v for k, v in characteristics.items() if k != CURRENCY_KEY}
        if currency != DEFAULT_CURRENCY:
            characteristics[CURRENCY_KEY] = currency
    return StorableRow(
        row.sku,
        row.name,
        row.price.amount,
        strict_json(characteristics, of="the row", encoder=_STRICT_ROW),
        _kind_price(row, WHOLESALE_PRICE_KEY),
        _kind_price(row, RETAIL_PRICE_KEY),
        row.sheet,
        row.row_number,
    )


def strict_json(value: object, *, of: str, encoder: json.JSONEncoder = _STRICT) -> str:
    """Return `value` as JSON that PostgreSQL takes, keys sorted.

    Args:
        value: What fits JSON.
        of: Whose value it is, for the message.
        encoder: Another one that is as strict.

    Raises:
        RefusedError: it has U+0000, half a character, NaN, an infinity or something that is no
            JSON (`row.unstorable`).
    """
    try:
        text = encoder.encode(value)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise RefusedError(UNSTORABLE, f"{of} holds a value that cannot be stored") from error
    if "\\u0000" in text and _ZERO_IN_JSON.search(text):
        raise RefusedError(UNSTORABLE, f"{of} holds the character U+0000")
    return text


def is_text(text: str) -> bool:
    """Tell whether PostgreSQL holds the text: no U+0000, no half of a character."""
    if "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _kind_price(row: AcceptedRow, key: str) -> Decimal | None:
    """Return a row's price of a kind; what is no price stays among the characteristics alone.

    So does an amount in another currency: readers take the columns for Belarusian roubles.
    """
    said: Mapping[str, object] = row.characteristics
    value = said.get(key)
    if value is None or isinstance(value, bool):
        return None
    if said.get(_CURRENCY_KEYS[key], row.price.currency) != DEFAULT_CURRENCY:
        return None
    if isinstance(value, str) and _PLAIN_PRICE.fullmatch(value):
        return Decimal(value)
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    if not amount.is_finite() or not 0 <= amount <= _KIND_PRICE_MAX:
        return None
    return amount.quantize(_CENT)
