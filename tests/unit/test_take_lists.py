"""Uploads and wishes to fetch one list: whose, read by whom, and what is of no use."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from marketbel_adapters.testing.builders import a_supplier
from marketbel_core.catalog import SourceType, Supplier
from marketbel_core.errors import UnavailableError
from marketbel_core.ids import SupplierId
from marketbel_core.jobs import Job, Phase, Reading
from marketbel_core.ports import Step, StepQueue, Tray
from marketbel_core.use_cases import TakenLists
from marketbel_runtime.lifespan import InMemory, memory
from marketbel_runtime.settings import Settings

OWNER = SupplierId(UUID("5b8c7d6e-1111-4222-8333-444455556666"))
PATH = f"/shared/uploads/{OWNER}_1764842400000_prices.csv"


def an_upload(**changes: object) -> str:
    message = {
        "task_id": "upload-5b8c7d6e-1764842400000",
        "parser_type": "csv",
        "supplier_name": "Acme",
        "source_config": {
            "file_path": PATH,
            "original_filename": "prices.csv",
            "header_row": 1,
            "data_start_row": 2,
        },
        "created_at": "2025-12-04T10:00:00.000Z",
    }
    return json.dumps({**message, **changes})


def a_wish(**metadata: object) -> str:
    config = {"source_url": "https://acme.example/list.csv", "is_active": True, "notes": None}
    return an_upload(task_id="0d0e8f4e", source_config={**config, **metadata})


async def known(world: InMemory, supplier: Supplier) -> Supplier:
    async with world.catalog.unit() as unit:
        return await unit.suppliers.add(supplier)


async def jobs_of(world: InMemory) -> list[Job]:
    return await world.jobs.list_in(Phase.DOWNLOADING, limit=99)


async def taken(world: InMemory, *messages: str, tray: Tray = Tray.PARSE_TRIGGERS) -> TakenLists:
    for message in messages:
        world.inbox.put(tray, message)
    return await world.container.take_lists()()


async def test_the_id_in_the_files_name_wins_over_the_name() -> None:
    world = memory()
    owner = await known(world, a_supplier(id=OWNER, name="Renamed"))
    await known(world, a_supplier(name="Acme"))

    assert await taken(world, an_upload()) == TakenLists(started=1)

    [job] = await jobs_of(world)
    assert (job.supplier_id, job.source.location) == (owner.id, PATH)
    assert job.source.original_filename == "prices.csv"
    assert len(world.queue) == 1


async def test_without_a_known_id_the_name_finds_the_supplier() -> None:
    world = memory()
    acme = await known(world, a_supplier(name="ACME "))

    await taken(world, an_upload(), a_wish())

    assert {job.supplier_id for job in await jobs_of(world)} == {acme.id}
    assert len(world.catalog.suppliers()) == 1


async def test_an_unknown_name_makes_a_supplier() -> None:
    world = memory()

    await taken(world, an_upload(parser_type="excel"))

    assert [(one.name, one.source_type) for one in world.catalog.suppliers()] == [
        ("Acme", SourceType.EXCEL)
    ]


@pytest.mark.parametrize(
    ("ml_enabled", "wish", "said", "reading"),
    [
        (True, None, {}, Reading.ML),
        (True, False, {}, Reading.LOCAL),
        (True, None, {"use_ml_processing": False}, Reading.LOCAL),
        (True, None, {"use_ml_processing": True}, Reading.ML),
        (False, True, {}, Reading.LOCAL),
    ],
)
async def test_the_flags_decide_who_reads(
    ml_enabled: bool, wish: bool | None, said: dict[str, object], reading: Reading
) -> None:
    world = memory(Settings(_env_file=None, use_ml_processing=ml_enabled))
    await known(world, a_supplier(name="Acme", use_ml_processing=wish))

    await taken(world, a_wish(**said), tray=Tray.PARSE_TASKS)

    assert [job.reading for job in await jobs_of(world)] == [reading]


@pytest.mark.parametrize(
    "message",
    [
        "no JSON",
        "[]",
        "{}",
        "\udcff{",
        "[" * 100_000,
        an_upload(source_config={}),
        an_upload(source_config={"header_row": 1}),
        an_upload(supplier_name=""),
        an_upload(parser_type="stub"),
        json.dumps({"supplier_id": str(OWNER)}),
    ],
    ids=range(10),
)
async def test_a_message_of_no_use_is_laid_aside_with_its_reason(message: str) -> None:
    world = memory()

    assert await taken(world, message, an_upload()) == TakenLists(started=1, rejected=1)

    [(tray, dead, reason)] = world.inbox.dead
    assert (tray, dead) == (Tray.PARSE_TRIGGERS, message)
    assert reason.partition(":")[0] in {"job.invalid", "supplier.not_found"}


class _DeadQueue(StepQueue):
    """A queue under which the worker dies."""

    async def ask(self, step: Step, *, not_before: datetime | None = None) -> bool:
        del step, not_before
        raise UnavailableError("no queue")

    async def ask_all(self, steps: Sequence[Step]) -> None:
        del steps
        raise UnavailableError("no queue")


async def test_a_message_that_was_not_acknowledged_starts_no_second_job() -> None:
    world = memory()
    world.inbox.put(Tray.PARSE_TRIGGERS, an_upload())
    with pytest.raises(UnavailableError):
        await world.container.take_lists(queue=_DeadQueue())()

    assert await world.container.take_lists()() == TakenLists(started=1)

    assert len(await jobs_of(world)) == 1
    assert len(world.queue) == 1
    assert await world.container.take_lists()() == TakenLists()


async def test_another_worker_that_takes_is_left_to_it() -> None:
    world = memory()
    await world.container.leases().acquire("inbox:lists", duration=timedelta(hours=1))

    assert await taken(world, an_upload()) == TakenLists()
