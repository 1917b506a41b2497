"""What ml-analyze may answer, and what it costs: nonsense, trouble, waits, outages."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import httpx
import pytest

from marketbel_adapters.memory import (
    ManualClock,
    MemoryBreaker,
    RecordingTelemetry,
    ScriptedAnalyzer,
)
from marketbel_adapters.ml_analyze import (
    HttpAnalyzer,
    MLClient,
    RetryingAnalyzer,
    Tries,
    create_ml_client,
)
from marketbel_adapters.routing import GuardedAnalyzer
from marketbel_adapters.testing.builders import fresh_id
from marketbel_core.catalog import FileType
from marketbel_core.errors import (
    MarketbelError,
    PortError,
    ProtocolError,
    RefusedError,
    UnavailableError,
)
from marketbel_core.ids import AnalysisId, FileKey, JobId, SupplierId
from marketbel_core.jobs import (
    Admission,
    Admitted,
    BreakerPolicy,
    BreakerState,
    CircuitClosed,
    CircuitOpen,
    Reading,
)
from marketbel_core.ports import (
    AnalysisFinished,
    AnalysisReport,
    AnalysisRequest,
    AnalysisRunning,
    Analyzer,
    Breaker,
    ReadElsewhere,
)

THEIRS: Final = "0190a1b2-0000-7000-8000-000000000001"
OTHERS: Final = "0190a1b2-0000-7000-8000-000000000002"
DATE: Final = "Wed, 21 Oct 2026 07:28:00 GMT"
TAKEN: Final = httpx.Response(202, json={"job_id": THEIRS})
SECOND: Final = timedelta(seconds=1)

type Answer = Callable[[httpx.Request], httpx.Response]


def a_request() -> AnalysisRequest:
    return AnalysisRequest(
        job_id=JobId(fresh_id()),
        attempt=1,
        reading=Reading.ML,
        supplier_id=SupplierId(fresh_id()),
        supplier_name="Acme",
        key=FileKey("list.xlsx"),
        file_type=FileType.EXCEL,
        original_filename="list.xlsx",
    )


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[HttpAnalyzer]:
    transport = httpx.MockTransport(answer)
    async with create_ml_client("http://ml-analyze:8001", transport=transport) as client:
        yield HttpAnalyzer(client, folder="/shared/uploads")


async def reported(answer: Answer) -> AnalysisReport:
    async with answering(answer) as analyzer:
        return await analyzer.report(AnalysisId(THEIRS))


class Waits:
    """Stands in for waiting: it takes no time, and is remembered."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)

    def tries(self, *, chance: float = 1.0) -> Tries:
        return Tries(sleep=self.sleep, chance=lambda: chance)


# What is nonsense.


class _Endless(httpx.AsyncByteStream):
    """Two gigabytes, made as they are asked for."""

    def __init__(self) -> None:
        self.given = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunk = b"x" * 65_536
        while self.given < 2 * 1024**3:
            self.given += len(chunk)
            yield chunk


@pytest.mark.parametrize("status", [200, 404, 503])
async def test_of_an_answer_of_two_gigabytes_one_is_read_in_a_thousand(status: int) -> None:
    body = _Endless()

    with pytest.raises(ProtocolError) as oddity:
        await reported(lambda _: httpx.Response(status, stream=body))

    assert oddity.value.code == "ml.protocol"
    assert body.given <= 2 * 1024**2


async def test_a_compressed_answer_is_not_unpacked() -> None:
    body, heard = _Endless(), list[httpx.Request]()

    def answer(request: httpx.Request) -> httpx.Response:
        heard.append(request)
        return httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=body)

    with pytest.raises(ProtocolError):
        await reported(answer)

    assert [request.headers["Accept-Encoding"] for request in heard] == ["identity"]
    assert body.given == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>login</html>",
        b"\xff\xfe\x00",
        b"[]",
        b"null",
        b'{"status": 7}',
        b'{"status": "completed", "job_id": "%s"}' % OTHERS.encode(),
        b'{"status": "completed", "job_id": 7}',
        b"[" * 100_000,
        b'{"status": "processing", "items_total": %s}' % (b"9" * 5_000),
    ],
    ids=[
        "nothing",
        "html",
        "no text",
        "list",
        "null",
        "status is a number",
        "another job",
        "a job of no name",
        "deep",
        "figure without end",
    ],
)
async def test_nonsense_is_told_as_such_and_breaks_nothing(body: bytes) -> None:
    with pytest.raises(ProtocolError) as oddity:
        await reported(lambda _: httpx.Response(200, content=body))

    assert oddity.value.code == "ml.protocol"


