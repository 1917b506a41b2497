"""What the reader of workbooks itself makes of one: for the formats that are not scanned here.

It may take the process with it; that is why this process is confined.
"""

from io import BytesIO
from typing import BinaryIO, Final

from marketbel_adapters.sources.checks.archives import corrupt
from marketbel_adapters.sources.checks.facts import Asked
from marketbel_adapters.sources.checks.refusals import RefusalError
from marketbel_adapters.sources.checks.sheet_scan import check_extent

__all__ = ["check_by_parser", "check_sheet_asked"]

_DETAIL_LENGTH_MAX: Final = 200


def check_by_parser(file: BinaryIO, *, asked: Asked) -> None:
    """Open the workbook and look at how far its sheets reach.

    Raises:
        RefusalError: `xlsx.corrupt`, `xlsx.sheet_missing`, `xlsx.sheet_too_large`,
            `file.encrypted`.
    """
    import python_calamine as calamine  # noqa: PLC0415 - only what needs it has to have it

    file.seek(0)
    try:
        book = calamine.CalamineWorkbook.from_filelike(BytesIO(file.read()))
        names = [
            sheet.name
            for sheet in book.sheets_metadata
            if sheet.typ == calamine.SheetTypeEnum.WorkSheet
        ]
        for name in names:
            end = book.get_sheet_by_name(name).end or (-1, -1)
            check_extent(name, rows=end[0] + 1, columns=end[1] + 1)
    except calamine.PasswordError as error:
        raise RefusalError(
            "file.encrypted", "the workbook is protected by a password; send it without"
        ) from error
    except (calamine.CalamineError, ValueError, OSError) as error:
        raise corrupt(str(error)[:_DETAIL_LENGTH_MAX]) from error
    if not names:
        raise corrupt("it has no sheet")
    check_sheet_asked(names, asked=asked)


def check_sheet_asked(names: list[str], *, asked: Asked) -> None:
    """Refuse a workbook without the sheet that is wanted.

    Raises:
        RefusalError: `xlsx.sheet_missing`, with the names that there are.
    """
    wanted = asked.sheet_name
    if wanted is None or wanted.strip().casefold() in {name.strip().casefold() for name in names}:
        return
    there = ", ".join(repr(name) for name in names)
    raise RefusalError(
        "xlsx.sheet_missing",
        f"no sheet is called {wanted!r}; there are: {there}. Correct the name in the supplier's "
        "settings, or the sheet",
    )
