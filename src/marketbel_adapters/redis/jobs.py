"""Jobs in Redis: one hash each, one script a write, an index by phase.

Every write is a single script, so two writers never interleave and a crash leaves no half. Keys of
several slots are touched together: a Redis Cluster is not supported.
"""

import logging
import secrets
from collections.abc import Awaitable, Mapping, Sequence
from datetime import timedelta
from itertools import chain
from typing import Final, cast

from redis.asyncio import Redis

from marketbel_adapters.redis import scripts
from marketbel_adapters.redis.connection import translated
from marketbel_adapters.redis.job_hash import decoded, encoded, encoded_figures, microseconds
from marketbel_core.errors import (
    InvalidIdError,
    JobNotFoundError,
    ProtocolError,
    StaleJobError,
)
from marketbel_core.ids import JobId, parse_job_id
from marketbel_core.jobs import Job, JobProgress, Phase
from marketbel_core.ports import JobStore

__all__ = ["RedisJobStore"]

_LOG = logging.getLogger(__name__)

_HASH_PREFIX: Final = "job:"
_ACTIVE_KEY: Final = "jobs:active"
_INDEX_PREFIX: Final = "marketbel:jobs:"
_TIME_TO_LIVE: Final = timedelta(days=7)
"""As the neighbours agreed; each write starts it anew."""

_TIME_TO_LIVE_MS: Final = _TIME_TO_LIVE // timedelta(milliseconds=1)


class RedisJobStore(JobStore):
    """Keeps jobs in `job:{id}` and `jobs:active`, where the admin interface finds them.

    A job is forgotten seven days after its last write. A hash that cannot be read raises
    `ProtocolError` (`jobs.corrupt`) from every method that is asked for that job by name;
    `list_in` leaves it out and logs it, so that one bad job never holds up the others.
    """

    def __init__(self, redis: Redis) -> None:
        """Keep jobs through `redis`, a client that does not decode responses."""
        self._redis = redis
        self._add = redis.register_script(scripts.ADD)
        self._save = redis.register_script(scripts.SAVE)
        self._record_progress = redis.register_script(scripts.RECORD_PROGRESS)
        self._list_in = redis.register_script(scripts.LIST_IN)

    async def add(self, job: Job) -> None:
        with translated():
            await self._add(keys=_keys(job), args=_arguments(job, expected_version=0))

    async def get(self, job_id: JobId) -> Job:
        with translated():
            # The driver types one method for its two clients; this is the one that is awaited.
            reply = cast("Awaitable[dict[bytes, bytes]]", self._redis.hgetall(_hash_key(job_id)))
            fields = await reply
        if not fields:
            raise JobNotFoundError(job_id)
        return _decoded(job_id, fields)

    async def save(self, job: Job, *, expected_version: int) -> None:
        arguments = _arguments(job, expected_version=expected_version)
        with translated():
            answer = await self._save(keys=_keys(job), args=arguments)
        outcome, stored_version = cast("Sequence[bytes]", answer)
        if outcome == b"missing":
            raise JobNotFoundError(job.id)
        if outcome == b"stale":
            raise StaleJobError(
                job.id,
                expected_version=expected_version,
                stored_version=_version(job.id, stored_version),
            )

    async def record_progress(
        self, job_id: JobId, progress: JobProgress, *, expected_version: int
    ) -> bool:
        figures = _flat(encoded_figures(progress))
        arguments: list[int | bytes] = [_TIME_TO_LIVE_MS, expected_version, *figures]
        with translated():
            return bool(await self._record_progress(keys=[_hash_key(job_id)], args=arguments))

    async def list_in(self, phase: Phase, *, limit: int) -> list[Job]:
        jobs: dict[JobId, Job] = {}
        seen = 0
        while len(jobs) < limit:
            page = await self._page(phase, skip=seen, limit=limit - len(jobs))
            if not page:
                break
            seen += len(page)
            jobs |= {job.id: job for job in _readable(page)}
        return list(jobs.values())

    async def _page(
        self, phase: Phase, *, skip: int, limit: int
    ) -> list[tuple[bytes, list[bytes]]]:
        arguments: list[str | int] = [_HASH_PREFIX, skip, limit]
        with translated():
            answer = await self._list_in(keys=[_index_key(phase), _ACTIVE_KEY], args=arguments)
        return cast("list[tuple[bytes, list[bytes]]]", answer)  # what the script returns


def _keys(job: Job) -> list[str]:
    others = [_index_key(phase) for phase in Phase if phase is not job.phase]
    return [_hash_key(job.id), _ACTIVE_KEY, _index_key(job.phase), *others]


def _arguments(job: Job, *, expected_version: int) -> list[str | int | bytes]:
    return [
        str(job.id),
        _TIME_TO_LIVE_MS,
        "1" if job.is_active else "0",
        microseconds(job.changed_at),
        expected_version,
        job.version,
        secrets.token_hex(8),
        *_flat(encoded(job)),
    ]


def _flat(fields: Mapping[str, str]) -> list[bytes]:
    # A lone surrogate, as a broken \ud83d in somebody's JSON gives, is no reason to lose a job.
    return [text.encode(errors="surrogatepass") for text in chain.from_iterable(fields.items())]


def _readable(page: Sequence[tuple[bytes, list[bytes]]]) -> list[Job]:
    jobs = []
    for member, flat in page:
        try:
            job_id = parse_job_id(member.decode(errors="replace"))
            jobs.append(_decoded(job_id, dict(zip(flat[::2], flat[1::2], strict=True))))
        except (ProtocolError, InvalidIdError) as error:
            _LOG.warning("left a job out of a listing: %s", error)
    return jobs


def _decoded(job_id: JobId, fields: Mapping[bytes, bytes]) -> Job:
    try:
        texts = {_text(name): _text(value) for name, value in fields.items()}
    except UnicodeDecodeError as error:
        message = f"the stored job {job_id} cannot be read: {error}"
        raise ProtocolError(message, code="jobs.corrupt") from error
    return decoded(job_id, texts)


def _version(job_id: JobId, stored: bytes) -> int:
    try:
        return int(stored)
    except ValueError as error:
        message = f"the stored job {job_id} has no version but {stored!r}"
        raise ProtocolError(message, code="jobs.corrupt") from error


def _text(raw: bytes) -> str:
    return raw.decode(errors="surrogatepass")


def _hash_key(job_id: JobId) -> str:
    return f"{_HASH_PREFIX}{job_id}"


def _index_key(phase: Phase) -> str:
    return f"{_INDEX_PREFIX}{phase.value}"
