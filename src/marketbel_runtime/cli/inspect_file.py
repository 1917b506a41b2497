"""`marketbel inspect`: what would be read of a price list, without importing anything."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from marketbel_core.errors import MarketbelError, RefusedError
from marketbel_core.intake import SheetSummary
from marketbel_runtime.cli.choices import settings_of
from marketbel_runtime.cli.inspect_views import Seen, price_sum_text, show, timing_line
from marketbel_runtime.cli.output import console, print_lines, write_json
from marketbel_runtime.cli.waiting import Bar
from marketbel_runtime.settings import Settings

__all__ = ["inspect_file"]

_FAILED: Final = 1
_ROWS: Final = 5
_ROWS_MAX: Final = 1_000


def inspect_file(
    file: Annotated[Path, typer.Argument(help="Any file on this machine.", metavar="FILE")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
    rows: Annotated[
        int, typer.Option(min=0, max=_ROWS_MAX, help="How many rows of each sheet to show.")
    ] = _ROWS,
    timing: Annotated[
        bool, typer.Option("--timing", help="Say how many seconds each stage took.")
    ] = False,
) -> None:
    """Show what would be read of FILE; import nothing. Exit status 1 when it is refused."""
    settings = settings_of("JOB_TIMEOUT", "XLSX_MACROS")
    out = console(as_json=as_json)
    seen = Seen(rows_max=rows)
    stages = _Stages()
    refusal: MarketbelError | None = None
    try:
        asyncio.run(_look(file, settings, seen, stages))
    except MarketbelError as error:
        refusal = error
        stages.end("until refused")
    show(out, file.name, seen)
    if refusal is not None:
        _tell(out, f"refused: {refusal} ({refusal.code})")
    if timing:
        _tell(out, timing_line(stages.seconds))
    if as_json:
        told: dict[str, object] = {"sheets": [_told(sheet) for sheet in seen.sheets]}
        if refusal is not None:
            told = {"ok": False, "code": refusal.code, "message": str(refusal)} | told
        write_json(told | ({"timing": stages.rounded} if timing else {}))
    if refusal is not None:
        raise typer.Exit(_FAILED)


def _tell(out: Console, line: str) -> None:
    print_lines(out, [line])


class _Stages:
    """Seconds by stage, in the order in which they ended."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._begun = self._last = clock()
        self.seconds: dict[str, float] = {}

    @property
    def rounded(self) -> dict[str, float]:
        return {stage: round(seconds, 3) for stage, seconds in self.seconds.items()}

    def end(self, stage: str) -> None:
        """Say that `stage` has ended now."""
        now = self._clock()
        self.seconds.pop("total", None)
        self.seconds |= {stage: now - self._last, "total": now - self._begun}
        self._last = now


async def _look(file: Path, settings: Settings, seen: Seen, stages: _Stages) -> None:
    """Judge the file, then read it.

    Raises:
        MarketbelError: it is refused, or cannot be looked at now.
    """
    from marketbel_adapters.sources.checking import check_path  # noqa: PLC0415 - slow to import
    from marketbel_adapters.sources.reading import Wish  # noqa: PLC0415
    from marketbel_adapters.sources.rows import read_path, reading_limits  # noqa: PLC0415

    with Bar(file.name) as bar:
        _must_be_there(file)
        await check_path(file, macros_refused=settings.macros_refused)
        stages.end("check")

        def opened(rows_max: int | None) -> None:
            stages.end("open")
            bar.expect(rows_max)

        limits = reading_limits(settings.reading_cpu_seconds_max)
        async for batch in read_path(file, wish=Wish(), limits=limits, on_opened=opened):
            seen.take(batch.told)
            bar.advance(len(batch.rows) + len(batch.events))
        stages.end("read")


def _must_be_there(file: Path) -> None:
    """Refuse a path without a file.

    Raises:
        RefusedError: `source.missing`, `source.not_a_file`.
    """
    if not file.exists():
        raise RefusedError("source.missing", f"there is no file {file}")
    if not file.is_file():
        raise RefusedError("source.not_a_file", f"{file} is not a file")


def _told(sheet: SheetSummary) -> dict[str, object]:
    return {
        "name": sheet.name,
        "is_price_list": sheet.is_price_list,
        "header_row": sheet.header_row,
        "columns": dict(sheet.columns),
        "items": sheet.items,
        "sections": sheet.sections,
        "rejected": sheet.rejected,
        "no_price": sheet.no_price,
        "price_sum": price_sum_text(sheet),
    }
