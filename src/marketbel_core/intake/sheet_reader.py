"""One sheet to rows and what they amount to: its tables, one after another."""

from collections.abc import Iterator, Sequence
from itertools import islice

from marketbel_core.catalog import FileType
from marketbel_core.intake.grid import Grid
from marketbel_core.intake.made_skus import MadeSkus, RowKeys
from marketbel_core.intake.money_words import currency_in_title
from marketbel_core.intake.remembered import RememberedLayout, change_since
from marketbel_core.intake.rows import RowEvent, SheetSummary
from marketbel_core.intake.table_reader import SheetState, TableReader
from marketbel_core.intake.tables import NumberedRows, Table

__all__ = ["SheetReader"]


class SheetReader:
    """Reads one sheet table by table, each top to bottom, remembering the section it is in."""

    def __init__(
        self,
        grid: Grid,
        tables: Sequence[Table],
        *,
        file_type: FileType,
        is_said: bool = False,
        takes_all: bool = True,
    ) -> None:
        """Read the sheet by its tables.

        Args:
            grid: The sheet.
            tables: What stands beside each other in it, one at least.
            file_type: What the sheet comes from.
            is_said: Whether somebody said what the layout is: then no line begins another one.
            takes_all: Whether a column that turns out to be filled further down counts as well.
        """
        self._grid = grid
        self._tables = tables
        self._state = SheetState(
            name=grid.name,
            is_pdf=file_type is FileType.PDF,
            takes_all=takes_all,
            follows_headers=not is_said,
            currency=currency_in_title(grid.name),
        )
        self._readers = [TableReader(table, self._state) for table in tables]

    @property
    def lacks_skus(self) -> bool:
        """Whether article numbers are to be made from the names."""
        return any(reader.lacks_skus for reader in self._readers)

    def look_through(self, keys: RowKeys, *, comparing: bool) -> None:
        """Tell `keys` of every row that needs an article number, before the rows are read."""
        self._state.tried = 0
        for table, first in zip(self._tables, self._readers, strict=True):
            reader = first
            following = reader.look_through(self._rows(table), keys, comparing=comparing)
            while following is not None:
                rows, below = following
                reader = TableReader(below, self._state) if below is not None else reader
                following = reader.look_through(rows, keys, comparing=comparing)

    def events(
        self, skus: MadeSkus, keys: RowKeys, former: RememberedLayout | None
    ) -> Iterator[RowEvent]:
        """Yield every line that is an item or should be one, then what they amount to."""
        state = self._state
        state.skus, state.keys = skus, keys
        state.begun, state.tried = [], 0
        self._readers[0].go_under_title_above(self._tables[0].sample.rows)
        for table, first in zip(self._tables, self._readers, strict=True):
            reader = first
            following = yield from reader.events(self._rows(table))
            while following is not None:
                rows, below = following
                reader = TableReader(below, state) if below is not None else reader
                following = yield from reader.events(rows)
            state.sections.leave()
        yield self._summary(former)

    def _rows(self, table: Table) -> NumberedRows:
        start = table.layout.data_start_row
        return table.rows(enumerate(islice(self._grid.rows, start - 1, None), start))

    def _summary(self, former: RememberedLayout | None) -> SheetSummary:
        layout, state = self._tables[0].layout, self._state
        prices = {f"price:{kind}": column for kind, column in layout.price_columns.items()}
        columns = {role.value: column for role, column in layout.columns.items()} | prices
        now = RememberedLayout(
            header_row=layout.header_row, columns=columns, headers=layout.headers
        )
        return SheetSummary(
            name=self._grid.name,
            is_price_list=True,
            header_row=None if state.is_pdf else layout.header_row,
            columns=columns,
            items=state.items,
            sections=state.sections.count,
            rejected=state.rejected,
            no_price=state.no_price,
            price_sum=state.price_sum,
            confidence=layout.confidence,
            reasons=(*layout.reasons, *self._further_tables()),
            layout=now,
            change=change_since(former, now) if former else None,
        )

    def _further_tables(self) -> Iterator[str]:
        """Yield where further tables begin, in sentences for people."""
        for table in self._tables[1:]:
            yield f"another table stands beside it, from column {table.left + 1} on"
        for row in self._state.begun:
            yield f"another table with columns of its own begins in row {row}"
