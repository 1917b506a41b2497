"""A row reader that answers what it was told to."""

from collections.abc import AsyncIterator, Mapping
from itertools import batched
from typing import Final

from marketbel_core.catalog import FileType, GivenLayout
from marketbel_core.errors import RefusedError
from marketbel_core.ids import FileKey
from marketbel_core.intake import ReadRows, RememberedLayout, RowEvent, SheetSummary
from marketbel_core.ports import RowBatch, RowReader

__all__ = ["ScriptedRowReader"]

_BATCH_EVENTS: Final = 2_000


class ScriptedRowReader(RowReader):
    """Gives each key the rows, or raises the error, that the script has for it."""

    def __init__(self, script: Mapping[FileKey, ReadRows | RefusedError] | None = None) -> None:
        self._script = dict(script or {})
        self._by_layout: dict[tuple[FileKey, GivenLayout], ReadRows | RefusedError] = {}

    def tell(
        self, key: FileKey, answer: ReadRows | RefusedError, *, layout: GivenLayout | None = None
    ) -> None:
        """Give `key` an answer; a later one replaces it.

        Args:
            key: The file.
            answer: Its rows, or why they cannot be had.
            layout: Answer so only where this was said about the file.
        """
        if layout is None:
            self._script[key] = answer
        else:
            self._by_layout[key, layout] = answer

    async def read(
        self,
        key: FileKey,
        *,
        file_type: FileType,  # noqa: ARG002  # the script knows keys only
        sheet_name: str | None = None,
        layout: GivenLayout | None = None,
        remembered: Mapping[str, RememberedLayout] | None = None,  # noqa: ARG002  # the same
    ) -> AsyncIterator[RowBatch]:
        answer = self._script.get(key)
        if layout is not None:
            answer = self._by_layout.get((key, layout), answer)
        if answer is None:
            raise RefusedError("storage.missing", f"no file is stored under {key}")
        if isinstance(answer, RefusedError):
            raise answer
        events = answer.events
        if sheet_name is not None:
            events = tuple(event for event in events if _sheet(event) == sheet_name)
        for batch in batched(events, _BATCH_EVENTS):
            yield RowBatch(events=batch)


def _sheet(event: RowEvent) -> str:
    return event.name if isinstance(event, SheetSummary) else event.sheet
