"""What a check was asked, and what it found: the two records that cross the process border."""

from dataclasses import dataclass

__all__ = ["Asked", "Found"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is known of a file apart from its bytes.

    Attributes:
        filename: As the sender named it.
        mime_type: As the source announced it; empty when it said nothing.
        source_type: How the supplier publishes: `csv`, `excel` or `google_sheets`.
        sheet_name: The only sheet that is wanted; `None` means all.
        macros_refused: Whether macros, external links and DDE refuse a workbook.
    """

    filename: str
    mime_type: str = ""
    source_type: str = "excel"
    sheet_name: str | None = None
    macros_refused: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a sound file is.

    Attributes:
        file_type: `excel`, `csv` or `pdf`.
        sniffed_type: The format: `xlsx`, `xlsm`, `xlsb`, `xls`, `ods`, `csv` or `pdf`.
        formula_cells: Cells with a formula; in csv, cells that a spreadsheet would take for one.
        macros: Whether there are macros, external links or DDE.
    """

    file_type: str
    sniffed_type: str
    formula_cells: int = 0
    macros: bool = False
