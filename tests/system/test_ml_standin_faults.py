"""The stand-in's bad behaviour on request, and its account of what it was asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx
import pytest

from marketbel_adapters.memory import (
    CountingIdSource,
    ManualClock,
    MemoryBreaker,
    MemoryCatalog,
    RecordingTelemetry,
    ScriptedRowReader,
)
from marketbel_adapters.ml_analyze import (
    HttpAnalyzer,
    RetryingAnalyzer,
    Tries,
    create_ml_client,
)
from marketbel_adapters.redis import RedisBreaker, create_redis
from marketbel_adapters.routing import GuardedAnalyzer
from marketbel_adapters.testing.builders import a_row, a_supplier, fresh_id
from marketbel_core.catalog import FileType
from marketbel_core.errors import UnavailableError
from marketbel_core.ids import AnalysisId, FileKey, JobId, SupplierId
from marketbel_core.intake.rows import ReadRows
from marketbel_core.jobs import BreakerPolicy, CircuitClosed, CircuitOpen, Reading
from marketbel_core.ports import AnalysisRequest, AnalysisUnknown, Breaker, ReadElsewhere
from marketbel_runtime.ml_standin import create_app

KEY: Final = FileKey("list.csv")
NEVER: Final = timedelta(days=1)
REDIS_KEY: Final = "marketbel:breaker:ml-analyze"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standin:
    """A stand-in that is called without a network, and the time it goes by."""

    client: httpx.AsyncClient
    clock: ManualClock
    waits: list[float]
    folder: Path
    owner: SupplierId

    async def order(self, **faults: object) -> dict[str, Any]:
        response = await self.client.post("/_standin/faults", json=faults)
        assert response.status_code == 200, response.text
        told: dict[str, Any] = response.json()
        return told

    async def figures(self) -> dict[str, Any]:
        told: dict[str, Any] = (await self.client.get("/_standin/requests")).json()
        return told

    async def health(self) -> httpx.Response:
        return await self.client.get("/health")

    async def submit(self, key: str = "job-1") -> str:
        body = {"file_path": KEY, "supplier_id": str(self.owner), "file_type": "csv"}
        response = await self.client.post(
            "/analyze/file", json=body, headers={"Idempotency-Key": key}
        )
        assert response.status_code == 202, response.text
        return str(response.json()["job_id"])

    async def status(self, job_id: str) -> httpx.Response:
        return await self.client.get(f"/analyze/status/{job_id}")

    def request(self) -> AnalysisRequest:
        return AnalysisRequest(
            job_id=JobId(fresh_id()),
            attempt=1,
            reading=Reading.ML,
            supplier_id=self.owner,
            supplier_name="Acme",
            key=KEY,
            file_type=FileType.CSV,
            original_filename=KEY,
        )


@asynccontextmanager
async def standing_in(folder: Path, *, row_delay: timedelta) -> AsyncIterator[Standin]:
    catalog, owner, clock = MemoryCatalog(), a_supplier(), ManualClock()
    async with catalog.unit() as unit:
        await unit.suppliers.add(owner)
    (folder / KEY).write_bytes(b"bytes")
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    app = create_app(
        reader=ScriptedRowReader({KEY: ReadRows(accepted=(a_row(),), rejected=())}),
        catalog=catalog,
        uploads=folder,
        clock=clock,
        ids=CountingIdSource(),
        row_delay=row_delay,
        sleep=sleep,
    )
    async with (
        app.router.lifespan_context(app),
        create_ml_client("http://ml", transport=httpx.ASGITransport(app)) as client,
    ):
        yield Standin(client=client, clock=clock, waits=waits, folder=folder, owner=owner.id)


@pytest.fixture
async def standin(tmp_path: Path) -> AsyncIterator[Standin]:
    async with standing_in(tmp_path, row_delay=NEVER) as opened:
        yield opened


async def test_so_many_requests_fail_as_ordered_and_then_none(standin: Standin) -> None:
    told = await standin.order(fail=503, times=2, retry_after=7)

    replies = [await standin.health() for _ in range(3)]

    assert (told["fail"], told["times"]) == (503, 2)
    assert [reply.status_code for reply in replies] == [503, 503, 200]
    assert [reply.headers.get("Retry-After") for reply in replies] == ["7", "7", None]
    assert all(reply.headers["X-Request-ID"] for reply in replies)
    figures = await standin.figures()
    assert figures["by_kind"] == {"health": {"requests": 3, "failed": 2}}
    assert (figures["total"], figures["failed"]) == (3, 2)


async def test_an_order_holds_as_long_as_it_says(standin: Standin) -> None:
    await standin.order(fail=500, degraded=True, for_seconds=60)
    statuses = [(await standin.health()).status_code]
    standin.clock.tick(timedelta(seconds=59.9))
    statuses.append((await standin.health()).status_code)

    standin.clock.tick(timedelta(seconds=0.1))
    after = await standin.health()

    assert statuses == [500, 500]
    assert (after.status_code, after.json()["status"]) == (200, "healthy")


async def test_an_order_without_a_bound_holds_until_it_is_taken_back(standin: Standin) -> None:
    await standin.order(fail=429)
    statuses = [(await standin.health()).status_code for _ in range(3)]

    taken_back = await standin.client.delete("/_standin/faults")

    assert statuses == [429] * 3
    assert taken_back.json()["fail"] is None
    assert (await standin.health()).status_code == 200


async def test_answers_are_late_as_ordered(standin: Standin) -> None:
    await standin.order(latency_ms=250, fail=502, times=1)
    for _ in range(2):
        await standin.health()
    await standin.order()
    await standin.health()

    assert standin.waits == [0.25, 0.25]


async def test_a_degraded_service_says_so_and_takes_files(standin: Standin) -> None:
    await standin.order(degraded=True)

    health = await standin.health()

    assert (health.status_code, health.json()["status"]) == (200, "degraded")
    assert health.json()["checks"] == {"database": "healthy", "model": "slow"}
    assert await HttpAnalyzer(standin.client, folder=str(standin.folder)).health()
    assert (await standin.status(await standin.submit())).status_code == 200


async def test_a_key_is_one_reading_however_often_it_is_sent(standin: Standin) -> None:
    ids = await asyncio.gather(*(standin.submit("job-1") for _ in range(5)))
    await standin.submit("job-2")
    await standin.client.post("/analyze/file", json={"file_path": "absent.csv"})

    assert len(set(ids)) == 1
    figures = await standin.figures()
    assert figures["keys"] == {
        "job-1": {"submissions": 5, "analyses": 1},
        "job-2": {"submissions": 1, "analyses": 1},
    }
    assert figures["by_kind"]["submit"] == {"requests": 7, "failed": 0}


async def test_what_is_forgotten_is_unknown_and_is_read_anew_under_the_same_key(
    standin: Standin,
) -> None:
    first = await standin.submit()
    assert (await standin.status(first)).status_code == 200

    told = await standin.order(forget=True)

    assert told["forget"] is False, "it is done"
    assert (await standin.status(first)).status_code == 404
    second = await standin.submit()
    assert second != first
    assert (await standin.figures())["keys"] == {"job-1": {"submissions": 2, "analyses": 2}}


async def test_figures_may_begin_anew(standin: Standin) -> None:
    await standin.submit()

    emptied = await standin.client.delete("/_standin/requests")

    assert emptied.json() == {"total": 0, "failed": 0, "by_kind": {}, "keys": {}}
    await standin.status(str(UUID(int=7)))
    await standin.client.get("/somewhere/else")
    assert set((await standin.figures())["by_kind"]) == {"status", "other"}


@pytest.mark.parametrize(
    "order",
    [
        b"{",
        b"[]",
        b'{"fial": 503}',
        b'{"fail": 200}',
        b'{"times": 0}',
        b'{"latency_ms": -1}',
        b'{"for_seconds": 0}',
    ],
)
async def test_an_order_that_is_not_understood_changes_nothing(
    standin: Standin, order: bytes
) -> None:
    response = await standin.client.post("/_standin/faults", content=order)

    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"][0] == "body"
    assert (await standin.health()).status_code == 200


# What the worker's own client makes of it.


@pytest.mark.parametrize("faults", [{"fail": 503, "times": 2}, {"fail": 429, "times": 2}])
async def test_a_hiccup_costs_a_moment_and_no_second_reading(
    standin: Standin, faults: dict[str, object]
) -> None:
    await standin.order(**faults)
    request = standin.request()

    analyzer = RetryingAnalyzer(
        HttpAnalyzer(standin.client, folder=str(standin.folder)), tries=_without_waiting()
    )
    first = await analyzer.submit(request)
    second = await analyzer.submit(request)

    assert isinstance(first, ReadElsewhere)
    assert first == second
    assert (await standin.figures())["keys"] == {
        f"{request.job_id}-1": {"submissions": 2, "analyses": 1}
    }
    await standin.order(forget=True)
    assert await analyzer.report(first.analysis_id) == AnalysisUnknown()


def _without_waiting() -> Tries:
    async def sleep(_: float) -> None:
        await asyncio.sleep(0)

    return Tries(sleep=sleep)


@pytest.mark.valkey
async def test_in_an_outage_workers_that_share_redis_send_probes_alone(
    standin: Standin, redis_url: str
) -> None:
    policy = BreakerPolicy()
    async with create_redis(redis_url) as one, create_redis(redis_url) as other:
        breakers = [
            RedisBreaker(redis, name="ml-analyze", policy=policy) for redis in (one, other)
        ]
        workers = [_worker(standin, breaker) for breaker in breakers * 2]
        waiting = [standin.request() for _ in workers]
        await standin.order(fail=503)

        async def tried(number: int) -> UnavailableError:
            with pytest.raises(UnavailableError) as caught:
                await workers[number].submit(waiting[number])
            return caught.value

        await asyncio.gather(*(tried(number) for number in range(4)))
        to_open = (await standin.figures())["failed"]
        assert policy.failures_max <= to_open < policy.failures_max + len(workers)

        for probes in range(1, 6):
            assert isinstance(await breakers[0].state(), CircuitOpen)
            for number in range(4):
                denied = await tried(number)
                assert denied.code == "ml.circuit_open"
                assert denied.retry_after is not None
            await one.hset(REDIS_KEY, "until", "0")  # type: ignore[misc]  # the time has come
            await asyncio.gather(*(tried(number) for number in range(4)))
            assert (await standin.figures())["failed"] == to_open + probes

        await standin.order()
        await one.hset(REDIS_KEY, "until", "0")  # type: ignore[misc]  # the driver's stubs
        for worker, request in zip(workers, waiting, strict=True):
            await worker.submit(request)
        assert isinstance(await breakers[1].state(), CircuitClosed)

    keys = (await standin.figures())["keys"]
    assert set(keys) == {f"{request.job_id}-1" for request in waiting}
    assert {key["analyses"] for key in keys.values()} == {1}


def _worker(standin: Standin, breaker: Breaker) -> RetryingAnalyzer:
    guarded = GuardedAnalyzer(
        HttpAnalyzer(standin.client, folder=str(standin.folder)),
        breaker=breaker,
        telemetry=RecordingTelemetry(),
    )
    return RetryingAnalyzer(guarded, tries=_without_waiting())


async def test_the_service_that_comes_back_is_noticed_by_the_next_probe(standin: Standin) -> None:
    clock = ManualClock()
    worker = _worker(standin, MemoryBreaker(clock))
    await standin.order(fail=500, for_seconds=12)
    for _ in range(3):
        with pytest.raises(UnavailableError):
            await worker.report(AnalysisId(str(UUID(int=7))))

    waits = []
    for _ in range(2):
        with pytest.raises(UnavailableError) as caught:
            await worker.submit(standin.request())
        assert caught.value.retry_after is not None
        waits.append(caught.value.retry_after)
        for ticking in (clock, standin.clock):
            ticking.tick(waits[-1])
    await worker.submit(standin.request())

    assert waits == [timedelta(seconds=5), timedelta(seconds=10)]