@pytest.mark.parametrize("named", [THEIRS, THEIRS.upper(), THEIRS.replace("-", ""), None, ""])
async def test_a_status_may_name_its_job_in_every_spelling_or_not_at_all(
    named: str | None,
) -> None:
    body = {"status": "completed", "job_id": named}

    assert await reported(lambda _: httpx.Response(200, json=body)) == AnalysisFinished()


@pytest.mark.parametrize(
    ("body", "report"),
    [
        ({"status": "reticulating", "phase": "splines"}, AnalysisRunning()),
        ({"status": "processing", "progress_percentage": 140}, AnalysisRunning()),
        (
            {"status": "processing", "items_processed": 140, "items_total": 100},
            AnalysisRunning(items_processed=100, items_total=100),
        ),
        (
            {"status": "processing", "items_total": 10**30},
            AnalysisRunning(items_total=2**31 - 1),
        ),
        (
            {"status": "processing", "items_total": "9" * 30},
            AnalysisRunning(items_total=2**31 - 1),
        ),
        ({"status": "processing", "items_total": 1e308}, AnalysisRunning(items_total=2**31 - 1)),
    ],
    ids=["status", "percentage", "more than all", "large", "large text", "large float"],
)
async def test_figures_beyond_their_range_are_cut(
    body: dict[str, object], report: AnalysisReport
) -> None:
    assert await reported(lambda _: httpx.Response(200, json=body)) == report


async def test_the_public_call_shows_no_progress_of_140() -> None:
    body = {"status": "processing", "progress_percentage": 140, "job_id": THEIRS}
    client = MLClient(base_url="http://ml-analyze:8001", uploads_dir="/shared/uploads")

    async with standing_in(client, lambda _: httpx.Response(200, json=body)):
        status = await client.get_job_status(THEIRS)

    assert (status.progress_percentage, status.has_ended) == (100, False)


# What is trouble.


@asynccontextmanager
async def standing_in(client: MLClient, answer: Answer) -> AsyncIterator[None]:
    """Let the calls of a public client be answered as told."""
    line = client._line()
    async with create_ml_client("http://ml", transport=httpx.MockTransport(answer)) as told:
        line.analyzer._client = told
        yield
    await client.aclose()


def replying(*replies: httpx.Response | httpx.HTTPError) -> tuple[Answer, list[httpx.Request]]:
    """Return what gives the replies in turn, the last one for ever, and what it will hear."""
    heard: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        heard.append(request)
        reply = replies[min(len(heard), len(replies)) - 1]
        if isinstance(reply, httpx.HTTPError):
            raise reply
        return reply

    return answer, heard


@pytest.mark.parametrize(
    "trouble",
    [
        *(httpx.Response(status) for status in (500, 502, 503, 504, 408, 425, 429)),
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("nobody there"),
        httpx.RemoteProtocolError("cut"),
        httpx.ReadError("reset"),
    ],
    ids=lambda one: (
        str(one.status_code) if isinstance(one, httpx.Response) else type(one).__name__
    ),
)
async def test_a_hiccup_is_tried_again_under_the_same_key(
    trouble: httpx.Response | httpx.HTTPError,
) -> None:
    waits, request = Waits(), a_request()
    answer, heard = replying(trouble, trouble, TAKEN)

    async with answering(answer) as analyzer:
        submission = await RetryingAnalyzer(analyzer, tries=waits.tries()).submit(request)

    assert submission == ReadElsewhere(analysis_id=AnalysisId(THEIRS))
    assert waits.seconds == [1.0, 2.0], "twice as long each time"
    keys = {asked.headers["Idempotency-Key"] for asked in heard}
    assert (len(heard), keys) == (3, {f"{request.job_id}-1"})
    assert len({asked.content for asked in heard}) == 1


