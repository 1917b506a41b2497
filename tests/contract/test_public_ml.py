"""`ml_client`, over real HTTP to the stand-in."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Final
from uuid import UUID

import pytest

from marketbel_adapters.disk import DiskFileStore
from marketbel_adapters.memory.catalog import MemoryCatalog
from marketbel_adapters.ml_analyze import MLClient, MLJobStatus, MLJobUnknownError, Tries
from marketbel_adapters.sources.rows import LocalRowReader
from marketbel_adapters.system import SystemClock, TimeOrderedIdSource
from marketbel_adapters.testing.builders import a_supplier
from marketbel_core.errors import RefusedError, UnavailableError
from marketbel_runtime.ml_standin import create_app, serve

LIST: Final = "Наименование;Цена\nДрель Bosch GSB 13;189,90\nЧайник Tefal KO 330;75,00\n".encode()
OWNER: Final = a_supplier()
PATIENCE_SECONDS: Final = 30
NOBODYS: Final = UUID(int=7)


@asynccontextmanager
async def standin(uploads: Path) -> AsyncIterator[str]:
    catalog = MemoryCatalog()
    async with catalog.unit() as unit:
        await unit.suppliers.add(OWNER)
    app = create_app(
        reader=LocalRowReader(DiskFileStore(uploads)),
        catalog=catalog,
        uploads=uploads,
        clock=SystemClock(),
        ids=TimeOrderedIdSource(),
        row_delay=timedelta(),
    )
    url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(app, host="127.0.0.1", port=0, ready=url.set_result))
    try:
        yield await url
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


@pytest.fixture
async def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    async with standin(tmp_path) as url:
        monkeypatch.setenv("ML_ANALYZE_URL", url)
        monkeypatch.setenv("UPLOADS_DIR", str(tmp_path))
        yield url


async def _ended(client: MLClient, job_id: str) -> MLJobStatus:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (status := await client.get_job_status(job_id)).has_ended:
            pass
    return status


@pytest.mark.parametrize("place", ["list.csv", "{folder}/list.csv"])
@pytest.mark.usefixtures("service")
async def test_a_file_is_read_from_the_first_call_to_the_last(tmp_path: Path, place: str) -> None:
    (tmp_path / "list.csv").write_bytes(LIST)
    client = MLClient()

    assert await client.check_health() is True
    job_id = await client.trigger_analysis(
        file_path=place.format(folder=tmp_path), supplier_id=str(OWNER.id), file_type="csv"
    )
    status = await _ended(client, job_id)

    assert isinstance(job_id, str)
    assert (status.job_id, status.status, status.errors) == (job_id, "completed", ())
    assert (status.items_processed, status.items_total, status.progress_percentage) == (2, 2, 100)
    assert status.created_at is not None
    assert status.completed_at is not None
    assert status.created_at <= status.completed_at


@pytest.mark.usefixtures("service")
async def test_one_job_of_ours_starts_one_reading(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(LIST)
    client = MLClient()

    started = [
        await client.trigger_analysis(tmp_path / "list.csv", OWNER.id, "csv", job_id=job_id)
        for job_id in (NOBODYS, NOBODYS, None, None)
    ]

    assert started[0] == started[1]
    assert len(set(started)) == 3


@pytest.mark.usefixtures("service")
async def test_what_the_service_does_not_know_is_told() -> None:
    client = MLClient()

    with pytest.raises(MLJobUnknownError) as unknown:
        await client.get_job_status(NOBODYS)
    with pytest.raises(RefusedError) as refused:
        await client.trigger_analysis("absent.csv", OWNER.id, "csv")

    assert (unknown.value.code, refused.value.code) == ("ml.job_unknown", "ml.refused")


async def test_a_service_that_is_away_is_no_crash() -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    client = MLClient(base_url="http://127.0.0.1:1", uploads_dir="/up", tries=Tries(sleep=sleep))

    assert await client.check_health() is False
    with pytest.raises(UnavailableError):
        await client.get_job_status(NOBODYS)
    assert len(waits) == 2, "three tries"


async def test_what_was_configured_wins_and_none_goes_back(service: str) -> None:
    client = MLClient()
    healths = [await client.check_health()]

    client.configure(base_url="http://127.0.0.1:1")
    healths.append(await client.check_health())
    client.configure()
    healths.append(await client.check_health())
    await client.aclose()
    healths.append(await client.check_health())

    assert healths == [True, False, True, True], service


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The service in a thread, for tests that begin and end event loops of their own."""
    ready, stop, url = Event(), Event(), list[str]()

    async def run() -> None:
        async with standin(tmp_path) as there:
            url.append(there)
            ready.set()
            await asyncio.to_thread(stop.wait)

    thread = Thread(target=asyncio.run, args=(run(),))
    thread.start()
    try:
        assert ready.wait(PATIENCE_SECONDS)
        yield url[0]
    finally:
        stop.set()
        thread.join()


def test_loops_may_come_and_go_and_nothing_is_left_open(served: str, tmp_path: Path) -> None:
    client = MLClient(base_url=served, uploads_dir=str(tmp_path))

    # An unclosed connection would warn when it is collected, and a warning is an error here.
    healths = [asyncio.run(client.check_health()) for _ in range(3)]
    gc.collect()

    assert healths == [True, True, True]
    assert len(client._lines) == 0, "a loop that has gone is forgotten"
