"""The contract of `WaitingTriggers`, for every adapter of it.

class TestMyWaitingTriggers(WaitingTriggersContract):
    @pytest.fixture
    def watched(self) -> WatchedTriggers:
        triggers = MyWaitingTriggers(...)
        return WatchedTriggers(triggers=triggers, let_wait=..., take=...)
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import pytest

from marketbel_core.ports import WaitingTriggers

__all__ = ["WaitingTriggersContract", "WatchedTriggers"]

_NAME: Final = "5f0c39a1-6d3d-4c5e-9f5f-0f2f0e7b1a11_1767225600000_прайс_2026.xlsx"
_ID: Final = "0c5f39a1-6d3d-4c5e-9f5f-0f2f0e7b1a11"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedTriggers:
    """The triggers under test, and how a test makes them.

    Attributes:
        triggers: The adapter.
        let_wait: Has a trigger wait that mentions the text.
        take: Takes that trigger away, as its consumer would.
    """

    triggers: WaitingTriggers
    let_wait: Callable[[str], Awaitable[None]]
    take: Callable[[str], Awaitable[None]]


class WaitingTriggersContract:
    """What every `WaitingTriggers` keeps; a subclass says which by its fixture `watched`."""

    @pytest.fixture
    def watched(self) -> WatchedTriggers:
        """Nothing waits: the subclass overrides this."""
        raise TypeError(f"{type(self).__name__} must override the fixture `watched`")

    async def test_nothing_is_mentioned_when_nothing_waits(self, watched: WatchedTriggers) -> None:
        assert await watched.triggers.mentions() == frozenset()

    @pytest.mark.parametrize(
        "place",
        [
            _NAME,
            f"/shared/uploads/{_NAME}",
            f"uploads\\{_NAME}",
            f"http://bun-api:3000/uploads/{_NAME}?token=x",
            f"/shared/uploads/{_NAME.replace('п', '%D0%BF')}",
        ],
    )
    async def test_a_file_is_mentioned_by_its_name_however_its_place_is_written(
        self, watched: WatchedTriggers, place: str
    ) -> None:
        await watched.let_wait(place)

        assert _NAME in await watched.triggers.mentions()

    async def test_an_id_is_mentioned_as_it_is(self, watched: WatchedTriggers) -> None:
        await watched.let_wait(_ID)

        assert _ID in await watched.triggers.mentions()

    async def test_asking_takes_nothing_away(self, watched: WatchedTriggers) -> None:
        await watched.let_wait(_NAME)
        await watched.let_wait(_ID)

        first = await watched.triggers.mentions()

        assert {_NAME, _ID} <= first
        assert await watched.triggers.mentions() == first

    async def test_a_trigger_that_was_taken_mentions_nothing(
        self, watched: WatchedTriggers
    ) -> None:
        await watched.let_wait(_NAME)
        await watched.let_wait(_ID)

        await watched.take(_NAME)

        mentions = await watched.triggers.mentions()
        assert _NAME not in mentions
        assert _ID in mentions
