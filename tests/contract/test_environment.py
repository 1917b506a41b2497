"""Clocks and ids: the machine's own, and those that tests set by hand."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import RFC_4122

import pytest

from marketbel_adapters.memory.environment import CountingIdSource, ManualClock
from marketbel_adapters.system import SystemClock, TimeOrderedIdSource
from marketbel_core.ports import Clock, IdSource

CLOCKS = [SystemClock, ManualClock]
ID_SOURCES = [TimeOrderedIdSource, CountingIdSource]
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("make", CLOCKS)
def test_the_time_is_aware_and_never_runs_back(make: type[Clock]) -> None:
    clock = make()

    first, second = clock.now(), clock.now()

    assert first.tzinfo is UTC
    assert first <= second


def test_a_manual_clock_stands_until_it_is_ticked() -> None:
    clock = ManualClock(LONG_AGO)

    clock.tick(timedelta(seconds=5))

    assert clock.now() == LONG_AGO + timedelta(seconds=5)
    with pytest.raises(ValueError, match="does not run back"):
        clock.tick(timedelta(seconds=-1))


@pytest.mark.parametrize("make", ID_SOURCES)
def test_later_ids_sort_after_earlier_ones(make: type[IdSource]) -> None:
    ids = make()

    given = [ids.new_id() for _ in range(5_000)]

    assert given == sorted(set(given))


def test_ids_are_of_version_7_and_carry_the_milliseconds() -> None:
    given = TimeOrderedIdSource(ManualClock(LONG_AGO)).new_id()

    assert given.version == 7
    assert given.variant == RFC_4122
    assert given.int >> 80 == int(LONG_AGO.timestamp() * 1000)


def test_ids_stay_in_order_when_the_clock_is_set_back() -> None:
    class SetBackClock(Clock):
        def __init__(self) -> None:
            self._readings = iter(
                LONG_AGO + timedelta(milliseconds=at) for at in (5, 5, 1, 4, 5, 6)
            )

        def now(self) -> datetime:
            return next(self._readings)

    ids = TimeOrderedIdSource(SetBackClock())

    given = [ids.new_id() for _ in range(6)]

    assert given == sorted(set(given))


def test_threads_never_get_the_same_id() -> None:
    ids = TimeOrderedIdSource()

    with ThreadPoolExecutor(max_workers=4) as threads:
        given = list(threads.map(lambda _: ids.new_id(), range(4_000)))

    assert len(set(given)) == len(given)
