"""`marketbel inspect` as a person or a program uses it."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from marketbel_adapters.testing.containers import zipped
from marketbel_adapters.testing.drawn_pdf import Page, a_drawn_pdf
from tests.system.forked import run_command

EXAMPLES = Path(__file__).parents[2] / "examples"
KEYS = [
    "name", "is_price_list", "header_row", "columns", "items", "sections", "rejected", "no_price",
    "price_sum",
]  # fmt: skip


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "marketbel_runtime.cli", "inspect", *arguments]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "COLUMNS": "120"}


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return run_command("inspect", *arguments, environment=environment())


def a_csv(folder: Path, text: str) -> str:
    path = folder / "list.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_csv_is_described_on_one_line_of_json(tmp_path: Path) -> None:
    path = a_csv(
        tmp_path,
        "ООО Чай\nАртикул;Название;Цена\nНапитки;;\n01;Чай;1,20\n02;Кофе;2,31\n03;Сок;звоните\n"
        "04;;5\n",
    )

    done = run(path, "--json")

    told = json.loads(done.stdout)
    assert (done.returncode, list(told)) == (0, ["sheets"]), done.stderr
    (sheet,) = told["sheets"]
    assert list(sheet) == KEYS
    assert sheet == {
        "name": "csv",
        "is_price_list": True,
        "header_row": 2,
        "columns": {"sku": 0, "name": 1, "price": 2},
        "items": 2,
        "sections": sheet["sections"],
        "rejected": 1,
        "no_price": 1,
        "price_sum": sheet["price_sum"],
    }
    assert sheet["price_sum"] == "3.51"


def test_a_person_sees_columns_rows_and_what_is_left_out(tmp_path: Path) -> None:
    path = a_csv(tmp_path, "Артикул;Название;Цена\n01;Чай;1,20\n02;Кофе;2,30\n03;Сок;звоните\n")

    done = run(path, "--rows", "1", "--timing")

    assert done.returncode == 0, done.stderr
    for shown in ("header in row 1", "Название", "Чай", "1.20 BYN", "звоните", "row.no_price"):
        assert shown in done.stdout
    assert "Кофе" not in done.stdout
    assert "seconds: check" in done.stdout


def test_every_sheet_of_a_workbook_is_told() -> None:
    done = run(str(EXAMPLES / "sever-sale.xlsx"), "--json", "--timing")

    told = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert any(sheet["is_price_list"] and sheet["items"] for sheet in told["sheets"])
    assert list(told["timing"]) == ["check", "open", "read", "total"]


def test_a_pdf_has_one_table_without_a_header_row(tmp_path: Path) -> None:
    rows = [("Code", "Name", "Price"), *[(f"A{n}", f"Green tea {n}", f"{n}.50") for n in range(9)]]
    texts = [
        (left, 100.0 + 14 * number, text)
        for number, row in enumerate(rows)
        for left, text in zip((50.0, 120.0, 400.0), row, strict=True)
    ]
    path = tmp_path / "list.pdf"
    path.write_bytes(a_drawn_pdf([Page(texts=texts)]))

    done = run(str(path), "--json")

    (sheet,) = json.loads(done.stdout)["sheets"]
    assert (sheet["name"], sheet["header_row"], sheet["items"], sheet["price_sum"]) == (
        "pdf table",
        None,
        9,
        "40.50",
    )


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.csv", b"", "file.empty"),
        ("a.csv", b"only one column\nand no more\n", "csv.header"),
        ("a.csv", b"a;b\nc;d\n", "file.no_price_list"),
        ("a.xlsx", zipped([("a.txt", b"text")]), "file.type_mismatch"),
        ("a.pdf", a_drawn_pdf([Page()]), "pdf.no_text"),
    ],
)
def test_a_file_that_is_no_list_is_refused_with_its_code(
    tmp_path: Path, name: str, content: bytes, code: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    done = run(str(path), "--json")

    told = json.loads(done.stdout)
    assert (done.returncode, told["ok"], told["code"]) == (1, False, code)
    assert told["message"]
    assert code in done.stderr


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    done = run(str(tmp_path / "nothing.xlsx"), "--json")

    assert (done.returncode, json.loads(done.stdout)["code"]) == (1, "source.missing")


@pytest.mark.processes
def test_ctrl_c_ends_it_and_what_it_started(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    with path.open("w") as file:
        file.write("name;price\n")
        file.writelines(f"Tea number {n};{n}.50\n" for n in range(1, 700_000))
    inspecting = subprocess.Popen(
        command(str(path)), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    reader = _reader_of(inspecting.pid)

    inspecting.send_signal(signal.SIGINT)
    inspecting.communicate(timeout=60)

    assert inspecting.returncode == 130
    assert not Path(f"/proc/{reader}").exists()


def _reader_of(parent: int) -> int:
    """Return the process that reads the list, once it runs."""
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        for child in _children_of(parent):
            with suppress(FileNotFoundError, ProcessLookupError):
                if b"reading_child" in Path(f"/proc/{child}/cmdline").read_bytes():
                    return child
    raise AssertionError("no process reads the list")


def _children_of(parent: int) -> list[int]:
    children: list[int] = []
    for task in Path(f"/proc/{parent}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # threads come and go
            children += map(int, (task / "children").read_text().split())
    return children
