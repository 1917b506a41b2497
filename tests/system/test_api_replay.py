"""The admin API's own commands and statements, replayed against a live worker.

`api_messages.json` holds what the API sends over Redis, and what comes of it. `api_sql.py` holds
what the API reads and writes in the tables.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, cast
from uuid import UUID, uuid5

import pytest
from openpyxl import Workbook
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Json, model_validator
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from marketbel_adapters.postgres import create_engine
from marketbel_adapters.redis import create_redis
from marketbel_core.catalog import SourceRef, SourceType
from marketbel_core.ids import parse_job_id
from marketbel_core.jobs import Phase
from marketbel_core.ports import Tray
from marketbel_core.use_cases import StartRequest
from marketbel_runtime.lifespan import production
from marketbel_runtime.ml_standin import serve
from marketbel_runtime.settings import Settings
from marketbel_runtime.worker import make_worker
from tests.system import api_sql

pytestmark = [pytest.mark.postgres, pytest.mark.valkey]

type Until = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]
type Fields = dict[str, str]

HEADER: Final = "Артикул;Наименование;Цена\n"
LIST: Final = HEADER + "A1;Молоко 1 л;2,50\nA2;Хлеб ржаной;1,90\n"
JOB: Final = uuid5(UUID(int=0), "api-replay")
ANALYSIS: Final = uuid5(UUID(int=0), "api-replay-analysis")
LAST_WORD: Final = """
    SELECT 1 FROM parsing_logs WHERE task_id = :task_id AND error_type IN ('SUCCESS', 'ERROR')
"""
MESSAGES: Final = json.loads(Path(__file__).with_name("api_messages.json").read_text("utf-8"))
ATOMIC_ENQUEUE: Final = next(
    message["commands"][0][1]
    for message in MESSAGES["consumed"]
    if message["commands"][0][0] == "EVAL"
)


def is_instant(value: str) -> str:
    if datetime.fromisoformat(value).tzinfo is None:
        raise ValueError("an instant without its offset from UTC")
    return value


type Digits = Annotated[str, Field(pattern=r"^\d+$")]
type Instant = Annotated[str, AfterValidator(is_instant)]


class ShownJob(BaseModel):
    """A job's hash under the rules by which the API answers; one breach fails the whole page."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    job_id: UUID
    supplier_id: UUID
    supplier_name: str
    phase: Literal["downloading", "analyzing", "matching", "complete", "failed"]
    status: Literal["pending", "processing", "completed", "failed"]
    file_type: Literal["excel", "csv", "pdf"]
    download_bytes: Digits
    download_total: Digits
    items_processed: Digits
    items_total: Digits
    matches_found: Digits
    review_queue_count: Digits
    error_count: Digits
    error: str
    error_details: Json[list[str]]
    can_retry: Literal["true", "false"]
    retry_count: Digits
    max_retries: Digits
    ml_job_id: UUID | Literal[""]
    created_at: Instant
    started_at: Instant | Literal[""]
    completed_at: Instant | Literal[""]

    @model_validator(mode="after")
    def percentages_are_at_most_100(self) -> Self:
        for part, whole in (
            (self.download_bytes, self.download_total),
            (self.items_processed, self.items_total),
        ):
            if int(whole) and not 0 <= round(int(part) / int(whole) * 100) <= 100:
                raise ValueError(f"{part} of {whole}")
        return self


