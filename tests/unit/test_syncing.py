"""When syncs run: when due, and when a trigger waits, none lost and none twice."""

import json
from datetime import timedelta

import pytest
from redis.asyncio import ConnectionPool

from marketbel_adapters.arq import pool_on
from marketbel_adapters.testing.builders import a_supplier
from marketbel_core.errors import UnavailableError
from marketbel_core.ports import AtOnce, Inbox, SyncTurn, Tray
from marketbel_runtime.lifespan import InMemory, memory
from marketbel_runtime.schedule import chores_of
from marketbel_runtime.settings import Settings
from marketbel_runtime.syncing import sync_when_due, sync_when_triggered
from marketbel_runtime.tasks.running import Task
from marketbel_runtime.tasks.syncing import (
    master_sync_task,
    scheduled_sync_task,
    trigger_master_sync_task,
)

HOUR = timedelta(hours=1)


def a_world() -> InMemory:
    world = memory(Settings(_env_file=None, master_sheet_url="https://x.example/m"))
    world.master_sheet.put("https://x.example/m", [("name", "url", "format")])
    return world


def a_trigger(number: int = 1, **fields: object) -> str:
    return json.dumps(
        {
            "task_id": f"sync-manual-{number}",
            "triggered_by": "manual",
            "triggered_at": "2025-12-04T10:00:00.000Z",
            **fields,
        }
    )


async def runs(world: InMemory) -> list[tuple[str, str]]:
    async with world.catalog.unit() as unit:
        return [(run.task_id, run.triggered_by) for run in await unit.syncs.latest(limit=9)]


async def test_a_trigger_runs_one_sync() -> None:
    world = a_world()
    world.inbox.put(Tray.SYNC_TRIGGER, a_trigger())

    for _ in range(3):
        await sync_when_triggered(world.container)

    assert await runs(world) == [("sync-manual-1", "manual")]
    assert (await world.board.view()).completed == 1


async def test_a_trigger_waits_while_another_sync_runs() -> None:
    world = a_world()
    other = await world.board.claim(AtOnce(task_id="other", key="o"), duration=HOUR)
    assert isinstance(other, SyncTurn)
    world.inbox.put(Tray.SYNC_TRIGGER, a_trigger())
    await sync_when_triggered(world.container)
    waiting = await runs(world)

    await world.board.finish(other, succeeded=True)
    await sync_when_triggered(world.container)

    assert waiting == []
    assert await runs(world) == [("sync-manual-1", "manual")]


async def test_a_trigger_is_taken_beside_a_running_sync_before_it_expires_or_is_replaced() -> None:
    world = a_world()
    pool = pool_on(ConnectionPool(), queue_name="q")  # nothing connects
    chores = {chore.name: chore for chore in chores_of(world.container, pool)}
    inbox = chores["sync-inbox"]

    world.inbox.put(Tray.SYNC_TRIGGER, a_trigger(1))
    await inbox.body()
    world.inbox.put(Tray.SYNC_TRIGGER, a_trigger(2))
    await inbox.body()

    assert inbox.every <= timedelta(seconds=2)
    taken = await world.inbox.take(Tray.SYNC_TRIGGER, limit=9)
    assert taken == [a_trigger(1), a_trigger(2)]


async def test_triggers_that_came_meanwhile_are_served_by_one_sync() -> None:
    world = a_world()
    new = a_supplier(name="new")
    async with world.catalog.unit() as unit:
        await unit.suppliers.add(new)
    world.inbox.put(Tray.SYNC_TRIGGER, a_trigger(1))
    await world.inbox.take(Tray.SYNC_TRIGGER, limit=1)
    created = a_trigger(2, triggered_by="supplier_created", supplier_id=str(new.id))
    world.inbox.put(Tray.SYNC_TRIGGER, created)

    await sync_when_triggered(world.container)

    assert await runs(world) == [("sync-manual-1", "manual")]
    assert await world.inbox.take(Tray.SYNC_TRIGGER, limit=9) == []
    assert [one.is_active for one in world.catalog.suppliers()] == [True]


