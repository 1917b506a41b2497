"""Price lists read on the spot: a stored file to batches of rows, as they are read."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from itertools import batched
from pathlib import Path
from typing import BinaryIO, Final

from marketbel_adapters.row_lines import RowLines
from marketbel_adapters.sources.checks.sniffing import HEAD_BYTES, Form, sniffed
from marketbel_adapters.sources.confining import (
    ChildDiedError,
    ChildEnd,
    ChildLimits,
    frames_of_confined,
)
from marketbel_adapters.sources.event_lines import LINES_MARK, events_from
from marketbel_adapters.sources.handles import opened, spooled
from marketbel_adapters.sources.reading import Wish, open_list
from marketbel_core.catalog import FileType, GivenLayout
from marketbel_core.errors import RefusedError, UnavailableError
from marketbel_core.ids import FileKey
from marketbel_core.intake import RememberedLayout, RowEvent
from marketbel_core.ports import FileStore, RowBatch, RowReader

__all__ = ["READING_LIMITS", "LocalRowReader", "read_path", "reading_limits"]

_CHILD: Final = "marketbel_adapters.sources.reading_child"
_BATCH_EVENTS: Final = 500
_PATIENCE: Final = 1.15
"""How much longer than its processor time a reading may last: on a busy machine it waits, too."""


def reading_limits(cpu_seconds_max: int) -> ChildLimits:
    """Return the limits of a reading that may take that much processor time."""
    return ChildLimits(
        cpu_seconds_max=cpu_seconds_max, wall_seconds_max=cpu_seconds_max * _PATIENCE
    )


READING_LIMITS: Final = reading_limits(240)

_SMALL_TEXT_BYTES: Final = 256 * 1024
"""Up to this a text is read in a thread: that takes less than a process takes to start, and no
parser but Python's own ever sees it."""

_TEXTS: Final = frozenset({Form.TEXT, Form.BINARY, Form.MARKUP, Form.FORBIDDEN})

_TOO_LONG: Final = (
    "file.too_complex",
    (
        "the file takes more time to read than a price list may; split it, or save it again "
        "without unused sheets and formatting"
    ),
)
_DEATHS: Final = {
    ("xlsx", ChildEnd.MEMORY): (
        "xlsx.sheet_too_large",
        (
            "a sheet is too large: it needs more memory than a price list may; delete empty rows "
            "and columns, or split the list"
        ),
    ),
    ("xlsx", ChildEnd.FAULT): (
        "xlsx.corrupt",
        "the workbook cannot be opened; save it again as xlsx",
    ),
    ("pdf", ChildEnd.MEMORY): (
        "pdf.too_large",
        "the PDF needs more memory than a price list may; split it",
    ),
    ("pdf", ChildEnd.FAULT): (
        "pdf.corrupt",
        "the PDF cannot be read; save it again, or send the list as xlsx",
    ),
    ("csv", ChildEnd.MEMORY): (
        "file.too_complex",
        "the text needs more memory than a price list may; split it",
    ),
    ("csv", ChildEnd.FAULT): ("csv.encoding", "the text cannot be read; save it as UTF-8"),
}


def _untold(rows_max: int | None) -> None:
    """Tell nobody how many rows there may be."""


class LocalRowReader(RowReader):
    """Reads the lists of a file store: csv files, workbooks and PDFs with text in them."""

    def __init__(
        self,
        files: FileStore,
        *,
        path_of: Callable[[FileKey], Path] | None = None,
        cpu_seconds_max: int = 240,
    ) -> None:
        """Read the files of `files`.

        Args:
            files: Where they rest.
            path_of: Where each lies on this machine, if it does: what reads it opens that, and no
                byte passes through this process. `None` reads it through the port.
            cpu_seconds_max: Processor time for each.
        """
        self._files = files
        self._path_of = path_of
        self._limits = reading_limits(cpu_seconds_max)

    async def read(
        self,
        key: FileKey,
        *,
        file_type: FileType,  # noqa: ARG002 - names are wrong; what is inside is not
        sheet_name: str | None = None,
        layout: GivenLayout | None = None,
        remembered: Mapping[str, RememberedLayout] | None = None,
    ) -> AsyncIterator[RowBatch]:
        wish = Wish(sheet_name=sheet_name, layout=layout, remembered=remembered or {})
        if self._path_of is None:
            content = await self._files.read(key)
            file = await asyncio.to_thread(spooled, content)
            del content
        else:
            file = await asyncio.to_thread(opened, self._path_of(key))
        with file:
            async with aclosing(_batches(file, wish, self._limits)) as batches:
                async for batch in batches:
                    yield batch