class Admin:
    """The admin API as far as Redis goes: strings in, strings out."""

    def __init__(self, redis: Redis, engine: AsyncEngine, settings: Settings) -> None:
        self.redis = redis
        self.engine = engine
        self.settings = settings

    async def send(self, *command: object) -> Any:
        """Run one command; an object in it is JSON, and placeholders are filled in."""
        words = (self._word(word) for word in command)
        # redis-py has types for its methods, and none for a command as it is.
        return await self.redis.execute_command(*words)  # type: ignore[no-untyped-call]

    def _word(self, word: object) -> str:
        written = word if isinstance(word, str) else json.dumps(word, ensure_ascii=False)
        filled = written.replace("{uploads}", str(self.settings.uploads_dir))
        return filled.replace("{queue}", self.settings.queue_name)

    async def enqueue(self, function: str, *, arq_id: str = "bun", **kwargs: object) -> None:
        """Enqueue a task by two commands, the payload first."""
        payload = {"f": function, "k": kwargs}
        await self.send("PSETEX", f"arq:job:{arq_id}", "86400000", payload)
        await self.send("ZADD", "{queue}", "1764842400000", arq_id)

    async def fields(self, job_id: object = JOB) -> Fields:
        found = await self.send("HGETALL", f"job:{job_id}")
        return {name.decode(): value.decode() for name, value in found.items()}

    async def active(self) -> list[ShownJob]:
        """Return the active jobs, newest first, as the status page lists them."""
        members = await self.send("SMEMBERS", "jobs:active")
        found = [await self.fields(member.decode()) for member in members]
        jobs = [ShownJob.model_validate(fields) for fields in found if fields]
        return sorted(jobs, key=lambda job: job.created_at, reverse=True)

    async def all(self) -> list[ShownJob]:
        """Return every job that SCAN finds."""
        keys = [key.decode() async for key in self.redis.scan_iter("job:*")]
        return [
            ShownJob.model_validate(await self.fields(key.removeprefix("job:"))) for key in keys
        ]

    async def has_ended(self, job_id: object = JOB) -> bool:
        """Look at the jobs, whatever they do; tell whether this one has ended and said so."""
        await self.active()
        if (await self.fields(job_id)).get("phase") not in {"complete", "failed"}:
            return False
        return bool(await value(self.engine, LAST_WORD, task_id=str(job_id)))


class Neighbour:
    """A web server with a price list, and ml-analyze in one: it answers when the test says so.

    Attributes:
        asked: Set when somebody waits for an answer.
        let_go: Set by the test; until then nobody gets one.
        refusal: The status with which the price list is refused, if it is.
        report: What ml-analyze says of the reading.
    """

    def __init__(self) -> None:
        self.url = ""
        self.asked = asyncio.Event()
        self.let_go = asyncio.Event()
        self.refusal: int | None = None
        self.report: dict[str, object] = {"status": "processing"}
        self.app = Starlette(
            routes=[
                Route("/prices.csv", self._prices),
                Route("/analyze/file", self._analyze, methods=["POST"]),
                Route("/analyze/status/{job_id}", self._status),
            ]
        )

    async def _prices(self, _: Request) -> PlainTextResponse:
        self.asked.set()
        await self.let_go.wait()
        refusal, self.refusal = self.refusal, None
        return PlainTextResponse(LIST, status_code=refusal or 200, media_type="text/csv")

    async def _analyze(self, _: Request) -> JSONResponse:
        self.asked.set()
        await self.let_go.wait()
        return JSONResponse({"job_id": str(ANALYSIS), "status": "pending"}, status_code=202)

    async def _status(self, _: Request) -> JSONResponse:
        return JSONResponse({"job_id": str(ANALYSIS), **self.report})


@pytest.fixture
async def neighbour() -> AsyncIterator[Neighbour]:
    server = Neighbour()
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(
        serve(server.app, host="127.0.0.1", port=0, ready=address.set_result)
    )
    server.url = await address
    yield server
    server.let_go.set()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    opened = create_engine(settings.require_database_url())
    yield opened
    await opened.dispose()


@pytest.fixture
async def admin(settings: Settings, engine: AsyncEngine) -> AsyncIterator[Admin]:
    client = create_redis(settings.require_redis_url())
    yield Admin(client, engine, settings)
    await client.aclose()