@pytest.mark.parametrize("acknowledged", [0, 1])
async def test_a_worker_that_died_before_it_acknowledged_leaves_no_second_sync(
    acknowledged: int,
) -> None:
    world = a_world()
    for number in (1, 2):
        world.inbox.put(Tray.SYNC_TRIGGER, a_trigger(number))
        await world.inbox.take(Tray.SYNC_TRIGGER, limit=9)
    container = world.container
    with pytest.raises(UnavailableError):
        await sync_when_triggered(container, inbox=_Dying(world.inbox, after=acknowledged))
    world.inbox.put(Tray.SYNC_TRIGGER, a_trigger(3))

    for _ in range(3):
        await sync_when_triggered(world.container)

    assert sorted(await runs(world)) == [("sync-manual-1", "manual"), ("sync-manual-3", "manual")]
    assert await world.inbox.take(Tray.SYNC_TRIGGER, limit=9) == []


class _Dying(Inbox):
    def __init__(self, inbox: Inbox, *, after: int) -> None:
        self._inbox = inbox
        self._left = after

    async def take(self, tray: Tray, *, limit: int) -> list[str]:
        return await self._inbox.take(tray, limit=limit)

    async def done(self, tray: Tray, message: str) -> None:
        if self._left == 0:
            raise UnavailableError("dead")
        self._left -= 1
        await self._inbox.done(tray, message)

    async def reject(self, tray: Tray, message: str, *, reason: str) -> None:
        await self._inbox.reject(tray, message, reason=reason)


@pytest.mark.parametrize(
    "message", ["no JSON", "[]", "{}", '{"task_id": "x", "supplier_id": 7}', "\udcff"]
)
async def test_a_trigger_of_no_use_is_laid_aside(message: str) -> None:
    world = a_world()
    world.inbox.put(Tray.SYNC_TRIGGER, message)

    await sync_when_triggered(world.container)

    assert await runs(world) == []
    [(_, dead, reason)] = world.inbox.dead
    assert dead == message
    assert reason


async def test_a_sync_is_run_when_it_is_due_and_not_before() -> None:
    world = a_world()
    for _ in range(2):
        await sync_when_due(world.container)
    world.clock.tick(timedelta(hours=7, minutes=59))
    await sync_when_due(world.container)
    early = len(await runs(world))

    world.clock.tick(timedelta(minutes=1))
    await sync_when_due(world.container)

    assert early == 1
    assert [by for _, by in await runs(world)] == ["schedule", "schedule"]


@pytest.mark.parametrize("hours", [1, 5, 7, 24, 25, 168])
async def test_any_interval_is_kept_from_the_last_success_whether_it_divides_a_day_or_not(
    hours: int,
) -> None:
    world = memory(Settings(_env_file=None, sync_interval_hours=hours))
    counts = []

    for _ in range(4):
        await sync_when_due(world.container)
        world.clock.tick(timedelta(hours=hours, milliseconds=-1))
        await sync_when_due(world.container)
        counts.append((await world.board.view()).completed)
        world.clock.tick(timedelta(milliseconds=1))

    assert counts == [1, 2, 3, 4]


async def test_intervals_that_went_by_without_a_worker_are_made_up_by_one_sync() -> None:
    world = a_world()
    await sync_when_due(world.container)
    world.clock.tick(timedelta(days=3))

    for _ in range(3):
        await sync_when_due(world.container)

    assert (await world.board.view()).completed == 2


@pytest.mark.parametrize("task", [master_sync_task, trigger_master_sync_task, scheduled_sync_task])
async def test_a_task_called_while_a_sync_runs_does_nothing_and_says_so(task: Task) -> None:
    world = a_world()
    turn = await world.board.claim(AtOnce(task_id="other", key="o"), duration=HOUR)
    assert isinstance(turn, SyncTurn)

    result = await task({"container": world.container, "job_id": "d", "job_try": 1}, task_id="t")
    await world.board.finish(turn, succeeded=False)
    await sync_when_triggered(world.container)

    assert (result["status"], result["task_id"]) == ("error", "t")
    assert "already in progress" in str(result["error"])
    assert await runs(world) == []  # it waits for nothing, as only a trigger does
