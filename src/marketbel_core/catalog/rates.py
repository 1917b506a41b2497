"""Exchange rates: in which currency the catalogue compares prices, and what others are worth."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from types import MappingProxyType
from typing import Final, Self

from marketbel_core.catalog.money import AMOUNT_MAX, DEFAULT_CURRENCY, Money

__all__ = ["ExchangeRates"]

_CENT: Final = Decimal("0.01")
_CURRENCY: Final = re.compile("[A-Z]{3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRates:
    """What an amount is worth in the catalogue's currency, where somebody said so.

    Attributes:
        currency: The catalogue's own, ISO 4217, upper case.
        rates: How much of it one unit of another currency is worth, above 0, by code.
    """

    currency: str = DEFAULT_CURRENCY
    rates: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        for code, rate in self.rates.items():
            if not _CURRENCY.fullmatch(code):
                raise ValueError(f"a currency is three capital letters, got {code!r}")
            if not rate.is_finite() or rate <= 0:
                raise ValueError(f"the rate of {code} must be above 0, got {rate}")
        if self.rates.get(self.currency, 1) != 1:
            raise ValueError(f"{self.currency} is the catalogue's own currency: its rate is 1")

    @classmethod
    def parse(cls, text: str, *, currency: str) -> Self:
        """Return the rates written as `USD=3.2,RUB=0.035`; blanks around the parts are allowed.

        Raises:
            ValueError: a part is no code and rate, or a code comes twice.
        """
        rates: dict[str, Decimal] = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            code, equals, rate = (piece.strip() for piece in part.partition("="))
            if not equals or code in rates:
                raise ValueError(f"write each currency once, as USD=3.2; got {part!r}")
            try:
                rates[code] = Decimal(rate)
            except InvalidOperation as error:
                raise ValueError(f"the rate of {code} is no number: {rate!r}") from error
        return cls(currency=currency, rates=MappingProxyType(rates))

    def worth(self, price: Money) -> Decimal | None:
        """Return `price` in the catalogue's currency, rounded half up to the cent.

        `None` where nobody said what its currency is worth, or where it is worth more than the
        catalogue can keep: such a price is compared with no other.
        """
        if price.currency == self.currency:
            return price.amount
        rate = self.rates.get(price.currency)
        if rate is None:
            return None
        worth = (price.amount * rate).quantize(_CENT, ROUND_HALF_UP)
        return worth if worth <= AMOUNT_MAX else None
