"""Units as people write them on price lists, and the base unit each is counted in."""

from decimal import Decimal
from typing import Final

__all__ = ["PIECES", "UNIT_PATTERN", "Quantity", "quantity_in", "quantity_of", "quantity_token"]

type Quantity = tuple[Decimal, str]
"""An amount in the base unit of its dimension: millilitres, grams, millimetres, pieces, …"""

PIECES: Final = "pcs"

_SPELLINGS: Final[dict[str, dict[str, int]]] = {
    # base unit: spelling -> how many base units it is
    "ml": {"мл": 1, "ml": 1, "л": 1000, "l": 1000, "литр": 1000, "литра": 1000, "литров": 1000,
           "ltr": 1000, "lt": 1000, "litre": 1000, "litres": 1000, "liter": 1000, "cl": 10},
    "g": {"г": 1, "гр": 1, "g": 1, "gr": 1, "кг": 1000, "kg": 1000, "kgs": 1000},
    "mm": {"мм": 1, "mm": 1, "см": 10, "cm": 10, "м": 1000, "m": 1000},
    "inch": {"inch": 1, "inches": 1, "дюйм": 1, "дюйма": 1, "дюймов": 1, "zoll": 1,
             '"': 1, "'": 1, "''": 1, "″": 1, "”": 1},
    "w": {"вт": 1, "w": 1, "watt": 1, "watts": 1, "ватт": 1, "квт": 1000, "kw": 1000},
    "v": {"в": 1, "v": 1, "volt": 1, "volts": 1, "вольт": 1},
    "mah": {"mah": 1, "мач": 1, "ah": 1000, "ач": 1000},
    "gb": {"гб": 1, "gb": 1, "gbyte": 1, "тб": 1000, "tb": 1000},
    "mb": {"мб": 1, "mb": 1},
    "mhz": {"мгц": 1, "mhz": 1, "ггц": 1000, "ghz": 1000},
    "mp": {"мп": 1, "mp": 1, "mpix": 1, "megapixel": 1, "megapixels": 1, "мпикс": 1},
    "rpm": {"rpm": 1},
    PIECES: {"шт": 1, "штук": 1, "штуки": 1, "pcs": 1, "pc": 1, "pieces": 1, "pack": 1, "pk": 1},
}  # fmt: skip
_UNITS: Final[dict[str, tuple[str, int]]] = {
    spelling: (base, factor)
    for base, spellings in _SPELLINGS.items()
    for spelling, factor in spellings.items()
}
UNIT_PATTERN: Final = "|".join(sorted(_UNITS, key=lambda unit: (-len(unit), unit)))
"""Alternatives of a regular expression, the longest first."""


def quantity_of(amount: str, unit: str) -> Quantity:
    """Return the amount in base units; `amount` is digits with at most one decimal mark."""
    base, factor = _UNITS[unit]
    return (Decimal(amount.replace(",", ".")) * factor).normalize(), base


def quantity_token(quantity: Quantity) -> str:
    """Return one spelling of a quantity for all: `1500ml`."""
    amount, unit = quantity
    return f"{amount:f}{unit}"


def quantity_in(token: str) -> Quantity:
    """Return the quantity that `quantity_token` spelt."""
    unit = token.lstrip("0123456789.")
    return Decimal(token.removesuffix(unit)).normalize(), unit
