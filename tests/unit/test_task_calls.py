"""Every task that is built, called as the deployment calls it, and what it returns."""

from decimal import Decimal
from uuid import UUID

import pytest

from marketbel_adapters.testing.builders import a_job, a_row, a_supplier
from marketbel_core.catalog import Money, SourceType
from marketbel_core.ids import parse_job_id, parse_supplier_id
from marketbel_core.jobs import Failure, Phase
from marketbel_runtime.lifespan import InMemory, memory
from marketbel_runtime.tasks import TASKS

URL = "https://shop.example/list.csv"
JOB = "0c5f39a1-6d3d-4c5e-9f5f-0f2f0e7b1a11"
SUPPLIER = "0c5f39a1-6d3d-4c5e-9f5f-0f2f0e7b1a12"
FAILED_JOB = "0c5f39a1-6d3d-4c5e-9f5f-0f2f0e7b1a13"
SHEET = "https://shop.example/master.xlsx"
LIST = b"sku,name,price\nA1,Cable 1 m,2.50\n"

DOWNLOAD = {"task_id", "job_id", "status", "file_path", "ml_job_id", "error", "duration_seconds"}
PARSE = {
    *("task_id", "status", "items_parsed", "items_failed", "price_history_entries"),
    *("duration_seconds", "errors"),
}
MATCH = {
    *("task_id", "status", "items_processed", "auto_matched", "potential_matches"),
    *("new_products_created", "skipped_no_category", "skipped_verified", "errors"),
    "duration_seconds",
}
RECALCULATE = {
    *("task_id", "status", "trigger", "products_processed", "products_updated", "errors"),
    "duration_seconds",
}
RETRY = {
    *("task_id", "job_id", "status", "phase", "retry_count", "message", "ml_job_id", "can_retry"),
    "duration_seconds",
}
EVENT = {
    *("task_id", "status", "action", "supplier_item_id", "product_id", "previous_product_id"),
    *("user_id", "duration_seconds"),
}
ENRICH = {
    *("task_id", "status", "supplier_item_id", "features_extracted", "characteristics_updated"),
    *("extractors_applied", "duration_seconds"),
}
EXPIRE = {"task_id", "status", "expired_count", "duration_seconds"}
ITEM = str(UUID(int=1))  # the first that the memory catalogue makes
CLEAN_UP = {"files_found", "files_deleted", "bytes_freed", "errors"}
SYNC = {
    *("task_id", "status", "triggered_by", "master_sheet_parsed", "suppliers_created"),
    *("suppliers_updated", "suppliers_deactivated", "suppliers_skipped"),
    *("parse_tasks_enqueued", "ml_jobs_triggered", "ml_job_ids", "errors", "duration_seconds"),
}
POLL = {"jobs_polled", "jobs_updated", "errors"}

CONFIG = {"file_path": URL, "original_filename": "list.csv", "sheet_name": "Sheet1"}
MESSAGE: dict[str, object] = {
    "task_id": "t",
    "parser_type": "csv",
    "supplier_name": "Acme",
    "source_config": CONFIG,
    "retry_count": 0,
    "max_retries": 3,
    "enqueued_at": "2026-01-01T00:00:00Z",
    "priority": "normal",
}
FETCH: dict[str, object] = {"supplier_id": SUPPLIER, "source_type": "csv", "source_url": URL}

PLACES = ("file_path", "sheet_url", "spreadsheet_url", "source_url")


def placed(place: str) -> dict[str, object]:
    return {"supplier_name": "Acme", "source_config": {place: URL}}


def configured(**fields: object) -> dict[str, object]:
    return {"supplier_name": "Acme", "source_config": {**CONFIG, **fields}}


PRODUCTS: dict[str, object] = {
    "task_id": "t",
    "product_ids": [JOB],
    "trigger": "manual_link",
}

