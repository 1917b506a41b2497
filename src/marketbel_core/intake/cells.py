"""Cells as a person sees them: without invisible marks, figures without a needless ".0"."""

import unicodedata
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from marketbel_core.intake.grid import Cell

__all__ = ["cell_text", "clean_text"]


def clean_text(text: str) -> str:
    """Return `text` without invisible characters, its blanks collapsed, in Unicode form C."""
    if text.isascii():
        if text.isprintable() and "  " not in text and text[:1] != " " != text[-1:]:
            return text
    elif not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    if "  " in text or not text.isprintable() or text[:1] == " " or text[-1:] == " ":
        text = " ".join(text.split())
    if not text.isprintable():
        text = " ".join("".join(map(_visible, text)).split())
    return text


def _visible(character: str) -> str:
    """Return the character, or nothing for a zero-width mark, a NUL, half a surrogate pair."""
    return "" if unicodedata.category(character) in {"Cc", "Cf", "Cs"} else character


def cell_text(cell: Cell) -> str:
    """Return the cell as a person sees it: 123.0 is "123", a text keeps its leading zeros."""
    match cell:
        case None:
            return ""
        case str():
            return clean_text(cell)
        case bool():
            return "true" if cell else "false"
        case int() | float() | Decimal():
            return _number_text(cell)
        case date() | time() | timedelta():
            return _moment_text(cell)


def _number_text(number: float | Decimal) -> str:
    exact = Decimal(str(number))
    if not exact.is_finite():
        return str(number)
    return f"{exact.to_integral_value() if exact == exact.to_integral_value() else exact:f}"


def _moment_text(moment: date | time | timedelta) -> str:
    """Return ISO text; midnight is a date, because that is how sheets keep dates."""
    if isinstance(moment, timedelta):
        return str(moment)
    if isinstance(moment, datetime):
        return moment.isoformat(" ").removesuffix(" 00:00:00")
    return moment.isoformat()
