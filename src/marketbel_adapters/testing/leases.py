"""The contract of `Leases`, for every adapter of it.

A subclass says which adapter by its fixtures `leases` and `let_pass`; the latter makes the
adapter's own time go on, without anybody waiting for it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Final

import pytest

from marketbel_core.ports import Lease, Leases

__all__ = ["LeasesContract", "LetPass"]

type LetPass = Callable[[timedelta], Awaitable[None]]
"""Makes the adapter's time go on by so much, at once."""

_MINUTE: Final = timedelta(minutes=1)
_BLINK: Final = timedelta(milliseconds=1)
_DAWDLE: Final = timedelta(seconds=20)
"""A slow machine may lose this long between two calls where the adapter's time is real."""


class LeasesContract:
    """What every `Leases` keeps."""

    @pytest.fixture
    def leases(self) -> Leases:
        """An adapter that has granted nothing yet: the subclass overrides this."""
        raise TypeError(f"{type(self).__name__} must override the fixture `leases`")

    @pytest.fixture
    def other_leases(self, leases: Leases) -> Leases:
        """The same rights as another process sees them; override it where that differs."""
        return leases

    @pytest.fixture
    def let_pass(self) -> LetPass:
        """Time goes on: the subclass overrides this."""
        raise TypeError(f"{type(self).__name__} must override the fixture `let_pass`")

    async def test_the_first_lease_of_a_name_has_token_one(self, leases: Leases) -> None:
        lease = await _acquired(leases, "sync")

        assert (lease.name, lease.token) == ("sync", 1)
        assert lease.expires_at.tzinfo is UTC

    async def test_a_right_has_one_holder_at_a_time(
        self, leases: Leases, other_leases: Leases
    ) -> None:
        await _acquired(leases, "sync")

        assert await other_leases.acquire("sync", duration=_MINUTE) is None

    async def test_of_many_who_ask_at_once_exactly_one_gets_it(
        self, leases: Leases, other_leases: Leases
    ) -> None:
        askers = [leases, other_leases] * 5

        granted = await asyncio.gather(
            *(asker.acquire("sync", duration=_MINUTE) for asker in askers)
        )

        assert [lease.token for lease in granted if lease is not None] == [1]

    async def test_two_names_are_two_rights(self, leases: Leases) -> None:
        await _acquired(leases, "sync")

        assert (await _acquired(leases, "clean-up")).token == 1

    async def test_a_lease_lasts_until_it_expires_and_no_longer(
        self, leases: Leases, let_pass: LetPass
    ) -> None:
        await _acquired(leases, "sync")

        await let_pass(_MINUTE - _DAWDLE)
        assert await leases.acquire("sync", duration=_MINUTE) is None

        await let_pass(_DAWDLE + _BLINK)
        assert (await _acquired(leases, "sync")).token == 2

    async def test_the_expiry_told_is_the_duration_from_now(
        self, leases: Leases, let_pass: LetPass
    ) -> None:
        first = await _acquired(leases, "sync", duration=_MINUTE)

        await let_pass(_MINUTE + _BLINK)
        second = await _acquired(leases, "sync", duration=2 * _MINUTE)

        # Where time is real, `let_pass` moves the expiry and not the clock.
        assert _MINUTE <= second.expires_at - first.expires_at <= 2 * _MINUTE + _DAWDLE

    async def test_a_renewed_lease_keeps_its_token_and_lasts_longer(
        self, leases: Leases, other_leases: Leases, let_pass: LetPass
    ) -> None:
        lease = await _acquired(leases, "sync")
        await let_pass(_DAWDLE)

        renewed = await leases.renew(lease, duration=3 * _MINUTE)

        assert renewed is not None
        assert (renewed.name, renewed.token) == (lease.name, lease.token)
        assert renewed.expires_at > lease.expires_at
        await let_pass(2 * _MINUTE)
        assert await other_leases.acquire("sync", duration=_MINUTE) is None

    async def test_a_lease_may_be_cut_short_by_renewing_it(
        self, leases: Leases, let_pass: LetPass
    ) -> None:
        lease = await _acquired(leases, "sync", duration=5 * _MINUTE)

        await leases.renew(lease, duration=_MINUTE)

        await let_pass(_MINUTE + _BLINK)
        assert (await _acquired(leases, "sync")).token == 2

    async def test_an_expired_lease_cannot_be_renewed_or_released(
        self, leases: Leases, let_pass: LetPass
    ) -> None:
        lease = await _acquired(leases, "sync")
        await let_pass(_MINUTE + _BLINK)

        assert await leases.renew(lease, duration=_MINUTE) is None
        assert await leases.release(lease) is False

    async def test_who_lost_a_lease_cannot_touch_the_next_holders(
        self, leases: Leases, other_leases: Leases, let_pass: LetPass
    ) -> None:
        lost = await _acquired(leases, "sync")
        await let_pass(_MINUTE + _BLINK)
        held = await _acquired(other_leases, "sync")

        assert await leases.renew(lost, duration=_MINUTE) is None
        assert await leases.release(lost) is False
        assert await other_leases.renew(held, duration=_MINUTE) is not None

    async def test_a_released_right_is_free_at_once_and_its_token_is_used_up(
        self, leases: Leases, other_leases: Leases
    ) -> None:
        lease = await _acquired(leases, "sync")

        assert await leases.release(lease) is True

        assert (await _acquired(other_leases, "sync")).token == 2

    async def test_a_right_is_given_back_once(self, leases: Leases) -> None:
        lease = await _acquired(leases, "sync")
        await leases.release(lease)

        assert await leases.release(lease) is False
        assert await leases.renew(lease, duration=_MINUTE) is None

    async def test_a_lease_that_nobody_was_granted_is_worth_nothing(self, leases: Leases) -> None:
        lease = await _acquired(leases, "sync")
        forged = replace(lease, token=lease.token + 1)

        assert await leases.renew(forged, duration=_MINUTE) is None
        assert await leases.release(forged) is False

    @pytest.mark.parametrize("duration", [timedelta(), -_MINUTE])
    async def test_a_lease_must_last_some_time(self, leases: Leases, duration: timedelta) -> None:
        with pytest.raises(ValueError, match="must last"):
            await leases.acquire("sync", duration=duration)

        lease = await _acquired(leases, "sync")
        with pytest.raises(ValueError, match="must last"):
            await leases.renew(lease, duration=duration)


async def _acquired(leases: Leases, name: str, *, duration: timedelta = _MINUTE) -> Lease:
    lease = await leases.acquire(name, duration=duration)
    assert lease is not None, f"{name} should have been free"
    return lease
