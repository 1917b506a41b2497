"""From what somebody wrote about a list to its source: what was not said stays unsaid."""

import pytest

from marketbel_core import CsvParserConfig, ExcelParserConfig, GoogleSheetsConfig
from marketbel_core.catalog import GivenLayout, SourceRef, SourceType
from marketbel_core.errors import RefusedError
from marketbel_core.intake import read_source_config, source_of

SHEET = "https://docs.google.com/spreadsheets/d/1aB"


def layout_of(**said: object) -> GivenLayout | None:
    config = {"file_path": "a.csv", **said}
    return read_source_config(config, source_type=SourceType.CSV).source.layout


def test_everything_that_can_be_said_is_kept() -> None:
    said = read_source_config(
        {
            "file_path": "a.csv",
            "original_filename": "март.csv",
            "sheet_name": "Опт",
            "column_mapping": {"supplier_sku": "Код", "name": "Имя", "stock": "Есть"},
            "characteristic_columns": ["Цвет"],
            "header_row": "2",
            "header_row_end": 3,
            "data_start_row": 5,
            "delimiter": "\t",
            "encoding": "cp1251",
        },
        source_type=SourceType.CSV,
    )

    assert said.unread == ()
    assert said.source == SourceRef(
        type=SourceType.CSV,
        location="a.csv",
        sheet_name="Опт",
        original_filename="март.csv",
        layout=GivenLayout(
            column_mapping={"sku": "Код", "name": "Имя", "stock": "Есть"},
            characteristic_columns=("Цвет",),
            header_row=2,
            header_row_end=3,
            data_start_row=5,
            delimiter="\t",
            encoding="cp1251",
        ),
    )


@pytest.mark.parametrize(
    ("config", "source"),
    [
        (
            GoogleSheetsConfig(sheet_url=SHEET),
            SourceRef(type=SourceType.GOOGLE_SHEETS, location=SHEET),
        ),
        (CsvParserConfig(file_path="a"), SourceRef(type=SourceType.CSV, location="a")),
        (ExcelParserConfig(file_path="a"), SourceRef(type=SourceType.EXCEL, location="a")),
        (
            ExcelParserConfig(file_path="a", sheet_name="Sheet1"),
            SourceRef(type=SourceType.EXCEL, location="a", sheet_name="Sheet1"),
        ),
    ],
)
def test_what_is_only_a_default_was_not_said(
    config: GoogleSheetsConfig | CsvParserConfig | ExcelParserConfig, source: SourceRef
) -> None:
    assert source_of(config) == source


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"header_row": 1, "data_start_row": 2},
        {"header_row": None, "column_mapping": {}, "encoding": ""},
        {"column_mapping": {"name": None}},
    ],
)
def test_what_every_message_says_says_nothing(said: dict[str, object]) -> None:
    assert layout_of(**said) is None


def test_the_first_row_is_the_header_where_columns_are_named() -> None:
    layout = layout_of(header_row=1, data_start_row=2, column_mapping={"name": "Имя"})

    assert layout == GivenLayout(column_mapping={"name": "Имя"}, header_row=1, data_start_row=2)


@pytest.mark.parametrize(
    ("said", "layout"),
    [
        ({"header_row": 1}, GivenLayout(header_row=1)),
        ({"header_row_end": 2}, GivenLayout(header_row=1, header_row_end=2)),
        ({"data_start_row": 4}, GivenLayout(data_start_row=4)),
        ({"characteristic_columns": []}, GivenLayout(characteristic_columns=())),
        ({"delimiter": ","}, GivenLayout(delimiter=",")),
    ],
)
def test_one_thing_may_be_said_alone(said: dict[str, object], layout: GivenLayout) -> None:
    assert layout_of(**said) == layout


def test_what_changes_nothing_is_told_by_name() -> None:
    said = read_source_config(
        {
            "sheet_url": SHEET,
            "parser_type": "google_sheets",
            "delimiter": ";",
            "column_mapping": {"current_price": "Цена", "colour": "Цвет"},
            7: None,
        },
        source_type=SourceType.GOOGLE_SHEETS,
    )

    assert said.unread == (
        "source_config.delimiter",
        "source_config.7",
        "source_config.column_mapping.colour",
    )


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({}, "source_config.file_path: Field required"),
        ({"file_path": " "}, "source_config.file_path: "),
        ({"file_path": "a", "header_row": 0}, "source_config.header_row: "),
        ({"file_path": "a", "column_mapping": "name"}, "source_config.column_mapping: "),
        ({"file_path": "a", "column_mapping": {"sku": []}}, "source_config.column_mapping.sku: "),
        ({"file_path": "a", "characteristic_columns": "x"}, "source_config.characteristic_col"),
        ({"file_path": "a", "data_start_row": 1}, "source_config: data_start_row must be below"),
        ("a.csv", "source_config: "),
        (["a.csv"], "source_config: "),
    ],
)
def test_what_is_wrong_is_named_and_not_repeated(said: object, told: str) -> None:
    with pytest.raises(RefusedError) as caught:
        read_source_config(said, source_type=SourceType.CSV)

    assert caught.value.code == "job.invalid"
    assert str(caught.value).startswith(told)
    assert "a.csv" not in str(caught.value)