async def test_after_three_tries_the_call_fails() -> None:
    waits = Waits()
    answer, heard = replying(httpx.Response(503))

    async with answering(answer) as analyzer:
        retrying = RetryingAnalyzer(analyzer, tries=waits.tries(chance=0.25))
        with pytest.raises(UnavailableError) as submitting:
            await retrying.submit(a_request())
        with pytest.raises(UnavailableError):
            await retrying.report(AnalysisId(THEIRS))

    assert submitting.value.code == "ml.unavailable"
    assert (len(heard), waits.seconds) == (6, [0.25, 0.5, 0.25, 0.5])


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        *((httpx.Response(status), RefusedError) for status in (400, 401, 403, 404, 413, 422)),
        (httpx.Response(202, text="<html>"), ProtocolError),
        (httpx.Response(302), ProtocolError),
        (httpx.ReadTimeout("silent"), UnavailableError),
        (httpx.WriteTimeout("stuck"), UnavailableError),
    ],
    ids=str,
)
async def test_what_another_try_would_not_cure_is_asked_once(
    reply: httpx.Response | httpx.HTTPError, error: type[MarketbelError]
) -> None:
    waits = Waits()
    answer, heard = replying(reply)

    async with answering(answer) as analyzer:
        with pytest.raises(error):
            await RetryingAnalyzer(analyzer, tries=waits.tries()).submit(a_request())

    assert (len(heard), waits.seconds) == (1, [])


async def test_an_answer_that_never_comes_is_unavailable() -> None:
    answer, _ = replying(httpx.ReadTimeout("silent"))

    async with answering(answer) as analyzer:
        with pytest.raises(UnavailableError) as slow:
            await analyzer.submit(a_request())

    assert slow.value.code == "ml.unavailable"


@pytest.mark.parametrize("status", [408, 425, 429])
async def test_come_later_is_told_apart_from_an_outage(status: int) -> None:
    answer, _ = replying(httpx.Response(status, headers={"Retry-After": "7"}))

    async with answering(answer) as analyzer:
        for ask in (analyzer.submit(a_request()), analyzer.report(AnalysisId(THEIRS))):
            with pytest.raises(UnavailableError) as busy:
                await ask
            assert (busy.value.code, busy.value.retry_after) == ("ml.busy", 7 * SECOND)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"Retry-After": "0"}, 0 * SECOND),
        ({"Retry-After": " 120 "}, 120 * SECOND),
        ({"Retry-After": "86400"}, 600 * SECOND),
        ({"Retry-After": "9" * 5_000}, 600 * SECOND),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "1.5"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "١٢"}, None),
        ({"Retry-After": "Wed, 21 Oct 2026 07:29:30 GMT", "Date": DATE}, 90 * SECOND),
        ({"Retry-After": "Wednesday, 21-Oct-26 07:28:05 GMT", "Date": DATE}, 5 * SECOND),
        ({"Retry-After": "Wed Oct 21 07:28:05 2026", "Date": DATE}, 5 * SECOND),
        ({"Retry-After": "Wed, 21 Oct 2026 07:00:00 GMT", "Date": DATE}, 0 * SECOND),
        ({"Retry-After": "Wed, 21 Oct 2037 07:00:00 GMT", "Date": DATE}, 600 * SECOND),
        ({"Retry-After": "Wed, 21 Oct 2026 07:29:30 GMT"}, None),
        ({"Retry-After": "Wed, 99 Oct 2026 07:29:30 GMT", "Date": DATE}, None),
    ],
)
async def test_retry_after_is_read_in_both_forms_and_bounded(
    headers: dict[str, str], wait: timedelta | None
) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    answer, _ = replying(httpx.Response(503, headers=raw))

    async with answering(answer) as analyzer:
        with pytest.raises(UnavailableError) as trouble:
            await analyzer.submit(a_request())

    assert trouble.value.retry_after == wait