async def read_path(
    path: Path,
    *,
    wish: Wish,
    limits: ChildLimits = READING_LIMITS,
    on_opened: Callable[[int | None], None] = _untold,
) -> AsyncGenerator[RowBatch]:
    """Yield the rows of any file of this machine; links are followed.

    Args:
        path: The file.
        wish: How to read it.
        limits: For the process that does.
        on_opened: Is told how many rows there may be (`None`: nobody knows) before the first.

    Raises:
        RefusedError: as `RowReader.read`.
        UnavailableError: it cannot be read now (`storage.unavailable`, `check.unavailable`).
    """
    with await asyncio.to_thread(lambda: opened(path.resolve())) as file:
        async with aclosing(_batches(file, wish, limits, on_opened)) as batches:
            async for batch in batches:
                yield batch


async def _batches(
    file: BinaryIO,
    wish: Wish,
    limits: ChildLimits,
    on_opened: Callable[[int | None], None] = _untold,
) -> AsyncGenerator[RowBatch]:
    form, is_small = await asyncio.to_thread(_looked_at, file)
    if form in _TEXTS and is_small:
        for batch in batched(await asyncio.to_thread(_whole, file, wish), _BATCH_EVENTS):
            yield RowBatch(events=batch)
        return
    try:
        with await asyncio.to_thread(spooled, wish.to_json()) as told:
            frames = frames_of_confined(_CHILD, stdin=file, limits=limits, passed=told)
            async with aclosing(frames):
                async for frame in frames:
                    if frame.startswith(LINES_MARK):
                        text = frame.removeprefix(LINES_MARK)
                        yield RowBatch(rows=RowLines(text, text.count(b"\n")))
                    elif frame.startswith(b"["):
                        yield RowBatch(events=events_from(frame))
                    else:
                        on_opened(_opening(frame))
    except ChildDiedError as death:
        raise _refusal(form, death.end) from death
    except OSError as error:
        raise UnavailableError(
            f"the file cannot be read now: {error.strerror}", code="check.unavailable"
        ) from error


def _looked_at(file: BinaryIO) -> tuple[Form, bool]:
    """Return the form of the file, and whether it is small.

    Raises:
        RefusedError: `file.empty`.
    """
    head = file.read(HEAD_BYTES)
    size_bytes = file.seek(0, 2)
    file.seek(0)
    if not head:
        raise RefusedError("file.empty", "the file is empty; send the price list again")
    return sniffed(head).form, size_bytes <= _SMALL_TEXT_BYTES


def _whole(file: BinaryIO, wish: Wish) -> list[RowEvent]:
    return list(open_list(file, wish).events)


def _opening(frame: bytes) -> int | None:
    """Return how many rows there may be.

    Raises:
        RefusedError: the frame says that the file is refused.
        UnavailableError: it says that a package is not installed (`extra.missing`).
    """
    told = json.loads(frame)
    if "refused" in told:
        raise RefusedError(told["refused"], told["message"])
    if "missing" in told:
        package = str(told["missing"])
        extra = "pdf" if package.startswith("pdf") else "excel"
        raise UnavailableError(
            f"this kind of file cannot be read without the package {package}: "
            f"pip install 'marketbel[{extra}]'",
            code="extra.missing",
        )
    rows_max = told["opened"]
    assert rows_max is None or isinstance(rows_max, int), "a count of rows"  # noqa: S101
    return rows_max


def _refusal(form: Form, end: ChildEnd) -> RefusedError:
    family = "csv" if form in _TEXTS else "pdf" if form is Form.PDF else "xlsx"
    return RefusedError(*_DEATHS.get((family, end), _TOO_LONG))
