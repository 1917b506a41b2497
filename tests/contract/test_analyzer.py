"""Analyzers: scripted, and ml-analyze over HTTP (the stand-in, and scripted replies)."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import httpx
import pytest

from marketbel_adapters.memory.analyzer import ScriptedAnalyzer
from marketbel_adapters.memory.breaker import MemoryBreaker
from marketbel_adapters.memory.catalog import MemoryCatalog
from marketbel_adapters.memory.environment import CountingIdSource, ManualClock
from marketbel_adapters.memory.rows import ScriptedRowReader
from marketbel_adapters.memory.telemetry import RecordingTelemetry
from marketbel_adapters.ml_analyze import HttpAnalyzer, RetryingAnalyzer, create_ml_client
from marketbel_adapters.routing import GuardedAnalyzer, LocalAnalyzer, RoutingAnalyzer
from marketbel_adapters.testing.analyzer import AnalyzerBench, AnalyzerContract
from marketbel_adapters.testing.builders import a_row, a_supplier, fresh_id
from marketbel_core.catalog import FileType
from marketbel_core.errors import MarketbelError, ProtocolError, RefusedError, UnavailableError
from marketbel_core.ids import AnalysisId, FileKey, JobId, SupplierId
from marketbel_core.intake.rows import ReadRows
from marketbel_core.jobs import Reading
from marketbel_core.ports import (
    AnalysisFailed,
    AnalysisFinished,
    AnalysisReport,
    AnalysisRequest,
    AnalysisRunning,
    AnalysisUnknown,
    Analyzer,
    ReadElsewhere,
    ReadHere,
)
from marketbel_runtime.ml_standin import create_app

THEIRS: Final = "0190a1b2-0000-7000-8000-000000000001"


def a_request() -> AnalysisRequest:
    """Return the request of a fresh job."""
    return AnalysisRequest(
        job_id=JobId(fresh_id()),
        attempt=1,
        reading=Reading.ML,
        supplier_id=SupplierId(fresh_id()),
        supplier_name="ООО «Ромашка»",
        key=FileKey("list.xlsx"),
        file_type=FileType.EXCEL,
        original_filename="Прайс.xlsx",
    )


class _ScriptedBench(AnalyzerBench):
    def __init__(self) -> None:
        self._analyzer = ScriptedAnalyzer()

    @property
    def analyzer(self) -> Analyzer:
        return self._analyzer

    async def readable(self) -> AnalysisRequest:
        request = a_request()
        running = AnalysisRunning(items_processed=1, items_total=2)
        self._analyzer.script(
            request.job_id, running, AnalysisFinished(items_processed=2, items_total=2)
        )
        return request

    async def unreadable(self) -> AnalysisRequest:
        request = a_request()
        self._analyzer.script(request.job_id, AnalysisFailed(errors=("no header row",)))
        return request

    async def unacceptable(self) -> AnalysisRequest:
        self._analyzer.refuse_next(RefusedError("ml.refused", "no such file"))
        return a_request()


class _StandinBench(AnalyzerBench):
    def __init__(
        self,
        analyzer: HttpAnalyzer,
        *,
        uploads: Path,
        reader: ScriptedRowReader,
        owner: SupplierId,
    ) -> None:
        self._analyzer = analyzer
        self._uploads = uploads
        self._reader = reader
        self._owner = owner

    @property
    def analyzer(self) -> Analyzer:
        return self._analyzer

    async def readable(self) -> AnalysisRequest:
        request = self._with_a_file()
        self._reader.tell(
            request.key, ReadRows(accepted=tuple(a_row() for _ in range(25)), rejected=())
        )
        return request

    async def unreadable(self) -> AnalysisRequest:
        return self._with_a_file()  # the reader was told nothing about it

    async def unacceptable(self) -> AnalysisRequest:
        return a_request()  # there is no such file

    def _with_a_file(self) -> AnalysisRequest:
        request = a_request()
        key = FileKey(f"{request.job_id}.xlsx")
        (self._uploads / key).write_bytes(b"bytes")
        return replace(request, key=key, supplier_id=self._owner)


class TestScriptedAnalyzer(AnalyzerContract):
    @pytest.fixture
    def bench(self) -> AnalyzerBench:
        return _ScriptedBench()


class _GuardedBench(_ScriptedBench):
    def __init__(self) -> None:
        super().__init__()
        self._guarded = RetryingAnalyzer(
            GuardedAnalyzer(
                self._analyzer,
                breaker=MemoryBreaker(ManualClock()),
                telemetry=RecordingTelemetry(),
            )
        )

    @property
    def analyzer(self) -> Analyzer:
        return self._guarded


class TestGuardedAnalyzer(AnalyzerContract):
    @pytest.fixture
    def bench(self) -> AnalyzerBench:
        return _GuardedBench()


class TestHttpAnalyzer(AnalyzerContract):
    @pytest.fixture
    async def bench(self, tmp_path: Path) -> AsyncIterator[AnalyzerBench]:
        catalog, reader, owner = MemoryCatalog(), ScriptedRowReader(), a_supplier()
        async with catalog.unit() as unit:
            await unit.suppliers.add(owner)
        app = create_app(
            reader=reader,
            catalog=catalog,
            uploads=tmp_path,
            clock=ManualClock(),
            ids=CountingIdSource(),
            row_delay=timedelta(),
        )
        transport = httpx.ASGITransport(app)
        async with create_ml_client("http://ml-analyze:8001", transport=transport) as client:
            analyzer = HttpAnalyzer(client, folder=str(tmp_path))
            yield _StandinBench(analyzer, uploads=tmp_path, reader=reader, owner=owner.id)


@asynccontextmanager
async def answering(
    answer: Callable[[httpx.Request], httpx.Response],
) -> AsyncIterator[HttpAnalyzer]:
    """Give an analyzer whose neighbour answers as told."""
    transport = httpx.MockTransport(answer)
    async with create_ml_client("http://ml-analyze:8001", transport=transport) as client:
        yield HttpAnalyzer(client, folder="/shared/uploads/")


async def submit_answered(response: httpx.Response) -> str:
    async with answering(lambda _: response) as analyzer:
        submission = await analyzer.submit(a_request())
    assert isinstance(submission, ReadElsewhere)
    return submission.analysis_id


async def report_answered(response: httpx.Response) -> AnalysisReport:
    async with answering(lambda _: response) as analyzer:
        return await analyzer.report(AnalysisId(THEIRS))


@pytest.mark.parametrize("status", [200, 201, 202])
async def test_a_submission_says_what_every_version_of_ml_analyze_asks_for(status: int) -> None:
    asked: list[httpx.Request] = []
    request = replace(a_request(), attempt=2, sheet_name="Товары")

    def answer(heard: httpx.Request) -> httpx.Response:
        asked.append(heard)
        return httpx.Response(status, json={"job_id": THEIRS, "status": "pending", "new": 1})

    async with answering(answer) as analyzer:
        submission = await analyzer.submit(request)

    [heard] = asked
    assert submission == ReadElsewhere(analysis_id=AnalysisId(THEIRS))
    assert (heard.method, heard.url.path) == ("POST", "/analyze/file")
    assert heard.headers["Idempotency-Key"] == f"{request.job_id}-2"
    assert json.loads(heard.content) == {
        "file_path": "/shared/uploads/list.xlsx",
        "file_url": "/shared/uploads/list.xlsx",
        "supplier_id": str(request.supplier_id),
        "file_type": "excel",
        "metadata": {
            "job_id": str(request.job_id),
            "supplier_name": "ООО «Ромашка»",
            "original_filename": "Прайс.xlsx",
            "sheet_name": "Товары",
        },
    }


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"detail": "File not found"}, "File not found"),
        ({"detail": {"error": "FileNotFound", "message": "no list"}}, "FileNotFound: no list"),
        ({"error": "MLAnalyzeError", "message": "bad", "details": {}}, "MLAnalyzeError: bad"),
        (
            {"detail": [{"loc": ["body", "file_url"], "msg": "Field required", "type": "x"}]},
            "body.file_url: Field required",
        ),
        ({"detail": ["odd"]}, "odd"),
        ("plain", "plain"),
    ],
)
@pytest.mark.parametrize("status", [400, 404, 413, 422])
async def test_a_refusal_is_told_in_the_service_s_own_words(
    status: int, body: object, said: str
) -> None:
    with pytest.raises(RefusedError) as refusal:
        await submit_answered(httpx.Response(status, json=body))

    assert refusal.value.code == "ml.refused"
    assert said in str(refusal.value)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_service_in_trouble_is_unavailable(status: int) -> None:
    for ask in (submit_answered, report_answered):
        with pytest.raises(UnavailableError) as trouble:
            await ask(httpx.Response(status, text="<html>"))

        assert trouble.value.code == "ml.unavailable"


async def test_a_service_that_is_not_there_is_unavailable() -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused")

    async with answering(refuse) as analyzer:
        with pytest.raises(UnavailableError):
            await analyzer.submit(a_request())
        with pytest.raises(UnavailableError):
            await analyzer.report(AnalysisId(THEIRS))
        assert not await analyzer.health()


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(202, text="<html>"),
        httpx.Response(202, json=[]),
        httpx.Response(202, json={}),
        httpx.Response(202, json={"job_id": "7"}),
        httpx.Response(202, json={"job_id": THEIRS, "more": "x" * 1_100_000}),
        httpx.Response(302, headers={"Location": "/login"}),
    ],
    ids=["no json", "list", "nothing", "no uuid", "endless", "redirect"],
)
async def test_an_answer_that_was_not_agreed_is_told_as_such(response: httpx.Response) -> None:
    with pytest.raises(ProtocolError) as oddity:
        await submit_answered(response)

    assert oddity.value.code == "ml.protocol"


@pytest.mark.parametrize(
    ("body", "report"),
    [
        ({"status": "pending"}, AnalysisRunning()),
        (
            {"status": "processing", "items_processed": 3, "items_total": 9, "phase": "success"},
            AnalysisRunning(items_processed=3, items_total=9),
        ),
        (
            {"status": "processing", "items_processed": 12, "items_total": 9},
            AnalysisRunning(items_processed=9, items_total=9),
        ),
        (
            {"status": "processing", "items_processed": -3, "items_total": "9"},
            AnalysisRunning(items_processed=0, items_total=9),
        ),
        ({"status": "processing", "items_processed": None, "errors": None}, AnalysisRunning()),
        ({"status": "reticulating", "items_total": 2.0}, AnalysisRunning(items_total=2)),
        (
            {"status": "completed", "phase": "normalizing", "items_processed": 5},
            AnalysisFinished(items_processed=5),
        ),
        (
            {"status": "completed_with_errors", "errors": ["row 3", {"row": 4}]},
            AnalysisFinished(error_count=2, errors=("row 3", '{"row": 4}')),
        ),
        (
            {"status": "completed_with_errors", "errors": ["row 3"], "failed_extractions": 7},
            AnalysisFinished(error_count=7, errors=("row 3",)),
        ),
        ({"status": "failed", "errors": "no sheet"}, AnalysisFailed(errors=("no sheet",))),
        ({"status": "failed"}, AnalysisFailed()),
    ],
)
async def test_each_status_is_read_leniently(
    body: dict[str, object], report: AnalysisReport
) -> None:
    assert await report_answered(httpx.Response(200, json=body)) == report


@pytest.mark.parametrize("status", [404, 422])
async def test_a_reading_that_the_service_forgot_is_unknown(status: int) -> None:
    answered = httpx.Response(status, json={"detail": "Job not found"})

    assert await report_answered(answered) == AnalysisUnknown()


@pytest.mark.parametrize(
    "response",
    [httpx.Response(200, json={}), httpx.Response(200, text="ok"), httpx.Response(403)],
    ids=["no status", "no json", "forbidden"],
)
async def test_a_report_that_was_not_agreed_is_told_as_such(response: httpx.Response) -> None:
    with pytest.raises(ProtocolError):
        await report_answered(response)


@pytest.mark.parametrize(
    ("response", "reachable"),
    [
        (httpx.Response(200, json={"status": "healthy"}), True),
        (httpx.Response(200, json={"status": "degraded", "checks": {}}), True),
        (httpx.Response(200, json={"status": "unhealthy"}), False),
        (httpx.Response(503, json={"status": "unhealthy"}), False),
        (httpx.Response(200, text="ok"), False),
    ],
    ids=["healthy", "degraded", "unhealthy", "503", "no json"],
)
async def test_a_degraded_service_still_takes_files(
    response: httpx.Response, reachable: bool
) -> None:
    async with answering(lambda _: response) as analyzer:
        assert await analyzer.health() is reachable


async def test_requests_go_to_the_reader_that_they_name() -> None:
    ml = ScriptedAnalyzer()
    routing = RoutingAnalyzer(ml=ml, local=LocalAnalyzer())
    far, near = a_request(), replace(a_request(), reading=Reading.LOCAL)

    assert await routing.submit(far) == ReadElsewhere(analysis_id=AnalysisId("a1"))
    assert await routing.submit(near) == ReadHere()

    assert ml.requests == [far]
    assert await routing.report(AnalysisId("a1")) == AnalysisFinished()


async def test_the_local_analyzer_has_nothing_to_report() -> None:
    assert await LocalAnalyzer().report(AnalysisId(str(UUID(int=1)))) == AnalysisUnknown()


async def test_a_scripted_analyzer_gives_its_lines_in_turn_and_the_last_for_ever() -> None:
    request = a_request()
    lines: list[AnalysisReport | MarketbelError] = [
        UnavailableError("away"),
        AnalysisRunning(),
        AnalysisUnknown(),
    ]
    analyzer = ScriptedAnalyzer({request.job_id: lines})
    await analyzer.submit(request)

    with pytest.raises(UnavailableError):
        await analyzer.report(AnalysisId("a1"))

    heard = [await analyzer.report(AnalysisId("a1")) for _ in range(3)]
    assert heard == [AnalysisRunning(), AnalysisUnknown(), AnalysisUnknown()]
