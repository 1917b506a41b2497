"""A Google Sheet rebuilt cell by cell: the last resort when Google exports it in no way.

What is lost: merged cells, types (every cell is the text that people see) and formats.
"""

from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Final

from marketbel_core.errors import RefusedError, UnavailableError

if TYPE_CHECKING:
    import gspread

__all__ = ["export_to_xlsx"]

_TITLE_LENGTH_MAX: Final = 31
_TITLE_FORBIDDEN: Final = str.maketrans(dict.fromkeys("[]:*?/\\", "_"))
_CELLS_MAX: Final = 5_000_000
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500


def export_to_xlsx(
    client: "gspread.Client",
    spreadsheet_id: str,
    *,
    sheet_name: str | None = None,
    is_wanted: Callable[[], bool] = lambda: True,
) -> bytes:
    """Return the spreadsheet as an xlsx workbook. Blocks, at times for minutes: use a thread.

    Args:
        client: An authorised client.
        spreadsheet_id: The long id in the sheet's address.
        sheet_name: The only sheet to take; all are taken without it or when none is called so.
        is_wanted: Asked before each sheet; `False` ends the work, for whoever waited is gone.

    Raises:
        RefusedError: the account may not see it (`sheets.not_shared`), or it is too large even so
            (`sheets.too_large_for_export`).
        UnavailableError: Google does not answer, or not now (`http.unavailable`); the work was
            ended (`http.too_slow`).
    """
    import gspread  # noqa: PLC0415 - slow to import
    import requests  # noqa: PLC0415

    try:
        sheets = client.open_by_key(spreadsheet_id).worksheets()
        chosen = [sheet for sheet in sheets if sheet.title == sheet_name] or sheets
        if sum(sheet.row_count * sheet.col_count for sheet in chosen) > _CELLS_MAX:
            raise RefusedError(
                "sheets.too_large_for_export",
                f"the sheet has more than {_CELLS_MAX} cells: delete empty rows and columns, or "
                "split it",
            )
        return _workbook(chosen, is_wanted)
    except (PermissionError, gspread.exceptions.SpreadsheetNotFound) as error:
        raise RefusedError(
            "sheets.not_shared", "the sheet is not shared with the service account"
        ) from error
    except gspread.exceptions.APIError as error:
        status = error.response.status_code
        if status == _TOO_MANY or status >= _SERVER_ERROR:
            raise UnavailableError(
                f"Google Sheets answered with status {status}", code="http.unavailable"
            ) from error
        raise RefusedError(
            "http.refused", f"Google Sheets does not give the cells (status {status})"
        ) from error
    except requests.RequestException as error:
        raise UnavailableError(
            f"Google Sheets cannot be reached ({type(error).__name__})", code="http.unavailable"
        ) from error


def _workbook(sheets: "list[gspread.Worksheet]", is_wanted: Callable[[], bool]) -> bytes:
    from openpyxl import Workbook  # noqa: PLC0415 - slow to import
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE  # noqa: PLC0415

    book = Workbook(write_only=True)
    for title, sheet in zip(_titles([sheet.title for sheet in sheets]), sheets, strict=True):
        if not is_wanted():
            raise UnavailableError("nobody waits for the sheet any more", code="http.too_slow")
        page = book.create_sheet(title)
        for row in sheet.get_all_values():
            cells = []
            for text in row:
                cell = WriteOnlyCell(page, value=ILLEGAL_CHARACTERS_RE.sub("", str(text)))
                cell.data_type = "s"  # a text that begins with = is no formula of ours
                cells.append(cell)
            page.append(cells)
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _titles(names: list[str]) -> list[str]:
    """Return the names as a workbook takes them: short, without some signs, each once."""
    titles: list[str] = []
    taken: set[str] = set()
    for name in names:
        plain = name.translate(_TITLE_FORBIDDEN).strip("'") or "sheet"
        title, number = plain[:_TITLE_LENGTH_MAX], 2
        while title.casefold() in taken:
            tail = f"~{number}"
            title, number = plain[: _TITLE_LENGTH_MAX - len(tail)] + tail, number + 1
        taken.add(title.casefold())
        titles.append(title)
    return titles
