"""Rows on their way from the process that reads them: batches of events as compact JSON.

Accepted rows pass as `RowLines` where they can: those are marked.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, fields
from decimal import Decimal
from typing import Any, Final

from marketbel_core.catalog import Money
from marketbel_core.intake import (
    AcceptedRow,
    LayoutChange,
    RememberedLayout,
    RowEvent,
    RowRejection,
    SheetSummary,
    UnpricedRow,
)

__all__ = ["LINES_MARK", "events_from", "line_from"]

LINES_MARK: Final = b"="
"""What no JSON value begins with."""


def line_from(events: Iterable[RowEvent]) -> bytes:
    """Return the events as one line of UTF-8; the sheet's name stands once before its rows.

    Cyrillic as it is takes half the bytes that its escapes do, and less time at both ends. Half a
    character passes, too: `json.loads` takes it.
    """
    coded: list[list[object]] = []
    sheet: str | None = None
    for event in events:
        if not isinstance(event, SheetSummary) and event.sheet != sheet:
            sheet = event.sheet
            coded.append(["=", sheet])
        coded.append(_coded(event))
    line = json.dumps(coded, separators=(",", ":"), ensure_ascii=False)
    return line.encode("utf-8", "surrogatepass")


def _coded(event: RowEvent) -> list[object]:
    match event:
        case AcceptedRow():
            price = event.price
            return [
                "a", event.row_number, event.sku, event.name, str(price.amount), price.currency,
                event.characteristics,
            ]  # fmt: skip
        case RowRejection():
            return [
                "r", event.row_number, event.column, event.value, event.code, event.message,
                event.cells,
            ]  # fmt: skip
        case UnpricedRow():
            return [
                "u", event.row_number, event.sku, event.name, event.value, event.message,
                event.code, event.characteristics, event.cells,
            ]  # fmt: skip
        case SheetSummary():
            return ["s", _summary(event)]


def _summary(sheet: SheetSummary) -> dict[str, object]:
    told = {each.name: getattr(sheet, each.name) for each in fields(sheet)}
    layout, change = sheet.layout, sheet.change
    return told | {
        "columns": dict(sheet.columns),
        "price_sum": str(sheet.price_sum),
        "layout": None if layout is None else layout.to_json(),
        "change": None if change is None else asdict(change),
    }


def events_from(line: bytes) -> tuple[RowEvent, ...]:
    """Return the events of a line that `line_from` made."""
    return tuple(_decoded(json.loads(line)))


def _decoded(coded: Sequence[Sequence[Any]]) -> Iterator[RowEvent]:
    sheet = ""
    for each in coded:
        match each[0]:
            case "a":
                _, number, sku, name, amount, currency, characteristics = each
                yield AcceptedRow(
                    sheet=sheet,
                    row_number=number,
                    sku=sku,
                    name=name,
                    price=Money(Decimal(amount), currency),
                    characteristics=characteristics,
                )
            case "=":
                sheet = each[1]
            case "r":
                _, number, column, value, code, message, cells = each
                yield RowRejection(
                    sheet=sheet,
                    row_number=number,
                    column=column,
                    value=value,
                    code=code,
                    message=message,
                    cells=cells,
                )
            case "u":
                _, number, sku, name, value, message, code, characteristics, cells = each
                yield UnpricedRow(
                    sheet=sheet,
                    row_number=number,
                    sku=sku,
                    name=name,
                    value=value,
                    message=message,
                    code=code,
                    characteristics=characteristics,
                    cells=cells,
                )
            case _:
                yield _decoded_summary(each[1])


def _decoded_summary(told: dict[str, Any]) -> SheetSummary:
    layout, change = told["layout"], told["change"]
    return SheetSummary(
        **told
        | {
            "price_sum": Decimal(told["price_sum"]),
            "reasons": tuple(told["reasons"]),
            "layout": None if layout is None else RememberedLayout.from_json(layout),
            "change": None if change is None else _decoded_change(change),
        }
    )


def _decoded_change(told: dict[str, list[str]]) -> LayoutChange:
    return LayoutChange(**{name: tuple(texts) for name, texts in told.items()})
