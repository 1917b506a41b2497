"""Workbooks that are zip archives: xlsx, xlsm, xlsb and ods.

Every part is unpacked once, counted, and looked at as it passes; nothing is kept.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from marketbel_adapters.sources.checks.archives import Archive, corrupt
from marketbel_adapters.sources.checks.facts import Asked, Found
from marketbel_adapters.sources.checks.parsers import check_by_parser, check_sheet_asked
from marketbel_adapters.sources.checks.refusals import RefusalError
from marketbel_adapters.sources.checks.sheet_scan import SheetScan
from marketbel_adapters.sources.checks.xml_parts import (
    DeclarationWatch,
    as_utf8,
    local_name,
    parse,
)

__all__ = ["check_package", "macros_refusal"]

_SPREADSHEET_ODF: Final = "application/vnd.oasis.opendocument.spreadsheet"
_MIME_BYTES_MAX: Final = 256
_OFFICE_DOCUMENT: Final = "/officeDocument"
_WORKSHEET: Final = "/worksheet"
_MACRO_PARTS: Final = ("/vbaproject.bin", "/macrosheets/", "/externallinks/externallink")
_OTHERS: Final = (
    ("word/", "a Word document"),
    ("ppt/", "a presentation"),
    ("meta-inf/manifest.mf", "a Java archive"),
)
_TRUTHFUL: Final = frozenset(
    {"zip", "docx", "docm", "pptx", "odt", "odp", "odg", "jar", "apk", "epub"}
)
"""Extensions that say honestly that the file is no list."""


@dataclass(slots=True)
class _Look:
    """What was seen while the parts passed."""

    formula_cells: int = 0
    calls_programs: bool = False
    parts: set[str] = field(default_factory=set)


def check_package(file: BinaryIO, *, size_bytes: int, asked: Asked) -> Found:
    """Return what the workbook is.

    Raises:
        RefusalError: `xlsx.*`, `file.encrypted`, `file.type_mismatch`, `file.type_not_allowed`,
            `file.too_complex`.
    """
    archive = Archive(file, size_bytes=size_bytes)
    parts = {name.casefold(): name for name in archive.names}
    if _is_ods(archive, parts):
        return _check_ods(archive, file, parts, asked)
    if "[content_types].xml" not in parts and not any(name.startswith("xl/") for name in parts):
        raise _no_workbook(parts, asked)
    if not any(name.startswith("xl/") for name in parts) and _other(parts):
        raise _no_workbook(parts, asked)
    return _check_ooxml(archive, file, parts, asked)


def _check_ooxml(archive: Archive, file: BinaryIO, parts: dict[str, str], asked: Asked) -> Found:
    book = _workbook_part(archive, parts)
    binary = book.endswith(".bin")
    sheets = {} if binary else _sheets(archive, parts, book)
    if not binary and not sheets:
        raise corrupt("it has no sheet")
    look = _look_at_all(archive, sheets)
    macros = look.calls_programs or any(
        mark in f"/{name}" for name in parts for mark in _MACRO_PARTS
    )
    if macros and asked.macros_refused:
        raise macros_refusal()
    if binary:
        check_by_parser(file, asked=asked)
    else:
        check_sheet_asked(list(sheets.values()), asked=asked)
    kind = "xlsb" if binary else "xlsm" if "xl/vbaproject.bin" in parts else "xlsx"
    return Found(
        file_type="excel", sniffed_type=kind, formula_cells=look.formula_cells, macros=macros
    )


def _check_ods(archive: Archive, file: BinaryIO, parts: dict[str, str], asked: Asked) -> Found:
    manifest = parts.get("meta-inf/manifest.xml")
    if manifest and any(b"encryption-data" in chunk for chunk in archive.unpacked(manifest)):
        raise RefusalError(
            "file.encrypted", "the workbook is protected by a password; send it without"
        )
    if "content.xml" not in parts:
        raise corrupt("its content is missing")
    # OpenOffice 2 named a document type in the manifest, which no reader of lists opens.
    _look_at_all(archive, {}, passing_over=frozenset({manifest} if manifest else ()))
    macros = any(
        name.startswith(("basic/", "scripts/")) and not name.endswith(("/", "-lc.xml", "-lb.xml"))
        for name in parts
    )
    if macros and asked.macros_refused:
        raise macros_refusal()
    check_by_parser(file, asked=asked)
    formulas = sum(
        chunk.count(b"table:formula=") for chunk in archive.unpacked(parts["content.xml"])
    )
    return Found(file_type="excel", sniffed_type="ods", formula_cells=formulas, macros=macros)


def _look_at_all(
    archive: Archive, sheets: dict[str, str], *, passing_over: frozenset[str] = frozenset()
) -> _Look:
    """Unpack every part, watch for declarations in all of them and for cells in the sheets.

    Args:
        sheets: Part to the name of the sheet that it holds.
        passing_over: Parts in which declarations do not matter.
    """
    look = _Look()
    for part in archive.names:
        scan = SheetScan() if part in sheets or _looks_like_sheet(part) else None
        watch = DeclarationWatch()
        for chunk in as_utf8(archive.unpacked(part)):
            watch.see(chunk)
            if scan:
                scan.see(chunk)
        if watch.suspicious and part not in passing_over and not _is_picture(part):
            parse(archive.unpacked(part))
        if scan:
            scan.finish(sheets.get(part, part), _again(archive, part))
            look.formula_cells += scan.formula_cells
            look.calls_programs |= scan.calls_programs
    return look


def _again(archive: Archive, part: str) -> Callable[[], Iterator[bytes]]:
    return lambda: as_utf8(archive.unpacked(part))


def _looks_like_sheet(part: str) -> bool:
    """Return whether a reader that goes by folders would take the part for a sheet."""
    folded = part.casefold()
    return "/worksheets/" in f"/{folded}" and "/_rels/" not in folded and folded.endswith(".xml")


def _is_picture(part: str) -> bool:
    return "/media/" in f"/{part.casefold()}"


def _is_ods(archive: Archive, parts: dict[str, str]) -> bool:
    if "mimetype" not in parts:
        return False
    said = b"".join(archive.unpacked(parts["mimetype"]))[:_MIME_BYTES_MAX]
    return said.decode(errors="replace").strip().startswith(_SPREADSHEET_ODF)


def _other(parts: dict[str, str]) -> str | None:
    if "mimetype" in parts:
        return "an OpenDocument text or an electronic book"
    return next(
        (name for mark, name in _OTHERS if any(part.startswith(mark) for part in parts)), None
    )


def _no_workbook(parts: dict[str, str], asked: Asked) -> RefusalError:
    found = _other(parts) or "an archive"
    if asked.filename.lower().rpartition(".")[2] in _TRUTHFUL:
        return RefusalError(
            "file.type_not_allowed", f"the file is {found}; send the list itself, as xlsx or csv"
        )
    return RefusalError(
        "file.type_mismatch",
        f"the file is {found} and no workbook, whatever its name says; send the list as xlsx or "
        "csv",
    )


def _workbook_part(archive: Archive, parts: dict[str, str]) -> str:
    """Return the part that lists the sheets: the one that is related, else the usual one."""
    related = _relations(archive, parts, "_rels/.rels").values()
    targets = [target for kind, target in related if kind.endswith(_OFFICE_DOCUMENT)]
    for candidate in (*targets, "xl/workbook.xml", "xl/workbook.bin"):
        if candidate.casefold() in parts:
            return parts[candidate.casefold()]
    raise corrupt("xl/workbook.xml is missing")


def _sheets(archive: Archive, parts: dict[str, str], book: str) -> dict[str, str]:
    """Return the parts that hold sheets with cells, each with the sheet's name, in their order."""
    folder, _, last = book.rpartition("/")
    related = _relations(archive, parts, f"{folder}/_rels/{last}.rels".lstrip("/"), folder=folder)
    listed: list[tuple[str, str]] = []

    def started(tag: str, attributes: dict[str, str]) -> None:
        if local_name(tag) == "sheet":
            told = {local_name(key): value for key, value in attributes.items()}
            listed.append((told.get("name", ""), told.get("id", "")))

    parse(archive.unpacked(book), started=started)
    sheets: dict[str, str] = {}
    for name, relation in listed:
        kind, target = related.get(relation, ("", ""))
        if kind and not kind.endswith(_WORKSHEET):
            continue  # a chart or a dialog
        if target.casefold() not in parts:
            raise corrupt(f"sheet {name!r} is missing")
        sheets[parts[target.casefold()]] = name
    return sheets


