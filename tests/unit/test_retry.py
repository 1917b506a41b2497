"""When to try again: full jitter within its bounds."""

from datetime import timedelta
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from marketbel_adapters.testing.builders import NOW, a_job
from marketbel_core.jobs import Deferred, Failure, Phase, advance, backoff, next_try

_SECOND: Final = timedelta(seconds=1)
_LONG: Final = timedelta(days=3650)
_WAITS: Final = st.timedeltas(timedelta(), _LONG)
_CHANCES: Final = st.floats(0.0, 1.0)
_TROUBLE: Final = Failure(code="http.unavailable", message="It does not answer.")
_MINUTE: Final = timedelta(minutes=1)


@given(tries=st.integers(1, 2000), base=_WAITS, cap=_WAITS, chance=_CHANCES)
@example(tries=10**9, base=timedelta.max, cap=timedelta.max, chance=1.0)
def test_no_wait_is_negative_or_longer_than_the_cap(
    tries: int, base: timedelta, cap: timedelta, chance: float
) -> None:
    wait = backoff(tries, base=base, cap=cap, chance=chance)

    assert timedelta() <= wait <= cap


@given(base=_WAITS, cap=_WAITS, chance=_CHANCES)
def test_the_first_wait_is_no_longer_than_the_base(
    base: timedelta, cap: timedelta, chance: float
) -> None:
    assert backoff(1, base=base, cap=cap, chance=chance) <= base


@given(tries=st.integers(1, 100), base=_WAITS, cap=_WAITS, chance=_CHANCES)
def test_a_later_wait_is_never_shorter_by_the_same_chance(
    tries: int, base: timedelta, cap: timedelta, chance: float
) -> None:
    earlier = backoff(tries, base=base, cap=cap, chance=chance)

    assert earlier <= backoff(tries + 1, base=base, cap=cap, chance=chance)


@given(tries=st.integers(1, 100), low=_CHANCES, high=_CHANCES)
def test_the_wait_grows_with_the_chance(tries: int, low: float, high: float) -> None:
    low, high = sorted((low, high))

    shorter = backoff(tries, base=_SECOND, cap=60 * _SECOND, chance=low)

    assert shorter <= backoff(tries, base=_SECOND, cap=60 * _SECOND, chance=high)


@pytest.mark.parametrize(
    ("tries", "seconds"), [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (8, 60), (5000, 60)]
)
def test_the_longest_wait_doubles_up_to_the_cap(tries: int, seconds: int) -> None:
    assert backoff(tries, base=_SECOND, cap=60 * _SECOND, chance=1.0) == seconds * _SECOND


def test_by_no_chance_there_is_no_wait() -> None:
    assert backoff(9, base=_SECOND, cap=60 * _SECOND, chance=0.0) == timedelta()


@pytest.mark.parametrize("tries", [0, -1])
def test_before_the_first_failure_there_is_nothing_to_wait_for(tries: int) -> None:
    with pytest.raises(ValueError, match="tries must be at least 1"):
        backoff(tries, base=_SECOND, cap=_SECOND, chance=0.5)


@pytest.mark.parametrize("chance", [-0.01, 1.01, float("nan")])
def test_a_chance_is_between_none_and_certainty(chance: float) -> None:
    with pytest.raises(ValueError, match="chance must be between 0 and 1"):
        backoff(1, base=_SECOND, cap=_SECOND, chance=chance)


def test_three_tries_are_made_and_each_may_wait_twice_as_long() -> None:
    job, waits = a_job(), []

    while (event := next_try(job, _TROUBLE, now=NOW, chance=1.0)) is not None:
        waits.append(event.until - NOW)
        job = advance(job, event, now=NOW)

    assert waits == [15 * _SECOND, 30 * _SECOND, 60 * _SECOND]
    assert (job.deferrals, job.attempt) == (3, 1)
    assert job.deferred_by == _TROUBLE


@pytest.mark.parametrize("code", ["ml.circuit_open", "match.busy", "source.busy"])
def test_waiting_for_somebody_else_uses_up_no_try(code: str) -> None:
    job = a_job(deferrals=3)
    failure = Failure(code=code, message="Not now.")

    waits = [next_try(job, failure, now=NOW, chance=chance) for chance in (0.0, 1.0)]

    assert waits == [
        Deferred(failure=failure, until=NOW + seconds * _SECOND, is_counted=False)
        for seconds in (2.5, 7.5)
    ]


def test_a_job_that_has_waited_for_its_host_for_long_comes_by_less_often() -> None:
    busy = Failure(code="source.busy", message="Others are served.")

    waits = [next_try(a_job(waits=n), busy, now=NOW, chance=0.5) for n in (0, 1, 5, 100)]

    assert [event.until - NOW for event in waits if event] == [
        seconds * _SECOND for seconds in (5, 10, 30, 30)
    ]


def test_items_that_stay_held_fail_the_attempt_in_the_end() -> None:
    busy = Failure(code="match.busy", message="Held.")
    job, began, now = a_job(phase=Phase.MATCHING), NOW, NOW

    while (event := next_try(job, busy, now=now, chance=0.5)) is not None:
        job, now = advance(job, event, now=event.until), event.until

    assert (job.waits, job.deferrals) == (120, 3)
    assert now - began < timedelta(minutes=15)


def test_a_neighbour_that_is_away_is_waited_for_without_end() -> None:
    away = Failure(code="ml.circuit_open", message="Away.")

    event = next_try(a_job(waits=100_000), away, now=NOW, chance=0.5)

    assert event is not None
    assert not event.is_counted


@pytest.mark.parametrize(
    ("asked", "waited"), [(_SECOND, 15 * _SECOND), (_MINUTE, _MINUTE), (60 * _MINUTE, 5 * _MINUTE)]
)
def test_a_neighbour_is_left_alone_for_as_long_as_it_asks_within_reason(
    asked: timedelta, waited: timedelta
) -> None:
    event = next_try(a_job(), _TROUBLE, now=NOW, chance=1.0, retry_after=asked)

    assert event == Deferred(failure=_TROUBLE, until=NOW + waited)
