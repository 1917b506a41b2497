"""Redis or Valkey: does it answer, will it keep what it is given, and does its clock agree."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError

from marketbel_adapters.redis import create_redis, translated
from marketbel_core.errors import RefusedError
from marketbel_core.ports import Clock
from marketbel_runtime.doctor.attempt import Attempts
from marketbel_runtime.doctor.circuit import look_at_circuit
from marketbel_runtime.doctor.clocks import compare_clocks
from marketbel_runtime.doctor.findings import Finding, State, skipped
from marketbel_runtime.doctor.names import REDIS_NAMES
from marketbel_runtime.doctor.queues import look_at_foreign_queue, look_at_queue
from marketbel_runtime.doctor.upkeep import look_at_journal, look_at_refused, look_at_workers

__all__ = [
    "ServerFacts",
    "judge_eviction",
    "judge_persistence",
    "judge_server",
    "look_at_redis",
]

_REDIS, _PERSISTENCE, _EVICTION, _CLOCK, *_OF_QUEUES, _JOURNAL, _REFUSED, _CIRCUIT = REDIS_NAMES
_QUEUE, _FOREIGN, _HEAVY, _WORKERS = _OF_QUEUES
_CURE: Final = (
    "check REDIS_URL (or REDIS_HOST, REDIS_PORT and REDIS_PASSWORD), and that the server runs"
)
_UNSEEN_CURE: Final = "allow this user INFO and CONFIG|GET, or look at the server's configuration"
_MAJOR_MIN: Final = 7
_SETTINGS: Final = ("appendonly", "save", "maxmemory", "maxmemory-policy")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """What the server tells of itself.

    Attributes:
        info: The answer to INFO; empty when this user may not ask.
        config: The answers to CONFIG GET; empty when this user may not ask.
    """

    info: Mapping[str, object]
    config: Mapping[str, str]

    def setting(self, name: str, *, in_info: str) -> str | None:
        """Return a setting from wherever it can be seen; `None` when nowhere."""
        told = self.config.get(name)
        if told is None and in_info in self.info:
            told = str(self.info[in_info])
        return told


async def look_at_redis(
    url: str, *, queue_name: str | None, clock: Clock, attempts: Attempts
) -> list[Finding]:
    """Return what is found at `url`: one finding for each of `REDIS_NAMES`.

    Args:
        url: Of the server.
        queue_name: The worker's queue; `None` when the setting is wrong.
        clock: Ours.
        attempts: How long, and what must not be shown.
    """
    try:
        client = create_redis(url)
    except RefusedError as error:
        wrong = Finding(name=_REDIS, state=State.ERROR, message=str(error), cure=_CURE)
        return [wrong, *skipped(REDIS_NAMES[1:], "the address of Redis cannot be read")]
    client.set_retry(Retry(NoBackoff(), 0))  # a person waits; the worker tries for longer
    try:
        facts = await attempts.look(_REDIS, lambda: _facts(client), cure=_CURE)
        if isinstance(facts, Finding):
            return [facts, *skipped(REDIS_NAMES[1:], "Redis was not reached")]
        return [
            judge_server(facts),
            judge_persistence(facts),
            judge_eviction(facts),
            *await _further(client, queue_name=queue_name, clock=clock, attempts=attempts),
            await attempts.look(_JOURNAL, lambda: look_at_journal(client), cure=_CURE),
            await attempts.look(_REFUSED, lambda: look_at_refused(client), cure=_CURE),
            await attempts.look(_CIRCUIT, lambda: look_at_circuit(client, clock), cure=_CURE),
        ]
    finally:
        await client.aclose()


async def _further(
    client: Redis, *, queue_name: str | None, clock: Clock, attempts: Attempts
) -> list[Finding]:
    ticks = attempts.look(_CLOCK, lambda: _clock(client, clock), cure=_CURE)
    if queue_name is None:
        return [await ticks, *skipped(_OF_QUEUES, "QUEUE_NAME is wrong")]
    heavy = f"{queue_name}:heavy"
    return list(
        await asyncio.gather(
            ticks,
            attempts.look(_QUEUE, lambda: look_at_queue(client, queue_name, clock), cure=_CURE),
            attempts.look(_FOREIGN, lambda: look_at_foreign_queue(client, queue_name), cure=_CURE),
            attempts.look(
                _HEAVY, lambda: look_at_queue(client, heavy, clock, name=_HEAVY), cure=_CURE
            ),
            attempts.look(_WORKERS, lambda: look_at_workers(client, queue_name), cure=_CURE),
        )
    )


async def _facts(client: Redis) -> ServerFacts:
    with translated():
        await client.ping()
        try:
            info = await client.info()
        except ResponseError:
            info = {}
        config: dict[str, str] = {}
        try:
            for name in _SETTINGS:
                config.update(await client.config_get(name))
        except ResponseError:
            config = {}
    return ServerFacts(info=info, config={_text(key): _text(config[key]) for key in config})


def _text(raw: str | bytes) -> str:
    return raw.decode(errors="replace") if isinstance(raw, bytes) else raw


async def _clock(client: Redis, clock: Clock) -> Finding:
    async def ask() -> datetime:
        seconds, microseconds = await client.time()
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=microseconds)

    with translated():
        return await compare_clocks(_CLOCK, whose="the clock of Redis", ask=ask, clock=clock)


def judge_server(facts: ServerFacts) -> Finding:
    """Return whether the server is one that can be worked with."""
    if not facts.info:
        return Finding(
            name=_REDIS,
            state=State.WARNING,
            message="Redis answers; INFO is not allowed here, so its version cannot be seen",
            cure=_UNSEEN_CURE,
        )
    valkey = facts.info.get("valkey_version")
    known_as = f"Valkey {valkey}" if valkey else f"Redis {facts.info.get('redis_version')}"
    if facts.info.get("role") == "slave":
        return Finding(
            name=_REDIS,
            state=State.ERROR,
            message=f"{known_as} answers, but it is a replica, which takes no writes",
            cure="name the primary server in REDIS_URL",
        )
    major = str(facts.info.get("redis_version", "")).partition(".")[0]
    if major.isdigit() and int(major) < _MAJOR_MIN:
        return Finding(
            name=_REDIS,
            state=State.WARNING,
            message=f"{known_as} answers; this is tested on Redis 7 and later, and on Valkey",
            cure="upgrade the server",
        )
    return Finding(name=_REDIS, state=State.OK, message=f"{known_as} answers")


def judge_persistence(facts: ServerFacts) -> Finding:
    """Return whether jobs survive a restart of the server."""
    if facts.info.get("aof_last_write_status", "ok") != "ok":
        return Finding(
            name=_PERSISTENCE,
            state=State.ERROR,
            message="the last write of the append-only file failed: Redis refuses writes",
            cure="give the server's disk room, and look at its log",
        )
    appendonly = facts.setting("appendonly", in_info="aof_enabled")
    if appendonly in {"yes", "1"}:
        return Finding(name=_PERSISTENCE, state=State.OK, message="appendonly is on")
    if appendonly is None:
        return Finding(
            name=_PERSISTENCE,
            state=State.WARNING,
            message="cannot see whether appendonly is on: INFO and CONFIG are not allowed here",
            cure=_UNSEEN_CURE,
        )
    save = facts.config.get("save")
    lost = "all jobs are lost" if save == "" else "jobs since the last snapshot are lost"
    return Finding(
        name=_PERSISTENCE,
        state=State.WARNING,
        message=f"appendonly is off: when Redis stops, {lost}",
        cure="set `appendonly yes` in the server's configuration",
    )


def judge_eviction(facts: ServerFacts) -> Finding:
    """Return whether the server may drop jobs when its memory is full."""
    policy = facts.setting("maxmemory-policy", in_info="maxmemory_policy")
    if policy == "noeviction":
        return Finding(name=_EVICTION, state=State.OK, message="maxmemory-policy is noeviction")
    if policy is None:
        return Finding(
            name=_EVICTION,
            state=State.WARNING,
            message="cannot see maxmemory-policy: INFO and CONFIG are not allowed here",
            cure=_UNSEEN_CURE,
        )
    limit = facts.setting("maxmemory", in_info="maxmemory")
    when = "once a maxmemory is set" if limit == "0" else "when memory is full"
    return Finding(
        name=_EVICTION,
        state=State.WARNING,
        message=f"maxmemory-policy is {policy}: {when}, jobs may vanish",
        cure="set `maxmemory-policy noeviction` in the server's configuration",
    )
