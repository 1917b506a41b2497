"""What the doctor makes of what it saw: every judgement that needs no server."""

import asyncio
import json
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from marketbel_adapters.memory import ManualClock
from marketbel_adapters.testing.builders import NOW
from marketbel_core.errors import MarketbelError, UnavailableError
from marketbel_core.jobs import BreakerState, CircuitClosed, CircuitHalfOpen, CircuitOpen
from marketbel_runtime.doctor import Finding, Report, State
from marketbel_runtime.doctor.attempt import Attempts
from marketbel_runtime.doctor.choices import look_at_poll_interval, look_at_settings
from marketbel_runtime.doctor.circuit import judge_circuit
from marketbel_runtime.doctor.clocks import compare_clocks
from marketbel_runtime.doctor.examination import _Visit
from marketbel_runtime.doctor.folder import judge_room
from marketbel_runtime.doctor.ml_analyze import Answer, judge_health
from marketbel_runtime.doctor.redis_server import (
    ServerFacts,
    judge_eviction,
    judge_persistence,
    judge_server,
)
from marketbel_runtime.doctor.secrets import secrets_of
from marketbel_runtime.doctor.threads import AbandoningExecutor
from marketbel_runtime.settings import SettingFault, Settings

MIB = 1024 * 1024


def finding(state: State) -> Finding:
    return Finding(name="a", state=state, message="m")


def facts(
    info: Mapping[str, object] | None = None, config: Mapping[str, str] | None = None
) -> ServerFacts:
    return ServerFacts(info=info or {}, config=config or {})


@pytest.mark.parametrize(
    ("states", "ok"),
    [
        ([State.OK, State.WARNING, State.SKIPPED], True),
        ([State.OK, State.ERROR], False),
        ([], True),
    ],
)
def test_a_report_is_well_unless_something_is_wrong(states: list[State], *, ok: bool) -> None:
    assert Report(findings=tuple(map(finding, states))).ok is ok


def test_a_report_as_json_has_each_check_with_its_cure() -> None:
    report = Report(findings=(finding(State.WARNING),))

    assert json.loads(json.dumps(report.as_json())) == {
        "ok": True,
        "checks": [{"name": "a", "state": "warning", "message": "m", "cure": ""}],
    }


async def refused() -> str:
    raise UnavailableError(
        "Error 111 connecting to redis://:hunter2%21@h, password hunter2!\n\x1b"
    )


async def hanging() -> str:
    await asyncio.Event().wait()
    return ""


async def test_a_look_that_fails_becomes_a_finding_without_secrets_or_control_characters() -> None:
    settings = Settings(
        _env_file=None,
        redis_password=SecretStr("hunter2!"),
        database_url=SecretStr("postgresql://u:p%40ss@h/db?password=other"),
    )
    attempts = Attempts(secrets=secrets_of(settings))

    found = await attempts.look("redis", refused, cure="start it")

    assert found == Finding(
        name="redis",
        state=State.ERROR,
        message="Error 111 connecting to redis://:***@h, password ***  ",
        cure="start it",
    )
    assert {"p@ss", "p%40ss", "other", "hunter2!", "hunter2%21"} <= set(attempts.secrets)


def test_a_password_of_a_letter_is_not_masked_in_the_midst_of_words() -> None:
    settings = Settings(_env_file=None, redis_password=SecretStr("p"))

    assert "p" not in secrets_of(settings)


async def test_a_look_ends_in_time() -> None:
    found = await Attempts(seconds_max=0.01).look("redis", hanging, cure="")

    assert isinstance(found, Finding)
    assert (found.state, found.message) == (State.ERROR, "no answer within 0.01 s")


async def test_a_fault_of_ours_is_not_taken_for_a_finding() -> None:
    async def broken() -> str:
        raise KeyError("x")

    with pytest.raises(KeyError):
        await Attempts().look("redis", broken, cure="")


def test_work_that_hangs_in_a_thread_is_left_behind() -> None:
    release = threading.Event()
    executor = AbandoningExecutor()

    future = executor.submit(release.wait)
    executor.shutdown(wait=True)

    assert not future.done()
    release.set()
    assert future.result(timeout=10)


