"""`create_job`, `update_job`, `get_job` on a real server: what they store, what they refuse."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from redis.asyncio import Redis

from marketbel_adapters.arq import pool_on
from marketbel_adapters.redis import (
    RedisJobJournal,
    RedisJobStore,
    create_job,
    create_redis,
    get_job,
    update_job,
)
from marketbel_adapters.testing.builders import NOW
from marketbel_core.errors import (
    IllegalTransitionError,
    InvalidIdError,
    JobNotFoundError,
    RefusedError,
    StaleJobError,
    UnavailableError,
)
from marketbel_core.ids import JobId
from marketbel_core.jobs import Actor, DownloadStarted, Job, JobProgress, Phase, advance

pytestmark = pytest.mark.valkey

JOB: Final = "7c1f0000-0000-7000-8000-000000000001"
SUPPLIER: Final = UUID("0d0e0000-0000-7000-8000-000000000001")
ML_JOB: Final = "a11a0000-0000-7000-8000-000000000001"
URL: Final = "https://example.com/lists/march.xlsx"


@pytest.fixture(params=["bytes", "text", "arq"])
async def redis(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[Redis]:
    """Each client that a caller may have: of bytes, of texts, and that of an arq task."""
    client = Redis.from_url(redis_url, decode_responses=request.param == "text")
    async with client:
        if request.param == "arq":
            yield pool_on(client.connection_pool, queue_name="q")
        else:
            yield client


@pytest.fixture
async def bare(redis_url: str) -> AsyncIterator[Redis]:
    async with create_redis(redis_url) as client:
        yield client


async def a_job(redis: Redis, **changes: Any) -> dict[str, Any]:
    said = {"job_id": JOB, "supplier_id": SUPPLIER, "supplier_name": "Ромашка", "source_url": URL}
    return await create_job(redis, **{**said, **changes})


async def analyzing(redis: Redis, **changes: Any) -> dict[str, Any]:
    await a_job(redis, **changes)
    return await update_job(
        redis, JOB, phase="analyzing", ml_job_id=ML_JOB, file_path="/shared/uploads/a.xlsx"
    )


async def test_a_new_job_is_told_with_real_types(redis: Redis) -> None:
    created = await a_job(redis, file_type="excel")

    assert await get_job(redis, UUID(JOB)) == created
    created_at = datetime.fromisoformat(created.pop("created_at"))
    assert created_at.tzinfo is not None
    assert created == {
        "job_id": JOB,
        "supplier_id": str(SUPPLIER),
        "supplier_name": "Ромашка",
        "phase": "downloading",
        "status": "pending",
        "file_type": "excel",
        "source_url": URL,
        "source_type": "excel",
        "sheet_name": None,
        "original_filename": None,
        "file_key": None,
        **dict.fromkeys(("download_bytes", "download_total", "items_processed"), 0),
        **dict.fromkeys(("items_total", "matches_found", "review_queue_count"), 0),
        "error_count": 0,
        "error": None,
        "error_details": [],
        "can_retry": True,
        "retry_count": 0,
        "max_retries": 3,
        "ml_job_id": None,
        "started_at": None,
        "completed_at": None,
        "version": 0,
        "progress": 0,
    }


async def test_a_job_goes_its_whole_road(redis: Redis) -> None:
    await a_job(redis)
    road: list[dict[str, Any]] = [
        {"phase": "downloading", "status": "processing", "download_total": 200},
        {"download_bytes": 50},
        {"phase": "analyzing", "ml_job_id": ML_JOB, "file_path": "/shared/uploads/a.xlsx"},
        {"phase": "analyzing", "items_processed": 30, "items_total": 40},
        {"phase": "matching", "items_processed": 40},
        {"phase": "complete", "matches_found": 7},
    ]

    seen = [await update_job(redis, JOB, **step) for step in road]

    assert [(job["phase"], job["status"], job["progress"]) for job in seen] == [
        ("downloading", "processing", 0),
        ("downloading", "processing", 25),
        ("analyzing", "processing", 0),
        ("analyzing", "processing", 75),
        ("matching", "processing", 100),
        ("complete", "completed", 100),
    ]
    last = seen[-1]
    assert (last["ml_job_id"], last["file_key"], last["matches_found"]) == (ML_JOB, "a.xlsx", 7)
    assert last["completed_at"] is not None
    assert await get_job(redis, JOB) == last


async def test_a_job_that_failed_is_tried_again_and_keeps_its_birth(redis: Redis) -> None:
    created = await analyzing(redis)
    failed = await update_job(
        redis, JOB, phase="failed", error="no sheet", error_details=["a"], error_code="ml.failed"
    )
    again = await update_job(redis, JOB, phase="downloading")

    assert (failed["status"], failed["error"], failed["error_details"], failed["can_retry"]) == (
        *("failed", "no sheet", ["a"]),
        True,
    )
    assert (again["phase"], again["status"], again["retry_count"]) == ("downloading", "pending", 1)
    assert (again["error"], again["ml_job_id"], again["progress"]) == (None, None, 0)
    assert again["created_at"] == failed["created_at"] == created["created_at"]


async def test_who_erred_is_kept(bare: Redis) -> None:
    await analyzing(bare)
    await update_job(bare, JOB, status="failed", error="no sheet", error_code="ml.failed")

    stored = await RedisJobStore(bare).get(JobId(UUID(JOB)))
    assert stored.failure is not None
    assert (stored.actor, stored.failure.code) == (Actor.ML_ANALYZE, "ml.failed")


async def test_a_whole_address_is_shown_nowhere_and_handed_to_the_archive(bare: Redis) -> None:
    secret = "https://me:s3cret@example.com/lists/march.xlsx?key=hidden"
    created = await a_job(bare, source_url=secret)

    assert created["source_url"] == URL
    assert await get_job(bare, JOB) == created
    [line] = await RedisJobJournal(bare).read(limit=9)
    assert (line.event, line.job.source.location) == ("Created", secret)


async def test_a_job_that_a_worker_holds_is_moved_by_whoever_has_read_it(bare: Redis) -> None:
    await a_job(bare)
    worker = RedisJobStore(bare)
    held = await worker.claim(JobId(UUID(JOB)), duration=timedelta(minutes=1))
    assert held is not None

    moved = await analyzing(bare)

    assert (moved["phase"], moved["version"]) == ("analyzing", 1)
    with pytest.raises(StaleJobError):
        await worker.save(
            advance(held, DownloadStarted(), now=NOW), read=held, event=DownloadStarted
        )
    assert await worker.release(held)


async def test_a_worker_who_claims_between_reading_and_writing_wins(
    bare: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_job(bare)
    monkeypatch.setattr("marketbel_adapters.redis.public.RedisJobStore", _ClaimedMeanwhile)

    with pytest.raises(StaleJobError):
        await update_job(bare, JOB, ml_job_id=ML_JOB)

    stored = await RedisJobStore(bare).get(JobId(UUID(JOB)))
    assert (stored.phase, stored.token) == (Phase.DOWNLOADING, 1)


async def test_figures_told_with_a_move_are_dated(bare: Redis) -> None:
    await a_job(bare)
    store, job_id = RedisJobStore(bare), JobId(UUID(JOB))

    await update_job(bare, JOB, ml_job_id=ML_JOB, items_total=9)
    with_figures = await store.get(job_id)
    await update_job(bare, JOB, items_processed=3)
    later = await store.get(job_id)
    await update_job(bare, JOB, phase="matching")

    assert with_figures.progressed_at == with_figures.changed_at
    assert later.progressed_at is not None
    assert later.progressed_at > later.changed_at
    assert (await store.get(job_id)).progressed_at is None


async def test_a_job_is_created_once(bare: Redis) -> None:
    first = await analyzing(bare)
    again = await a_job(bare, source_url="https://example.com/other.xlsx")

    assert again == first


async def test_a_job_without_an_id_is_given_one(bare: Redis) -> None:
    ids = {(await a_job(bare, job_id=None))["job_id"] for _ in range(3)}

    assert len({UUID(text) for text in ids}) == 3


async def test_what_nobody_stored_is_none_and_cannot_be_moved(bare: Redis) -> None:
    assert await get_job(bare, JOB) is None
    with pytest.raises(JobNotFoundError):
        await update_job(bare, JOB, phase="analyzing", ml_job_id=ML_JOB)
    for call in (get_job, update_job):
        with pytest.raises(InvalidIdError):
            await call(bare, "7")


ROADS: Final[dict[str, list[dict[str, Any]]]] = {
    "downloading": [],
    "analyzing": [{"ml_job_id": ML_JOB}],
    "matching": [{"ml_job_id": ML_JOB}, {"phase": "matching"}],
    "complete": [{"ml_job_id": ML_JOB}, {"phase": "matching"}, {"phase": "complete"}],
    "failed": [{"phase": "failed", "error": "x"}],
}
MOVES: Final[dict[str, dict[str, Any]]] = {
    "downloading": {"phase": "downloading"},
    "analyzing": {"phase": "analyzing", "ml_job_id": ML_JOB},
    "matching": {"phase": "matching"},
    "complete": {"phase": "complete"},
    "failed": {"phase": "failed", "error": "late"},
}
ALLOWED: Final = {
    *(("downloading", "analyzing"), ("downloading", "failed"), ("analyzing", "matching")),
    *(("analyzing", "failed"), ("matching", "complete"), ("matching", "failed")),
    ("failed", "downloading"),
    *((phase, phase) for phase in MOVES if phase != "failed"),
}


@pytest.mark.parametrize("wanted", MOVES)
@pytest.mark.parametrize("phase", ROADS)
async def test_only_the_moves_of_the_table_are_made(bare: Redis, phase: str, wanted: str) -> None:
    await a_job(bare)
    for step in ROADS[phase]:
        await update_job(bare, JOB, **step)
    before = await get_job(bare, JOB)

    if (phase, wanted) in ALLOWED:
        assert (await update_job(bare, JOB, **MOVES[wanted]))["phase"] == wanted
        return
    with pytest.raises(IllegalTransitionError, match=f"job {JOB} is {phase}"):
        await update_job(bare, JOB, **MOVES[wanted])
    assert await get_job(bare, JOB) == before


async def test_the_last_attempt_is_the_last(bare: Redis) -> None:
    await a_job(bare, max_retries=0)
    failed = await update_job(bare, JOB, phase="failed", error="x")

    assert (failed["can_retry"], failed["max_retries"]) == (False, 0)
    with pytest.raises(IllegalTransitionError):
        await update_job(bare, JOB, phase="downloading")


@pytest.mark.parametrize("phase", ["complete", "failed"])
async def test_a_late_figure_is_refused(bare: Redis, phase: str) -> None:
    await a_job(bare)
    for step in ROADS[phase]:
        await update_job(bare, JOB, **step)

    with pytest.raises(IllegalTransitionError, match="a late figure"):
        await update_job(bare, JOB, items_processed=5)


async def test_a_writer_who_read_an_older_version_is_refused(bare: Redis) -> None:
    read = await a_job(bare)
    await update_job(bare, JOB, phase="analyzing", ml_job_id=ML_JOB)

    with pytest.raises(StaleJobError):
        await update_job(bare, JOB, phase="failed", error="late", expected_version=read["version"])


class _Overtaken(RedisJobStore):
    """A store in which somebody else is quicker each time."""

    async def record_progress(
        self,
        job_id: JobId,
        progress: JobProgress,
        *,
        expected_version: int,
        at: datetime,
        token: int | None = None,
    ) -> bool:
        await update_job(self._redis, job_id, phase="failed", error="quicker")
        return await super().record_progress(
            job_id, progress, expected_version=expected_version, at=at, token=token
        )


class _ClaimedMeanwhile(RedisJobStore):
    """A store in which a worker claims the job between every reading and writing."""

    async def get(self, job_id: JobId) -> Job:
        job = await super().get(job_id)
        await self.claim(job_id, duration=timedelta(minutes=1))
        return job


async def test_a_figure_that_somebody_overtook_is_refused(
    bare: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await analyzing(bare)
    monkeypatch.setattr("marketbel_adapters.redis.public.RedisJobStore", _Overtaken)

    with pytest.raises(StaleJobError) as stale:
        await update_job(bare, JOB, items_processed=5)

    assert stale.value.stored_version == stale.value.expected_version + 1


async def test_another_reading_of_the_same_file_is_refused(bare: Redis) -> None:
    await analyzing(bare)

    with pytest.raises(IllegalTransitionError, match="another ml_job_id"):
        await update_job(bare, JOB, ml_job_id="b")


async def test_a_file_that_the_worker_reads_needs_a_place_and_no_ml_job(bare: Redis) -> None:
    await a_job(bare, use_ml_processing=False)

    refused: list[dict[str, Any]] = [{"ml_job_id": ML_JOB}, {}]
    for wrong in refused:
        with pytest.raises(RefusedError):
            await update_job(bare, JOB, phase="analyzing", **wrong)
    moved = await update_job(bare, JOB, phase="analyzing", file_path="a.csv")

    assert (moved["phase"], moved["ml_job_id"]) == ("analyzing", None)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"phase": "reading"}, "phase must be one of downloading, analyzing"),
        ({"status": "done"}, "status must be one of pending"),
        ({"phase": "analyzing", "status": "completed", "ml_job_id": "a"}, "does not go with"),
        ({"phase": "analyzing"}, "needs ml_job_id"),
        ({"phase": "failed"}, "say why"),
        ({"error": "x"}, "error goes with phase='failed'"),
        ({"retry_count": 3}, "retry_count cannot be set"),
        ({"items_total": -1}, "items_total must be a whole number"),
        ({"items_total": True}, "items_total must be a whole number"),
        ({"items_total": "7"}, "items_total must be a whole number"),
    ],
)
async def test_a_value_that_cannot_be_used_is_refused_with_the_reason(
    bare: Redis, wrong: dict[str, Any], told: str
) -> None:
    created = await a_job(bare)

    with pytest.raises(RefusedError, match=told) as refused:
        await update_job(bare, JOB, **wrong)

    assert refused.value.code == "job.invalid"
    assert await get_job(bare, JOB) == created


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_retries": 11},
        {"max_retries": -1},
        {"source_url": " "},
        {"file_type": "docx"},
        {"source_type": "fax"},
    ],
)
async def test_a_job_that_cannot_be_is_not_created(bare: Redis, wrong: dict[str, Any]) -> None:
    with pytest.raises(RefusedError):
        await a_job(bare, **wrong)

    assert await get_job(bare, JOB) is None


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"source_url": "https://docs.google.com/spreadsheets/d/1"}, ("google_sheets", "excel")),
        (
            {"source_url": "https://docs.google.com/spreadsheets/d/1", "file_type": "excel"},
            ("google_sheets", "excel"),
        ),
        ({"source_url": "https://x.by/export?id=1", "file_type": "csv"}, ("csv", "csv")),
        ({"source_url": "https://x.by/export?id=1", "file_type": "pdf"}, ("csv", "pdf")),
        ({"source_url": "list.pdf", "file_type": "pdf"}, ("csv", "pdf")),
        ({"source_url": "https://x.by/a", "source_type": "xlsx"}, ("excel", "excel")),
        ({"source_url": "a", "source_type": "stub"}, ("csv", "csv")),
    ],
)
async def test_the_kind_of_a_source_is_known_from_what_was_said(
    bare: Redis, said: dict[str, Any], told: tuple[str, str]
) -> None:
    job = await a_job(bare, **said)

    assert (job["source_type"], job["file_type"]) == told


@pytest.mark.parametrize(
    ("word", "phase"),
    [("extracting", "analyzing"), ("Normalizing", "matching"), (Phase.FAILED, "failed")],
)
async def test_words_of_other_versions_are_understood(bare: Redis, word: str, phase: str) -> None:
    await a_job(bare)
    if phase == "matching":
        await update_job(bare, JOB, ml_job_id=ML_JOB)
    more: dict[str, Any] = {"analyzing": {"ml_job_id": ML_JOB}, "failed": {"error": "x"}}.get(
        phase, {}
    )

    assert (await update_job(bare, JOB, phase=word, **more))["phase"] == phase


async def test_saying_nothing_changes_nothing(bare: Redis) -> None:
    created = await a_job(bare)

    assert await update_job(bare, JOB) == created
    assert await update_job(bare, JOB, phase="downloading", status="pending") == created


async def test_a_server_that_is_away_is_told_as_such() -> None:
    async with Redis.from_url("redis://127.0.0.1:1") as away:
        with pytest.raises(UnavailableError):
            await a_job(away)
        with pytest.raises(UnavailableError):
            await get_job(away, JOB)
