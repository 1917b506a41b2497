"""Imports by hand and by jobs: planned, held, approved, repeated and undone."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

import pytest

from marketbel_adapters.memory import MemoryStepQueue, ScriptedRowReader
from marketbel_adapters.testing.builders import a_row, a_supplier
from marketbel_adapters.testing.catalog_imports import an_unpriced_row
from marketbel_adapters.testing.catalog_steps import (
    a_priced_row,
    claimed,
    linked,
    recalculated,
    recorded,
    stored_product,
)
from marketbel_core.catalog import FileType, MatchStatus, SourceRef, SourceType, Supplier
from marketbel_core.errors import ImportNotFoundError, RefusedError, UnavailableError
from marketbel_core.ids import FileKey, ImportId, JobId
from marketbel_core.intake import ReadRows
from marketbel_core.intake.plan import DifferenceKind, ImportFigures
from marketbel_core.jobs import Job, Phase
from marketbel_core.ports import Import, ImportState, LogLevel, Step
from marketbel_core.use_cases import ListImporter, ListToImport, StartRequest
from marketbel_runtime.lifespan import InMemory, memory
from marketbel_runtime.tasks.ingestion import parse_task

_PLACE: Final = "/lists/march.csv"
_KEY: Final = FileKey("list.csv")


def a_list(rows: int, *, price: str = "10,00", header: str = "Артикул;Наименование;Цена") -> str:
    return "\n".join([header, *(f"A-{n};Товар номер {n};{price}" for n in range(rows))]) + "\n"


async def brought(world: InMemory, file: str, *, job_id: int) -> Job:
    """Bring a file in by a job of its own, as far as it goes."""
    world.sources.put(_PLACE, file.encode())
    job = await world.container.start_ingestion()(
        StartRequest(
            source=SourceRef(type=SourceType.CSV, location=_PLACE),
            supplier_name="ООО «Ромашка»",
            read_here=True,
            job_id=JobId(UUID(int=job_id)),
        ),
    )
    await world.run()
    return await world.jobs.get(job.id)


async def test_an_import_beyond_the_limits_fails_its_job_and_changes_nothing() -> None:
    world = memory()
    await brought(world, a_list(10), job_id=1)
    items, prices = world.catalog.items(), world.catalog.price_history()

    job = await brought(world, a_list(10, price="1000,00"), job_id=2)

    assert job.phase is Phase.FAILED
    assert job.failure is not None
    assert job.failure.code == "import.held"
    held = world.catalog.imports()[-1]
    assert (held.state, held.job_id) == (ImportState.HELD, job.id)
    assert [reason.code for reason in held.reasons] == ["import.price_moves"]
    assert f"marketbel imports approve {held.id}" in job.failure.message
    assert (world.catalog.items(), world.catalog.price_history()) == (items, prices)


async def test_an_approved_import_is_applied_by_the_next_attempt() -> None:
    world = memory()
    await brought(world, a_list(10), job_id=1)
    job = await brought(world, a_list(10, price="1000,00"), job_id=2)
    held = world.catalog.imports()[-1]

    approved = await world.container.approve_import()(held.id, by="Ivanova")
    await world.container.retry_job()(job.id)
    await world.run()

    assert approved.approved_by == "Ivanova"
    assert (await world.jobs.get(job.id)).phase is Phase.COMPLETE
    assert {item.price.amount for item in world.catalog.items()} == {Decimal("1000.00")}
    assert world.catalog.imports()[-1].state is ImportState.APPLIED


async def test_an_approval_is_for_the_bytes_that_were_held_and_no_others() -> None:
    world = memory()
    await brought(world, a_list(10), job_id=1)
    await brought(world, a_list(10, price="1000,00"), job_id=2)
    await world.container.approve_import()(world.catalog.imports()[-1].id, by="Ivanova")

    job = await brought(world, a_list(10, price="2000,00"), job_id=3)

    assert job.phase is Phase.FAILED
    assert {item.price.amount for item in world.catalog.items()} == {Decimal("10.00")}


async def test_a_step_that_is_delivered_again_holds_the_import_once() -> None:
    world = memory()
    await brought(world, a_list(10), job_id=1)
    job = await brought(world, a_list(1), job_id=2)
    held = world.catalog.imports()[-1]
    wanted = ListToImport(
        supplier=job.supplier_id,
        key=_key_of(job),
        file_type=FileType.CSV,
        source_name=held.source_name,
        sha256="f" * 64,
        job_id=job.id,
        attempt=job.attempt,
    )

    record = await world.container.apply_import()(wanted)

    assert record.id == held.id
    assert world.catalog.imports()[-1].id == held.id


def _key_of(job: Job) -> FileKey:
    assert job.file_key is not None
    return job.file_key


async def test_the_same_bytes_again_do_nothing_and_say_so() -> None:
    world = memory()
    first = await brought(world, a_list(3) + "A-9;Без цены;звоните\n", job_id=1)
    items, prices = world.catalog.items(), world.catalog.price_history()
    log = [entry for entry in world.catalog.log() if entry.level is LogLevel.ROW]
    world.clock.tick(timedelta(hours=1))

    second = await brought(world, a_list(3) + "A-9;Без цены;звоните\n", job_id=2)

    assert (first.phase, second.phase) == (Phase.COMPLETE, Phase.COMPLETE)
    assert (world.catalog.items(), world.catalog.price_history()) == (items, prices)
    assert [entry for entry in world.catalog.log() if entry.level is LogLevel.ROW] == log
    record = world.catalog.imports()[-1]
    assert record.state is ImportState.REPEATED
    assert record.figures == ImportFigures(unchanged=3, no_price=1)
    assert second.progress.items_processed == first.progress.items_processed == 4


async def test_the_list_of_another_supplier_holds_the_import() -> None:
    world = memory()
    await brought(world, a_list(20), job_id=1)
    items = world.catalog.items()

    job = await brought(world, a_list(20).replace("A-", "другой-"), job_id=2)

    assert job.failure is not None
    assert job.failure.code == "import.held"
    assert "0 known items and 20 new ones" in job.failure.message
    held = world.catalog.imports()[-1]
    assert [reason.code for reason in held.reasons] == ["import.too_few_known"]
    assert world.catalog.items() == items


async def test_two_lists_of_one_supplier_by_turns_are_held_the_first_time_only() -> None:
    desk = Desk()
    tools, paints = of("t1", "t2", "t3"), of("p1", "p2", "p3")
    await desk.apply(desk.list_of(tools))

    first = await desk.apply(desk.list_of(paints))
    waived = await desk.apply(desk.list_of(paints), waived=True)
    again = [await desk.apply(desk.list_of(rows)) for rows in (tools, paints, tools)]

    assert (first.state, waived.state) == (ImportState.HELD, ImportState.APPLIED)
    assert {each.state for each in again} == {ImportState.APPLIED}


async def test_a_supplier_may_say_that_its_lists_name_other_items_each_time() -> None:
    desk = Desk()
    desk.supplier = a_supplier(name="Acme", metadata={"import_known_min_percent": 0})
    await desk.apply(desk.list_of(of("a", "b")))

    record = await desk.apply(desk.list_of(of("c", "d")))

    assert record.state is ImportState.APPLIED


async def test_another_column_for_the_price_holds_the_import() -> None:
    world = memory()
    await brought(world, a_list(5), job_id=1)

    job = await brought(world, a_list(5, header="Артикул;Наименование;Стоимость"), job_id=2)

    assert job.failure is not None
    assert job.failure.code == "import.held"
    assert "'Цена'" in job.failure.message
    assert "'Стоимость'" in job.failure.message


async def test_ninety_good_rows_of_a_hundred_are_stored_and_ten_are_told() -> None:
    world = memory()
    lines = a_list(100).splitlines()
    bad = range(5, 105, 10)
    for number in bad:
        lines[number - 1] = f"A-{number};;10,00"  # no name
    world.sources.put(_PLACE, "\n".join(lines).encode())

    result = await parse_task(
        {"container": world.container, "job_id": "d1", "job_try": 1},
        task_id="task-1",
        parser_type="csv",
        supplier_name="Acme",
        source_config={"file_path": _PLACE},
    )

    assert (result["status"], result["items_parsed"], result["items_failed"]) == (
        "partial_success",
        90,
        10,
    )
    assert len(world.catalog.items()) == 90
    rejected = [entry for entry in world.catalog.log() if entry.level is LogLevel.ROW]
    assert [entry.row_number for entry in rejected] == [*bad]


class Desk:
    """An importer by hand, and the list that it reads next."""

    def __init__(self) -> None:
        self.world = memory()
        self.reader = ScriptedRowReader()
        self.supplier = a_supplier(name="Acme")
        self._importer: ListImporter = self.world.container.importer(reader=self.reader)
        self.plan = self.world.container.plan_import(importer=self._importer)
        self.apply = self.world.container.apply_import(importer=self._importer)

    def list_of(self, rows: ReadRows, *, sha256: str = "") -> ListToImport:
        self.reader.tell(_KEY, rows)
        return ListToImport(
            supplier=self.supplier,
            key=_KEY,
            file_type=FileType.CSV,
            source_name="list.csv",
            sha256=sha256,
        )

    def stored(self) -> list[Supplier]:
        return self.world.catalog.suppliers()


def of(*skus: str, price: str = "1.00") -> ReadRows:
    return ReadRows(accepted=tuple(a_priced_row(sku, price) for sku in skus), rejected=())


async def test_a_plan_says_what_applying_would_do_and_does_nothing() -> None:
    desk = Desk()
    rows = replace(of("a", "b"), unpriced=(an_unpriced_row("c"),))
    heard: list[int] = []

    plan = await desk.plan(desk.list_of(rows), progress=heard.append)
    left = (desk.stored(), desk.world.catalog.items(), desk.world.catalog.log())
    record = await desk.apply(desk.list_of(rows), version=plan.version)

    assert plan.figures == record.figures == ImportFigures(inserted=2, no_price=1)
    assert [(each.kind, each.sku) for each in plan.differences] == [
        (DifferenceKind.INSERTED, "a"),
        (DifferenceKind.INSERTED, "b"),
    ]
    assert [rejection.code for rejection in plan.rejections] == ["row.no_price"]
    assert (plan.supplier_name, plan.is_held, heard[-1]) == ("Acme", False, 4)
    assert left == ([], [], [])
    assert [entry.task_id for entry in desk.world.catalog.log()] == [str(record.id)]


async def test_a_plan_that_is_no_longer_true_is_not_applied() -> None:
    desk = Desk()
    await desk.apply(desk.list_of(of("a")))
    plan = await desk.plan(desk.list_of(of("a", "b")))
    await desk.apply(desk.list_of(of("a", price="1.10")))

    with pytest.raises(RefusedError) as caught:
        await desk.apply(desk.list_of(of("a", "b")), version=plan.version)

    assert caught.value.code == "import.plan_stale"
    assert {item.sku for item in desk.world.catalog.items()} == {"a"}


async def test_a_plan_tells_that_it_would_be_held_and_a_person_may_waive_it() -> None:
    desk = Desk()
    await desk.apply(desk.list_of(of("a", "b", "c")))

    plan = await desk.plan(desk.list_of(of("a")))
    held = await desk.apply(desk.list_of(of("a")))
    waived = await desk.apply(desk.list_of(of("a")), waived=True)

    assert [reason.code for reason in plan.reasons] == ["import.too_few_rows"]
    assert plan.is_held
    assert (held.state, waived.state) == (ImportState.HELD, ImportState.APPLIED)
    assert waived.figures == ImportFigures(unchanged=1, missing=2)


async def test_a_plan_of_the_same_bytes_names_the_import_that_brought_them() -> None:
    desk = Desk()
    record = await desk.apply(desk.list_of(of("a"), sha256="a" * 64))

    plan = await desk.plan(desk.list_of(of("a"), sha256="a" * 64))

    assert plan.repeats is not None
    assert plan.repeats.id == record.id


async def test_an_undone_import_is_applied_again_by_the_same_bytes() -> None:
    desk = Desk()
    record = await desk.apply(desk.list_of(of("a"), sha256="a" * 64))
    await desk.world.container.undo_import()(record.id)

    again = await desk.apply(desk.list_of(of("a"), sha256="a" * 64))

    assert again.state is ImportState.APPLIED
    assert len(desk.world.catalog.items()) == 1


async def test_an_undo_puts_lowest_prices_right_without_a_worker() -> None:
    desk = Desk()
    await desk.apply(desk.list_of(of("a")))
    product = await stored_product(desk.world.catalog)
    [item] = await claimed(desk.world.catalog, None)
    await recorded(desk.world.catalog, linked(item, product))
    dearer = await desk.apply(desk.list_of(of("a", price="1.20")))

    await recalculated(desk.world.catalog, [product.id])
    before = desk.world.catalog.aggregates()[product.id]

    outcome = await desk.world.container.undo_import()(dearer.id)

    assert (outcome.reversed, outcome.product_ids) == (1, (product.id,))
    after = desk.world.catalog.aggregates()[product.id]
    assert (before.min_price, after.min_price) == (Decimal("1.20"), Decimal("1.00"))
    assert len(desk.world.queue) == 0


async def test_what_is_imported_by_hand_is_matched_and_priced_as_soon_as_a_worker_looks() -> None:
    desk = Desk()
    world = desk.world
    await desk.apply(desk.list_of(of("a")))
    product = await stored_product(world.catalog)
    [item] = await claimed(world.catalog, None)
    await recorded(world.catalog, linked(item, product))
    await desk.apply(desk.list_of(of("a", "b", price="1.20")))
    follow = world.container.follow_imports()

    followed = [await follow(), await follow()]
    ran = await world.run()

    assert followed == [2, 0]
    assert ran >= 2
    statuses = {each.sku: each.match_status for each in world.catalog.items()}
    assert statuses["a"] is MatchStatus.AUTO_MATCHED
    assert statuses["b"] is not MatchStatus.UNMATCHED
    assert world.catalog.aggregates()[product.id].min_price == Decimal("1.20")


async def test_an_import_that_nobody_could_be_asked_to_follow_is_followed_later() -> None:
    desk = Desk()
    await desk.apply(desk.list_of(of("a")))

    class _Away(MemoryStepQueue):
        async def ask(
            self,
            step: Step,  # noqa: ARG002
            *,
            not_before: datetime | None = None,  # noqa: ARG002
        ) -> bool:
            raise UnavailableError("no queue", code="redis.unavailable")

    with pytest.raises(UnavailableError):
        await desk.world.container.follow_imports(queue=_Away())()

    assert await desk.world.container.follow_imports()() == 1


async def test_only_what_is_held_is_approved_and_only_what_is_applied_undone() -> None:
    desk = Desk()
    done = await desk.apply(desk.list_of(of("a", "b", "c"), sha256="a" * 64))
    held = await desk.apply(desk.list_of(of("a"), sha256="b" * 64))
    container = desk.world.container

    with pytest.raises(RefusedError) as approving:
        await container.approve_import()(done.id, by="x")
    with pytest.raises(RefusedError) as undoing:
        await container.undo_import()(held.id)
    with pytest.raises(ImportNotFoundError):
        await container.undo_import()(ImportId(UUID(int=7)))

    assert (approving.value.code, undoing.value.code) == (
        "import.not_held",
        "import.not_applied",
    )


async def test_a_row_that_no_store_takes_is_told_with_its_number() -> None:
    desk = Desk()
    rows = replace(of("a"), accepted=(a_row(sku="a"), a_row(sku="b", row_number=7, name="\0")))

    record: Import = await desk.apply(desk.list_of(rows))

    assert record.figures == ImportFigures(inserted=1, rejected=1)
    [entry] = desk.world.catalog.log()
    assert (entry.row_number, entry.details["code"]) == (7, "row.unstorable")
