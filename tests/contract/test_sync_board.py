"""The contract of `SyncBoard` over every adapter of it, and what the API reads of it in Redis."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from redis.asyncio import Redis

from marketbel_adapters.memory import ManualClock, MemorySyncBoard
from marketbel_adapters.redis import RedisSyncBoard, create_redis
from marketbel_adapters.testing.sync_board import LetPass, SyncBoardContract
from marketbel_core.errors import UnavailableError
from marketbel_core.ports import (
    AtOnce,
    ChosenSheet,
    SyncBoard,
    SyncBusy,
    SyncState,
    SyncTurn,
    WhenDue,
)

MINUTE = timedelta(minutes=1)
MINE = AtOnce(task_id="sync-manual-1", key="k")


class TestMemorySyncBoard(SyncBoardContract):
    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest.fixture
    def board(self, clock: ManualClock) -> SyncBoard:
        return MemorySyncBoard(clock)

    @pytest.fixture
    def let_pass(self, clock: ManualClock) -> LetPass:
        async def tick(by: timedelta) -> None:
            clock.tick(by)

        return tick


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with create_redis(redis_url) as client:
        yield client


async def said(redis: Redis, *command: object) -> Any:
    return await redis.execute_command(*command)  # type: ignore[no-untyped-call]  # the driver's


@pytest.mark.valkey
class TestRedisSyncBoard(SyncBoardContract):
    @pytest.fixture
    def board(self, redis: Redis) -> SyncBoard:
        return RedisSyncBoard(redis, shown=MINUTE)

    @pytest.fixture
    async def other_board(self, redis_url: str) -> AsyncIterator[SyncBoard]:
        async with create_redis(redis_url) as client:
            yield RedisSyncBoard(client, shown=MINUTE)

    @pytest.fixture
    def let_pass(self, redis: Redis) -> LetPass:
        async def bring_instants_nearer(by: timedelta) -> None:
            milliseconds = by // timedelta(milliseconds=1)
            for key in ("sync:lock", "sync:status"):
                left = await redis.pttl(key)
                if left > 0:
                    await redis.pexpire(key, left - milliseconds)
            for field in ("last_ms", "until_ms"):
                if await said(redis, "HEXISTS", "marketbel:sync", field):
                    await said(redis, "HINCRBY", "marketbel:sync", field, -milliseconds)

        return bring_instants_nearer


async def claimed(board: SyncBoard) -> SyncTurn:
    turn = await board.claim(MINE, duration=MINUTE)
    assert isinstance(turn, SyncTurn)
    return turn


@pytest.mark.valkey
async def test_the_api_reads_what_is_done_as_it_is_done(redis: Redis) -> None:
    board = RedisSyncBoard(redis, shown=MINUTE)

    turn = await claimed(board)
    await board.tell(turn, SyncState.PROCESSING_SUPPLIERS, current=3, total=7)

    assert await redis.get("sync:lock") == b"sync-manual-1"
    shown = json.loads(await redis.get("sync:status") or b"")
    assert datetime.fromisoformat(shown.pop("started_at")) == turn.started_at
    assert shown == {
        "state": "processing_suppliers",
        "task_id": "sync-manual-1",
        "progress_current": 3,
        "progress_total": 7,
    }
    assert 0 < await redis.pttl("sync:status") <= await redis.pttl("sync:lock") + 1

    await board.finish(turn, succeeded=True)

    assert await redis.get("sync:lock") is None
    assert json.loads(await redis.get("sync:status") or b"") == {
        "state": "idle",
        "task_id": None,
        "started_at": None,
        "progress_current": 0,
        "progress_total": 0,
    }
    assert await redis.ttl("sync:status") == -1
    view = await board.view()
    last_run = datetime.fromisoformat((await redis.get("sync:last_run") or b"").decode())
    assert last_run == view.last_run


@pytest.mark.valkey
async def test_a_holder_that_is_silent_is_shown_for_a_second_and_has_its_turn_for_longer(
    redis: Redis,
) -> None:
    board = RedisSyncBoard(redis)
    turn = await claimed(board)
    await board.tell(turn, SyncState.PROCESSING_SUPPLIERS, current=3, total=7)
    lasting = [await redis.pttl("sync:lock"), await redis.pttl("sync:status")]
    await redis.delete("sync:lock", "sync:status")  # as a second of silence does

    silent = await board.view()
    status = json.loads(await redis.get("sync:status") or b"")
    answer = await board.claim(AtOnce(task_id="x", key="x"), duration=MINUTE)
    renewed = await board.renew(turn, duration=MINUTE)

    assert max(lasting) <= 1_000
    assert (silent.state, silent.holder, status["state"]) == (SyncState.IDLE, None, "idle")
    assert answer == SyncBusy(task_id="sync-manual-1")
    assert renewed
    shown = json.loads(await redis.get("sync:status") or b"")
    assert (shown["state"], shown["progress_current"]) == ("processing_suppliers", 3)
    assert await redis.get("sync:lock") == b"sync-manual-1"


@pytest.mark.valkey
async def test_a_turn_whose_lock_a_stranger_has_set_is_lost(redis: Redis) -> None:
    board = RedisSyncBoard(redis)
    turn = await claimed(board)

    await redis.set("sync:lock", "of an older worker")

    assert not await board.renew(turn, duration=MINUTE)
    assert not await board.finish(turn, succeeded=True)
    assert await redis.get("sync:lock") == b"of an older worker"


@pytest.mark.valkey
@pytest.mark.parametrize("day", ["2024-02-29", "2025-12-31", "2026-01-01", "2026-03-01"])
async def test_instants_are_written_as_dates_of_the_calendar(redis: Redis, day: str) -> None:
    from marketbel_adapters.redis.sync_board import _COMMON  # noqa: PLC0415

    moment = datetime.fromisoformat(f"{day}T23:59:58.007").replace(tzinfo=UTC)
    script = redis.register_script(_COMMON + "return iso(tonumber(ARGV[1]))")

    text = await script(keys=["a", "b", "c", "d"], args=[round(moment.timestamp() * 1000)])

    assert text == f"{day}T23:59:58.007Z".encode()


@pytest.mark.valkey
async def test_a_status_that_somebody_left_is_put_right_when_a_sync_may_be_due(
    redis: Redis,
) -> None:
    board = RedisSyncBoard(redis)
    await board.finish(await claimed(board), succeeded=True)
    await redis.set("sync:status", json.dumps({"state": "syncing_master"}))

    await board.claim(WhenDue(every=MINUTE), duration=MINUTE)

    assert json.loads(await redis.get("sync:status") or b"")["state"] == "idle"


@pytest.mark.valkey
async def test_a_lock_of_somebody_else_is_respected(redis: Redis) -> None:
    await redis.set("sync:lock", "of an older worker")

    answer = await RedisSyncBoard(redis).claim(MINE, duration=MINUTE)

    assert answer == SyncBusy(task_id="of an older worker")


@pytest.mark.valkey
@pytest.mark.parametrize("status", ["", "no JSON", "[]", '{"state": "x"}', b"\xff", "[" * 9_999])
async def test_whatever_a_stranger_has_written_as_status_stops_nobody_from_looking(
    redis: Redis, status: str | bytes
) -> None:
    await redis.set("sync:lock", "of an older worker")
    await redis.set("sync:status", status)

    view = await RedisSyncBoard(redis).view()

    assert (view.state, view.holder) == (SyncState.IDLE, "of an older worker")


@pytest.mark.valkey
async def test_a_turn_whose_first_reply_was_lost_is_granted_all_the_same(redis: Redis) -> None:
    board = RedisSyncBoard(redis)
    evalsha: Any = redis.evalsha

    async def twice(*arguments: str | int) -> object:
        await evalsha(*arguments)
        return await evalsha(*arguments)

    for script in (board._claim, board._finish):
        await redis.script_load(script.script)
    with patch.object(redis, "evalsha", twice):
        turn = await claimed(board)
        finished = await board.finish(turn, succeeded=True)

    assert (turn.token, finished) == (1, True)
    assert (await board.view()).completed == 1


@pytest.mark.valkey
async def test_the_sheet_is_the_one_that_the_api_has_written(redis: Redis) -> None:
    board = RedisSyncBoard(redis)
    assert await board.chosen_sheet() == ChosenSheet()

    await redis.set("settings:master_sheet_url", "https://docs.google.com/spreadsheets/d/x ")
    await redis.set("settings:master_sheet_name", "")

    assert await board.chosen_sheet() == ChosenSheet(
        location="https://docs.google.com/spreadsheets/d/x"
    )


async def test_a_silent_server_is_unavailable() -> None:
    async with Redis(unix_socket_path="/nowhere/redis.sock") as redis:
        board = RedisSyncBoard(redis)

        with pytest.raises(UnavailableError):
            await board.claim(MINE, duration=MINUTE)
        with pytest.raises(UnavailableError):
            await board.chosen_sheet()
