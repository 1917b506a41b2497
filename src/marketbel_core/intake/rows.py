"""Rows of a price list: accepted as they will be stored, or rejected with the reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from marketbel_core.catalog import Money

__all__ = ["AcceptedRow", "ReadRows", "RowRejection"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedRow:
    """One line of a price list, ready to be stored.

    Attributes:
        row_number: The line's place in its sheet, from 1.
        sku: 1 to 255 characters; made from the name when the list has none.
        name: 1 to 500 characters.
        characteristics: Everything else that the line says; values fit JSON.
    """

    sheet: str
    row_number: int
    sku: str
    name: str
    price: Money
    characteristics: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRejection:
    """A row that was not accepted, and why.

    Attributes:
        row_number: The line's place in its sheet, from 1.
        column: What was wrong: `name`, `price`, `currency`, `sku`.
        value: The cell as it stood, as text.
        code: Stable, for machines: `row.no_price`.
        message: One sentence for people.
        cells: The whole row by column, values fit JSON.
    """

    sheet: str
    row_number: int
    column: str
    value: str
    code: str
    message: str
    cells: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRows:
    """What the reading of one file gave: every row with something in it is in one of the two."""

    accepted: tuple[AcceptedRow, ...]
    rejected: tuple[RowRejection, ...]
