"""The contract of `SyncTurns`, for every adapter of it.

A subclass says which adapter by its fixtures `turns`, `board` and `let_pass`: the board is the one
whose turns are taken, and time goes on without anybody waiting for it.
"""

import asyncio
from datetime import timedelta
from typing import Final

import pytest

from marketbel_adapters.testing.sync_board import LetPass
from marketbel_core.errors import StaleSyncError
from marketbel_core.ports import (
    AtOnce,
    SyncBoard,
    SyncBusy,
    SyncNotDue,
    SyncTurn,
    SyncTurns,
    WhenDue,
)

__all__ = ["SyncTurnsContract"]

_MINE: Final = AtOnce(task_id="mine", key="mine")
_OTHER: Final = AtOnce(task_id="other", key="other")
_HOUR: Final = timedelta(hours=1)
_PATIENCE_SECONDS: Final = 60.0


class SyncTurnsContract:
    """What every `SyncTurns` keeps."""

    @pytest.fixture
    def board(self) -> SyncBoard:
        """Where turns are granted: the subclass overrides this."""
        raise TypeError(f"{type(self).__name__} must override the fixture `board`")

    @pytest.fixture
    def turns(self) -> SyncTurns:
        """Turns of `board`, with leases of an hour or less: the subclass overrides this."""
        raise TypeError(f"{type(self).__name__} must override the fixture `turns`")

    @pytest.fixture
    def let_pass(self) -> LetPass:
        """Time goes on: the subclass overrides this."""
        raise TypeError(f"{type(self).__name__} must override the fixture `let_pass`")

    async def test_a_turn_is_held_while_the_block_runs_and_not_after(
        self, turns: SyncTurns, board: SyncBoard
    ) -> None:
        async with turns.take(_MINE) as turn:
            assert isinstance(turn, SyncTurn)
            during = await board.claim(_OTHER, duration=_HOUR)

        assert during == SyncBusy(task_id="mine")
        view = await board.view()
        assert (view.holder, view.completed, view.last_run) == (None, 0, None)

    async def test_a_turn_is_given_back_when_the_block_raises(
        self, turns: SyncTurns, board: SyncBoard
    ) -> None:
        with pytest.raises(ZeroDivisionError):
            async with turns.take(_MINE):
                raise ZeroDivisionError

        assert isinstance(await board.claim(_OTHER, duration=_HOUR), SyncTurn)

    async def test_a_turn_is_given_back_when_the_block_is_cancelled(
        self, turns: SyncTurns, board: SyncBoard
    ) -> None:
        entered = asyncio.Event()

        async def hold() -> None:
            async with turns.take(_MINE):
                entered.set()
                await asyncio.Event().wait()

        holder = asyncio.create_task(hold())
        await entered.wait()
        holder.cancel()
        with pytest.raises(asyncio.CancelledError):
            await holder

        assert isinstance(await board.claim(_OTHER, duration=_HOUR), SyncTurn)

    async def test_a_turn_that_the_block_has_finished_stays_a_success(
        self, turns: SyncTurns, board: SyncBoard
    ) -> None:
        async with turns.take(_MINE) as turn:
            assert isinstance(turn, SyncTurn)
            assert await board.finish(turn, succeeded=True)

        assert (await board.view()).completed == 1

    async def test_a_block_without_a_turn_is_told_why(
        self, turns: SyncTurns, board: SyncBoard
    ) -> None:
        async with turns.take(_MINE), turns.take(_OTHER) as answer:
            assert answer == SyncBusy(task_id="mine")

        async with turns.take(_MINE) as turn:
            assert isinstance(turn, SyncTurn)
            await board.finish(turn, succeeded=True)
        async with turns.take(WhenDue(every=_HOUR)) as answer:
            assert isinstance(answer, SyncNotDue)

    async def test_a_block_whose_turn_somebody_else_took_is_broken_off(
        self, turns: SyncTurns, board: SyncBoard, let_pass: LetPass
    ) -> None:
        async def hold() -> None:
            async with asyncio.timeout(_PATIENCE_SECONDS), turns.take(_MINE):
                await let_pass(2 * _HOUR)  # the machine slept
                heir = await board.claim(_OTHER, duration=3 * _HOUR)
                assert isinstance(heir, SyncTurn)
                await asyncio.Event().wait()

        with pytest.raises(StaleSyncError):
            await hold()

        assert (await board.view()).holder == "other"

    async def test_a_time_out_of_the_block_itself_stays_what_it_is(
        self, turns: SyncTurns, board: SyncBoard
    ) -> None:
        with pytest.raises(TimeoutError):
            async with turns.take(_MINE):
                raise TimeoutError

        assert (await board.view()).holder is None