def test_what_work_in_a_thread_raises_is_raised_where_it_is_waited_for() -> None:
    with pytest.raises(MarketbelError):
        AbandoningExecutor().submit(_raise).result(timeout=10)


def _raise() -> None:
    raise MarketbelError


def test_settings_name_what_is_wrong_and_what_is_missing_with_the_cure() -> None:
    fault = SettingFault(variable="MAX_WORKERS", message="too many; left out, it is 5")

    found = look_at_settings(Settings(_env_file=None), [fault])

    assert found.state is State.ERROR
    for told in ("MAX_WORKERS: too many", "DATABASE_URL is not set: give it as", "REDIS_PASSWORD"):
        assert told in found.message


def test_settings_that_are_right_are_told_by_name_and_not_by_value() -> None:
    settings = Settings(
        _env_file=None,
        database_url=SecretStr("postgresql://u:hunter2@h/db"),
        redis_url=SecretStr("redis://:hunter3@h"),
    )

    found = look_at_settings(settings, [])

    assert found.state is State.OK
    assert {"DATABASE_URL", "REDIS_URL"} <= set(found.message.replace(",", "").split())
    assert "hunter" not in found.message


@pytest.mark.parametrize(("seconds", "state"), [(10, State.OK), (11, State.WARNING)])
def test_progress_older_than_was_promised_is_warned_of(seconds: int, state: State) -> None:
    assert look_at_poll_interval(seconds).state is state


@pytest.mark.parametrize(
    ("seconds", "state", "told"),
    [
        (0, State.OK, "0.0 s"),
        (5, State.OK, "5.0 s"),
        (6, State.WARNING, "6 s ahead of"),
        (-90, State.WARNING, "90 s behind"),
    ],
)
async def test_clocks_may_be_five_seconds_apart(seconds: int, state: State, told: str) -> None:
    clock = ManualClock()

    async def ask() -> datetime:
        return clock.now() + timedelta(seconds=seconds)

    found = await compare_clocks("clock", whose="theirs", ask=ask, clock=clock)

    assert found.state is state
    assert told in found.message


async def test_the_time_that_the_answer_took_is_not_taken_for_skew() -> None:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))

    async def ask() -> datetime:
        clock.tick(timedelta(seconds=20))
        return clock.now()

    found = await compare_clocks("clock", whose="theirs", ask=ask, clock=clock)

    assert found.state is State.OK


@pytest.mark.parametrize(
    ("free", "total", "state"),
    [
        (50, 400, State.OK),
        (50, 501, State.WARNING),
        (49, 50, State.ERROR),
        (60, 0, State.OK),  # a volume that does not tell its size
    ],
)
def test_room_is_for_one_largest_file_at_least(free: int, total: int, state: State) -> None:
    found = judge_room(free_bytes=free * MIB, total_bytes=total * MIB, file_bytes_max=50 * MIB)

    assert found.state is state


@pytest.mark.parametrize(
    ("status_code", "body", "needed", "state", "told"),
    [
        (200, {"status": "healthy", "version": "1.2"}, True, State.OK, "ml-analyze 1.2"),
        (200, {"status": "degraded", "checks": {"ollama": "down"}}, True, State.WARNING, "ollama"),
        (200, {"status": "unhealthy"}, True, State.ERROR, "unhealthy"),
        (503, {"status": "unhealthy"}, False, State.WARNING, "only suppliers"),
        (503, {"status": "healthy"}, True, State.ERROR, "healthy"),
        (200, {"status": "new\x1b[31m"}, True, State.ERROR, "new [31m"),
        (200, {"status": 1}, True, State.ERROR, "something else"),
        (200, ["healthy"], True, State.ERROR, "something else"),
    ],
)
def test_the_health_of_ml_analyze_is_told(
    status_code: int, body: object, state: State, told: str, *, needed: bool
) -> None:
    answer = Answer(status_code=status_code, body=json.dumps(body).encode())

    found = judge_health(answer, is_needed=needed)

    assert found.state is state
    assert told in found.message


def test_a_page_for_people_is_not_the_answer_of_ml_analyze() -> None:
    found = judge_health(Answer(status_code=404, body=b"<html>\xff"), is_needed=True)

    assert found.state is State.ERROR
    assert "status 404" in found.message


