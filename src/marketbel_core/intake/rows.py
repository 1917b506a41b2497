"""Rows of a price list: accepted as they will be stored, without a price, or rejected."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from marketbel_core.catalog import Money
from marketbel_core.intake.remembered import LayoutChange, RememberedLayout

__all__ = [
    "AcceptedRow",
    "ReadRows",
    "RowEvent",
    "RowRejection",
    "SheetSummary",
    "UnpricedRow",
]


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
        code: Stable, for machines: `row.name_blank`.
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
class SheetSummary:
    """What a sheet turned out to be; follows the sheet's rows.

    Attributes:
        is_price_list: Whether it has a column of names and one of prices.
        header_row: The last line with header text of its own, from 1; 0 when there is none;
            `None` where rows have no numbers (a PDF), or the sheet is no price list.
        columns: Index of the column of each role, from 0.
        items: How many rows were accepted.
        sections: How many rows are titles of sections.
        rejected: How many rows were rejected.
        no_price: How many products have no price.
        price_sum: Sum of the accepted prices as the list has them, before rounding to the cent,
            whatever their currencies.
        confidence: How sure the layout is, 0.0 to 1.0.
        reasons: How the layout was decided, in sentences for people.
        layout: What to remember for the supplier's next file.
        change: How the structure differs from the remembered one; `None`: it does not, or nothing
            was remembered.
    """

    name: str
    is_price_list: bool
    header_row: int | None = None
    columns: Mapping[str, int] = field(default_factory=dict)
    items: int = 0
    sections: int = 0
    rejected: int = 0
    no_price: int = 0
    price_sum: Decimal = Decimal(0)
    confidence: float = 0.0
    reasons: tuple[str, ...] = ()
    layout: RememberedLayout | None = None
    change: LayoutChange | None = None


type RowEvent = AcceptedRow | RowRejection | UnpricedRow | SheetSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRows:
    """What the reading of one file gave: every row with something in it is in one of three."""

    accepted: tuple[AcceptedRow, ...]
    rejected: tuple[RowRejection, ...]
    unpriced: tuple[UnpricedRow, ...] = ()
    sheets: tuple[SheetSummary, ...] = ()

    @property
    def events(self) -> tuple[RowEvent, ...]:
        """All of it in one line."""
        return (*self.accepted, *self.rejected, *self.unpriced, *self.sheets)

    @property
    def without_item(self) -> tuple[RowRejection, ...]:
        """The rows that gave no item: the rejected ones and those without a price."""
        return (*self.rejected, *(row.as_rejection for row in self.unpriced))
