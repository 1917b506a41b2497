"""`marketbel sync` on real servers, as an operator or a program calls it."""

import json
import os
from typing import Any

import pytest
from openpyxl import Workbook
from sqlalchemy import text

from marketbel_adapters.postgres import create_engine
from marketbel_adapters.redis import create_redis
from marketbel_runtime.settings import Settings
from tests.system.forked import run_command

pytestmark = [pytest.mark.postgres, pytest.mark.valkey, pytest.mark.processes]

URL = "https://x.example/list.csv"


def call(settings: Settings, *arguments: str, **variables: str) -> tuple[int, dict[str, Any]]:
    environment = {
        **os.environ,
        "DATABASE_URL": settings.require_database_url(),
        "REDIS_URL": settings.require_redis_url(),
        "QUEUE_NAME": settings.queue_name,
        "UPLOADS_DIR": str(settings.uploads_dir),
        **variables,
    }
    folder = settings.uploads_dir.parent
    done = run_command("sync", *arguments, "--json", environment=environment, folder=folder)
    assert done.stdout, done.stderr
    told = json.loads(done.stdout)
    assert isinstance(told, dict)
    return done.returncode, told


async def value(settings: Settings, query: str) -> object:
    engine = create_engine(settings.require_database_url())
    async with engine.connect() as connection:
        found = await connection.scalar(text(query))
    await engine.dispose()
    return found


async def test_a_plan_is_shown_then_applied_and_the_status_tells_of_it(settings: Settings) -> None:
    book = Workbook()
    sheet = book.create_sheet("Suppliers", 0)
    sheet.append(("Supplier Name", "Source URL", "Format", "Active"))
    for row in (("Acme", URL, "csv", "yes"), ("Идея", URL, "csv", "no"), ("Bad", URL, "docx")):
        sheet.append(row)
    book.save(settings.uploads_dir.parent / "master.xlsx")  # outside of UPLOADS_DIR

    planned_status, planned = call(settings, "run", "--plan", "--sheet", "master.xlsx")
    before = await value(settings, "SELECT count(*) FROM suppliers")
    status, told = call(settings, "run", "--sheet", "master.xlsx")
    _, shown = call(settings, "status")

    assert (planned_status, planned["ok"], before) == (0, True, 0)
    assert [one["name"] for one in planned["create"]] == ["Acme", "Идея"]
    assert [one["code"] for one in planned["skip"]] == ["sheet.bad_format"]
    assert (status, told["status"], told["suppliers_created"]) == (0, "success", 2)
    assert (told["ml_jobs_triggered"], told["jobs_queued"]) == (1, 1)
    assert await value(settings, "SELECT count(*) FROM marketbel.outbox") == 0
    assert await value(settings, "SELECT count(*) FROM marketbel.jobs") == 1
    assert (shown["state"], shown["completed"]) == ("idle", 1)
    assert [run["task_id"] for run in shown["runs"]] == [told["task_id"]]
    assert shown["next_due"] > shown["last_run"]


def test_a_sheet_that_is_named_and_not_there_starts_nothing(settings: Settings) -> None:
    status, told = call(settings, "run", "--sheet", "mistyped.xlsx")
    _, shown = call(settings, "status")

    assert (status, told["code"]) == (1, "source.missing")
    assert (shown["completed"], shown["runs"]) == (0, [])


async def test_a_sync_that_is_under_way_is_told_and_left_alone(settings: Settings) -> None:
    async with create_redis(settings.require_redis_url()) as redis:
        await redis.set("sync:lock", "sync-manual-1")

    status, told = call(settings, "run")

    assert (status, told["code"]) == (1, "sync.in_progress")
    assert "already in progress: sync-manual-1" in told["error"]


def test_a_setting_may_not_name_a_file_outside_the_shared_folder(settings: Settings) -> None:
    outside = settings.uploads_dir.parent / "master.csv"
    outside.write_text(f"name,url,format\nAcme,{URL},csv\n")

    status, told = call(settings, "run", MASTER_SHEET_URL=str(outside))

    assert (status, told["status"], told["suppliers_created"]) == (1, "partial_success", 0)
    assert "outside the folders" in told["errors"][0]


def test_a_plan_without_a_sheet_is_refused_with_its_cure(settings: Settings) -> None:
    status, told = call(settings, "run", "--plan")

    assert (status, told["code"]) == (1, "sync.no_sheet")