def _relations(
    archive: Archive, parts: dict[str, str], part: str, *, folder: str = ""
) -> dict[str, tuple[str, str]]:
    """Return the kind and the target, as the name of a part, of each relation by its id."""
    if part.casefold() not in parts:
        return {}
    found: dict[str, tuple[str, str]] = {}

    def started(tag: str, attributes: dict[str, str]) -> None:
        if local_name(tag) == "Relationship" and attributes.get("TargetMode") != "External":
            target = _resolved(folder, attributes.get("Target", ""))
            found[attributes.get("Id", "")] = (attributes.get("Type", ""), target)

    parse(archive.unpacked(parts[part.casefold()]), started=started)
    return found


def _resolved(folder: str, target: str) -> str:
    """Return the part that `target` names for a part in `folder` (ECMA-376, part 2, 9.3)."""
    target = target.replace("\\", "/")
    if target.startswith("/"):
        return target.lstrip("/")
    steps = folder.split("/") if folder else []
    for step in target.split("/"):
        if step == "..":
            steps = steps[:-1]
        elif step not in {"", "."}:
            steps.append(step)
    return "/".join(steps)


def macros_refusal() -> RefusalError:
    """Return the refusal of a workbook that could act."""
    return RefusalError(
        "xlsx.macros",
        "the workbook has macros, links to other workbooks or calls of other programs; save it as "
        "xlsx without macros and break its links (Data, Edit Links), or send it as csv",
    )