async def test_no_try_comes_sooner_than_retry_after_says() -> None:
    waits = Waits()
    answer, heard = replying(
        httpx.Response(503, headers={"Retry-After": "20"}), httpx.Response(503), TAKEN
    )

    async with answering(answer) as analyzer:
        await RetryingAnalyzer(analyzer, tries=waits.tries(chance=0.5)).submit(a_request())

    assert (len(heard), waits.seconds) == (3, [20.5, 1.0])


@pytest.mark.parametrize(("seconds", "op"), [(31, "submit"), (3, "report")])
async def test_a_wait_too_long_for_a_call_goes_to_the_caller(seconds: int, op: str) -> None:
    waits = Waits()
    answer, heard = replying(httpx.Response(503, headers={"Retry-After": str(seconds)}))

    async with answering(answer) as analyzer:
        retrying = RetryingAnalyzer(analyzer, tries=waits.tries())
        asked = (
            retrying.submit(a_request()) if op == "submit" else retrying.report(AnalysisId(THEIRS))
        )
        with pytest.raises(UnavailableError) as trouble:
            await asked

    assert trouble.value.retry_after == seconds * SECOND
    assert (len(heard), waits.seconds) == (1, [])


async def test_the_public_calls_try_again_under_one_key() -> None:
    waits = Waits()
    client = MLClient(base_url="http://ml", uploads_dir="/up", tries=waits.tries())
    answer, heard = replying(httpx.Response(503), httpx.Response(503), TAKEN)

    async with standing_in(client, answer):
        job_id = await client.trigger_analysis("list.xlsx", fresh_id(), "excel")

    assert job_id == THEIRS
    assert len({asked.headers["Idempotency-Key"] for asked in heard}) == 1
    assert len(waits.seconds) == 2


# What is an outage.


def guarded(
    analyzer: Analyzer, breaker: Breaker, telemetry: RecordingTelemetry | None = None
) -> GuardedAnalyzer:
    return GuardedAnalyzer(analyzer, breaker=breaker, telemetry=telemetry or RecordingTelemetry())


async def test_an_outage_opens_the_circuit_and_then_nobody_asks() -> None:
    telemetry = RecordingTelemetry()
    answer, heard = replying(httpx.ConnectError("refused"))

    async with answering(answer) as analyzer:
        guard = guarded(analyzer, MemoryBreaker(ManualClock()), telemetry)
        for _ in range(5):
            with pytest.raises(UnavailableError, match="cannot be reached"):
                await guard.report(AnalysisId(THEIRS))
        for ask in (guard.report(AnalysisId(THEIRS)), guard.submit(a_request())):
            with pytest.raises(UnavailableError) as denied:
                await ask
            assert denied.value.code == "ml.circuit_open"
            assert denied.value.retry_after == 5 * SECOND

    assert len(heard) == 5
    assert telemetry.events == [("ml.circuit_opened", {})]
    assert telemetry.counts == {"ml.circuit_denied": 2}


async def test_a_try_that_the_circuit_stops_is_not_tried_again() -> None:
    waits, breaker = Waits(), MemoryBreaker(ManualClock(), policy=BreakerPolicy(failures_max=2))
    answer, heard = replying(httpx.Response(503))

    async with answering(answer) as analyzer:
        with pytest.raises(UnavailableError) as denied:
            await RetryingAnalyzer(guarded(analyzer, breaker), tries=waits.tries()).submit(
                a_request()
            )

    assert denied.value.code == "ml.circuit_open"
    assert (len(heard), len(waits.seconds)) == (2, 2)


@pytest.mark.parametrize(
    "reply",
    [
        *(httpx.Response(status) for status in (400, 404, 408, 413, 422, 425, 429)),
        httpx.Response(202, text="<html>"),
        httpx.Response(302),
    ],
    ids=lambda reply: str(reply.status_code),
)
async def test_whatever_the_service_itself_says_is_no_outage(reply: httpx.Response) -> None:
    breaker = MemoryBreaker(ManualClock())
    answer, heard = replying(*[httpx.Response(500)] * 4, *[reply] * 9, httpx.Response(500))

    async with answering(answer) as analyzer:
        guard = guarded(analyzer, breaker)
        for _ in range(14):
            with pytest.raises(MarketbelError):
                await guard.submit(a_request())

    assert len(heard) == 14
    assert await breaker.state() == CircuitClosed(failures=1)


