"""Master sheets in a dict, read as any other."""

from marketbel_core.errors import MarketbelError, RefusedError
from marketbel_core.intake import Cell, Grid
from marketbel_core.intake.master_sheet import (
    DEFAULT_MASTER_SHEET_NAME,
    MasterSheetRows,
    read_master_sheet,
)
from marketbel_core.ports import MasterSheet

__all__ = ["MemoryMasterSheet"]


class MemoryMasterSheet(MasterSheet):
    """Reads what was put."""

    def __init__(self) -> None:
        self._books: dict[str, dict[str, Grid] | MarketbelError] = {}

    def put(
        self,
        location: str,
        rows: list[tuple[Cell, ...]],
        *,
        sheet_name: str = DEFAULT_MASTER_SHEET_NAME,
    ) -> None:
        """Have a workbook at `location`, with these rows on a sheet of it."""
        book = self._books.get(location)
        if not isinstance(book, dict):
            book = self._books[location] = {}
        book[sheet_name] = Grid(name=sheet_name, rows=tuple(rows))

    def fail(self, location: str, error: MarketbelError) -> None:
        """Have reading `location` raise `error`."""
        self._books[location] = error

    async def read(self, location: str, *, sheet_name: str | None = None) -> MasterSheetRows:
        book = self._books.get(location)
        if book is None:
            raise RefusedError("source.missing", f"there is no sheet at {location}")
        if isinstance(book, MarketbelError):
            raise book
        grids = {name.strip().casefold(): grid for name, grid in book.items()}
        wanted = (sheet_name or DEFAULT_MASTER_SHEET_NAME).strip().casefold()
        grid = grids.get(wanted)
        if grid is None and sheet_name is not None:
            raise RefusedError(
                "xlsx.sheet_missing", f"no sheet is called {sheet_name!r}; there are: {[*book]}"
            )
        return read_master_sheet(grid or next(iter(book.values())))
