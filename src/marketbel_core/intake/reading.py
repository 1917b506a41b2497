"""A file's sheets to rows: which of them are read, how, and what they amount to."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from marketbel_core.catalog import FileType, GivenLayout
from marketbel_core.errors import RefusedError
from marketbel_core.intake.following import MissingColumns, follow_layout
from marketbel_core.intake.grid import DEFAULT_SHEET_NAME, Grid
from marketbel_core.intake.layout import layout_of
from marketbel_core.intake.made_skus import MadeSkus, RowKeys
from marketbel_core.intake.mojibake import mended
from marketbel_core.intake.refining import refined
from marketbel_core.intake.remembered import RememberedLayout
from marketbel_core.intake.rows import (
    AcceptedRow,
    ReadRows,
    RowEvent,
    RowRejection,
    SheetSummary,
    UnpricedRow,
)
from marketbel_core.intake.sample import sample_of
from marketbel_core.intake.sheet_reader import SheetReader
from marketbel_core.intake.tables import Table, tables_of

__all__ = ["gathered", "read_rows", "stream_rows"]


def stream_rows(
    grids: Sequence[Grid],
    *,
    sheet_name: str | None = None,
    layout: GivenLayout | None = None,
    file_type: FileType = FileType.EXCEL,
    remembered: Mapping[str, RememberedLayout] | None = None,
) -> Iterator[RowEvent]:
    """Yield the rows of every sheet, in the order of the file; each sheet ends with its summary.

    A sheet is gone through twice and never held: first for the sample that its layout is found
    by, then row by row.

    Args:
        grids: The sheets of one file.
        sheet_name: The only sheet to read, compared without regard to case; `None` means all.
            Where no sheet is called `DEFAULT_SHEET_NAME`, that name means the first.
        layout: What was said about the columns and rows. A sheet to which it does not apply is
            passed over, unless it applies to none.
        file_type: What the grids come from; the codes of refusals say it.
        remembered: The layouts of the supplier's last file, by sheet; what differs from them is
            told in the summaries.

    Raises:
        RefusedError: no sheet is called `sheet_name` (`xlsx.sheet_missing`); no sheet has the
            columns that `layout` names (`xlsx.header`, `csv.header`), or it names one for what no
            column is for (`job.invalid`).
    """
    sheets = _laid_out(mended(_wanted(grids, sheet_name)), layout, file_type)
    keys = _looked_through([reader for _, reader in sheets if reader and reader.lacks_skus])
    skus = MadeSkus()
    for name, reader in sheets:
        if reader is None:
            yield SheetSummary(name=name, is_price_list=False)
        else:
            yield from reader.events(skus, keys, (remembered or {}).get(name))


def _looked_through(readers: Sequence[SheetReader]) -> RowKeys:
    """Return what tells apart the rows of the sheets that have no article numbers."""
    keys = RowKeys()
    for reader in readers:
        reader.look_through(keys, comparing=False)
    if keys.are_repeated:
        for reader in readers:
            reader.look_through(keys, comparing=True)
    return keys


def read_rows(
    grids: Sequence[Grid],
    *,
    sheet_name: str | None = None,
    layout: GivenLayout | None = None,
    file_type: FileType = FileType.EXCEL,
    remembered: Mapping[str, RememberedLayout] | None = None,
) -> ReadRows:
    """Return all that `stream_rows` yields; for lists that fit the memory."""
    return gathered(
        stream_rows(
            grids,
            sheet_name=sheet_name,
            layout=layout,
            file_type=file_type,
            remembered=remembered,
        )
    )


def gathered(events: Iterable[RowEvent]) -> ReadRows:
    """Return the events sorted by what they are, each kind in its order."""
    accepted: list[AcceptedRow] = []
    rejected: list[RowRejection] = []
    unpriced: list[UnpricedRow] = []
    sheets: list[SheetSummary] = []
    for event in events:
        match event:
            case AcceptedRow():
                accepted.append(event)
            case RowRejection():
                rejected.append(event)
            case UnpricedRow():
                unpriced.append(event)
            case SheetSummary():
                sheets.append(event)
    return ReadRows(
        accepted=tuple(accepted),
        rejected=tuple(rejected),
        unpriced=tuple(unpriced),
        sheets=tuple(sheets),
    )


def _wanted(grids: Sequence[Grid], sheet_name: str | None) -> Sequence[Grid]:
    if sheet_name is None:
        return grids
    folded = sheet_name.strip().casefold()
    wanted = [grid for grid in grids if grid.name.strip().casefold() == folded]
    if not wanted and folded == DEFAULT_SHEET_NAME.casefold():
        return grids[:1]
    if not wanted:
        there = ", ".join(repr(grid.name) for grid in grids)
        raise RefusedError(
            "xlsx.sheet_missing", f"no sheet is called {sheet_name!r}; there are: {there}"
        )
    return wanted


def _laid_out(
    grids: Sequence[Grid], given: GivenLayout | None, file_type: FileType
) -> list[tuple[str, SheetReader | None]]:
    """Return the sheets by name, each with its reader if it is a price list."""
    found: list[tuple[str, SheetReader | None]] = []
    said = frozenset(given.column_mapping) if given else frozenset()
    lacking: list[MissingColumns] = []
    for grid in grids:
        sample = sample_of(grid)
        layout = layout_of(sample) if given is None else follow_layout(sample, given)
        if isinstance(layout, MissingColumns):
            lacking.append(layout)
            layout = None
        reader = None
        if layout is not None:
            tables = (
                tables_of(sample, layout)
                if given is None
                else [Table(sample, refined(sample, layout, said=said))]
            )
            reader = SheetReader(
                grid,
                tables,
                file_type=file_type,
                is_said=given is not None,
                takes_all=given is None or given.characteristic_columns is None,
            )
        found.append((grid.name, reader))
    if lacking and all(reader is None for _, reader in found):
        family = "csv" if file_type is FileType.CSV else "xlsx"
        nearest = min(lacking, key=lambda missing: missing.distance)
        raise RefusedError(f"{family}.header", nearest.sentence)
    return found
