"""arq's side of the steps: what producers pass, and what becomes of errors."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from arq import Retry

from marketbel_adapters.testing.builders import a_supplier
from marketbel_adapters.testing.files import chunks_of
from marketbel_core.catalog import SourceType
from marketbel_core.errors import RefusedError, UnavailableError
from marketbel_core.ids import FileKey, JobId
from marketbel_core.intake import file_key
from marketbel_core.jobs import Failure, Job, Phase, Reading, RetryRequested
from marketbel_core.ports import RowBatch, RowReader
from marketbel_runtime.lifespan import InMemory, memory
from marketbel_runtime.settings import Settings
from marketbel_runtime.tasks import (
    TASKS,
    Context,
    cleanup_shared_files_task,
    courier_task,
    download_and_trigger_ml,
    import_items_task,
    match_items_task,
    parse_task,
    poll_ml_job_status_task,
    recalc_aggregates_task,
    retry_job_task,
)
from marketbel_runtime.tasks.running import TRIES_MAX, Task

JOB = "0c5f39a1-6d3d-4c5e-9f5f-0f2f0e7b1a11"
LIST = "Артикул;Наименование;Цена\nA1;Молоко 1 л;2,50\nA2;Хлеб ржаной;1,90\n"
JOB_ID = JobId(UUID(JOB))
URL = "https://shop.example/list.csv"


def a_market() -> InMemory:
    app = memory()
    app.sources.put(URL, LIST.encode())
    return app


def ctx(app: InMemory, *, delivery: str = "d1", tries: int = 1) -> Context:
    return {"container": app.container, "job_id": delivery, "job_try": tries}


async def test_download_and_trigger_ml_hands_the_file_to_ml_analyze() -> None:
    app = a_market()

    result = await download_and_trigger_ml(
        ctx(app),
        task_id="download-1",
        job_id=JOB,
        supplier_name="Acme",
        source_type="csv",
        source_url=URL,
        max_file_size_mb=50,
    )

    job = await app.jobs.get(JobId(UUID(JOB)))
    assert job.phase is Phase.ANALYZING
    assert job.reading is Reading.ML
    assert result["status"] == "success"
    assert result["task_id"] == "download-1"
    assert result["ml_job_id"] == job.analysis_id is not None
    assert result["file_path"] == f"/shared/uploads/{job.file_key}"


async def test_without_ml_processing_the_job_is_read_here_and_completes() -> None:
    app = a_market()

    await download_and_trigger_ml(
        ctx(app),
        job_id=JOB,
        supplier_name="Acme",
        source_type="csv",
        source_url=URL,
        use_ml_processing=False,
    )
    await app.run()

    assert (await app.jobs.get(JobId(UUID(JOB)))).phase is Phase.COMPLETE
    assert len(app.catalog.items()) == 2


@pytest.mark.parametrize("spelling", ["by name", "by position", "flat"])
async def test_parse_task_takes_its_message_in_every_form(spelling: str) -> None:
    app = a_market()
    message: dict[str, object] = {
        "task_id": "parse-acme-1",
        "parser_type": "csv",
        "supplier_name": "Acme",
        "source_config": {"file_path": URL, "original_filename": "list.csv"},
        "retry_count": 0,
        "max_retries": 3,
        "enqueued_at": "2026-01-01T00:00:00Z",
    }
    positional: Sequence[object] = [message] if spelling == "by position" else []
    named: dict[str, object] = {}
    if spelling == "by name":
        named = {"message": message}
    if spelling == "flat":
        named = message

    result = await parse_task(ctx(app), *positional, **named)
    await app.run()

    assert (result["status"], result["task_id"]) == ("success", "parse-acme-1")
    assert len(app.catalog.items()) == 2


async def test_the_same_task_id_starts_one_job() -> None:
    app = a_market()
    kwargs = {"task_id": "t", "supplier_name": "Acme", "parser_type": "csv"}

    first = await parse_task(ctx(app), **kwargs, source_config={"file_path": URL})
    second = await parse_task(ctx(app, delivery="d2"), **kwargs, source_config={"file_path": URL})

    assert first["job_id"] == second["job_id"]


async def test_trouble_of_a_jobs_step_is_the_jobs_and_arq_is_not_asked_again() -> None:
    app = a_market()
    app.sources.put(URL, UnavailableError("down", code="http.unavailable"))

    result = await parse_task(
        ctx(app), job_id=JOB, supplier_name="Acme", source_config={"file_path": URL}
    )

    job = await app.jobs.get(JobId(UUID(JOB)))
    assert (job.phase, result["status"]) == (Phase.DOWNLOADING, "success")
    assert job.deferred_by is not None
    assert job.deferred_by.code == "http.unavailable"
    assert len(app.queue) == 1


async def _away(job_id: JobId) -> Job:
    raise UnavailableError(f"no answer about {job_id}", code="redis.unavailable")


def a_market_without_a_store() -> InMemory:
    app = a_market()
    app.jobs.get = _away  # type: ignore[method-assign] # Redis is away
    return app


async def test_a_store_that_is_away_asks_arq_for_another_delivery() -> None:
    with pytest.raises(Retry) as caught:
        await courier_task(ctx(a_market_without_a_store()), job_id=JOB)

    assert caught.value.defer_score is not None
    assert caught.value.defer_score <= 1_000


async def test_the_last_delivery_says_why_nothing_came_of_it() -> None:
    app = a_market_without_a_store()

    result = await courier_task(ctx(app, tries=TRIES_MAX), job_id=JOB)

    assert (result["status"], result["code"]) == ("error", "redis.unavailable")
    assert ("task.given_up", {"task": "courier_task", "code": "redis.unavailable"}) in (
        app.telemetry.events
    )


@pytest.mark.parametrize(
    ("kwargs", "code"),
    [
        ({"job_id": "../etc", "source_url": URL}, "job.bad_id"),
        ({"supplier_id": "7", "source_url": URL}, "job.bad_id"),
        ({"source_url": " "}, "job.invalid"),
        ({"source_url": URL, "source_type": "fax"}, "job.invalid"),
        ({"source_url": URL}, "job.invalid"),
        ({"supplier_id": JOB, "source_url": URL}, "supplier.not_found"),
    ],
)
async def test_what_cannot_be_started_is_refused_with_a_code(
    kwargs: dict[str, str], code: str
) -> None:
    app = a_market()

    result = await download_and_trigger_ml(ctx(app), **kwargs)

    assert (result["status"], result["code"]) == ("error", code)
    assert len(app.queue) == 0


async def test_unknown_arguments_are_tolerated_and_told_by_name() -> None:
    app = a_market()

    await parse_task(
        ctx(app),
        supplier_name="Acme",
        source_config={"file_path": URL},
        colour="red",
        parser_type="csv",
    )

    told = [facts for name, facts in app.telemetry.events if name == "task.unknown_kwargs"]
    assert told == [{"task": "parse_task", "names": "colour"}]


async def test_an_unexpected_error_fails_the_job_and_returns() -> None:
    app = a_market()
    app.container.reader().read = None  # type: ignore[method-assign,assignment] # a bug of ours

    result = await parse_task(
        ctx(app), job_id=JOB, supplier_name="Acme", source_config={"file_path": URL}
    )

    job = await app.jobs.get(JobId(UUID(JOB)))
    assert result["code"] == "internal.error"
    assert job.phase is Phase.FAILED
    assert job.failure is not None
    assert job.failure.code == "internal.error"


async def test_a_crash_fails_the_job_even_when_the_caller_named_none() -> None:
    app = a_market()
    app.container.reader().read = None  # type: ignore[method-assign,assignment] # a bug of ours

    result = await parse_task(
        ctx(app), task_id="t", supplier_name="Acme", source_config={"file_path": URL}
    )

    job = await app.jobs.get(JobId(UUID(str(result["job_id"]))))
    assert job.phase is Phase.FAILED


class _EndlessReader(RowReader):
    def __init__(self) -> None:
        self.begun = asyncio.Event()

    async def read(self, *_: object, **__: object) -> AsyncIterator[RowBatch]:
        self.begun.set()
        await asyncio.Event().wait()
        yield RowBatch(events=())


def an_endless_market() -> InMemory:
    app = memory(Settings.model_validate({"job_timeout": 1}))
    app.sources.put(URL, LIST.encode())
    app.container.reader().read = _EndlessReader().read  # type: ignore[method-assign] # hangs
    return app


async def a_step_too_long(app: InMemory) -> Job:
    await parse_task(ctx(app), job_id=JOB, supplier_name="Acme", source_config={"file_path": URL})
    return await app.jobs.get(JobId(UUID(JOB)))


async def test_a_step_that_takes_too_long_is_ended_and_its_job_deferred() -> None:
    app = an_endless_market()

    job = await a_step_too_long(app)

    assert job.phase is Phase.ANALYZING
    assert job.deferred_by is not None
    assert job.deferred_by.code == "step.timed_out"
    assert "JOB_TIMEOUT" in job.deferred_by.message
    assert job.id not in await app.jobs.held([job.id])
    assert len(app.queue) == 1


async def test_a_step_that_takes_too_long_every_time_fails_its_job() -> None:
    app = an_endless_market()
    job = await a_step_too_long(app)

    while job.is_active:
        app.clock.tick(timedelta(minutes=10))
        result = await import_items_task(ctx(app), job_id=JOB, attempt=1)
        assert result["code"] == "step.timed_out"
        job = await app.jobs.get(job.id)

    assert job.failure is not None
    assert job.failure.code == "step.timed_out"


async def test_a_worker_that_was_frozen_ends_nothing_of_whoever_took_its_job_over() -> None:
    app = an_endless_market()
    reader = _EndlessReader()
    app.container.reader().read = reader.read  # type: ignore[method-assign] # hangs
    reading = asyncio.create_task(a_step_too_long(app))
    await reader.begun.wait()

    app.clock.tick(timedelta(minutes=1))  # frozen for longer than its lease
    taken = await app.jobs.claim(JOB_ID, duration=timedelta(minutes=1))
    await reading  # it wakes up out of time

    assert taken is not None
    assert await app.jobs.get(JOB_ID) == taken
    assert len(app.queue) == 0


async def test_a_late_step_of_an_earlier_attempt_ends_nothing() -> None:
    app = an_endless_market()
    job = await a_step_too_long(app)
    mover = app.container.mover()
    failed = await mover.fail(job, Failure(code="x.y", message="over"))
    again = await mover.move(failed, RetryRequested())

    await courier_task(ctx(app), job_id=JOB, attempt=1)

    assert (await app.jobs.get(job.id)).version == again.version


async def test_an_unknown_job_is_an_answer_and_no_crash() -> None:
    result = await courier_task(ctx(a_market()), job_id=JOB)

    assert (result["status"], result["code"]) == ("error", "job.not_found")


async def test_matching_and_aggregates_run_without_a_job() -> None:
    app = a_market()
    await parse_task(ctx(app), supplier_name="Acme", source_config={"file_path": URL})

    matched = await match_items_task(ctx(app), task_id="match-1", batch_size=1, max_retries=3)
    ids = [str(item.product_id) for item in app.catalog.items()]
    recalculated = await recalc_aggregates_task(ctx(app), product_ids=ids)

    assert (matched["items_processed"], matched["new_products_created"]) == (2, 2)
    assert recalculated["products_processed"] == recalculated["products_updated"] == 2
    assert recalculated["trigger"] == "manual"


async def test_a_polling_round_says_what_it_did() -> None:
    app = a_market()
    await download_and_trigger_ml(
        ctx(app), supplier_name="Acme", source_type="csv", source_url=URL
    )

    result = await poll_ml_job_status_task(ctx(app))

    assert result["jobs_polled"] == 1


async def test_parse_task_tells_what_it_stored_and_what_it_rejected() -> None:
    app = a_market()
    app.sources.put(URL, (LIST + "A3;;3\n").encode())

    first = await parse_task(ctx(app), supplier_name="Acme", source_config={"file_path": URL})
    app.sources.put(URL, LIST.replace("2,50", "2,40").encode())
    second = await parse_task(
        ctx(app, delivery="d2"), supplier_name="Acme", source_config={"file_path": URL}
    )

    assert first["status"] == "partial_success"
    assert [first[key] for key in ("items_parsed", "items_failed", "price_history_entries")] == [
        2,
        1,
        2,
    ]
    assert second["status"] == "success"
    assert [second[key] for key in ("items_parsed", "items_failed", "price_history_entries")] == [
        2,
        0,
        1,
    ]
    assert isinstance(first["duration_seconds"], float)


async def test_parse_task_with_a_supplier_alone_takes_the_suppliers_own_source() -> None:
    app = a_market()
    supplier = a_supplier(source_type=SourceType.CSV, metadata={"source_url": URL})
    async with app.catalog.unit() as unit:
        await unit.suppliers.add(supplier)

    result = await parse_task(ctx(app), supplier_id=str(supplier.id))

    assert (result["status"], result["items_parsed"]) == ("success", 2)


FOREIGN = "Cennik marcowy\nKod|Towar|Netto|Kolor|Waga\n007|Herbata|1,50|czarna|1 kg\n"
FOREIGN_LAYOUT: dict[str, object] = {
    "column_mapping": {"sku": "kod", "name": "towar", "price": "netto"},
    "characteristic_columns": ["Kolor"],
    "header_row": 2,
    "data_start_row": 3,
    "delimiter": "|",
    "encoding": "cp1250",
}


@pytest.mark.parametrize("spelling", ["flat", "message", "supplier alone"])
async def test_a_list_is_read_as_it_was_said_to_be_laid_out(spelling: str) -> None:
    app = a_market()
    app.sources.put(URL, FOREIGN.replace("Herbata", "Śliwka").encode("cp1250"))
    said: dict[str, object] = {"source_url": URL, **FOREIGN_LAYOUT}
    supplier = a_supplier(source_type=SourceType.CSV, metadata={**said, "notes": "by post"})
    async with app.catalog.unit() as unit:
        await unit.suppliers.add(supplier)
    call: dict[str, object] = {"parser_type": "csv", "supplier_name": "X", "source_config": said}
    if spelling == "message":
        call = {"message": call}
    if spelling == "supplier alone":
        call = {"supplier_id": str(supplier.id)}

    result = await parse_task(ctx(app), **call)

    assert (result["status"], result["items_parsed"]) == ("success", 1), result
    (item,) = app.catalog.items()
    assert (item.sku, item.name, str(item.price.amount)) == ("007", "Śliwka", "1.50")
    assert item.characteristics == {"kolor": "czarna"}
    assert [name for name, _ in app.telemetry.events if name == "task.unknown_kwargs"] == []


async def test_a_list_that_is_not_as_it_was_said_fails_its_job_and_names_the_column() -> None:
    app = a_market()

    result = await parse_task(
        ctx(app),
        job_id=JOB,
        supplier_name="Acme",
        source_config={"file_path": URL, "column_mapping": {"price": "Цена с НДС"}},
    )

    job = await app.jobs.get(JobId(UUID(JOB)))
    assert result["status"] == "error"
    assert job.failure is not None
    assert job.failure.code == "csv.header"
    assert "'Цена с НДС' (price)" in job.failure.message
    assert "'Цена'" in job.failure.message


async def test_a_retried_job_still_knows_how_its_list_is_laid_out() -> None:
    app = a_market()
    app.sources.put(URL, RefusedError("http.denied", "not for you"))
    config = {"file_path": URL, **FOREIGN_LAYOUT}
    await parse_task(ctx(app), job_id=JOB, supplier_name="Acme", source_config=config)
    app.sources.put(URL, FOREIGN.encode("cp1250"))

    await retry_job_task(ctx(app), job_id=JOB)
    await app.run()

    assert [item.name for item in app.catalog.items()] == ["Herbata"]


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"file_path": URL, "header_row": "first"}, "source_config.header_row"),
        ({"file_path": URL, "encoding": "cp-nonsense"}, "source_config.encoding"),
        ({"file_path": URL, "column_mapping": [1]}, "source_config.column_mapping"),
        ({"header_row": 2}, "source_config.file_path"),
        ("a.csv", "source_config"),
    ],
)
async def test_a_wrong_config_is_refused_and_the_field_is_named(config: object, told: str) -> None:
    app = a_market()

    result = await parse_task(ctx(app), supplier_name="Acme", source_config=config)

    assert (result["status"], result["code"]) == ("error", "job.invalid")
    assert told in str(result["error"])
    assert app.catalog.suppliers() == []


async def test_fields_of_a_config_that_change_nothing_are_told_by_name() -> None:
    app = a_market()

    await parse_task(
        ctx(app),
        supplier_name="Acme",
        source_config={"file_path": URL, "colour": 1, "column_mapping": {"size": "Размер"}},
    )

    told = [facts["names"] for name, facts in app.telemetry.events if "unknown" in name]
    assert told == ["source_config.colour,source_config.column_mapping.size"]


async def test_a_supplier_whose_entry_is_wrong_is_refused_by_the_name_of_the_field() -> None:
    app = a_market()
    supplier = a_supplier(metadata={"source_url": URL, "header_row": "first"})
    async with app.catalog.unit() as unit:
        await unit.suppliers.add(supplier)

    result = await parse_task(ctx(app), supplier_id=str(supplier.id))

    assert result["code"] == "job.invalid"
    assert f"the entry of supplier {supplier.name!r}.header_row" in str(result["error"])


async def test_a_supplier_without_a_source_is_refused_with_the_cure() -> None:
    app = a_market()
    supplier = a_supplier()
    async with app.catalog.unit() as unit:
        await unit.suppliers.add(supplier)

    result = await parse_task(ctx(app), supplier_id=str(supplier.id))

    assert result["code"] == "supplier.no_source"
    assert "source_url" in str(result["error"])


async def an_old_file(app: InMemory) -> FileKey:
    key = file_key(JobId(UUID(JOB)), at=app.clock.now(), filename="list.csv")
    await app.files.store(key, chunks_of(b"bytes"), size_bytes_max=9)
    app.clock.tick(timedelta(hours=24))
    return key


async def test_the_clean_up_says_what_it_found_and_removed() -> None:
    app = a_market()
    await an_old_file(app)

    result = await cleanup_shared_files_task(ctx(app))

    assert result == {
        "files_found": 1,
        "files_deleted": 1,
        "bytes_freed": 5,
        "errors": [],
        "bytes_found": 5,
        "skipped": {},
    }
    assert await app.files.survey() == []


@pytest.mark.parametrize(
    ("kwargs", "found", "deleted"),
    [({"dry_run": True}, 1, 0), ({"ttl_hours": 25}, 0, 0), ({"ttl_hours": 1.5}, 1, 1)],
)
async def test_the_clean_up_does_as_its_caller_wishes(
    kwargs: dict[str, object], found: int, deleted: int
) -> None:
    app = a_market()
    await an_old_file(app)

    result = await cleanup_shared_files_task(ctx(app), **kwargs)

    assert (result["files_found"], result["files_deleted"]) == (found, deleted)


@pytest.mark.parametrize(
    "hours", [0, 0.9, -24, True, "24", float("nan"), float("inf"), 10**400, 8_761, [24]]
)
async def test_a_time_to_keep_files_that_is_none_is_refused(hours: object) -> None:
    app = a_market()
    key = await an_old_file(app)

    result = await cleanup_shared_files_task(ctx(app), ttl_hours=hours)

    assert (result["status"], result["code"]) == ("error", "job.invalid")
    assert [found.name for found in await app.files.survey()] == [key]


async def test_a_failed_job_is_retried_once_however_often_the_wish_is_delivered() -> None:
    app = a_market()
    app.sources.put(URL, RefusedError("http.denied", "not for you"))
    await parse_task(ctx(app), job_id=JOB, supplier_name="Acme", source_config={"file_path": URL})
    app.sources.put(URL, LIST.encode())

    results = [await retry_job_task(ctx(app), job_id=JOB, attempt=1) for _ in range(2)]
    await app.run()
    late = await retry_job_task(ctx(app), job_id=JOB, task_id="retry-1")

    assert [(result["status"], result["retry_count"]) for result in results] == [
        ("success", 1),
        ("success", 1),
    ]
    assert (late["status"], late["phase"], late["task_id"]) == ("error", "complete", "retry-1")
    assert (await app.jobs.get(JobId(UUID(JOB)))).phase is Phase.COMPLETE


async def test_a_retry_of_a_job_that_nobody_knows_is_an_answer_and_no_crash() -> None:
    result = await retry_job_task(ctx(a_market()), job_id=JOB)

    assert (result["status"], result["code"]) == ("error", "job.not_found")


def test_every_task_of_the_deployment_stands_under_every_name_that_it_has() -> None:
    names = [task.__name__ for task in TASKS]

    assert len(set(names)) == len(names)
    assert set(names) == {
        "cleanup_shared_files_task",
        "courier_task",
        "download_and_trigger_ml",
        "enrich_item_task",
        "enrich_items_task",
        "expire_review_queue_task",
        "handle_manual_match_event",
        "import_items_task",
        "master_sync_task",
        "match_items_task",
        "parse_task",
        "poll_ml_job_status_task",
        "recalc_aggregates_task",
        "recalc_product_aggregates_task",
        "retry_job_task",
        "scheduled_sync_task",
        "trigger_master_sync_task",
    }


@pytest.mark.parametrize(
    ("task", "kwargs", "told"),
    [
        (download_and_trigger_ml, {"source_url": 5}, "source_url must be a text"),
        (download_and_trigger_ml, {"source_type": ["csv"]}, "source_type must be a text"),
        (download_and_trigger_ml, {"supplier_name": 7}, "supplier_name must be a text"),
        (download_and_trigger_ml, {"original_filename": {}}, "original_filename must be a text"),
        (download_and_trigger_ml, {"use_ml_processing": "false"}, "must be true or false"),
        (download_and_trigger_ml, {"supplier_name": "a" * 300_000}, "262144 characters"),
        (parse_task, {"parser_type": 5}, "parser_type must be a text"),
        (courier_task, {"job_id": None}, "job_id is missing"),
        (courier_task, {"attempt": [1]}, "attempt must be a whole number"),
        (recalc_aggregates_task, {"product_ids": 5}, "product_ids must be a list of texts"),
    ],
)
async def test_what_is_of_the_wrong_type_or_too_large_is_refused_by_its_name(
    task: Task, kwargs: dict[str, object], told: str
) -> None:
    app = a_market()
    usual: dict[str, object] = {"job_id": JOB, "supplier_name": "Acme", "source_url": URL}

    result = await task(ctx(app), **{**usual, **kwargs})

    assert (result["status"], result["code"]) == ("error", "job.invalid")
    assert told in str(result["error"])
    assert await app.jobs.list_in(Phase.DOWNLOADING, limit=1) == []
    assert not [name for name, _ in app.telemetry.events if name == "task.crashed"]


async def test_null_stands_for_an_argument_that_was_not_given() -> None:
    app = a_market()

    result = await download_and_trigger_ml(
        ctx(app), job_id=JOB, supplier_name="Acme", source_url=URL, source_type=None
    )

    assert result["status"] == "success"
