"""The circuit breaker: its figures, and what holds whatever happens."""

from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketbel_adapters.testing.builders import NOW
from marketbel_core.jobs import (
    Admitted,
    BreakerPolicy,
    BreakerState,
    CircuitClosed,
    CircuitHalfOpen,
    CircuitOpen,
    Denied,
    admit_call,
    record_outcome,
)

_SECOND: Final = timedelta(seconds=1)
_POLICY: Final = BreakerPolicy()
_WAITS: Final = st.timedeltas(timedelta(), timedelta(minutes=2))
_OUTCOMES: Final = st.lists(st.tuples(st.booleans(), _WAITS), max_size=60)


def test_by_default_five_failures_in_a_row_open_it_for_five_seconds() -> None:
    state: BreakerState = CircuitClosed()
    for _ in range(5):
        assert isinstance(state, CircuitClosed)
        state = record_outcome(state, Admitted(turn=0), success=False, policy=_POLICY, now=NOW)

    assert state == CircuitOpen(turn=1, trips=1, until=NOW + 5 * _SECOND)


@pytest.mark.parametrize(
    ("trips", "seconds"), [(1, 5), (2, 10), (3, 20), (4, 30), (5, 30), (10**9, 30)]
)
def test_the_cool_down_doubles_up_to_the_longest(trips: int, seconds: int) -> None:
    assert _POLICY.cool_down_after(trips) == seconds * _SECOND


def test_a_cool_down_beyond_all_time_is_the_longest_one() -> None:
    long = timedelta(days=400_000_000)
    policy = BreakerPolicy(cool_down=long, cool_down_max=2 * long)

    assert policy.cool_down_after(60) == 2 * long


@pytest.mark.parametrize(
    "wrong",
    [
        {"failures_max": 0},
        {"cool_down": timedelta()},
        {"cool_down": timedelta(minutes=1)},
        {"probe_max": timedelta()},
    ],
    ids=["no failures", "no cool-down", "longer than the longest", "no time to probe"],
)
def test_a_policy_that_cannot_work_is_not_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        BreakerPolicy(**wrong)


def test_while_a_probe_is_out_others_come_back_after_the_first_cool_down_or_sooner() -> None:
    probing = CircuitHalfOpen(turn=2, trips=3, until=NOW + 30 * _SECOND)

    early = admit_call(probing, policy=_POLICY, now=NOW)
    late = admit_call(probing, policy=_POLICY, now=NOW + 29 * _SECOND)

    assert early == (probing, Denied(retry_after=5 * _SECOND))
    assert late == (probing, Denied(retry_after=_SECOND))


def test_nobody_is_admitted_while_it_is_open_so_no_outcome_is_of_that_turn() -> None:
    state = CircuitOpen(turn=1, trips=1, until=NOW)

    assert state == record_outcome(state, Admitted(turn=1), success=True, policy=_POLICY, now=NOW)


@given(waits=st.lists(_WAITS, max_size=60))
def test_in_an_outage_no_more_are_admitted_than_probes_are_due(waits: list[timedelta]) -> None:
    """Whoever asks, however often: after it opened, one request for each cool-down at most."""
    state: BreakerState = CircuitOpen(turn=1, trips=1, until=NOW + _POLICY.cool_down)
    now, admitted, due = NOW, 0, 0
    for wait in waits:
        now += wait
        due += not isinstance(state, CircuitClosed) and now >= state.until
        state, admission = admit_call(state, policy=_POLICY, now=now)
        if isinstance(admission, Admitted):
            admitted += 1
            state = record_outcome(state, admission, success=False, policy=_POLICY, now=now)
        assert isinstance(state, CircuitOpen)

    assert admitted == due


@given(outcomes=_OUTCOMES)
def test_turns_never_go_back_and_each_change_of_state_begins_one(
    outcomes: list[tuple[bool, timedelta]],
) -> None:
    state: BreakerState = CircuitClosed()
    now, last = NOW, Admitted(turn=0)
    for success, wait in outcomes:
        now += wait
        before = state
        state, admission = admit_call(state, policy=_POLICY, now=now)
        last = admission if isinstance(admission, Admitted) else last
        state = record_outcome(state, last, success=success, policy=_POLICY, now=now)
        assert state.turn >= before.turn
        if state.turn == before.turn:
            assert type(state) is type(before)
        if isinstance(state, CircuitClosed):
            assert state.failures < _POLICY.failures_max


def test_a_late_outcome_is_dropped() -> None:
    state = CircuitHalfOpen(turn=4, trips=2, until=NOW + _SECOND)

    for turn in (3, 5):
        late = record_outcome(state, Admitted(turn=turn), success=True, policy=_POLICY, now=NOW)
        assert late == state
