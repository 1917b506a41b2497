"""When to try again: full jitter within its bounds."""

from datetime import timedelta
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from marketbel_core.jobs import backoff

_SECOND: Final = timedelta(seconds=1)
_LONG: Final = timedelta(days=3650)
_WAITS: Final = st.timedeltas(timedelta(), _LONG)
_CHANCES: Final = st.floats(0.0, 1.0)


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
