"""Amounts of money as the catalogue keeps them: to the cent, never negative, one currency each."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

__all__ = ["AMOUNT_MAX", "CURRENCIES", "DEFAULT_CURRENCY", "UNKNOWN_CURRENCY", "Money"]

DEFAULT_CURRENCY: Final = "BYN"
UNKNOWN_CURRENCY: Final = "XXX"
"""ISO 4217's code for "no currency": something is named that we do not know."""

AMOUNT_MAX: Final = Decimal("99999999.99")
"""The largest amount that a NUMERIC(10,2) column holds."""

CURRENCIES: Final = frozenset({
    "BYN", "RUB", "USD", "EUR", "UAH", "KZT", "PLN", "CNY", "GBP", "CHF", "TRY", "CZK", "UZS",
    "GEL", "AMD", "AZN", "KGS", "MDL", "TJS", "TMT", "SEK", "NOK", "DKK", "HUF", "RON", "BGN",
    "RSD", "ILS", "AED", "INR", "JPY", "KRW", "HKD", "SGD", "THB", "VND", "CAD", "AUD", "NZD",
    "MNT", "SAR", "BRL", "MXN", "ZAR",
})  # fmt: skip
"""The ISO 4217 codes that lists may name; BYR is not in use: 10,000 of it made one BYN."""

_ZERO: Final = Decimal(0)
_CENT: Final = Decimal("0.01")
_CURRENCY: Final = re.compile("[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency, held to the cent.

    Attributes:
        amount: Major units (roubles, not kopecks), 0 to 99,999,999.99, two decimals.
        currency: ISO 4217 code, upper case.
    """

    amount: Decimal
    currency: str = DEFAULT_CURRENCY

    def __post_init__(self) -> None:
        amount = self.amount
        if not amount.is_finite() or not _ZERO <= amount <= AMOUNT_MAX:
            raise ValueError(f"amount must be between 0 and {AMOUNT_MAX}, got {amount}")
        if not amount.same_quantum(_CENT) and amount != amount.quantize(_CENT):
            raise ValueError(f"amount must have at most two decimals, got {amount}")
        if self.currency not in CURRENCIES and not _CURRENCY.fullmatch(self.currency):
            raise ValueError(f"currency must be three capital letters, got {self.currency!r}")
