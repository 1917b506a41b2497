"""The import step: rows become items in one transaction, and running it again adds nothing."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from marketbel_adapters.memory import ScriptedRowReader
from marketbel_adapters.testing.builders import a_job, a_row
from marketbel_core.catalog import FileType, GivenLayout, Money, SourceRef, SourceType
from marketbel_core.errors import JobNotFoundError, RefusedError, UnavailableError
from marketbel_core.ids import FileKey, JobId
from marketbel_core.intake import ReadRows, RememberedLayout, RowRejection
from marketbel_core.jobs import Job, JobProgress, Phase
from marketbel_core.ports import (
    Catalog,
    CatalogUnit,
    ImportFigures,
    LogLevel,
    MatchStep,
    RowBatch,
    RowReader,
)
from marketbel_core.use_cases import ImportItems, StartRequest, rejection_entries
from marketbel_runtime.lifespan import InMemory, memory

_PLACE = "/lists/march.csv"
_LIST = """Артикул;Наименование;Цена;Наличие
A-1;Дрель ударная Bosch GSB 13 RE;189,90;да
A-2;Насос Makita X1;100,00;нет
A-3;Краска белая;по запросу;да
"""
_LOST = UnavailableError("the connection broke", code="postgres.unavailable")


class _FailingCommits(Catalog):
    """Loses the first commits: nothing of such a unit is kept."""

    def __init__(self, inner: Catalog, *, failures: int) -> None:
        self._inner = inner
        self._left = failures

    @asynccontextmanager
    async def unit(self) -> AsyncGenerator[CatalogUnit]:
        async with self._inner.unit() as unit:
            yield unit
            if self._left:
                self._left -= 1
                raise _LOST


class _Meanwhile(RowReader):
    """Lets something happen while the file is read."""

    def __init__(self, inner: RowReader, happen: Callable[[], Awaitable[object]]) -> None:
        self._inner = inner
        self._happen = happen

    async def read(
        self,
        key: FileKey,
        *,
        file_type: FileType,
        sheet_name: str | None = None,
        layout: GivenLayout | None = None,
        remembered: Mapping[str, RememberedLayout] | None = None,
    ) -> AsyncIterator[RowBatch]:
        await self._happen()
        async for batch in self._inner.read(
            key,
            file_type=file_type,
            sheet_name=sheet_name,
            layout=layout,
            remembered=remembered,
        ):
            yield batch


async def carried(world: InMemory, file: str = _LIST, *, job_id: int = 7) -> Job:
    """Return a job whose file is stored and waits to be read here."""
    world.sources.put(_PLACE, file.encode())
    job = await world.container.start_ingestion()(
        StartRequest(
            source=SourceRef(type=SourceType.CSV, location=_PLACE),
            supplier_name="ООО «Ромашка»",
            read_here=True,
            job_id=JobId(UUID(int=job_id)),
        ),
        ask=False,
    )
    job = await world.container.courier()(job.id)
    step = await world.queue.take()
    assert step is not None
    await world.queue.done(step)
    return job


def importer_of(
    world: InMemory, *, reader: RowReader | None = None, catalog: Catalog | None = None
) -> ImportItems:
    importer = world.container.importer(
        reader=reader or world.container.reader(), catalog=catalog or world.catalog
    )
    return world.container.import_items(importer=importer)


async def test_rows_become_items_and_the_match_is_asked_for() -> None:
    world = memory()
    job = await carried(world)

    imported = (await world.container.import_items()(job.id)).job

    assert imported == await world.jobs.get(job.id)
    assert imported.phase is Phase.MATCHING
    items = {item.sku: item for item in world.catalog.items()}
    assert items.keys() == {"A-1", "A-2"}
    assert items["A-1"].price == Money(Decimal("189.90"))
    assert items["A-1"].supplier_id == job.supplier_id
    assert await world.queue.take() == MatchStep(
        job_id=job.id, attempt=1, supplier_id=job.supplier_id
    )


async def test_figures_count_what_was_read_and_what_was_rejected() -> None:
    world = memory()
    job = await carried(world)

    imported = (await world.container.import_items()(job.id)).job

    progress = imported.progress
    assert (progress.items_processed, progress.items_total, progress.error_count) == (3, 3, 1)
    assert progress.download_bytes == len(_LIST.encode())
    (record,) = world.catalog.imports()
    assert (record.job_id, record.attempt) == (job.id, 1)
    assert record.figures == ImportFigures(inserted=2, no_price=1)


async def test_a_rejected_row_is_told_with_all_that_it_said() -> None:
    world = memory()
    job = await carried(world)

    await world.container.import_items()(job.id)

    (entry,) = world.catalog.log()
    assert (entry.task_id, entry.level, entry.row_number) == (str(job.id), LogLevel.ROW, 4)
    assert entry.message.startswith("row.no_price: ")
    assert entry.supplier_id == job.supplier_id
    assert entry.details["value"] == "по запросу"
    assert entry.details["cells"] == {
        "Артикул": "A-3",
        "Наименование": "Краска белая",
        "Цена": "по запросу",
        "Наличие": "да",
    }


async def test_a_second_delivery_adds_nothing_and_asks_again() -> None:
    world = memory()
    job = await carried(world)
    imported = (await world.container.import_items()(job.id)).job
    lost = await world.queue.take()
    assert lost is not None
    await world.queue.done(lost)
    items, log, prices = world.catalog.items(), world.catalog.log(), world.catalog.price_history()

    again = (await world.container.import_items()(job.id)).job

    assert again == imported
    assert world.catalog.items() == items
    assert world.catalog.log() == log
    assert world.catalog.price_history() == prices
    assert await world.queue.take() == lost


async def test_a_delivery_after_a_crash_between_commit_and_job_adds_nothing_twice() -> None:
    world = memory()
    job = await carried(world)
    left: list[object] = []

    class _Crashing(_FailingCommits):
        """Commits, and is heard of no more."""

        @asynccontextmanager
        async def unit(self) -> AsyncGenerator[CatalogUnit]:
            async with world.catalog.unit() as unit:
                yield unit
            if not world.catalog.items():
                return
            left.extend([world.catalog.items(), world.catalog.log(), world.catalog.imports()])
            left.append(world.catalog.price_history())
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await importer_of(world, catalog=_Crashing(world.catalog, failures=0))(job.id)
    again = (await world.container.import_items()(job.id)).job

    assert again.phase is Phase.MATCHING
    assert left == [
        world.catalog.items(),
        world.catalog.log(),
        world.catalog.imports(),
        world.catalog.price_history(),
    ]


async def test_a_later_list_changes_prices_and_leaves_what_it_does_not_name() -> None:
    world = memory()
    await world.container.import_items()((await carried(world)).id)
    second = await carried(
        world, "Артикул;Наименование;Цена\nA-2;Насос Makita X1;90,00\n", job_id=8
    )

    await world.container.import_items()(second.id)

    prices = {item.sku: item.price.amount for item in world.catalog.items()}
    assert prices == {"A-1": Decimal("189.90"), "A-2": Decimal("90.00")}
    assert [str(record.price.amount) for record in world.catalog.price_history()] == [
        "189.90",
        "100.00",
        "90.00",
    ]
    assert world.catalog.imports()[-1].figures == ImportFigures(updated=1, repriced=1, missing=1)


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("просто текст\nбез цен\n", "file.no_price_list"),
        ("<!doctype html><html>sign in</html>", "file.type_mismatch"),
        ("   \n  ", "file.empty"),
    ],
)
async def test_a_file_that_is_no_price_list_ends_the_attempt(file: str, code: str) -> None:
    world = memory()
    job = await carried(world, file)

    failed = (await world.container.import_items()(job.id)).job

    assert failed.phase is Phase.FAILED
    assert failed.failure is not None
    assert failed.failure.code == code
    assert world.catalog.items() == []
    assert [entry.level for entry in world.catalog.log()] == [LogLevel.ERROR]
    assert world.telemetry.counts[f"refused.{code}"] == 1
    assert len(world.queue) == 0


async def test_a_stored_file_that_is_gone_ends_the_attempt() -> None:
    world = memory()
    job = await carried(world)
    assert job.file_key is not None
    await world.files.delete(job.file_key)

    failed = (await world.container.import_items()(job.id)).job

    assert failed.failure is not None
    assert failed.failure.code == "storage.missing"


async def test_a_job_without_a_file_ends_the_attempt() -> None:
    world = memory()
    job = a_job(phase=Phase.ANALYZING)
    await world.jobs.add(job)

    failed = (await world.container.import_items()(job.id)).job

    assert failed.failure is not None
    assert failed.failure.code == "storage.missing"


async def test_a_supplier_that_is_gone_ends_the_attempt() -> None:
    world, elsewhere = memory(), memory()
    job = await carried(world)

    failed = (await importer_of(world, catalog=elsewhere.catalog)(job.id)).job

    assert failed.failure is not None
    assert failed.failure.code == "supplier.not_found"


async def test_a_commit_that_is_lost_leaves_nothing_and_the_next_delivery_imports() -> None:
    world = memory()
    job = await carried(world)
    importer = importer_of(world, catalog=_FailingCommits(world.catalog, failures=1))

    waiting = (await importer(job.id)).job
    left = [world.catalog.items(), world.catalog.log(), world.catalog.imports()]
    imported = (await importer(job.id)).job

    assert left == [[], [], []]
    assert (waiting.phase, waiting.deferrals, waiting.attempt) == (Phase.ANALYZING, 1, 1)
    assert (imported.phase, imported.deferrals) == (Phase.MATCHING, 1)
    assert len(world.catalog.items()) == 2


async def test_commits_that_are_lost_for_good_end_the_attempt() -> None:
    world = memory()
    job = await carried(world)
    importer = importer_of(world, catalog=_FailingCommits(world.catalog, failures=4))

    for _ in range(3):
        await importer(job.id)
    failed = (await importer(job.id)).job

    assert failed.failure is not None
    assert failed.failure.code == _LOST.code
    assert world.catalog.items() == []


async def test_of_two_imports_at_once_the_second_gives_way() -> None:
    world = memory()
    job = await carried(world)
    reader = _Meanwhile(world.container.reader(), lambda: world.container.import_items()(job.id))

    imported = (await importer_of(world, reader=reader)(job.id)).job

    assert imported == await world.jobs.get(job.id)
    assert imported.phase is Phase.MATCHING
    assert len(world.catalog.items()) == 2
    assert len(world.catalog.imports()) == 1
    assert len(world.queue) == 1


@pytest.mark.parametrize("error", [_LOST, RefusedError("csv.encoding", "what is this?")])
async def test_an_import_that_outlived_its_lease_and_fails_harms_nothing(
    error: UnavailableError | RefusedError,
) -> None:
    world = memory()
    job = await carried(world)

    async def another_imports_it() -> None:
        world.clock.tick(timedelta(hours=1))
        await world.container.import_items()(job.id)
        raise error

    reader = _Meanwhile(world.container.reader(), another_imports_it)

    imported = (await importer_of(world, reader=reader)(job.id)).job

    assert imported == await world.jobs.get(job.id)
    assert (imported.phase, imported.failure) == (Phase.MATCHING, None)


async def test_a_job_that_is_called_off_while_it_is_read_stays_called_off() -> None:
    world = memory()
    job = await carried(world)
    reader = _Meanwhile(world.container.reader(), lambda: world.container.cancel_job()(job.id))

    imported = (await importer_of(world, reader=reader)(job.id)).job

    assert imported.failure is not None
    assert imported.failure.code == "job.cancelled"
    assert len(world.queue) == 0


@pytest.mark.parametrize("phase", [Phase.DOWNLOADING, Phase.COMPLETE, Phase.FAILED])
async def test_a_job_in_another_phase_is_left_alone(phase: Phase) -> None:
    world = memory()
    job = a_job(phase=phase)
    await world.jobs.add(job)

    assert (await world.container.import_items()(job.id)).job == job
    assert len(world.queue) == 0


async def test_an_unknown_job_is_told() -> None:
    with pytest.raises(JobNotFoundError):
        await memory().container.import_items()(JobId(UUID(int=7)))


async def test_only_the_sheet_that_the_job_names_is_read() -> None:
    world = memory()
    first = await carried(world)
    job = replace(first, id=JobId(UUID(int=8)), source=replace(first.source, sheet_name="Опт"))
    await world.jobs.add(job)
    assert job.file_key is not None
    rows = (a_row(sheet="Опт", sku="A"), a_row(sheet="Розница", sku="B"))
    reader = ScriptedRowReader({job.file_key: ReadRows(accepted=rows, rejected=())})

    imported = (await importer_of(world, reader=reader)(job.id)).job

    assert [item.sku for item in world.catalog.items()] == ["A"]
    assert imported.progress == JobProgress(
        download_bytes=job.progress.download_bytes,
        download_total=job.progress.download_total,
        items_processed=1,
        items_total=1,
    )


def a_rejection(sheet: str, *, row_number: int = 7, value: str = "нет") -> RowRejection:
    return RowRejection(
        sheet=sheet,
        row_number=row_number,
        column="price",
        value=value,
        code="row.no_price",
        message="no price is given",
        cells={"Цена": value},
    )


def test_rows_of_sheets_with_long_names_are_told_apart() -> None:
    job = a_job()
    sheets = ("Прайс-лист оптовый, март, часть 1", "Прайс-лист оптовый, март, часть 2")

    entries = rejection_entries(
        str(job.id), job.supplier_id, tuple(a_rejection(sheet) for sheet in sheets)
    )

    assert len({entry.key for entry in entries}) == 2


def test_the_same_row_and_reason_has_the_same_key_in_every_attempt() -> None:
    job = a_job()
    later = replace(job, attempt=2)
    rejected = (a_rejection("csv"), a_rejection("\ud800"), a_rejection("csv", row_number=8))

    keys = [entry.key for entry in rejection_entries(str(job.id), job.supplier_id, rejected)]

    assert keys == [
        entry.key for entry in rejection_entries(str(later.id), later.supplier_id, rejected)
    ]
    assert len(set(keys)) == 3
    assert all(len(key) <= 64 for key in keys)
