"""What commands write: tables for people on stderr or stdout, one JSON object for programs."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

__all__ = ["console", "in_columns", "print_lines", "print_table", "visible", "write_json"]

_BETWEEN: Final = "  "


def console(*, as_json: bool) -> Console:
    """Return where people read: stdout, or stderr without colour when stdout is a program's."""
    if as_json:
        return Console(stderr=True, no_color=True, highlight=False)
    return Console(highlight=False)


def print_lines(out: Console, lines: Sequence[str]) -> None:
    """Print the lines as they are, each whole, whatever the width of the terminal.

    They may hold what strangers typed: characters that nobody sees, and that might steer a
    terminal, are shown as U+FFFD.
    """
    for line in lines:
        out.print(Text(visible(line)), soft_wrap=True)


def print_table(out: Console, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns as wide as their widest cell, under their heads."""
    print_lines(out, in_columns([heads, *rows]))


def in_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells, each as a line, in columns as wide as their widest cell."""
    shown = [[visible(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*shown, strict=True)]
    return [
        _BETWEEN.join(
            cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in shown
    ]


def write_json(result: Mapping[str, object]) -> None:
    """Write `result` as the last line of stdout."""
    sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def visible(text: str) -> str:
    """Return the text with U+FFFD for characters that nobody sees or that steer terminals."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
