"""The process that reads a stranger's list, because some files take the process with them.

Run by `frames_of_confined`: stdin is the file, the first argument the descriptor of a file with
the wish. stdout is frames, the length of each before it, most of them JSON: `{"opened": …}`, then
lists of events and, after a mark, lines of rows, or `{"refused": code, "message": …}` wherever
that turns out; `{"missing": …}` names a package that is not installed.
"""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from itertools import batched
from typing import BinaryIO, Final

from marketbel_adapters.row_lines import RowLines
from marketbel_adapters.sources.confined import FRAME_HEAD_BYTES
from marketbel_adapters.sources.event_lines import LINES_MARK, line_from
from marketbel_adapters.sources.reading import Wish, open_list
from marketbel_core.errors import RefusedError
from marketbel_core.intake import AcceptedRow, RowEvent

__all__ = ["BATCH_EVENTS", "main"]

BATCH_EVENTS: Final = 500
"""Rows that are taken apart in a few milliseconds: so long no other task of the worker moves."""

_BATCH_LINES: Final = 4_000
"""Nobody takes these apart."""


def main(arguments: list[str]) -> int:
    """Read the list on stdin and write its rows; return the exit code."""
    with open(int(arguments[0]), "rb") as told:  # noqa: PTH123 - a descriptor
        told.seek(0)
        wish = Wish.from_json(told.read())
    with open(0, "rb", closefd=False) as file:
        try:
            _write_list(file, wish, sys.stdout.buffer)
        except RefusedError as refusal:
            _write(sys.stdout.buffer, _told({"refused": refusal.code, "message": str(refusal)}))
        except ModuleNotFoundError as error:
            _write(sys.stdout.buffer, _told({"missing": error.name}))
        except MemoryError:
            os.abort()  # as the parsers do that are no Python: one sign for one thing
    return 0


def _write_list(file: BinaryIO, wish: Wish, out: BinaryIO) -> None:
    opened = open_list(file, wish)
    _write(out, _told({"opened": opened.rows_max}))
    for batch in batched(opened.events, _BATCH_LINES):
        for frame in _frames(batch):
            _write(out, frame)


def _frames(events: Sequence[RowEvent]) -> Iterator[bytes]:
    """Yield the accepted rows as lines if they can be, and one by one what else is told."""
    others = events
    lines = RowLines.of(event for event in events if event.__class__ is AcceptedRow)
    if lines:
        yield LINES_MARK + lines.text
        others = [event for event in events if event.__class__ is not AcceptedRow]
    for batch in batched(others, BATCH_EVENTS):
        yield line_from(batch)


def _told(value: dict[str, object]) -> bytes:
    return json.dumps(value).encode()


def _write(out: BinaryIO, frame: bytes) -> None:
    out.write(len(frame).to_bytes(FRAME_HEAD_BYTES))
    out.write(frame)
    out.flush()
