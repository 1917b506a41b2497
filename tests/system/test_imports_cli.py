"""`marketbel ingest` and `marketbel imports` as a person and as a program use them."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import text

from marketbel_adapters.postgres.url import create_engine
from marketbel_adapters.system import TimeOrderedIdSource
from tests.system.forked import run_command

pytestmark = pytest.mark.postgres

_LIST = """Артикул;Наименование;Цена
A-1;Дрель ударная Bosch GSB 13 RE;100,00
A-2;Насос Makita X1;50,00
A-3;Краска белая;звоните
A-4;;10,00
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "march.csv").write_text(_LIST)
    return tmp_path


@pytest.fixture
def environment(migrated_database_url: str) -> dict[str, str]:
    return os.environ | {"DATABASE_URL": migrated_database_url}


class Command:
    """Runs the command line; `told` is the last line of stdout."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._environment = environment

    def __call__(self, *arguments: str, status: int = 0) -> dict[str, Any]:
        done = run_command(
            *arguments, "--json", environment=self._environment, folder=self._folder
        )
        assert done.returncode == status, done.stderr
        told = json.loads(done.stdout.rstrip().rpartition("\n")[2])
        assert isinstance(told, dict)
        return told


@pytest.fixture
def marketbel(folder: Path, environment: dict[str, str]) -> Command:
    return Command(folder, environment)


def query(database_url: str, sql: str) -> list[tuple[Any, ...]]:
    async def run() -> list[tuple[Any, ...]]:
        engine = create_engine(database_url)
        async with engine.begin() as connection:
            rows = await connection.execute(text(sql))
            found = [tuple(row) for row in rows]
        await engine.dispose()
        return found

    return asyncio.run(run())


def test_a_list_is_planned_applied_looked_at_and_undone(
    marketbel: Command, folder: Path, migrated_database_url: str
) -> None:
    items = "SELECT supplier_sku, current_price FROM supplier_items ORDER BY 1"
    ingest = ("ingest", "march.csv", "--supplier", "ООО «Ромашка»")

    planned = marketbel(*ingest)["plan"]
    left = query(migrated_database_url, "SELECT count(*) FROM suppliers")
    applied = marketbel(*ingest, "--apply", "--version", planned["version"])["import"]
    repeated = marketbel(*ingest, "--apply")["import"]

    assert planned["figures"]["inserted"] == 2
    assert (planned["figures"]["rejected"], planned["figures"]["no_price"]) == (1, 1)
    assert [each["sku"] for each in planned["differences"]] == ["A-1", "A-2"]
    assert left == [(0,)]
    assert (applied["state"], applied["figures"]) == ("applied", planned["figures"])
    assert repeated["state"] == "repeated"
    stored = query(migrated_database_url, items)
    assert [(sku, str(price)) for sku, price in stored] == [("A-1", "100.00"), ("A-2", "50.00")]

    (folder / "april.csv").write_text(_LIST.replace("100,00", "110,00"))
    ingest = ("ingest", "april.csv", "--supplier", "ооо «ромашка» ")
    stale = marketbel(*ingest, "--apply", "--version", planned["version"], status=1)
    second = marketbel(*ingest, "--apply")["import"]
    listed = marketbel("imports", "ls")["imports"]
    shown = marketbel("imports", "show", second["id"])

    assert stale["code"] == "import.plan_stale"
    assert second["figures"]["repriced"] == 1
    assert [each["state"] for each in listed] == ["applied", "repeated", "applied"]
    assert {each["supplier"] for each in listed} == {"ООО «Ромашка»"}
    assert shown["changes"] == [
        {
            "kind": "repriced",
            "sku": "A-1",
            "name": "Дрель ударная Bosch GSB 13 RE",
            "before": "100.00 BYN",
            "after": "110.00 BYN",
        }
    ]


def test_a_list_beyond_the_limits_is_held_until_somebody_waives_them(
    marketbel: Command, folder: Path, migrated_database_url: str
) -> None:
    marketbel("ingest", "march.csv", "--supplier", "Acme", "--apply")
    (folder / "april.csv").write_text(_LIST.replace("100,00", "900,00"))
    ingest = ("ingest", "april.csv", "--supplier", "Acme")

    planned = marketbel(*ingest)["plan"]
    held = marketbel(*ingest, "--apply", status=1)
    replanned = marketbel(*ingest)["plan"]
    exactly = ("--apply", "--waive-limits", "--version", replanned["version"])
    waived = marketbel(*ingest, *exactly)["import"]

    assert planned["held"]
    assert [reason["code"] for reason in planned["reasons"]] == ["import.price_moves"]
    assert (held["code"], held["import"]["state"]) == ("import.held", "held")
    assert waived["state"] == "applied"
    prices = query(
        migrated_database_url, "SELECT price FROM price_history ORDER BY recorded_at, price"
    )
    assert [str(price) for (price,) in prices] == ["50.00", "100.00", "900.00"]


def test_rejected_rows_come_back_as_a_workbook_in_which_nothing_is_calculated(
    marketbel: Command, folder: Path
) -> None:
    (folder / "evil.csv").write_text(
        "Артикул;Наименование;Цена\nA-1;Дрель;1,00\n=1+1;;2,00\n-x;+cmd;договорная\n"
    )
    record = marketbel("ingest", "evil.csv", "--supplier", "Acme", "--apply")["import"]

    written = marketbel("imports", "rejected", record["id"], "--out", "rejected.xlsx")
    again = marketbel("imports", "rejected", record["id"], "--out", "rejected.xlsx", status=1)

    book = CalamineWorkbook.from_path(str(folder / "rejected.xlsx"))
    rows = book.get_sheet_by_index(0).to_python()
    assert written["rows"] == 2
    assert again["code"] == "storage.exists"
    assert rows[0][:6] == ["sheet", "row", "column", "value", "code", "reason"]
    assert rows[0][6:] == ["Артикул", "Наименование", "Цена"]
    sku = rows[0].index("Артикул")
    assert [(row[1], row[4], row[sku]) for row in rows[1:]] == [
        ("3", "row.name_blank", "=1+1"),
        ("4", "row.no_price", "-x"),
    ]
    with ZipFile(folder / "rejected.xlsx") as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
        styles = archive.read("xl/styles.xml").decode()
    assert "<f>" not in sheet
    assert 'quotePrefix="1"' in styles


def test_what_is_no_import_is_told(marketbel: Command) -> None:
    nobody = str(TimeOrderedIdSource().new_id())

    assert marketbel("imports", "show", nobody, status=1)["code"] == "import.not_found"
    assert marketbel("imports", "show", "7", status=1)["code"] == "job.bad_id"
    missing = marketbel("ingest", "nowhere.csv", "--supplier", "Acme", status=1)
    assert missing["code"] == "source.missing"


def test_an_import_is_undone_and_a_held_one_approved_with_the_database_alone(
    marketbel: Command, folder: Path, migrated_database_url: str
) -> None:
    first = marketbel("ingest", "march.csv", "--supplier", "Acme", "--apply")["import"]
    (folder / "april.csv").write_text(_LIST.replace("100,00", "900,00"))
    held = marketbel("ingest", "april.csv", "--supplier", "Acme", "--apply", status=1)["import"]

    approved = marketbel("imports", "approve", held["id"], "--by", "Ivanova")["import"]
    second = marketbel("ingest", "april.csv", "--supplier", "Acme", "--apply")["import"]
    outcomes = [marketbel("imports", "undo", each["id"]) for each in (second, first)]
    twice = marketbel("imports", "undo", first["id"], status=1)

    assert approved["approved_by"] == "Ivanova"
    assert second["state"] == "applied"
    assert [each["reversed"] for each in outcomes] == [1, 2]
    assert twice["code"] == "import.not_applied"
    for table in ("supplier_items", "price_history"):
        assert query(migrated_database_url, f"SELECT * FROM {table}") == []


@pytest.mark.valkey
def test_an_approval_stands_whether_or_not_its_job_can_be_told(
    marketbel: Command,
    folder: Path,
    environment: dict[str, str],
    redis_url: str,
    migrated_database_url: str,
) -> None:
    marketbel("ingest", "march.csv", "--supplier", "Acme", "--apply")
    (folder / "april.csv").write_text(_LIST.replace("100,00", "900,00"))
    ingest = ("ingest", "april.csv", "--supplier", "Acme", "--apply")
    held = marketbel(*ingest, status=1)["import"]
    [(job_id,)] = query(
        migrated_database_url,
        "UPDATE marketbel.imports SET job_id = gen_random_uuid() WHERE state = 'held'"
        " RETURNING job_id",
    )

    alone = marketbel("imports", "approve", held["id"])
    with_redis = Command(folder, environment | {"REDIS_URL": redis_url})
    told = with_redis("imports", "approve", held["id"])

    assert alone["import"]["approved_at"] is not None
    assert f"marketbel jobs retry {job_id}" in alone["message"]
    assert told["message"].startswith("its job is forgotten")
    assert marketbel(*ingest)["import"]["state"] == "applied"


@pytest.mark.processes
def test_ctrl_c_leaves_nothing_half_done(
    folder: Path, environment: dict[str, str], migrated_database_url: str
) -> None:
    rows = "".join(f"A-{n};Товар {n};{n % 90 + 1},00\n" for n in range(150_000))
    (folder / "long.csv").write_text("Артикул;Наименование;Цена\n" + rows)
    under_way = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND query ILIKE '%marketbel_rows%'"
    )
    command = subprocess.Popen(
        [
            *(sys.executable, "-m", "marketbel_runtime.cli"),
            *("ingest", "long.csv", "--supplier", "Acme", "--apply"),
        ],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        while command.poll() is None and query(migrated_database_url, under_way) == [(0,)]:
            pass
        command.send_signal(signal.SIGINT)
        _, said = command.communicate(timeout=60)
    finally:
        command.kill()

    assert command.returncode == 130, said.decode()
    for table in ("suppliers", "supplier_items", "parsing_logs", "marketbel.imports"):
        assert query(migrated_database_url, f"SELECT count(*) FROM {table}") == [(0,)]
