"""The cells of a row beside name and prices: texts, and characteristics that fit JSON."""

from collections.abc import Sequence
from typing import Final

from marketbel_core.intake.characteristics import barcode_of, json_value, stock_of
from marketbel_core.intake.grid import Cell
from marketbel_core.intake.layout import Layout, Role
from marketbel_core.intake.text import cell_text, clean_text

__all__ = ["RowValues"]

_KEPT_MAX: Final = 50_000
_NAMED_KEYS: Final = (
    (Role.UNIT, "unit"),
    (Role.PACK, "pack"),
    (Role.BRAND, "brand"),
    (Role.VENDOR_CODE, "vendor_code"),
    (Role.LINK, "link"),
    (Role.IMAGE, "image"),
    (Role.DESCRIPTION, "description"),
)


class RowValues:
    """Reads the cells of a sheet's rows; texts that repeat are cleaned once."""

    def __init__(self, layout: Layout, *, takes_all: bool) -> None:
        """Read by `layout`.

        Args:
            layout: Which column is what.
            takes_all: Whether a column that turns out to be filled further down counts as well.
        """
        self._texts: dict[str, str] = {}
        self._kept: dict[Cell, object] = {}
        self._stocks: dict[Cell, dict[str, object]] = {}
        columns = layout.columns
        named = [(columns[role], key) for role, key in _NAMED_KEYS if role in columns]
        self._named = tuple(named)
        self._others = dict(layout.characteristic_columns)
        self._stock = columns.get(Role.STOCK)
        self._barcode = columns.get(Role.BARCODE)
        self._category = columns.get(Role.CATEGORY)
        known = {*columns.values(), *layout.price_columns.values(), *self._others}
        self._known = known
        self._headers = layout.headers
        self._takes_all = takes_all
        self._spare = [column for column in range(max(known) + 1) if column not in known]
        self._width = max(known) + 1

    def text(self, row: Sequence[Cell], column: int | None) -> str:
        """Return the text of a cell, blank where there is none."""
        if column is None or column >= len(row):
            return ""
        cell = row[column]
        if cell is None:
            return ""
        return self._text(cell) if cell.__class__ is str else cell_text(cell)

    def own_text(self, row: Sequence[Cell], column: int | None) -> str:
        """Return the same for a column in which hardly two texts are alike: none is kept."""
        if column is None or column >= len(row):
            return ""
        cell = row[column]
        return clean_text(cell) if cell.__class__ is str else cell_text(cell)

    def _text(self, cell: str) -> str:
        found = self._texts.get(cell)
        if found is None:
            found = clean_text(cell)
            if len(self._texts) < _KEPT_MAX:
                self._texts[cell] = found
        return found

    def characteristics(self, row: Sequence[Cell], section: str) -> dict[str, object]:
        """Return what the row says beside name and price."""
        width = len(row)
        if self._takes_all and (self._spare or width > self._width):
            self._discover(row)
        found: dict[str, object] = {}
        kept = self._kept
        for column, key in self._others.items():
            if column < width and (cell := row[column]) is not None:
                value = kept.get(cell)
                if value is None:
                    value = self._json_value(cell)
                if value != "":
                    found[key] = value
        for column, key in self._named:
            if said := self.text(row, column):
                found[key] = said
        if category := self._category_of(row, section):
            found["_category"] = category
        if self._stock is not None or self._barcode is not None:
            found |= self._stock_and_barcode(row)
        return found

    def _stock_and_barcode(self, row: Sequence[Cell]) -> dict[str, object]:
        found: dict[str, object] = {}
        if self._stock is not None and self._stock < len(row):
            found |= self._stock_of(row[self._stock])
        if self._barcode is not None and (said := self.text(row, self._barcode)):
            found |= barcode_of(said)
        return found

    def _category_of(self, row: Sequence[Cell], section: str) -> str:
        own = self.text(row, self._category)
        return f"{section} / {own}" if own and section else own or section

    def _json_value(self, cell: Cell) -> object:
        """Return the cell for JSON; kept unless it may be equal to a cell of another kind."""
        value = json_value(cell)
        if isinstance(cell, str | float) and cell not in {0, 1} and len(self._kept) < _KEPT_MAX:
            self._kept[cell] = value
        return value

    def _stock_of(self, cell: Cell) -> dict[str, object]:
        if cell.__class__ is bool:
            return stock_of(cell)
        found = self._stocks.get(cell)
        if found is None:
            found = stock_of(cell)
            if len(self._stocks) < _KEPT_MAX:
                self._stocks[cell] = found
        return found

    def _discover(self, row: Sequence[Cell]) -> None:
        """Take up columns that had nothing in them as far as the layout was found by."""
        for column in (*self._spare, *range(self._width, len(row))):
            if column < len(row) and self.text(row, column):
                self._known.add(column)
                key = self._headers.get(column, "").lower().replace(" ", "_").replace("-", "_")
                key = key[:100] or f"column_{column + 1}"
                taken = key in self._others.values()
                self._others[column] = f"{key}_{column + 1}" if taken else key
                self._spare = [spare for spare in self._spare if spare != column]
                if column >= self._width:
                    self._spare += range(self._width, column)
                    self._width = column + 1
