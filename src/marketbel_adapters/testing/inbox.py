"""The contract of `Inbox`, for every adapter of it.

A subclass says which adapter by its fixtures `inbox` and `leave`; the latter leaves a message as a
neighbour does.
"""

from collections.abc import Awaitable, Callable

import pytest

from marketbel_core.ports import Inbox, Tray

__all__ = ["InboxContract", "Leave"]

_LISTS = [tray for tray in Tray if tray is not Tray.SYNC_TRIGGER]
"""Where a message does not replace the one before it."""

type Leave = Callable[[Tray, str], Awaitable[None]]
"""Pushes a message as the admin interface does."""


class InboxContract:
    """What every `Inbox` keeps."""

    @pytest.fixture
    def inbox(self) -> Inbox:
        """An empty inbox: the subclass overrides this."""
        raise TypeError(f"{type(self).__name__} must override the fixture `inbox`")

    @pytest.fixture
    def other_inbox(self, inbox: Inbox) -> Inbox:
        """The same messages as another process sees them."""
        return inbox

    @pytest.fixture
    def leave(self) -> Leave:
        """Leaves a message: the subclass overrides this."""
        raise TypeError(f"{type(self).__name__} must override the fixture `leave`")

    @pytest.mark.parametrize("tray", _LISTS)
    async def test_the_oldest_message_comes_first(
        self, inbox: Inbox, leave: Leave, tray: Tray
    ) -> None:
        for message in ("first", "второе", "third"):
            await leave(tray, message)

        assert await inbox.take(tray, limit=2) == ["first", "второе"]
        assert await inbox.take(tray, limit=9) == ["first", "второе", "third"]

    @pytest.mark.parametrize("tray", _LISTS)
    async def test_a_message_comes_again_until_it_is_acknowledged(
        self, inbox: Inbox, other_inbox: Inbox, leave: Leave, tray: Tray
    ) -> None:
        await leave(tray, "a")
        await leave(tray, "b")
        await inbox.take(tray, limit=2)  # and the taker is heard of no more

        assert await other_inbox.take(tray, limit=2) == ["a", "b"]
        await other_inbox.done(tray, "a")
        await other_inbox.done(tray, "a")

        assert await inbox.take(tray, limit=2) == ["b"]
        await inbox.done(tray, "b")
        assert await inbox.take(tray, limit=2) == []

    @pytest.mark.parametrize("tray", _LISTS)
    async def test_of_two_messages_that_are_alike_one_is_acknowledged(
        self, inbox: Inbox, leave: Leave, tray: Tray
    ) -> None:
        await leave(tray, "a")
        await leave(tray, "a")
        await inbox.take(tray, limit=9)

        await inbox.done(tray, "a")

        assert await inbox.take(tray, limit=9) == ["a"]

    @pytest.mark.parametrize("tray", _LISTS)
    async def test_a_rejected_message_does_not_come_again(
        self, inbox: Inbox, leave: Leave, tray: Tray
    ) -> None:
        await leave(tray, "?")
        await inbox.take(tray, limit=1)

        await inbox.reject(tray, "?", reason="it is no JSON")
        await inbox.reject(tray, "?", reason="it is no JSON")

        assert await inbox.take(tray, limit=1) == []

    @pytest.mark.parametrize("limit", [0, -1])
    async def test_nothing_is_taken_by_who_wants_nothing(
        self, inbox: Inbox, leave: Leave, limit: int
    ) -> None:
        await leave(Tray.RETRY_TRIGGERS, "a")

        assert await inbox.take(Tray.RETRY_TRIGGERS, limit=limit) == []
        assert await inbox.take(Tray.RETRY_TRIGGERS, limit=1) == ["a"]

    async def test_a_trigger_of_a_sync_replaces_the_one_before_it_until_it_is_taken(
        self, inbox: Inbox, other_inbox: Inbox, leave: Leave
    ) -> None:
        for message in ("a", "b"):
            await leave(Tray.SYNC_TRIGGER, message)

        assert await inbox.take(Tray.SYNC_TRIGGER, limit=0) == []
        assert await inbox.take(Tray.SYNC_TRIGGER, limit=9) == ["b"]
        await leave(Tray.SYNC_TRIGGER, "c")
        assert await other_inbox.take(Tray.SYNC_TRIGGER, limit=1) == ["b"]
        assert await other_inbox.take(Tray.SYNC_TRIGGER, limit=9) == ["b", "c"]
        await inbox.done(Tray.SYNC_TRIGGER, "b")
        await inbox.reject(Tray.SYNC_TRIGGER, "c", reason="no")
        assert await inbox.take(Tray.SYNC_TRIGGER, limit=9) == []
