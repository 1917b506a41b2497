"""A progress bar for what takes longer than a second; a quick command shows none."""

import threading
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

__all__ = ["Bar"]

_PATIENCE_SECONDS: Final = 1.0


class Bar:
    """Rows as they go by, on stderr, where that is a terminal."""

    def __init__(self, name: str, *, unit: str | None = "rows") -> None:
        """Show `name` and how many of `unit` have gone by; `None`: only that time goes by."""
        out = Console(stderr=True)
        counted = [] if unit is None else [TextColumn(f"{{task.completed:,}} {unit}")]
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            *counted,
            TimeElapsedColumn(),
            console=out,
            transient=True,
            disable=not out.is_terminal,
        )
        self._task = self._progress.add_task(escape(name), total=None)
        self._starting = threading.Timer(_PATIENCE_SECONDS, self._progress.start)
        self._starting.daemon = True

    def __enter__(self) -> Self:
        self._starting.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._starting.cancel()
        self._starting.join()
        self._progress.stop()

    def expect(self, rows_max: int | None) -> None:
        """Say how many rows there may be; `None`: nobody knows."""
        self._progress.update(self._task, total=rows_max)

    def advance(self, rows: int) -> None:
        """Say that `rows` more have gone by."""
        self._progress.advance(self._task, rows)