@asynccontextmanager
async def working(settings: Settings, *, ml_analyze: str | None = None) -> AsyncIterator[None]:
    """A live worker, until the block ends."""
    changed = settings.model_copy(update={"ml_analyze_url": ml_analyze} if ml_analyze else {})
    running = asyncio.create_task(make_worker(changed).run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def value(engine: AsyncEngine, query: str, **values: object) -> Any:
    async with engine.connect() as connection:
        return await connection.scalar(text(query), values)


async def run_list(
    admin: Admin, until: Until, content: str, *, name: str = "Acme", job_id: UUID = JOB
) -> Fields:
    """Upload a list, have the live worker read it, and return the job's hash at its end."""
    path = admin.settings.uploads_dir / f"{job_id}.csv"
    path.write_text(content, encoding="utf-8")
    await admin.enqueue(
        "parse_task",
        arq_id=f"list-{job_id}",
        job_id=str(job_id),
        supplier_name=name,
        source_config={"file_path": str(path)},
    )
    await until(lambda: admin.has_ended(job_id))
    return await admin.fields(job_id)


async def test_a_job_satisfies_the_rules_of_the_api_in_every_phase(
    settings: Settings, admin: Admin, neighbour: Neighbour, until: Until
) -> None:
    seen: dict[str, ShownJob] = {}

    async def in_phase(phase: str) -> bool:
        seen.update({job.phase: job for job in await admin.active()})
        return phase in seen

    async with working(settings, ml_analyze=neighbour.url):
        prices = "Наименование;Цена\n" + "Насос;10,00\n" * 150_000
        (settings.uploads_dir / "prices.csv").write_text(prices, encoding="utf-8")
        await admin.enqueue(
            "download_and_trigger_ml",
            job_id=str(JOB),
            supplier_name="Молоко & Ко",
            source_type="csv",
            source_url=str(settings.uploads_dir / "prices.csv"),
        )
        await until(lambda: in_phase("downloading"))
        neighbour.let_go.set()
        neighbour.report = {"status": "processing", "items_processed": 9, "items_total": 8}
        await until(lambda: in_phase("analyzing"))
        await until(lambda: reads(admin, "items_processed", "8"))
        neighbour.report = {"status": "completed", "items_processed": 9, "items_total": 8}
        await until(admin.has_ended)

    (shown,) = await admin.all()
    assert (shown.phase, shown.status, shown.can_retry) == ("complete", "completed", "true")
    assert shown.created_at == seen["downloading"].created_at == seen["analyzing"].created_at
    assert seen["analyzing"].ml_job_id == ANALYSIS
    assert await admin.active() == []


async def reads(admin: Admin, field: str, wanted: str) -> bool:
    await admin.active()
    return (await admin.fields())[field] == wanted


async def test_jobs_sort_by_the_text_of_created_at_as_they_came(
    settings: Settings, admin: Admin, until: Until
) -> None:
    ids = [uuid5(JOB, str(number)) for number in range(4)]

    async with working(settings):
        for job_id in ids:
            await run_list(admin, until, LIST, job_id=job_id)

    jobs = sorted(await admin.all(), key=lambda job: job.created_at)
    assert [job.job_id for job in jobs] == ids
    assert sorted(datetime.fromisoformat(job.created_at) for job in jobs) == [
        datetime.fromisoformat(job.created_at) for job in jobs
    ]


async def test_a_failed_job_shows_its_supplier_red_until_a_later_one_goes_through(
    settings: Settings, admin: Admin, engine: AsyncEngine, until: Until
) -> None:
    await api_sql.create_supplier(engine, "ACME")
    assert await api_sql.supplier_statuses(engine) == {"ACME": "pending"}

    async with working(settings):
        failed = await run_list(admin, until, "nothing to see here\n")
        red = await api_sql.supplier_statuses(engine)
        await run_list(admin, until, LIST, job_id=uuid5(JOB, "later"))

    assert (failed["phase"], failed["status"], failed["can_retry"]) == ("failed", "failed", "true")
    assert failed["error"]
    assert red == {"ACME": "error"}
    assert await api_sql.supplier_statuses(engine) == {"ACME": "success"}


async def test_a_list_of_which_ninety_rows_in_a_hundred_are_stored_shows_success(
    settings: Settings, admin: Admin, engine: AsyncEngine, until: Until
) -> None:
    rows = [f"S{n};Товар {n};{'нет' if n % 10 == 0 else n}\n" for n in range(100)]

    async with working(settings):
        fields = await run_list(admin, until, HEADER + "".join(rows))

    logs = await api_sql.recent_logs(engine)
    rejected = [line for line in logs if line["error_type"] == "ValidationError"]
    assert (fields["items_processed"], fields["error_count"]) == ("100", "10")
    assert await api_sql.supplier_statuses(engine) == {"Acme": "success"}
    assert await value(engine, "SELECT count(*) FROM supplier_items") == 90
    assert sorted(cast("int", line["row_number"]) for line in rejected) == list(range(2, 102, 10))
    assert all(line["row_number"] is None or cast("int", line["row_number"]) >= 1 for line in logs)
    assert {line["supplier_name"] for line in logs} == {"Acme"}
    assert {line["task_id"] for line in logs} == {str(JOB)}
    assert {line["error_type"] for line in logs} == {"ValidationError", "SUCCESS"}


async def test_a_link_made_in_the_table_survives_the_next_import_and_match(
    settings: Settings, admin: Admin, engine: AsyncEngine, until: Until
) -> None:
    item_sql = "SELECT {} FROM supplier_items WHERE supplier_sku = 'A1'"

    async with working(settings):
        await run_list(admin, until, LIST)
        item_id = await value(engine, item_sql.format("id"))
        drafted = await value(engine, item_sql.format("product_id"))
        chosen = await api_sql.create_product(engine, "Молоко", sku="PROD-1764842400000-A1B2")
        answers = [await api_sql.link(engine, chosen, item_id)]
        await api_sql.unlink(engine, item_id)
        assert await api_sql.unmatched_items(engine) == [item_id]
        answers.append(await api_sql.link(engine, chosen, item_id))
        answers.append(await api_sql.link(engine, drafted, item_id))
        changed = LIST.replace("2,50", "2,75")
        await run_list(admin, until, changed, job_id=uuid5(JOB, "next"))

    assert answers == [HTTPStatus.CONFLICT, HTTPStatus.OK, HTTPStatus.CONFLICT]
    assert await value(engine, item_sql.format("product_id")) == chosen
    assert str(await value(engine, item_sql.format("current_price"))) == "2.75"
    assert await api_sql.unmatched_items(engine) == []
    price = "SELECT min_price::text FROM products WHERE id = :id"
    assert await value(engine, price, id=chosen) == "2.75"


async def test_a_link_to_an_item_that_was_never_matched_survives_as_well(
    settings: Settings, admin: Admin, engine: AsyncEngine, until: Until
) -> None:
    supplier_id = await api_sql.create_supplier(engine, "Acme")
    async with engine.begin() as connection:
        item_id = await connection.scalar(
            text(
                "INSERT INTO supplier_items (supplier_id, supplier_sku, name, current_price)"
                " VALUES (:supplier_id, 'A1', 'Молоко', 2) RETURNING id"
            ),
            {"supplier_id": supplier_id},
        )
    chosen = await api_sql.create_product(
        engine, "Молоко", sku="PROD-1764842400000-A1B2", item_id=item_id
    )

    async with working(settings):
        await run_list(admin, until, LIST)

    item_sql = "SELECT product_id FROM supplier_items WHERE id = :id AND name = 'Молоко 1 л'"
    assert await value(engine, item_sql, id=item_id) == chosen


async def test_a_recalculation_asked_for_by_plain_commands_follows_links_made_by_hand(
    settings: Settings, admin: Admin, engine: AsyncEngine, until: Until
) -> None:
    price = "SELECT min_price::text FROM products WHERE id = :id"

    async with working(settings):
        await run_list(admin, until, LIST)
        item_id = await value(engine, "SELECT id FROM supplier_items WHERE supplier_sku = 'A1'")
        product_sql = "SELECT product_id FROM supplier_items WHERE id = :id"
        before = await value(engine, product_sql, id=item_id)
        await api_sql.unlink(engine, item_id)
        after = await api_sql.create_product(
            engine, "Молоко", sku="PROD-1764842400000-A1B2", item_id=item_id
        )
        await admin.enqueue(
            "recalc_product_aggregates_task",
            arq_id="recalc",
            task_id="recalc-by-hand",
            product_ids=[str(before), str(after)],
            trigger="manual_link",
        )

        async def followed() -> bool:
            return bool(await value(engine, price, id=after) == "2.50")

        await until(followed)

    assert await value(engine, price, id=before) is None


async def test_a_supplier_deleted_while_its_list_is_on_the_way_ends_the_job_and_nothing_else(
    settings: Settings, admin: Admin, engine: AsyncEngine, neighbour: Neighbour, until: Until
) -> None:
    other = uuid5(JOB, "other")
    here = {"fetch_allow_networks": "127.0.0.1", "fetch_allowed_ports": "1-65535"}

    async with working(settings.model_copy(update=here)):
        await run_list(admin, until, LIST, name="Other", job_id=other)
        before = await value(engine, "SELECT count(*) FROM products")
        supplier_id = await api_sql.create_supplier(engine, "Acme")
        await admin.enqueue(
            "parse_task",
            job_id=str(JOB),
            supplier_id=str(supplier_id),
            source_config={"source_url": f"{neighbour.url}/prices.csv"},
        )
        await asyncio.wait_for(neighbour.asked.wait(), 30)
        await api_sql.delete_supplier(engine, supplier_id)
        neighbour.let_go.set()
        await until(admin.has_ended)

    fields = await admin.fields()
    assert (fields["phase"], fields["failure_code"]) == ("failed", "supplier.not_found")
    assert str(supplier_id) in fields["error"]
    assert (await admin.fields(other))["phase"] == "complete"
    assert await api_sql.supplier_statuses(engine) == {"Other": "success"}
    assert await value(engine, "SELECT count(*) FROM products") == before
    assert await value(engine, "SELECT count(*) FROM supplier_items") == 2
    (line,) = [line for line in await api_sql.recent_logs(engine) if line["task_id"] == str(JOB)]
    assert (line["error_type"], line["supplier_id"]) == ("ERROR", None)


def test_each_message_of_the_api_is_listed_in_its_place() -> None:
    assert {
        part: [message["name"] for message in MESSAGES[part]]
        for part in MESSAGES
        if part != "note"
    } == {
        "consumed": [
            "enqueue by two commands",
            "enqueue by the atomic script",
            "retry a failed job",
            "sync one supplier",
            "upload a csv file",
            "upload a workbook",
            "sync the master sheet by hand",
            "sync because a supplier was created",
            "choose the master sheet",
            "name the tab of the master sheet",
            "say when the master sheet was chosen",
        ],
    }


@pytest.mark.parametrize("message", MESSAGES["consumed"], ids=lambda message: message["name"])
async def test_a_recorded_message_is_well_formed(admin: Admin, message: dict[str, Any]) -> None:
    for command in message["commands"]:
        await admin.send(*command)

    key = admin._word(message["key"])
    left = await admin.send("TTL", key)
    assert (await admin.send("TYPE", key)).decode() == message["type"]
    assert left == -1 if message["ttl_seconds"] is None else 0 < left <= message["ttl_seconds"]
    assert set(message["afterwards"]) == {"key_is_gone", "complete_jobs"}
    assert message["sent_by"]
    for payload in payloads(message):
        assert_fields(payload)


def payloads(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [word for command in message["commands"] for word in command if isinstance(word, dict)]


def assert_fields(payload: dict[str, Any]) -> None:
    """Hold a message against what was written down about its fields."""
    for name in ("enqueued_at", "triggered_at", "created_at"):
        assert name not in payload or is_instant(payload[name])
    if "f" in payload:
        assert isinstance(payload["k"], dict)
    elif "parser_type" in payload:
        assert payload["parser_type"] in {"google_sheets", "csv", "excel"}
        assert payload["task_id"]
        assert payload["supplier_name"]
        assert payload["source_config"]
        assert "supplier_id" not in payload
    elif "triggered_by" in payload:
        assert (payload["triggered_by"] == "supplier_created") == ("supplier_id" in payload)
    else:
        assert payload["task_id"].startswith(f"retry-{UUID(payload['job_id'])}-")


def lay_out_files(message: Mapping[str, Any], uploads: Path) -> None:
    """Write the price list under every name that the message gives to a file."""
    for name in re.findall(r"{uploads}/([\w.-]+)", json.dumps(message)):
        if name.endswith(".csv"):
            (uploads / name).write_text(LIST, encoding="utf-8")
        else:
            book = Workbook()
            sheet = book.create_sheet("Sheet1", 0)
            for line in LIST.splitlines():
                sheet.append(line.replace(",", ".").split(";"))
            book.save(uploads / name)


async def lay_out_failed_job(message: Mapping[str, Any], settings: Settings) -> None:
    """Have the job fail that the message wishes to be retried, and cure what it failed of."""
    if message["key"] != Tray.RETRY_TRIGGERS:
        return
    (trigger,) = payloads(message)
    name = f"{trigger['job_id']}.csv"
    async with production(settings) as container:
        job = await container.start_ingestion()(
            StartRequest(
                source=SourceRef(type=SourceType.CSV, location=name),
                supplier_name="Acme",
                read_here=True,
                job_id=parse_job_id(trigger["job_id"]),
            )
        )
        assert (await container.courier()(job.id)).phase is Phase.FAILED
    (settings.uploads_dir / name).write_text(LIST, encoding="utf-8")


@pytest.mark.parametrize("message", MESSAGES["consumed"], ids=lambda message: message["name"])
async def test_a_message_that_has_its_consumer_is_taken_by_the_worker(
    settings: Settings, admin: Admin, until: Until, message: dict[str, Any]
) -> None:
    lay_out_files(message, settings.uploads_dir)
    await lay_out_failed_job(message, settings)
    for command in message["commands"]:
        await admin.send(*command)
    wanted = message["afterwards"]

    async def is_taken() -> bool:
        jobs = [job.phase for job in await admin.all()]
        gone = not await admin.send("EXISTS", message["key"])
        return jobs == ["complete"] * wanted["complete_jobs"] and gone == wanted["key_is_gone"]

    # Who reads is up to the flags; ml-analyze is away here.
    async with working(settings.model_copy(update={"use_ml_processing": False})):
        await until(is_taken)

    retried = [job for job in await admin.all() if job.retry_count != "0"]
    assert len(retried) == (message["key"] == Tray.RETRY_TRIGGERS)


async def test_a_retry_button_that_is_pressed_often_starts_one_attempt_and_no_job_is_lost(
    settings: Settings, admin: Admin, until: Until
) -> None:
    message = next(each for each in MESSAGES["consumed"] if each["key"] == Tray.RETRY_TRIGGERS)
    (trigger,) = payloads(message)
    await lay_out_failed_job(message, settings)
    for wish in [trigger, {**trigger, "job_id": str(JOB)}, trigger, "no JSON", trigger]:
        await admin.send("LPUSH", "retry:triggers", wish)

    async def is_complete() -> bool:
        return [job.phase for job in await admin.all()] == ["complete"]

    async with working(settings):
        await until(is_complete)
        await until(lambda: nothing_waits(admin))

    assert [job.retry_count for job in await admin.all()] == ["1"]
    rejected = await admin.send("LRANGE", "marketbel:inbox:dead:retry:triggers", 0, -1)
    # Two and no more: a button that is pressed again while the job moves is obeyed already.
    unknown, broken = (json.loads(line) for line in rejected)
    assert str(JOB) in unknown["reason"]
    assert broken["message"] == "no JSON"


async def nothing_waits(admin: Admin) -> bool:
    return not await admin.send(
        "EXISTS", "retry:triggers", "marketbel:inbox:taken:retry:triggers", "{queue}"
    )


@pytest.mark.parametrize(
    "key", ["sync:trigger", "parse:triggers", "parse-tasks", "retry:triggers"]
)
async def test_an_idle_worker_picks_a_trigger_up_within_two_seconds(
    settings: Settings, admin: Admin, until: Until, key: str
) -> None:
    message = next(each for each in MESSAGES["consumed"] if each["key"] == key)
    lay_out_files(message, settings.uploads_dir)
    await lay_out_failed_job(message, settings)

    async def is_idle() -> bool:
        return bool(await admin.send("EXISTS", "sync:last_run"))

    async def is_picked_up() -> bool:
        return not await admin.send("EXISTS", key)

    async with working(settings.model_copy(update={"use_ml_processing": False})):
        await until(is_idle)
        for command in message["commands"]:
            await admin.send(*command)
        begin = asyncio.get_running_loop().time()
        await until(is_picked_up)
        took = asyncio.get_running_loop().time() - begin

    assert took < 2


async def test_the_atomic_script_answers_one_once_and_the_job_runs_once(
    settings: Settings, admin: Admin, engine: AsyncEngine, until: Until
) -> None:
    (settings.uploads_dir / "prices.csv").write_text(LIST, encoding="utf-8")
    config = {"file_path": "{uploads}/prices.csv"}
    kwargs = {"job_id": str(JOB), "supplier_name": "Acme", "source_config": config}
    payload = {"f": "parse_task", "k": kwargs}
    keys = ("arq:job:bun", "arq:result:bun", "{queue}")
    command = ("EVAL", ATOMIC_ENQUEUE, "3", *keys, "86400000", payload, "1764842400000", "bun")

    answers = [await admin.send(*command), await admin.send(*command)]

    async def nothing_is_queued() -> bool:
        return not await admin.send("EXISTS", "arq:job:bun", "{queue}")

    async with working(settings):
        await until(admin.has_ended)
        await until(nothing_is_queued)

    assert answers == [1, 0]
    assert await value(engine, "SELECT count(*) FROM marketbel.imports") == 1


@pytest.mark.processes
async def test_a_worker_process_runs_what_plain_commands_enqueue(
    settings: Settings, admin: Admin, engine: AsyncEngine, until: Until, tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        "DATABASE_URL": settings.require_database_url(),
        "REDIS_URL": settings.require_redis_url(),
        "UPLOADS_DIR": str(settings.uploads_dir),
        "QUEUE_NAME": settings.queue_name,
    }
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "marketbel_runtime.worker"],
            env=environment,
            stdout=log,
            stderr=log,
            cwd=tmp_path,
        )
        try:
            fields = await run_list(admin, until, LIST)
        finally:
            process.terminate()
            status = process.wait(60)

    assert (fields["phase"], status) == ("complete", 0), (tmp_path / "log").read_text()
    assert await api_sql.supplier_statuses(engine) == {"Acme": "success"}
