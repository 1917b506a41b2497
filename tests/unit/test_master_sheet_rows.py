"""The master sheet: columns by their headers, rows by what they say, and what is skipped."""

import pytest

from marketbel_core.catalog import SourceType
from marketbel_core.errors import RefusedError
from marketbel_core.intake import Cell, Grid
from marketbel_core.intake.master_sheet import MasterSheetRows, SupplierRow, read_master_sheet

HEADER = ("Supplier Name", "Source URL", "Format", "Active", "Notes")
URL = "https://acme.example/prices.xlsx"


def read(*rows: tuple[Cell, ...], header: tuple[Cell, ...] = HEADER) -> MasterSheetRows:
    return read_master_sheet(Grid(name="Suppliers", rows=(header, *rows)))


def only(*cells: Cell, header: tuple[Cell, ...] = HEADER) -> SupplierRow:
    sheet = read(tuple(cells), header=header)
    assert sheet.skipped == ()
    [row] = sheet.rows
    return row


def test_a_row_says_who_where_and_how() -> None:
    assert only(" Acme ", URL, "xlsx", "yes", "weekly") == SupplierRow(
        row_number=2,
        name="Acme",
        source_type=SourceType.EXCEL,
        location=URL,
        is_active=True,
        notes="weekly",
    )


@pytest.mark.parametrize(
    "header",
    [
        ("name", "url", "type"),
        ("SUPPLIER", "link", "source_type"),
        ("Company", "Source", "File Type"),
        ("vendor", "sheet_url", "FORMAT"),
        ("Suplier nane", "Sorce URL", "Formt"),
        ("Поставщик", "Ссылка", "Формат"),
        ("Наименование поставщика", "Ссылка на прайс-лист", "Формат файла"),
    ],
)
def test_a_column_is_known_by_an_alias_or_by_a_spelling_that_is_like_one(
    header: tuple[Cell, ...],
) -> None:
    row = only("Acme", URL, "csv", header=header)

    assert (row.name, row.location, row.source_type) == ("Acme", URL, SourceType.CSV)
    assert (row.is_active, row.has_notes, row.notes) == (True, False, None)


def test_columns_may_stand_in_any_order_among_others() -> None:
    header = ("#", "format", "Phone", "url", "name")

    row = only(1.0, "gsheet", "+375", URL, "Acme", header=header)

    assert (row.name, row.source_type) == ("Acme", SourceType.GOOGLE_SHEETS)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("google_sheets", SourceType.GOOGLE_SHEETS),
        ("GoogleSheets", SourceType.GOOGLE_SHEETS),
        ("Google Sheets", SourceType.GOOGLE_SHEETS),
        ("gsheet", SourceType.GOOGLE_SHEETS),
        ("CSV", SourceType.CSV),
        ("excel", SourceType.EXCEL),
        ("xls", SourceType.EXCEL),
        (".xlsx", SourceType.EXCEL),
        ("pdf", SourceType.CSV),
        ("Google Таблица", SourceType.GOOGLE_SHEETS),
    ],
)
def test_a_format_has_many_words(said: str, meant: SourceType) -> None:
    assert only("Acme", URL, said).source_type is meant


@pytest.mark.parametrize(
    ("said", "active"),
    [
        *((word, True) for word in ("true", "YES", "1", "Active", "", None, True, 1.0, "да", "+")),
        *((word, False) for word in ("false", "no", "0", "paused", False, 0)),
    ],
)
def test_a_supplier_is_active_if_the_cell_says_so_or_says_nothing(
    said: Cell, active: bool
) -> None:
    assert only("Acme", URL, "csv", said).is_active is active


def test_the_contrary_of_active_is_not_taken_for_it() -> None:
    assert only("Acme", URL, "csv", "no", header=("name", "url", "format", "Inactive")).is_active


def test_long_notes_are_cut_and_blank_ones_are_none() -> None:
    assert len(only("Acme", URL, "csv", "", "x" * 2_000).notes or "") == 1_000
    assert only("Acme", URL, "csv", "", "  ").notes is None


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        (("", URL, "csv"), "sheet.no_name"),
        (("x" * 256, URL, "csv"), "sheet.name_too_long"),
        (("Acme", "", "csv"), "sheet.no_source"),
        (("Acme",), "sheet.no_source"),
        (("Acme", "/etc/passwd", "csv"), "sheet.bad_source"),
        (("Acme", "https://", "csv"), "sheet.bad_source"),
        (("Acme", "https://[x", "csv"), "sheet.bad_source"),
        (("Acme", "https://a.example/x y.csv", "csv"), "sheet.bad_source"),
        (("Acme", "https://a.example/" + "x" * 2_048, "csv"), "sheet.bad_source"),
        (("Acme", URL, ""), "sheet.no_format"),
        (("Acme", URL, "docx"), "sheet.bad_format"),
    ],
)
def test_a_row_that_is_of_no_use_is_skipped_with_its_reason(
    cells: tuple[Cell, ...], code: str
) -> None:
    sheet = read(cells, ("Good", URL, "csv"))

    assert [row.name for row in sheet.rows] == ["Good"]
    [skipped] = sheet.skipped
    assert (skipped.row_number, skipped.code) == (2, code)
    assert skipped.message


def test_a_secret_in_an_address_is_not_repeated() -> None:
    [skipped] = read(("Acme", "ftp://u:geheim@a.example/x?token=geheim", "csv")).skipped

    assert "geheim" not in skipped.message


def test_of_rows_with_one_name_the_first_counts() -> None:
    sheet = read(("Acme", URL, "csv"), ("", "", ""), (" ACME", URL, "xlsx"))

    assert [row.row_number for row in sheet.rows] == [2]
    assert [(row.row_number, row.code) for row in sheet.skipped] == [(4, "sheet.duplicate")]


def test_a_sheet_without_a_column_that_every_one_has_is_refused_with_those_it_has() -> None:
    with pytest.raises(RefusedError, match=r"Format; the row .* has 'name', 'url'") as caught:
        read(header=("name", "url"))

    assert caught.value.code == "sheet.columns"


def test_an_empty_sheet_is_refused() -> None:
    with pytest.raises(RefusedError, match="has nothing"):
        read_master_sheet(Grid(name="x", rows=()))


def test_a_sheet_with_a_header_alone_names_nobody() -> None:
    assert read() == MasterSheetRows(rows=())


def test_a_title_above_the_header_is_passed_over() -> None:
    title = ("Список поставщиков", "", "обновлено 1 марта")

    sheet = read_master_sheet(Grid(name="x", rows=(title, (), HEADER, ("A", URL, "csv"))))

    assert [(row.row_number, row.name) for row in sheet.rows] == [(4, "A")]


def test_of_rows_that_are_no_header_the_one_most_like_it_is_told() -> None:
    rows = (("Список поставщиков",), ("Поставщик", "Ссылка"), ("Акме", URL))

    with pytest.raises(RefusedError, match=r"lacks the columns Format; .* has 'Поставщик', 'Ссы"):
        read_master_sheet(Grid(name="x", rows=rows))


def test_a_header_far_below_is_none() -> None:
    rows = (*((f"word {number}",) for number in range(10)), HEADER, ("A", URL, "csv"))

    with pytest.raises(RefusedError, match="lacks the columns"):
        read_master_sheet(Grid(name="x", rows=rows))


def test_blank_rows_above_the_header_are_passed_over() -> None:
    sheet = read_master_sheet(Grid(name="x", rows=((), (None, ""), HEADER, ("A", URL, "csv"))))

    assert [row.row_number for row in sheet.rows] == [4]