class _BreakerWithoutMemory(Breaker):
    """Admits everybody; what is told to it is lost with Redis."""

    async def admit(self) -> Admission:
        return Admitted(turn=0)

    async def record(self, admitted: Admitted, *, success: bool) -> bool:
        raise UnavailableError(f"no Redis for {admitted} {success}", code="redis.unavailable")

    async def state(self) -> BreakerState:
        return CircuitClosed()


async def test_the_breakers_own_trouble_takes_nothing_from_an_answer() -> None:
    answer, _ = replying(TAKEN, httpx.Response(503))

    async with answering(answer) as analyzer:
        guard = guarded(analyzer, _BreakerWithoutMemory())
        assert await guard.submit(a_request()) == ReadElsewhere(analysis_id=AnalysisId(THEIRS))
        with pytest.raises(UnavailableError) as trouble:
            await guard.submit(a_request())

    assert trouble.value.code == "ml.unavailable"


async def test_a_call_that_is_called_off_has_no_outcome() -> None:
    class _Silent(ScriptedAnalyzer):
        async def report(self, analysis_id: AnalysisId) -> AnalysisReport:
            await asyncio.Event().wait()
            raise AssertionError(analysis_id)

    breaker = MemoryBreaker(ManualClock(), policy=BreakerPolicy(failures_max=1))
    calling = asyncio.create_task(guarded(_Silent(), breaker).report(AnalysisId(THEIRS)))
    await asyncio.sleep(0)

    calling.cancel()
    await asyncio.gather(calling, return_exceptions=True)

    assert await breaker.state() == CircuitClosed()


class _Service:
    """Answers, or is away, and counts."""

    def __init__(self) -> None:
        self.is_away = False
        self.asked_away = 0
        self.keys: set[str] = set()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.is_away:
            self.asked_away += 1
            return httpx.Response(503, headers={"Retry-After": "1"})
        self.keys.add(request.headers["Idempotency-Key"])
        return httpx.Response(202, json={"job_id": str(fresh_id())})


def _probes_due(policy: BreakerPolicy, within: timedelta) -> int:
    """Return how many probes an outage of this length may see, once the circuit is open."""
    probes, at = 0, policy.cool_down_after(1)
    while at <= within:
        probes += 1
        at += policy.cool_down_after(probes + 1)
    return probes


async def test_an_outage_of_ten_minutes_sees_probes_alone_and_loses_nothing() -> None:
    """Eight workers with twenty jobs each, every job tried each second."""
    clock, waits, service, policy = ManualClock(), Waits(), _Service(), BreakerPolicy()
    breaker = MemoryBreaker(clock, policy=policy)
    waiting = {job: job % 8 for job in range(160)}
    requests = {job: a_request() for job in waiting}
    service.is_away = True

    async with answering(service) as analyzer:
        workers = [
            RetryingAnalyzer(guarded(analyzer, breaker), tries=waits.tries()) for _ in range(8)
        ]

        async def second() -> None:
            async def one(job: int) -> None:
                try:
                    await workers[waiting[job]].submit(requests[job])
                except PortError:
                    return
                del waiting[job]

            for turn in _in_turns(list(waiting), of=8):
                await asyncio.gather(*(one(job) for job in turn))
            clock.tick(SECOND)

        await second()
        asked_before = service.asked_away
        assert isinstance(await breaker.state(), CircuitOpen)
        for _ in range(599):
            await second()

        probes = _probes_due(policy, timedelta(seconds=600))
        assert service.asked_away - asked_before <= probes <= 22
        assert asked_before <= policy.failures_max + 8, "those that were under way together"
        assert len(waiting) == 160

        service.is_away = False
        for _ in range(int(policy.cool_down_max / SECOND) + 1):
            await second()

    assert waiting == {}
    assert service.keys == {f"{request.job_id}-1" for request in requests.values()}


def _in_turns(jobs: list[int], *, of: int) -> Iterator[Iterable[int]]:
    for start in range(0, len(jobs), of):
        yield jobs[start : start + of]