@pytest.mark.parametrize(
    ("info", "state", "told"),
    [
        ({"redis_version": "7.4.1", "role": "master"}, State.OK, "Redis 7.4.1"),
        ({"redis_version": "7.2.4", "valkey_version": "9.1.2"}, State.OK, "Valkey 9.1.2"),
        ({"redis_version": "6.2.0"}, State.WARNING, "Redis 7"),
        ({"redis_version": "7.4.1", "role": "slave"}, State.ERROR, "replica"),
        ({}, State.WARNING, "INFO is not allowed"),
    ],
)
def test_the_server_is_told_by_name_and_version(
    info: dict[str, object], state: State, told: str
) -> None:
    found = judge_server(facts(info))

    assert found.state is state
    assert told in found.message


@pytest.mark.parametrize(
    ("known", "state", "told"),
    [
        (facts(config={"appendonly": "yes"}), State.OK, "is on"),
        (facts({"aof_enabled": 1, "aof_last_write_status": "ok"}), State.OK, "is on"),
        (facts({"aof_enabled": 1, "aof_last_write_status": "err"}), State.ERROR, "refuses writes"),
        (facts(config={"appendonly": "no", "save": ""}), State.WARNING, "all jobs are lost"),
        (facts(config={"appendonly": "no", "save": "60 1"}), State.WARNING, "last snapshot"),
        (facts({"aof_enabled": 0}), State.WARNING, "off"),
        (facts(), State.WARNING, "cannot see"),
    ],
)
def test_jobs_must_survive_a_restart_of_the_server(
    known: ServerFacts, state: State, told: str
) -> None:
    found = judge_persistence(known)

    assert found.state is state
    assert told in found.message


@pytest.mark.parametrize(
    ("known", "state", "told"),
    [
        (facts(config={"maxmemory-policy": "noeviction"}), State.OK, "noeviction"),
        (facts({"maxmemory_policy": "noeviction"}), State.OK, "noeviction"),
        (
            facts({"maxmemory_policy": "allkeys-lru", "maxmemory": 0}),
            State.WARNING,
            "once a maxmemory is set",
        ),
        (
            facts({"maxmemory_policy": "volatile-ttl", "maxmemory": 1024}),
            State.WARNING,
            "when memory is full",
        ),
        (facts(), State.WARNING, "cannot see"),
    ],
)
def test_a_full_memory_must_not_cost_jobs(known: ServerFacts, state: State, told: str) -> None:
    found = judge_eviction(known)

    assert found.state is state
    assert told in found.message


@pytest.mark.parametrize(
    ("circuit", "state", "told"),
    [
        (CircuitClosed(), State.OK, "closed: workers ask ml-analyze"),
        (CircuitClosed(turn=4, failures=2), State.OK, "closed; 2 requests in a row"),
        (
            CircuitOpen(turn=1, trips=3, until=NOW + timedelta(seconds=20)),
            State.WARNING,
            "open, 2 probes failed up to now: the next may go in 20 s; jobs",
        ),
        (CircuitOpen(turn=1, trips=1, until=NOW), State.WARNING, "the next may go now"),
        (CircuitHalfOpen(turn=2, trips=1, until=NOW), State.WARNING, "one worker is probing"),
    ],
)
def test_a_circuit_that_is_not_closed_is_a_warning(
    circuit: BreakerState, state: State, told: str
) -> None:
    found = judge_circuit(circuit, now=NOW)

    assert found.state is state
    assert told in found.message
    assert bool(found.cure) is (state is State.WARNING)


async def test_a_check_that_is_broken_itself_hides_no_other_and_quotes_nothing() -> None:
    async def broken() -> list[Finding]:
        raise ZeroDivisionError("hunter2")

    visit = _Visit(
        settings=Settings(_env_file=None),
        clock=ManualClock(),
        wrong=frozenset({"REDIS_PORT"}),
        attempts=Attempts(),
    )

    [found] = await visit.group(["queue"], broken, uses=["REDIS_HOST"])
    [unseen] = await visit.group(["queue"], broken, uses=["REDIS_PORT"])

    assert found.state is State.ERROR
    assert found.message == "the check itself failed (ZeroDivisionError)"
    assert (unseen.state, unseen.message) == (
        State.SKIPPED,
        "REDIS_PORT is wrong, see settings",
    )
