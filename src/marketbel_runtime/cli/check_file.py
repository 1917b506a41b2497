"""`marketbel check-file`: what would become of a file if a supplier sent it."""

import asyncio
import hashlib
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.text import Text

from marketbel_core.errors import MarketbelError, RefusedError
from marketbel_core.intake.stored_file import FileFacts
from marketbel_runtime.cli.choices import settings_of
from marketbel_runtime.cli.output import console, write_json
from marketbel_runtime.settings import Settings

__all__ = ["check_file"]

_FAILED: Final = 1


def check_file(
    file: Annotated[Path, typer.Argument(help="Any file on this machine.", metavar="FILE")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Judge FILE as the courier would; keep nothing. Exit status 1 when it is refused."""
    settings = settings_of("MAX_FILE_SIZE_MB", "XLSX_MACROS")
    report: dict[str, object] = {
        "ok": False, "code": None, "message": "", "type": None,
        "size_bytes": None, "sha256": None, "final_url": None,
    }  # fmt: skip
    try:
        report |= _fingerprint(file, settings)
        facts = asyncio.run(_checked(file, settings))
    except MarketbelError as error:
        report |= {"code": error.code, "message": str(error)}
    else:
        report |= {"ok": True, "message": _sentence(facts), "type": facts.sniffed_type}
    verdict = Text("taken" if report["ok"] else "refused", "green" if report["ok"] else "bold red")
    verdict.append(f"  {file.name}: {report['message']}", style="not bold default")
    if report["code"]:
        verdict.append(f" ({report['code']})", style="not bold default")
    console(as_json=as_json).print(verdict, soft_wrap=True)
    if as_json:
        write_json(report)
    if not report["ok"]:
        raise typer.Exit(_FAILED)


async def _checked(file: Path, settings: Settings) -> FileFacts:
    from marketbel_adapters.sources.checking import check_path  # noqa: PLC0415

    return await check_path(file, macros_refused=settings.macros_refused)


def _fingerprint(path: Path, settings: Settings) -> dict[str, object]:
    """Return size and checksum.

    Raises:
        RefusedError: there is no such file (`source.missing`), it is none
            (`source.not_a_file`), cannot be read (`source.denied`), or has too many bytes
            (`file.too_large`).
    """
    if path.exists() and not path.is_file():
        raise RefusedError("source.not_a_file", f"{path} is not a file")
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if size > settings.file_size_bytes_max:
                raise RefusedError(
                    "file.too_large",
                    f"the file has {size} bytes, more than the {settings.file_size_bytes_max} "
                    "that are taken; split it, or raise MAX_FILE_SIZE_MB",
                )
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise RefusedError("source.missing", f"there is no file {path}") from error
    except OSError as error:
        raise RefusedError("source.denied", f"{path} cannot be read: {error.strerror}") from error
    return {"size_bytes": size, "sha256": sha256}


def _sentence(facts: FileFacts) -> str:
    told = [f"a sound {facts.sniffed_type} file"]
    if facts.formula_cells:
        told.append(f"{facts.formula_cells} cells with formulas")
    if facts.macros:
        told.append("macros, links or calls of other programs")
    return ", ".join(told)
