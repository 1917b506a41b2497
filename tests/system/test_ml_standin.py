"""The stand-in for ml-analyze, over real HTTP: its contract, its writes, its end."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import httpx
import pytest

from marketbel_adapters.disk import DiskFileStore
from marketbel_adapters.memory.catalog import MemoryCatalog
from marketbel_adapters.memory.rows import ScriptedRowReader
from marketbel_adapters.sources.rows import LocalRowReader
from marketbel_adapters.system import SystemClock, TimeOrderedIdSource
from marketbel_adapters.testing.builders import a_row, a_supplier
from marketbel_core.catalog import FileType, GivenLayout, Supplier
from marketbel_core.errors import UnavailableError
from marketbel_core.ids import FileKey, SupplierId
from marketbel_core.intake import ReadRows, RememberedLayout
from marketbel_core.ports import Catalog, CatalogUnit, LogLevel, RowBatch, RowReader
from marketbel_runtime.ml_standin import create_app, serve

GOOD: Final = "Наименование;Цена\nДрель Bosch GSB 13;189,90\nЧайник Tefal KO 330;75,00\n".encode()
WITH_BAD: Final = GOOD + "Утюг без цены;по запросу\n".encode()
PATIENCE_SECONDS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Standin:
    """A running stand-in, and what it works on."""

    client: httpx.AsyncClient
    catalog: MemoryCatalog
    uploads: Path
    supplier: Supplier
    serving: asyncio.Task[None]

    def put(self, filename: str, content: bytes) -> str:
        path = self.uploads / filename
        path.write_bytes(content)
        return str(path)

    def body(self, place: str, **changes: object) -> dict[str, object]:
        return {
            "file_path": place,
            "file_url": place,
            "supplier_id": str(self.supplier.id),
            "file_type": "csv",
            **changes,
        }

    async def submit(self, place: str, **changes: object) -> UUID:
        response = await self.client.post("/analyze/file", json=self.body(place, **changes))
        assert response.status_code == 202, response.text
        assert response.json()["status"] == "pending"
        return UUID(response.json()["job_id"])

    async def watch(self, job_id: UUID) -> list[dict[str, object]]:
        """Return every status seen until the reading ended."""
        seen: list[dict[str, object]] = []
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not seen or seen[-1]["status"] in {"pending", "processing"}:
                seen.append((await self.client.get(f"/analyze/status/{job_id}")).json())
        return seen


@asynccontextmanager
async def running(
    uploads: Path,
    *,
    reader: RowReader | None = None,
    catalog: Catalog | None = None,
    row_delay: timedelta = timedelta(),
) -> AsyncIterator[Standin]:
    stored, supplier = MemoryCatalog(), a_supplier()
    async with stored.unit() as unit:
        await unit.suppliers.add(supplier)
    app = create_app(
        reader=reader or LocalRowReader(DiskFileStore(uploads)),
        catalog=catalog or stored,
        uploads=uploads,
        clock=SystemClock(),
        ids=TimeOrderedIdSource(),
        row_delay=row_delay,
    )
    url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(app, host="127.0.0.1", port=0, ready=url.set_result))
    try:
        async with httpx.AsyncClient(base_url=await url, trust_env=False) as client:
            yield Standin(
                client=client,
                catalog=stored,
                uploads=uploads,
                supplier=supplier,
                serving=serving,
            )
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


@pytest.fixture
async def standin(tmp_path: Path) -> AsyncIterator[Standin]:
    async with running(tmp_path) as opened:
        yield opened


async def test_a_price_list_ends_as_items_in_the_catalogue(standin: Standin) -> None:
    job_id = await standin.submit(standin.put("list.csv", GOOD))

    last = (await standin.watch(job_id))[-1]

    assert last["status"] == "completed"
    assert (last["items_processed"], last["items_total"], last["errors"]) == (2, 2, [])
    items = {item.name: str(item.price.amount) for item in standin.catalog.items()}
    assert items == {"Дрель Bosch GSB 13": "189.90", "Чайник Tefal KO 330": "75.00"}
    assert {item.supplier_id for item in standin.catalog.items()} == {standin.supplier.id}


async def test_rejected_rows_are_told_and_logged_under_the_service_s_own_id(
    standin: Standin,
) -> None:
    job_id = await standin.submit(standin.put("list.csv", WITH_BAD))

    last = (await standin.watch(job_id))[-1]

    assert last["status"] == "completed_with_errors"
    assert (last["successful_extractions"], last["failed_extractions"]) == (2, 1)
    assert "row 4" in str(last["errors"])
    [entry] = standin.catalog.log()
    assert (entry.task_id, entry.level, entry.row_number) == (str(job_id), LogLevel.ROW, 4)
    assert entry.message.startswith("[warning] ")
    assert entry.supplier_id == standin.supplier.id
    assert len(standin.catalog.items()) == 2


async def test_the_same_list_read_again_changes_nothing(standin: Standin) -> None:
    place = standin.put("list.csv", GOOD)
    await standin.watch(await standin.submit(place))
    before = standin.catalog.items()

    await standin.watch(await standin.submit(place))

    assert standin.catalog.items() == before


async def test_progress_can_be_watched(tmp_path: Path) -> None:
    reader = ScriptedRowReader(
        {FileKey("list.csv"): ReadRows(accepted=tuple(a_row() for _ in range(55)), rejected=())}
    )
    async with running(tmp_path, reader=reader, row_delay=timedelta(milliseconds=3)) as standin:
        job_id = await standin.submit(standin.put("list.csv", GOOD))
        seen = await standin.watch(job_id)

    processed = [int(str(status["items_processed"])) for status in seen]
    assert processed == sorted(processed)
    assert {10, 20, 30, 40, 50} & set(processed)
    under_way = [status for status in seen if 0 < int(str(status["items_processed"])) < 55]
    assert {(status["status"], status["items_total"]) for status in under_way} == {
        ("processing", 55)
    }
    assert (seen[-1]["items_processed"], seen[-1]["progress_percentage"]) == (55, 100)


async def test_the_same_idempotency_key_is_the_same_reading(standin: Standin) -> None:
    place = standin.put("list.csv", GOOD)

    async def submitted(key: str) -> str:
        response = await standin.client.post(
            "/analyze/file", json=standin.body(place), headers={"Idempotency-Key": key}
        )
        return str(response.json()["job_id"])

    first, second = await asyncio.gather(submitted("job-1"), submitted("job-1"))
    other = await submitted("job-2")

    assert first == second != other


async def test_without_a_key_every_submission_is_a_reading_of_its_own(standin: Standin) -> None:
    place = standin.put("list.csv", GOOD)

    assert await standin.submit(place) != await standin.submit(place)


@pytest.mark.parametrize("say", [str, lambda path: f"file://{path}", lambda path: path.name])
async def test_a_place_may_be_said_in_every_way_of_the_contract(
    standin: Standin, say: Callable[[Path], str]
) -> None:
    place = say(Path(standin.put("list.csv", GOOD)))

    job_id = await standin.submit(place, file_path=None)

    assert (await standin.watch(job_id))[-1]["status"] == "completed"


@pytest.mark.parametrize(
    ("place", "status"),
    [
        ("/etc/passwd", 400),
        ("../secret.csv", 400),
        ("link.csv", 400),
        ("nul\x00byte", 400),
        ("http://example.com/list.csv", 404),
        ("nothing.csv", 404),
        ("folder", 404),
        ("large.csv", 413),
    ],
)
async def test_a_file_that_may_not_be_read_is_turned_away(
    tmp_path: Path, place: str, status: int
) -> None:
    uploads = tmp_path / "uploads"
    (uploads / "folder").mkdir(parents=True)
    (tmp_path / "secret.csv").write_bytes(GOOD)
    (uploads / "link.csv").symlink_to(tmp_path / "secret.csv")
    with (uploads / "large.csv").open("wb") as large:
        large.truncate(50 * 1024 * 1024 + 1)

    async with running(uploads) as standin:
        response = await standin.client.post("/analyze/file", json=standin.body(place))

    assert response.status_code == status
    assert set(response.json()["detail"]) == {"error", "message"}


@pytest.mark.parametrize(
    "changes",
    [{"supplier_id": "7"}, {"file_type": "docx"}, {"file_path": None, "file_url": None}],
    ids=["supplier", "type", "no file"],
)
async def test_a_request_that_is_not_understood_is_told_where(
    standin: Standin, changes: dict[str, object]
) -> None:
    response = await standin.client.post("/analyze/file", json=standin.body("list.csv", **changes))

    assert response.status_code == 422
    [finding] = response.json()["detail"]
    assert finding["loc"][0] == "body"
    assert finding["msg"]


async def test_a_body_that_is_no_json_is_not_understood(standin: Standin) -> None:
    response = await standin.client.post("/analyze/file", content=b"{")

    assert response.status_code == 422


async def test_a_status_is_asked_for_by_a_known_uuid(standin: Standin) -> None:
    unknown = await standin.client.get(f"/analyze/status/{UUID(int=7)}")
    no_uuid = await standin.client.get("/analyze/status/seven")

    assert (unknown.status_code, no_uuid.status_code) == (404, 422)
    assert isinstance(unknown.json()["detail"], str)
    assert no_uuid.json()["detail"][0]["loc"] == ["path", "job_id"]


async def test_a_file_that_is_no_price_list_fails_with_the_reason(standin: Standin) -> None:
    job_id = await standin.submit(standin.put("list.pdf", b"%PDF-1.4"), file_type=FileType.PDF)

    last = (await standin.watch(job_id))[-1]

    assert last["status"] == "failed"
    assert last["errors"] == [
        "the PDF is damaged: it cannot be opened; save it again and send it anew, whole"
    ]


async def test_a_supplier_that_nobody_knows_fails_the_reading(standin: Standin) -> None:
    stranger = SupplierId(UUID(int=99))

    job_id = await standin.submit(standin.put("list.csv", GOOD), supplier_id=str(stranger))

    last = (await standin.watch(job_id))[-1]
    assert (last["status"], last["errors"]) == ("failed", [f"no supplier {stranger}"])
    assert standin.catalog.items() == []


class _BrokenReader(RowReader):
    async def read(
        self,
        key: FileKey,
        *,
        file_type: FileType,
        sheet_name: str | None = None,
        layout: GivenLayout | None = None,  # noqa: ARG002  # it breaks all the same
        remembered: Mapping[str, RememberedLayout] | None = None,  # noqa: ARG002  # the same
    ) -> AsyncIterator[RowBatch]:
        yield RowBatch(events=())
        raise RuntimeError(f"cannot read {key} {file_type} {sheet_name}")


async def test_a_reader_that_breaks_fails_its_reading_and_not_the_service(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, reader=_BrokenReader()) as standin:
        job_id = await standin.submit(
            standin.put("list.csv", GOOD), metadata={"sheet_name": "Товары"}
        )
        last = (await standin.watch(job_id))[-1]
        health = await standin.client.get("/health")

    assert (last["status"], last["errors"]) == ("failed", ["cannot read list.csv csv Товары"])
    assert health.status_code == 200


class _BrokenCatalog(Catalog):
    def unit(self) -> AbstractAsyncContextManager[CatalogUnit]:
        raise RuntimeError("secret of the inside")


async def test_an_answer_that_breaks_is_told_without_its_inside(tmp_path: Path) -> None:
    async with running(tmp_path, catalog=_BrokenCatalog()) as standin:
        response = await standin.client.get("/health")

    assert response.status_code == 500
    assert response.json() == {"error": "InternalServerError", "message": "RuntimeError"}


class _AwayCatalog(Catalog):
    def unit(self) -> AbstractAsyncContextManager[CatalogUnit]:
        raise UnavailableError("the database is away")


async def test_health_says_what_it_is_and_whether_the_catalogue_answers(tmp_path: Path) -> None:
    async with running(tmp_path) as standin:
        healthy = (await standin.client.get("/health")).json()
        about = (await standin.client.get("/")).json()
    async with running(tmp_path, catalog=_AwayCatalog()) as standin:
        degraded = (await standin.client.get("/health")).json()

    assert (healthy["status"], healthy["service"]) == ("healthy", "ml-analyze")
    assert (degraded["status"], degraded["checks"]["database"]) == ("degraded", "unhealthy")
    assert "no model inside" in about["about"]


async def test_every_answer_carries_its_id_and_its_time(standin: Standin) -> None:
    own = await standin.client.get("/health")
    given = await standin.client.get("/analyze/status/seven", headers={"X-Request-ID": "r-7"})

    assert UUID(own.headers["X-Request-ID"]).version == 7
    assert given.headers["X-Request-ID"] == "r-7"
    assert float(given.headers["X-Process-Time"]) >= 0


async def test_a_service_that_is_stopped_ends_what_it_reads_and_frees_its_port(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, row_delay=timedelta(hours=1)) as standin:
        job_id = await standin.submit(standin.put("list.csv", GOOD))
        tasks_before = asyncio.all_tasks()

        standin.serving.cancel()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.gather(standin.serving, return_exceptions=True)

        assert standin.serving.cancelled()
        with pytest.raises(httpx.ConnectError):
            await standin.client.get(f"/analyze/status/{job_id}")
        assert all(task.done() for task in tasks_before - {asyncio.current_task()})
    assert standin.catalog.items() == []


async def test_an_address_that_is_taken_is_told_at_once(standin: Standin) -> None:
    taken = standin.client.base_url.port
    app = create_app(
        reader=ScriptedRowReader(),
        catalog=standin.catalog,
        uploads=standin.uploads,
        clock=SystemClock(),
        ids=TimeOrderedIdSource(),
        row_delay=timedelta(),
    )

    with pytest.raises(OSError, match="in use"):
        await serve(app, host="127.0.0.1", port=taken or 0, ready=print)
