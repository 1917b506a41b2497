"""The contract of `SyncBoard`, for every adapter of it.

A subclass says which adapter by its fixtures `board` and `let_pass`; the latter makes the
adapter's own time go on, without anybody waiting for it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, timedelta
from typing import Final

import pytest

from marketbel_core.ports import (
    AtOnce,
    SyncBoard,
    SyncBusy,
    SyncNotDue,
    SyncState,
    SyncTurn,
    SyncView,
    SyncWish,
    WhenDue,
)

__all__ = ["LetPass", "SyncBoardContract"]

type LetPass = Callable[[timedelta], Awaitable[None]]
"""Makes the adapter's time go on by so much, at once."""

_MINUTE: Final = timedelta(minutes=1)
_DUE: Final = WhenDue(every=timedelta(hours=8))
_DAWDLE: Final = timedelta(seconds=20)
"""A slow machine may lose this long between two calls where the adapter's time is real."""


class SyncBoardContract:
    """What every `SyncBoard` keeps."""

    @pytest.fixture
    def board(self) -> SyncBoard:
        """A board that nobody has used yet: the subclass overrides this."""
        raise TypeError(f"{type(self).__name__} must override the fixture `board`")

    @pytest.fixture
    def other_board(self, board: SyncBoard) -> SyncBoard:
        """The same board as another process sees it; override it where that differs."""
        return board

    @pytest.fixture
    def let_pass(self) -> LetPass:
        """Time goes on: the subclass overrides this."""
        raise TypeError(f"{type(self).__name__} must override the fixture `let_pass`")

    async def test_nobody_syncs_at_first(self, board: SyncBoard) -> None:
        assert await board.view() == SyncView()

    async def test_the_first_sync_is_due_at_once(self, board: SyncBoard) -> None:
        turn = await _turn(board, _DUE)

        assert turn.token == 1
        assert turn.task_id == f"sync-scheduled-{int(turn.key.partition(':')[2]) // 1000}"
        assert turn.started_at.tzinfo is UTC
        view = await board.view()
        assert (view.state, view.holder) == (SyncState.SYNCING_MASTER, turn.task_id)

    async def test_one_syncs_at_a_time(self, board: SyncBoard, other_board: SyncBoard) -> None:
        turn = await _turn(board, _named("mine"))

        assert turn.key == "for mine"
        assert await other_board.claim(_named("x"), duration=_MINUTE) == SyncBusy(task_id="mine")

    async def test_of_many_who_ask_at_once_exactly_one_gets_the_turn(
        self, board: SyncBoard, other_board: SyncBoard
    ) -> None:
        askers = [board, other_board] * 5

        got = await asyncio.gather(*(asker.claim(_DUE, duration=_MINUTE) for asker in askers))

        assert sum(isinstance(each, SyncTurn) for each in got) == 1

    async def test_what_is_done_is_shown_while_it_is_done(self, board: SyncBoard) -> None:
        turn = await _turn(board, _named("mine"))

        told = await board.tell(turn, SyncState.PROCESSING_SUPPLIERS, current=3, total=7)

        assert told
        view = await board.view()
        assert (view.state, view.progress_current, view.progress_total) == (
            SyncState.PROCESSING_SUPPLIERS,
            3,
            7,
        )

    async def test_after_a_success_the_next_one_is_due_an_interval_later(
        self, board: SyncBoard, let_pass: LetPass
    ) -> None:
        first = await _turn(board, _DUE)
        assert await board.finish(first, succeeded=True)

        view = await board.view()
        assert view.last_run is not None
        assert (view.state, view.holder, view.completed) == (SyncState.IDLE, None, 1)
        early = await board.claim(_DUE, duration=_MINUTE)
        assert early == SyncNotDue(next_at=view.last_run + _DUE.every)
        await let_pass(_DUE.every)
        assert (await _turn(board, _DUE)).key != first.key

    async def test_a_sync_at_once_waits_for_no_interval(self, board: SyncBoard) -> None:
        await board.finish(await _turn(board, _DUE), succeeded=True)

        assert (await _turn(board, _named("now"))).token == 2

    async def test_a_sync_that_failed_is_due_again_and_for_the_same(
        self, board: SyncBoard
    ) -> None:
        first = await _turn(board, _DUE)
        await board.finish(first, succeeded=False)

        second = await _turn(board, _DUE)

        assert (second.key, second.task_id) == (first.key, first.task_id)
        assert second.token > first.token
        assert (await board.view()).last_run is None

    async def test_a_holder_that_died_leaves_nothing_that_says_it_runs(
        self, board: SyncBoard, other_board: SyncBoard, let_pass: LetPass
    ) -> None:
        dead = await _turn(board, _DUE)
        await board.tell(dead, SyncState.PROCESSING_SUPPLIERS, current=1, total=2)

        await let_pass(_MINUTE + _DAWDLE)

        assert await other_board.view() == SyncView()
        heir = await _turn(other_board, _DUE)
        assert heir.key == dead.key
        assert not await board.renew(dead, duration=_MINUTE)
        assert not await board.tell(dead, SyncState.IDLE)
        assert not await board.finish(dead, succeeded=True)
        assert (await board.view()).holder == heir.task_id

    async def test_a_turn_that_is_renewed_lasts_on(
        self, board: SyncBoard, let_pass: LetPass
    ) -> None:
        turn = await _turn(board, _named("mine"))
        await let_pass(_DAWDLE)

        assert await board.renew(turn, duration=3 * _MINUTE)

        await let_pass(2 * _MINUTE)
        assert await board.tell(turn, SyncState.PROCESSING_SUPPLIERS)
        assert (await board.view()).state is SyncState.PROCESSING_SUPPLIERS

    async def test_a_turn_is_given_back_once(self, board: SyncBoard) -> None:
        turn = await _turn(board, _named("mine"))

        assert await board.finish(turn, succeeded=True)
        assert not await board.finish(turn, succeeded=False)
        assert not await board.renew(turn, duration=_MINUTE)
        assert (await board.view()).completed == 1

    async def test_a_wish_that_succeeded_already_is_counted_once(
        self, board: SyncBoard, let_pass: LetPass
    ) -> None:
        await board.finish(await _turn(board, _named("mine")), succeeded=True)
        before = await board.view()
        await let_pass(_DAWDLE)

        await board.finish(await _turn(board, _named("mine")), succeeded=True)
        again = await board.view()
        await board.finish(await _turn(board, _named("other")), succeeded=True)

        assert (before.completed, again.completed) == (1, 1)
        assert (await board.view()).completed == 2

    async def test_a_sync_that_falls_into_another_is_counted_once(
        self, board: SyncBoard, other_board: SyncBoard, let_pass: LetPass
    ) -> None:
        await board.finish(await _turn(board, _DUE), succeeded=True)
        await _turn(board, _named("long"), duration=2 * _DUE.every)
        early = await other_board.claim(_DUE, duration=_MINUTE)
        await let_pass(_DUE.every)

        for _ in range(3):
            assert await other_board.claim(_DUE, duration=_MINUTE) == SyncBusy(task_id="long")

        assert early == SyncBusy(task_id="long")
        assert (await board.view()).skipped == 1

    @pytest.mark.parametrize("duration", [timedelta(), -_MINUTE])
    async def test_a_turn_must_last_some_time(self, board: SyncBoard, duration: timedelta) -> None:
        with pytest.raises(ValueError, match="must last"):
            await board.claim(_DUE, duration=duration)


def _named(name: str) -> AtOnce:
    return AtOnce(task_id=name, key=f"for {name}")


async def _turn(board: SyncBoard, wish: SyncWish, *, duration: timedelta = _MINUTE) -> SyncTurn:
    turn = await board.claim(wish, duration=duration)
    assert isinstance(turn, SyncTurn), turn
    return turn
