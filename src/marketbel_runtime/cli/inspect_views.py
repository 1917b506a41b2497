"""What people see of a list that was looked into: its sheets, columns, first rows and figures."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from marketbel_core.intake import AcceptedRow, RowEvent, RowRejection, SheetSummary, UnpricedRow
from marketbel_runtime.cli.output import print_lines, visible

__all__ = ["Seen", "column_letters", "price_sum_text", "show", "timing_line"]

_EXAMPLES_MAX: Final = 3
_CELL_LENGTH_MAX: Final = 60
_ALPHABET: Final = 26
_CENT: Final = Decimal("0.01")
_OTHERS_SHOWN: Final = 8


class Seen:
    """What was seen of a file: the figures of all sheets, and few of their rows."""

    def __init__(self, *, rows_max: int) -> None:
        """Keep up to `rows_max` accepted rows of each sheet, and some of the others."""
        self._rows_max = rows_max
        self.sheets: list[SheetSummary] = []
        self.accepted: dict[str, list[AcceptedRow]] = defaultdict(list)
        self.others: dict[str, list[RowRejection]] = defaultdict(list)
        self._counts: dict[tuple[str, str], int] = defaultdict(int)

    def take(self, events: Iterable[RowEvent]) -> None:
        """Look at some more of the file."""
        for event in events:
            match event:
                case AcceptedRow():
                    if len(self.accepted[event.sheet]) < self._rows_max:
                        self.accepted[event.sheet].append(event)
                case RowRejection():
                    self._keep(event)
                case UnpricedRow():
                    self._keep(event.as_rejection)
                case SheetSummary():
                    self.sheets.append(event)

    def _keep(self, row: RowRejection) -> None:
        kind = (row.sheet, row.code)
        self._counts[kind] += 1
        if self._counts[kind] <= _EXAMPLES_MAX:
            self.others[row.sheet].append(row)


def show(out: Console, name: str, seen: Seen) -> None:
    """Print the sheets of the file `name`, price lists first."""
    lists = [sheet for sheet in seen.sheets if sheet.is_price_list]
    items = sum(sheet.items for sheet in lists)
    if seen.sheets:
        counts = (
            _count(len(lists), "price list") + " in " + _count(len(seen.sheets), "sheet"),
            _count(items, "item"),
        )
        print_lines(out, [f"{name}: {', '.join(counts)}"])
    for sheet in lists:
        _show_list(out, sheet, seen)
    passed_over = [sheet for sheet in seen.sheets if not sheet.is_price_list]
    if passed_over:
        names = ", ".join(repr(sheet.name) for sheet in passed_over[:_OTHERS_SHOWN])
        more = len(passed_over) - _OTHERS_SHOWN
        tail = f" and {more} more" if more > 0 else ""
        print_lines(out, ["", f"no price list, passed over: {names}{tail}"])


def timing_line(seconds: Mapping[str, float]) -> str:
    """Return the seconds of each stage on one line."""
    return "seconds: " + ", ".join(f"{stage} {spent:.3f}" for stage, spent in seconds.items())


def price_sum_text(sheet: SheetSummary) -> str:
    """Return the sum of the sheet's prices, rounded once, with two decimals and a point."""
    return str(sheet.price_sum.quantize(_CENT, rounding=ROUND_HALF_UP))


def column_letters(index: int) -> str:
    """Return a column as spreadsheets name it: 0 is A, 26 is AA."""
    letters = ""
    number = index + 1
    while number:
        number, rest = divmod(number - 1, _ALPHABET)
        letters = chr(ord("A") + rest) + letters
    return letters


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def _show_list(out: Console, sheet: SheetSummary, seen: Seen) -> None:
    header = {None: "", 0: ", no header"}.get(
        sheet.header_row, f", header in row {sheet.header_row}"
    )
    confidence = f", confidence {sheet.confidence:.0%}"
    print_lines(out, ["", f"== {sheet.name}: {_count(sheet.items, 'item')}{header}{confidence}"])
    headers = sheet.layout.headers if sheet.layout else {}
    _show_table(
        out,
        ["what", "column", "its header"],
        [
            [role, column_letters(column), headers.get(column, "")]
            for role, column in sorted(sheet.columns.items(), key=lambda item: item[1])
        ],
    )
    print_lines(out, [f"why: {'; '.join(sheet.reasons)}"] if sheet.reasons else [])
    _show_rows(out, seen.accepted[sheet.name])
    figures = (
        f"{_count(sheet.items, 'item')}, sum of prices {price_sum_text(sheet)}",
        _count(sheet.sections, "section"),
        f"{sheet.rejected:,} rejected",
        f"{sheet.no_price:,} without a price",
    )
    print_lines(out, ["; ".join(figures)])
    _show_others(out, seen.others[sheet.name])


def _show_rows(out: Console, rows: Sequence[AcceptedRow]) -> None:
    if not rows:
        return
    _show_table(
        out,
        ["row", "sku", "name", "price", "category"],
        [
            [
                str(row.row_number),
                row.sku,
                row.name,
                f"{row.price.amount} {row.price.currency}",
                str(row.characteristics.get("_category", "")),
            ]
            for row in rows
        ],
    )


def _show_others(out: Console, rows: Sequence[RowRejection]) -> None:
    if not rows:
        return
    _show_table(
        out,
        ["row", "why not", "cell"],
        [
            [str(row.row_number), f"{row.message} ({row.code})", row.value]
            for row in sorted(rows, key=lambda row: (row.code, row.row_number))
        ],
    )


def _show_table(out: Console, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(*heads, header_style="bold")
    for row in rows:
        table.add_row(*(Text(_short(cell)) for cell in row))
    out.print(table)


def _short(cell: str) -> str:
    text = visible(" ".join(cell.split()))
    return text if len(text) <= _CELL_LENGTH_MAX else f"{text[: _CELL_LENGTH_MAX - 1]}…"
