"""Messages from outside: every spelling is read, every bound is held, no secret is repeated."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import pytest
from pydantic import ValidationError

from marketbel_core import (
    ColumnMapping,
    CsvParserConfig,
    ExcelParserConfig,
    GoogleSheetsConfig,
    ParsedItem,
    ParseTaskMessage,
    RefusedError,
    SourceType,
    parse_message,
)
from marketbel_core.intake import ParserType, Priority

SHEET: Final = "https://docs.google.com/spreadsheets/d/1aB/edit#gid=0"
SUPPLIER: Final = "0d0e0000-0000-7000-8000-000000000001"


def a_message(**changes: object) -> dict[str, object]:
    """Return a message that is right; `None` takes a field away."""
    message: dict[str, object] = {
        "task_id": "parse-acme-1",
        "parser_type": "csv",
        "supplier_name": "Acme",
        "source_config": {"file_path": "acme.csv"},
    }
    return message | changes


def refusal_of(message: Any) -> str:
    with pytest.raises(RefusedError) as refused:
        parse_message(message)
    assert refused.value.code == "job.invalid"
    return str(refused.value)


@pytest.mark.parametrize("name", ["sheet_url", "spreadsheet_url", "source_url"])
def test_a_google_sheet_is_found_under_each_of_its_spellings(name: str) -> None:
    config = GoogleSheetsConfig.model_validate({name: SHEET})

    assert (config.sheet_url, config.spreadsheet_url, config.location) == (SHEET, SHEET, SHEET)
    assert (config.sheet_name, config.header_row, config.data_start_row) == ("Sheet1", 1, 2)


@pytest.mark.parametrize(
    "name", ["file_path", "file_url", "source_url", "sheet_url", "spreadsheet_url"]
)
@pytest.mark.parametrize("config", [CsvParserConfig, ExcelParserConfig])
def test_a_file_is_found_under_each_of_its_spellings(
    config: type[CsvParserConfig | ExcelParserConfig], name: str
) -> None:
    assert config.model_validate({name: " /shared/a.csv "}).location == "/shared/a.csv"


@pytest.mark.parametrize("name", ["sku", "supplier_sku"])
@pytest.mark.parametrize("price", ["price", "current_price"])
def test_an_item_is_read_in_both_vocabularies(name: str, price: str) -> None:
    item = ParsedItem.model_validate(
        {name: " 007 ", "name": "Дрель", price: "1.005", "characteristics": {"цвет": ["синий"]}}
    )

    assert (item.supplier_sku, item.sku, item.price) == ("007", "007", Decimal("1.01"))
    assert item.characteristics == {"цвет": ["синий"]}


def test_an_item_may_have_no_article_number() -> None:
    assert ParsedItem(name="x", price=Decimal(0)).sku is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "x" * 501},
        {"sku": "x" * 256},
        {"price": -1},
        {"price": "-0.01"},
        {"price": "100000000"},
        {"price": "1e30"},
        {"price": "NaN"},
        {"price": "дорого"},
        {"characteristics": {"x": float("nan")}},
        {"characteristics": {"x": object()}},
    ],
)
def test_an_item_out_of_bounds_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ParsedItem.model_validate({"name": "x", "price": 1, **wrong})


def test_a_column_mapping_gives_the_headers_that_were_named() -> None:
    mapping = ColumnMapping.model_validate(
        {"supplier_sku": "Артикул", "price": " Цена с НДС ", "name": None, "colour": "Цвет"}
    )

    assert mapping.headers() == {"sku": "Артикул", "price": "Цена с НДС"}


@pytest.mark.parametrize(
    ("rows", "start"),
    [
        ({}, 2),
        ({"header_row": 3}, 4),
        ({"header_row": 3, "header_row_end": 5}, 6),
        ({"header_row": "3", "data_start_row": "9"}, 9),
        ({"header_row": 1, "data_start_row": None}, 2),
    ],
)
def test_data_start_below_the_header_unless_it_is_said_where(
    rows: dict[str, object], start: int
) -> None:
    assert CsvParserConfig.model_validate({"file_path": "a", **rows}).data_start_row == start


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ({"header_row": 0}, "source_config.header_row"),
        ({"header_row": "first"}, "source_config.header_row"),
        ({"header_row": 3, "data_start_row": 3}, "data_start_row must be below the header"),
        ({"header_row": 3, "header_row_end": 2}, "header_row_end must not be above header_row"),
        ({"header_row_end": 2, "data_start_row": 2}, "data_start_row must be below the header"),
        ({"delimiter": "123456"}, "source_config.delimiter"),
        ({"encoding": "cp-nonsense"}, "source_config.encoding: no encoding is known"),
        ({"column_mapping": {"sku": "x" * 501}}, "source_config.column_mapping.sku"),
        ({"file_path": ""}, "source_config.file_path: Field required"),
        ({"encoding": "base64"}, "source_config.encoding: no encoding is known"),
        ({"delimiter": '"'}, "source_config.delimiter: a delimiter has neither"),
    ],
)
def test_a_layout_that_cannot_be_is_refused_by_name(rows: dict[str, object], told: str) -> None:
    assert told in refusal_of(a_message(source_config={"file_path": "a.csv", **rows}))


def test_a_delimiter_may_be_a_tab() -> None:
    config = CsvParserConfig.model_validate({"file_path": "a", "delimiter": "\t"})

    assert config.delimiter == "\t"
    assert "encoding" not in config.model_fields_set, "nobody named one: it may be detected"


@pytest.mark.parametrize(
    ("word", "parser_type", "source_type"),
    [
        ("google_sheets", ParserType.GOOGLE_SHEETS, SourceType.GOOGLE_SHEETS),
        ("Google Sheets", ParserType.GOOGLE_SHEETS, SourceType.GOOGLE_SHEETS),
        ("gsheet", ParserType.GOOGLE_SHEETS, SourceType.GOOGLE_SHEETS),
        ("csv", ParserType.CSV, SourceType.CSV),
        ("pdf", ParserType.CSV, SourceType.CSV),
        ("XLSX", ParserType.EXCEL, SourceType.EXCEL),
        ("url", ParserType.EXCEL, SourceType.EXCEL),
        ("stub", ParserType.STUB, SourceType.CSV),
    ],
)
def test_each_word_for_a_source_is_understood(
    word: str, parser_type: ParserType, source_type: SourceType
) -> None:
    message = parse_message(a_message(parser_type=word, source_config={"source_url": SHEET}))

    assert (message.parser_type, message.source_type) == (parser_type, source_type)


@pytest.mark.parametrize(
    ("config", "parser_type"),
    [
        ({"source_url": SHEET}, ParserType.GOOGLE_SHEETS),
        ({"file_path": "/shared/uploads/Прайс.XLSX"}, ParserType.EXCEL),
        ({"source_url": "https://example.com/list.xls?v=3"}, ParserType.EXCEL),
        ({"file_path": "list.txt"}, ParserType.CSV),
    ],
)
def test_a_source_that_nobody_named_is_guessed_from_its_address(
    config: dict[str, object], parser_type: ParserType
) -> None:
    assert parse_message(a_message(parser_type=None, source_config=config)).parser_type is (
        parser_type
    )


def test_the_admin_interface_s_upload_is_understood() -> None:
    message = parse_message(
        {
            "task_id": "upload-0d0e0000-1733300000000",
            "parser_type": "excel",
            "supplier_name": "Ромашка",
            "source_config": {
                "file_path": "/shared/uploads/x_1733300000000_list.xlsx",
                "original_filename": "Прайс.xlsx",
                "sheet_name": "Товары",
                "header_row": 1,
                "data_start_row": 2,
            },
            "created_at": "2025-12-04T10:00:00Z",
        }
    )

    assert isinstance(message.source_config, ExcelParserConfig)
    assert message.source_config.sheet_name == "Товары"
    assert message.source_config.original_filename == "Прайс.xlsx"
    assert message.enqueued_at == datetime(2025, 12, 4, 10, tzinfo=UTC)


def test_a_supplier_s_metadata_is_a_config() -> None:
    metadata = {"source_url": SHEET, "is_active": True, "notes": None, "use_ml_processing": True}
    message = parse_message(
        json.dumps(
            a_message(parser_type="google_sheets", source_config=metadata)
            | {"retry_count": 0, "max_retries": 3, "enqueued_at": "2025-12-04T10:00:00"}
        )
    )

    assert isinstance(message.source_config, GoogleSheetsConfig)
    assert message.enqueued_at == datetime(2025, 12, 4, 10, tzinfo=UTC)


def test_a_supplier_s_id_alone_will_do() -> None:
    message = parse_message({"supplier_id": SUPPLIER})

    assert message == ParseTaskMessage(supplier_id=UUID(SUPPLIER))
    assert (message.source_type, message.source_config) == (None, None)
    assert (message.max_retries, message.priority) == (3, Priority.NORMAL)


def test_a_stub_needs_no_config() -> None:
    message = parse_message(a_message(parser_type="stub", source_config={"items": 3}))

    assert message.source_config is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"supplier_name": " "}, "supplier_name"),
        ({"supplier_name": None}, "supplier_name or supplier_id is missing"),
        ({"source_config": None}, "source_config is missing"),
        ({"source_config": {}}, "source_config is missing"),
        ({"source_config": "hunter2"}, "source_config"),
        ({"task_id": "x" * 256}, "task_id"),
        ({"supplier_name": "x" * 256}, "supplier_name"),
        ({"supplier_id": "hunter2"}, "supplier_id: a UUID is wanted"),
        ({"parser_type": "hunter2"}, "parser_type"),
        ({"retry_count": -1}, "retry_count"),
        ({"max_retries": 0}, "max_retries"),
        ({"max_retries": 11}, "max_retries"),
        ({"max_retries": "hunter2"}, "max_retries"),
        ({"priority": "hunter2"}, "priority"),
        ({"enqueued_at": "hunter2"}, "enqueued_at"),
    ],
)
def test_each_wrong_field_is_named_and_what_it_held_is_not(
    changes: dict[str, object], told: str
) -> None:
    refusal = refusal_of(a_message(**changes))

    assert told in refusal
    assert "hunter2" not in refusal


@pytest.mark.parametrize("url", ["ftp://u:hunter2@h/x", "hunter2", "https://[hunter2", "https://"])
def test_an_address_that_is_none_is_refused_and_not_repeated(url: str) -> None:
    refusal = refusal_of(a_message(parser_type="google_sheets", source_config={"sheet_url": url}))

    assert "source_config.sheet_url: an http(s) address is wanted" in refusal
    assert "hunter2" not in refusal


def test_all_wrong_fields_are_told_at_once() -> None:
    refusal = refusal_of(
        a_message(max_retries=11, retry_count=-1, source_config={"header_row": 0})
    )

    for name in ("max_retries", "retry_count", "source_config.header_row"):
        assert name in refusal
    assert "data_start_row" not in refusal, "what follows from another field is no fault"


@pytest.mark.parametrize("text", ["{hunter2", "[]", b"\xff", "null"])
def test_what_is_no_message_at_all_is_refused(text: str | bytes) -> None:
    assert "hunter2" not in refusal_of(text)
