"""Names of stored files: safe whatever came, and what kind of file a name tells."""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from marketbel_adapters.testing.builders import NOW
from marketbel_core.catalog import FileType, SourceRef, SourceType
from marketbel_core.ids import JobId
from marketbel_core.intake import (
    file_key,
    file_type_of,
    original_filename,
    sanitised,
    stored_name,
)

_ANY_TEXT = st.one_of(
    st.text(max_size=400),
    st.text(st.characters(categories=["Lu", "Lo", "Nd", "Mn", "Cs", "Po", "Cc"]), max_size=400),
    st.text("аб./\\ _-\u0301\U0001f384\ud800", max_size=400),
)
_JOB = JobId(UUID(int=7))


@given(_ANY_TEXT)
@example("")
@example("...")
@example("../../etc/passwd")
@example("..\\..\\boot.ini")
@example("a." + "b" * 300)
@example("a." + "b" * 300 + ".")
@example("\U00020000" * 300 + ".csv")
@example("x" * 300 + "." + "\U00020000" * 15)
@example("\ud800.csv")
@example("no\x00thing\n.csv")
def test_a_sanitised_name_is_safe_and_stays_as_it_is(filename: str) -> None:
    name = sanitised(filename)

    assert 1 <= len(name) <= 200
    assert len(name.encode()) <= 190
    assert not name.startswith(".")
    assert all(letter.isalnum() or letter in "_-." for letter in name)
    assert sanitised(name) == name


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("price.xlsx", "price.xlsx"),
        ("Прайс март 2026.xlsx", "Прайс_март_2026.xlsx"),
        ("C:\\lists\\march.csv", "march.csv"),
        ("/etc/passwd", "passwd"),
        ("..", "file"),
        (".hidden", "hidden"),
        ("a/", "file"),
        ("й.csv", "й.csv"),
        ("и\u0306.csv", "й.csv"),
        ("x" * 300 + ".xlsx", "x" * 185 + ".xlsx"),
        ("ы" * 300 + ".csv", "ы" * 93 + ".csv"),
    ],
)
def test_a_name_is_kept_as_far_as_it_is_safe(filename: str, name: str) -> None:
    assert sanitised(filename) == name


def test_what_follows_a_dot_inside_a_sentence_is_no_extension() -> None:
    name = sanitised("Прайс №5. Строительные материалы оптом")

    assert name == "Прайс__5._Строительные_материалы_оптом"


def test_a_long_name_keeps_its_extension() -> None:
    assert sanitised("д" * 500 + ".XLSX").endswith(".XLSX")


@given(_ANY_TEXT)
def test_a_key_is_the_job_the_instant_and_the_name_within_a_disks_limit(filename: str) -> None:
    key = file_key(_JOB, at=NOW, filename=filename)

    assert key == f"{_JOB}_1773480413589_{sanitised(filename)}"
    assert len(f"{key}.meta.json".encode()) <= 255


def a_source(
    location: str = "https://example.com/lists/march.xlsx?version=2",
    *,
    source_type: SourceType = SourceType.EXCEL,
    name: str | None = None,
) -> SourceRef:
    return SourceRef(type=source_type, location=location, original_filename=name)


def test_what_the_job_says_wins() -> None:
    name = original_filename(a_source(name="our.xlsx"), announced="their.xlsx", supplier_name="S")

    assert name == "our.xlsx"


def test_then_what_the_source_announced() -> None:
    assert original_filename(a_source(), announced="their.xlsx", supplier_name="S") == "their.xlsx"


def test_then_the_end_of_the_address_as_people_read_it() -> None:
    source = a_source("https://example.com/a/%D0%BF%D1%80%D0%B0%D0%B9%D1%81.csv?x=1#top")

    assert original_filename(source, announced=None, supplier_name="S") == "прайс.csv"


def test_an_address_without_a_name_is_called_after_the_supplier() -> None:
    source = a_source("https://example.com/")

    assert original_filename(source, announced="", supplier_name="Ромашка") == "Ромашка_file"


def test_an_address_that_is_none_is_left_to_its_source() -> None:
    source = a_source("https://[x/march.csv")

    assert original_filename(source, announced=None, supplier_name="Ромашка") == "Ромашка_file"


def test_a_google_sheet_is_called_after_its_supplier() -> None:
    source = a_source("https://docs.google.com/x", source_type=SourceType.GOOGLE_SHEETS)

    name = original_filename(source, announced="Sheet1.xlsx", supplier_name="Ромашка")

    assert name == "Ромашка_export.xlsx"


@pytest.mark.parametrize("supplier_name", ["S", "S" * 255])
@pytest.mark.parametrize("source_type", list(SourceType))
@pytest.mark.parametrize("told", [None, "n" * 999 + ".xlsx"])
def test_no_name_is_longer_than_its_column(
    supplier_name: str, source_type: SourceType, told: str | None
) -> None:
    source = a_source("https://example.com/", source_type=source_type, name=told)

    name = original_filename(source, announced=told, supplier_name=supplier_name)

    assert 1 <= len(name) <= 255


@pytest.mark.parametrize(
    ("filename", "mime_type", "source_type", "file_type"),
    [
        ("a.xlsx", "text/csv", SourceType.CSV, FileType.EXCEL),
        ("a.XLS", None, SourceType.CSV, FileType.EXCEL),
        ("a.csv", "application/pdf", SourceType.EXCEL, FileType.CSV),
        ("a.pdf", None, SourceType.EXCEL, FileType.PDF),
        ("a", "Text/CSV; charset=utf-8", SourceType.EXCEL, FileType.CSV),
        ("a", "application/vnd.ms-excel", SourceType.CSV, FileType.EXCEL),
        (
            "a.bin",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            SourceType.CSV,
            FileType.EXCEL,
        ),
        ("a", "application/pdf", SourceType.EXCEL, FileType.PDF),
        ("a", "application/octet-stream", SourceType.CSV, FileType.CSV),
        ("a.txt", None, SourceType.CSV, FileType.CSV),
        ("a", None, SourceType.EXCEL, FileType.EXCEL),
        ("", None, SourceType.GOOGLE_SHEETS, FileType.EXCEL),
    ],
)
def test_the_extension_then_the_mime_type_then_the_source_tell_the_type(
    filename: str, mime_type: str | None, source_type: SourceType, file_type: FileType
) -> None:
    assert file_type_of(filename, mime_type=mime_type, source_type=source_type) is file_type


@given(st.timedeltas(timedelta(days=-9_000), timedelta(days=90_000)), _ANY_TEXT)
def test_a_name_tells_whose_the_file_is_and_since_when(after: timedelta, filename: str) -> None:
    named = stored_name(file_key(_JOB, at=NOW + after, filename=filename))

    assert named is not None
    assert named.owner == _JOB
    assert abs(named.stored_at - (NOW + after)) < timedelta(milliseconds=1)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "list.xlsx",
        "supplier_123_list.xlsx",
        f"{_JOB}_list.xlsx",
        f"{_JOB}_1767225600000_",
        f"{_JOB}_1767225600_list.xlsx",
        f"{_JOB}_१७६७२२५६०००००_list.xlsx",
        f"x{_JOB}_1767225600000_list.xlsx",
        f".{_JOB}_1767225600000_list.xlsx",
    ],
)
def test_other_names_tell_nothing(name: str) -> None:
    assert stored_name(name) is None
