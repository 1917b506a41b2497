"""Stored files judged before anybody reads them, each in a process of its own."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO, Final

from marketbel_adapters.sources.checks.facts import Asked
from marketbel_adapters.sources.checks.sniffing import Form
from marketbel_adapters.sources.confining import (
    ChildDiedError,
    ChildEnd,
    ChildLimits,
    run_confined,
)
from marketbel_adapters.sources.handles import opened, spooled
from marketbel_core.catalog import FileType, SourceType
from marketbel_core.errors import MarketbelError, RefusedError, UnavailableError
from marketbel_core.ids import FileKey
from marketbel_core.intake.stored_file import FileFacts
from marketbel_core.ports import FileInspector, FileStore

__all__ = ["CHECK_LIMITS", "ConfinedFileInspector", "check_path"]

_CHILD: Final = "marketbel_adapters.sources.checks.child"
CHECK_LIMITS: Final = ChildLimits(cpu_seconds_max=30, wall_seconds_max=45.0)
"""A sound file of 50 MiB takes three seconds; on a busy machine its turn may come late."""

_EXTRAS: Final = {"pypdfium2": "pdf", "python_calamine": "excel", "charset_normalizer": "excel"}
_WORKBOOKS: Final = frozenset({Form.ZIP, Form.OLE, Form.BIFF})

_TOO_COMPLEX: Final = (
    "file.too_complex",
    "the file takes more time or memory than a price list may; split it, or save it as xlsx",
)
_DEATHS: Final = {
    ("xlsx", ChildEnd.MEMORY): (
        "xlsx.sheet_too_large",
        "the workbook needs more memory than a price list may; delete what is far from the list",
    ),
    ("xlsx", ChildEnd.FAULT): (
        "xlsx.corrupt",
        "the workbook cannot be opened; save it again as xlsx",
    ),
    ("pdf", ChildEnd.MEMORY): (
        "pdf.too_large",
        "the PDF needs more memory than a price list may; split it",
    ),
    ("pdf", ChildEnd.FAULT): ("pdf.corrupt", "the PDF cannot be opened; save it again"),
}


class ConfinedFileInspector(FileInspector):
    """Has a child process with limits look at the file; this process never parses any of it."""

    def __init__(
        self,
        files: FileStore,
        *,
        path_of: Callable[[FileKey], Path] | None = None,
        macros_refused: bool = True,
        limits: ChildLimits = CHECK_LIMITS,
    ) -> None:
        """Judge the files of `files`.

        Args:
            files: Where they rest.
            path_of: Where each lies on this machine, if it does: the child opens that, and no
                byte passes through this process. `None` reads it through the port.
            macros_refused: Whether macros, external links and DDE refuse a workbook, or are only
                noted in its facts.
            limits: For each check.
        """
        self._files = files
        self._path_of = path_of
        self._macros_refused = macros_refused
        self._limits = limits

    async def inspect(
        self,
        key: FileKey,
        *,
        filename: str,
        mime_type: str | None,
        source_type: SourceType,
        sheet_name: str | None = None,
    ) -> FileFacts:
        asked = Asked(
            filename=filename,
            mime_type=mime_type or "",
            source_type=source_type.value,
            sheet_name=sheet_name,
            macros_refused=self._macros_refused,
        )
        if self._path_of is None:
            file = await asyncio.to_thread(spooled, await self._files.read(key))
        else:
            file = await asyncio.to_thread(opened, self._path_of(key))
        with file:
            return await _judged(file, asked, self._limits)


async def check_path(
    path: Path, *, macros_refused: bool = True, limits: ChildLimits = CHECK_LIMITS
) -> FileFacts:
    """Return what the file at `path` is, judged as if a supplier had sent it; links are followed.

    Raises:
        RefusedError: as `FileInspector.inspect`; `storage.missing` when there is no such file.
        UnavailableError: it cannot be judged now.
    """
    file = await asyncio.to_thread(lambda: opened(path.resolve()))
    with file:
        asked = Asked(filename=path.name, macros_refused=macros_refused)
        return await _judged(file, asked, limits)


async def _judged(file: BinaryIO, asked: Asked, limits: ChildLimits) -> FileFacts:
    told = json.dumps(asdict(asked))
    try:
        output = await run_confined(_CHILD, told, stdin=file, limits=limits)
    except ChildDiedError as death:
        raise _refusal(death) from death
    except OSError as error:
        raise UnavailableError(
            f"the file cannot be checked now: {error.strerror}", code="check.unavailable"
        ) from error
    return _facts(output)


def _facts(output: bytes) -> FileFacts:
    verdict = _told(output)
    if "refused" in verdict:
        raise RefusedError(str(verdict["refused"]), str(verdict["message"]))
    if "missing" in verdict:
        package = str(verdict["missing"])
        extra = _EXTRAS.get(package, "all")
        raise UnavailableError(
            f"this kind of file cannot be checked without the package {package}: "
            f"pip install 'marketbel[{extra}]'",
            code="extra.missing",
        )
    found = verdict["found"]
    assert isinstance(found, dict), "the child ends with a verdict"  # noqa: S101
    return FileFacts(
        file_type=FileType(found["file_type"]),
        sniffed_type=found["sniffed_type"],
        formula_cells=found["formula_cells"],
        macros=found["macros"],
    )


def _told(output: bytes) -> dict[str, object]:
    """Return all that the child told, in one."""
    told: dict[str, object] = {}
    for line in output.splitlines():
        told |= json.loads(line)
    return told


def _refusal(death: ChildDiedError) -> MarketbelError:
    """Return what the end of the child means for the file that it judged."""
    form = _told(death.output).get("form")
    if death.end is ChildEnd.SLOW:
        return UnavailableError(
            "the machine is too busy to check the file; it is tried again",
            code="check.unavailable",
        )
    if death.end is ChildEnd.FAULT and form is None:  # it never looked: no fault of the file
        return UnavailableError(
            "the process that checks files does not start; look at the installation",
            code="check.unavailable",
        )
    family = "xlsx" if form in _WORKBOOKS else str(form)
    code, message = _DEATHS.get((family, death.end), _TOO_COMPLEX)
    return RefusedError(code, message)
