"""Rows of a price list: accepted as they will be stored, or rejected with the reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from marketbel_core.catalog import Money

__all__ = ["AcceptedRow", "ReadRows", "RowRejection", "UnpricedRow"]


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
class UnpricedRow:
    """A product without a price: "on request", a dash, a zero, nothing. No item, and no error.

    Attributes:
        row_number: The line's place in its sheet, from 1.
        sku: As of an accepted row.
        name: As of an accepted row.
        value: The cell of the price as it stood, as text.
        message: One sentence for people.
        code: Stable, for machines.
        characteristics: As of an accepted row.
        cells: The whole row by column, values fit JSON.
    """

    sheet: str
    row_number: int
    sku: str
    name: str
    value: str
    message: str
    code: str = "row.no_price"
    characteristics: Mapping[str, object] = field(default_factory=dict)
    cells: Mapping[str, object] = field(default_factory=dict)

    @property
    def as_rejection(self) -> RowRejection:
        """The row among those that gave no item."""
        return RowRejection(
            sheet=self.sheet,
            row_number=self.row_number,
            column="price",
            value=self.value,
            code=self.code,
            message=self.message,
            cells=self.cells,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRows:
    """What the reading of one file gave: every row with something in it is in one of the two."""

    accepted: tuple[AcceptedRow, ...]
    rejected: tuple[RowRejection, ...]