CALLS: list[tuple[str, dict[str, object], set[str]]] = [
    ("download_and_trigger_ml", FETCH, DOWNLOAD),
    ("download_and_trigger_ml", {**FETCH, "task_id": "t", "job_id": JOB}, DOWNLOAD),
    ("download_and_trigger_ml", {**FETCH, "supplier_name": "Acme"}, DOWNLOAD),
    ("download_and_trigger_ml", {**FETCH, "original_filename": "a.csv"}, DOWNLOAD),
    ("download_and_trigger_ml", {**FETCH, "sheet_name": "Sheet1"}, DOWNLOAD),
    ("download_and_trigger_ml", {**FETCH, "use_ml_processing": False}, DOWNLOAD),
    ("download_and_trigger_ml", {**FETCH, "max_file_size_mb": 50}, DOWNLOAD),
    ("download_and_trigger_ml", {**FETCH, "something_new": 1}, DOWNLOAD),
    ("parse_task", MESSAGE, PARSE),
    ("parse_task", {"message": MESSAGE}, PARSE),
    ("parse_task", {"supplier_id": SUPPLIER}, PARSE),
    *[("parse_task", placed(place), PARSE) for place in PLACES],
    ("parse_task", configured(header_row=1, data_start_row=2), PARSE),
    ("parse_task", configured(header_row=1, header_row_end=1), PARSE),
    ("parse_task", configured(column_mapping={"sku": "SKU", "name": "Name"}), PARSE),
    ("parse_task", configured(characteristic_columns=["colour"]), PARSE),
    ("parse_task", configured(delimiter=",", encoding="utf-8"), PARSE),
    ("match_items_task", {}, MATCH),
    ("match_items_task", {"task_id": "t", "category_id": None, "batch_size": 100}, MATCH),
    ("match_items_task", {"supplier_id": SUPPLIER, "retry_count": 0, "max_retries": 3}, MATCH),
    ("recalc_aggregates_task", PRODUCTS, RECALCULATE),
    ("recalc_aggregates_task", {"product_ids": []}, RECALCULATE),
    ("recalc_product_aggregates_task", PRODUCTS, RECALCULATE),
    ("recalc_product_aggregates_task", {"product_ids": []}, RECALCULATE),
    ("poll_ml_job_status_task", {}, POLL),
    ("poll_ml_job_status_task", {"task_id": "t"}, POLL),
    ("retry_job_task", {"job_id": FAILED_JOB}, RETRY),
    ("retry_job_task", {"job_id": FAILED_JOB, "task_id": "t"}, RETRY),
    ("retry_job_task", {"job_id": FAILED_JOB, "attempt": 1}, RETRY),
    ("retry_job_task", {"job_id": FAILED_JOB, "triggered_at": "2026-01-01T00:00:00Z"}, RETRY),
    ("master_sync_task", {"task_id": "t"}, SYNC),
    ("trigger_master_sync_task", {"task_id": "t", "triggered_at": "2026-01-01"}, SYNC),
    ("trigger_master_sync_task", {"task_id": "t", "master_sheet_url": SHEET}, SYNC),
    ("scheduled_sync_task", {}, SYNC),
    ("cleanup_shared_files_task", {}, CLEAN_UP),
    ("cleanup_shared_files_task", {"ttl_hours": 24, "dry_run": True}, CLEAN_UP),
    ("cleanup_shared_files_task", {"ttl_hours": None, "task_id": "t"}, CLEAN_UP),
    ("enrich_item_task", {"task_id": "t", "supplier_item_id": ITEM}, ENRICH),
    (
        "enrich_item_task",
        {"supplier_item_id": ITEM, "extractors": ["electronics"], "preserve_existing": False},
        ENRICH,
    ),
    ("expire_review_queue_task", {}, EXPIRE),
    ("expire_review_queue_task", {"task_id": "t"}, EXPIRE),
    (
        "handle_manual_match_event",
        {"task_id": "t", "supplier_item_id": ITEM, "action": "reset_match"},
        EVENT,
    ),
    (
        "handle_manual_match_event",
        {
            "event_id": "t",
            "supplier_item_id": ITEM,
            "action": "reject_match",
            "new_product_name": "Cable",
            "previous_product_id": None,
            "user_id": SUPPLIER,
            "timestamp": "2026-01-01T00:00:00Z",
        },
        EVENT,
    ),
]


async def a_market() -> InMemory:
    app = memory()
    app.sources.put(URL, LIST)
    app.master_sheet.put(SHEET, [("name", "url", "format"), ("Acme", URL, "csv")])
    supplier = a_supplier(
        id=parse_supplier_id(SUPPLIER),
        name="Acme",
        source_type=SourceType.CSV,
        metadata={"source_url": URL},
    )
    row = a_row(sku="A1", price=Money(Decimal("2.50")))
    async with app.catalog.unit() as unit:
        await unit.suppliers.add(supplier)
        await unit.items.merge(supplier.id, [row], at=app.clock.now())
    await app.jobs.add(
        a_job(
            id=parse_job_id(FAILED_JOB),
            phase=Phase.FAILED,
            failure=Failure(code="http.denied", message="no"),
        )
    )
    return app


@pytest.mark.parametrize(("name", "kwargs", "shape"), CALLS)
async def test_a_call_of_the_deployment_returns_the_shape_that_it_knows(
    name: str, kwargs: dict[str, object], shape: set[str]
) -> None:
    app = await a_market()
    task = next(task for task in TASKS if task.__name__ == name)

    result = await task({"container": app.container, "job_id": "d", "job_try": 1}, **kwargs)

    assert shape <= result.keys()
    assert result.get("status", "success") == "success", result
    scheduled = f"sync-scheduled-{int(app.clock.now().timestamp())}"
    assert result.get("task_id") in {None, "t", scheduled}


def test_every_task_that_is_built_is_called_here() -> None:
    # Steps ask for these; no neighbour does.
    ours = {"courier_task", "import_items_task", "enrich_items_task"}

    assert {task.__name__ for task in TASKS} == ours | {name for name, _, _ in CALLS}
