"""Jobs in Redis: one hash each, one script a verb, an index by phase, a journal of it all.

Every write is a single script, so two writers never interleave and a crash leaves no half. Keys of
several slots are touched together: a Redis Cluster is not supported.
"""

from collections.abc import Awaitable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from redis.asyncio import Redis

from marketbel_adapters.redis import scripts
from marketbel_adapters.redis.connection import translated
from marketbel_adapters.redis.job_fields import from_milliseconds, iso
from marketbel_adapters.redis.job_hash import encoded, encoded_figures
from marketbel_adapters.redis.job_records import (
    ACTIVE_KEY,
    HASH_PREFIX,
    JOURNAL_KEY,
    LEASES_KEY,
    PHASES_HELD,
    REFUSED_KEY,
    TIME_TO_LIVE_MS,
    corrupt,
    fields_text,
    hash_key,
    index_key,
    job_from_hash,
    job_from_text,
    leads_from,
    milliseconds,
    new_call_id,
    readable,
    write_arguments,
    write_keys,
)
from marketbel_core.errors import (
    IllegalTransitionError,
    InvalidIdError,
    JobNotFoundError,
    StaleJobError,
)
from marketbel_core.ids import JobId, parse_job_id
from marketbel_core.jobs import (
    Job,
    JobEvent,
    JobProgress,
    LeaseLost,
    Phase,
    Replayed,
    RetryRequested,
    advance,
)
from marketbel_core.ports import JobStore, Renewal

__all__ = ["RedisJobStore"]

_DEAD_LETTERS_PREFIX: Final = "arq:dlq:"
_ENDS_THE_LEASE: Final = (LeaseLost, RetryRequested, Replayed)
_PAGE: Final = 100
"""Jobs read at once: more would hold up the event loop while they are decoded."""


class RedisJobStore(JobStore):
    """Keeps jobs in `job:{id}` and `jobs:active`, where the admin interface finds them.

    A job is forgotten seven days after its last write. A hash that cannot be read raises
    `ProtocolError` (`jobs.corrupt`) from every method that is asked for that job by name;
    `list_in` and `reap` leave it out and log it, so that one bad job never holds up the others.
    """

    def __init__(self, redis: Redis, *, dlq_name: str = "price-ingestion-dlq") -> None:
        """Keep jobs through `redis`, a client that does not decode responses.

        Args:
            redis: Closed by whoever opened it.
            dlq_name: Dead letters are in the set `arq:dlq:` and this name.
        """
        self._redis = redis
        self._dead_letters_key = _DEAD_LETTERS_PREFIX + dlq_name
        self._add = redis.register_script(scripts.ADD)
        self._claim = redis.register_script(scripts.CLAIM)
        self._renew = redis.register_script(scripts.RENEW)
        self._release = redis.register_script(scripts.RELEASE)
        self._expired = redis.register_script(scripts.EXPIRED)
        self._drop_lease = redis.register_script(scripts.DROP_LEASE)
        self._save = redis.register_script(scripts.SAVE)
        self._record_progress = redis.register_script(scripts.RECORD_PROGRESS)
        self._read = redis.register_script(scripts.READ)
        self._purge = redis.register_script(scripts.PURGE)

    async def add(self, job: Job) -> None:
        await self._store_new(job, location="")

    async def add_all(self, jobs: Sequence[Job]) -> frozenset[JobId]:
        known: set[JobId] = set()
        for start in range(0, len(jobs), _PAGE):
            page = jobs[start : start + _PAGE]
            async with self._redis.pipeline(transaction=False) as pipe:
                for job in page:
                    await self._store_new(job, location="", client=pipe)
                with translated():
                    added = await pipe.execute()
            known |= {job.id for job, is_new in zip(page, added, strict=True) if not is_new}
        return frozenset(known)

    async def add_unarchived(self, job: Job) -> None:
        """Add a job that no archive knows: its first line in the journal has the whole address."""
        await self._store_new(job, location=job.source.location)

    async def get(self, job_id: JobId) -> Job:
        with translated():
            # The driver types one method for its two clients; this is the one that is awaited.
            reply = cast("Awaitable[dict[bytes, bytes]]", self._redis.hgetall(hash_key(job_id)))
            fields = await reply
        if not fields:
            raise JobNotFoundError(job_id)
        return job_from_hash(job_id, fields)

    async def claim(self, job_id: JobId, *, duration: timedelta) -> Job | None:
        lasting = milliseconds(duration)
        call = new_call_id()
        arguments: list[str | int] = [str(job_id), call, TIME_TO_LIVE_MS, lasting, PHASES_HELD]
        keys = [hash_key(job_id), ACTIVE_KEY, LEASES_KEY, JOURNAL_KEY]
        with translated():
            answer = await self._claim(keys=keys, args=arguments)
        if answer is None:
            return None
        if not answer:
            raise JobNotFoundError(job_id)
        return job_from_text(job_id, cast("bytes", answer))

    async def renew(self, job: Job, *, duration: timedelta) -> Renewal:
        arguments: list[str | int] = [str(job.id), job.token, milliseconds(duration)]
        with translated():
            answer = await self._renew(keys=[hash_key(job.id), LEASES_KEY], args=arguments)
        return Renewal(cast("bytes", answer).decode())

    async def release(self, job: Job) -> bool:
        arguments: list[str | int] = [str(job.id), job.token, new_call_id()]
        with translated():
            return bool(await self._release(keys=[hash_key(job.id), LEASES_KEY], args=arguments))

    async def reap(self, *, limit: int) -> list[Job]:
        if limit <= 0:
            return []
        with translated():
            answer = await self._expired(keys=[LEASES_KEY], args=[limit])
        flat = cast("Sequence[bytes]", answer)
        expired = dict(zip(flat[::2], flat[1::2], strict=True))
        ids = list(expired)
        reaped = []
        for start in range(0, len(ids), _PAGE):
            page = await self._read_page(LEASES_KEY, ids[start : start + _PAGE])
            jobs = readable(page)
            for member, _ in page:
                job = jobs.get(member)
                if job is None or not job.is_active:  # unreadable, or it ended a moment ago
                    await self._forget_lease(member, expired[member])
                elif (taken := await self._take(job)) is not None:
                    reaped.append(taken)
        return reaped

    async def save(self, job: Job, *, read: Job, event: type[JobEvent]) -> None:
        outcome, found = await self._store(job, read=read, event=event, token=read.token)
        if outcome == b"missing":
            raise JobNotFoundError(job.id)
        if outcome == b"stale":
            version = _version(job.id, found)
            raise StaleJobError(job.id, expected_version=read.version, stored_version=version)
        if outcome == b"illegal":
            phase = found.decode(errors="replace")
            raise IllegalTransitionError(job_id=job.id, phase=phase, event=event.__name__)

    async def record_progress(
        self,
        job_id: JobId,
        progress: JobProgress,
        *,
        expected_version: int,
        at: datetime,
        token: int | None = None,
    ) -> bool:
        figures = fields_text(encoded_figures(progress) | {"progressed_at": iso(at)})
        arguments: list[int | bytes] = [
            *(TIME_TO_LIVE_MS, expected_version, figures),
            *(() if token is None else (token,)),
        ]
        with translated():
            return bool(await self._record_progress(keys=[hash_key(job_id)], args=arguments))

    async def list_in(self, phase: Phase, *, limit: int) -> list[Job]:
        index = index_key(phase)
        jobs: dict[bytes, Job] = {}
        passed = 0
        while len(jobs) < limit:
            last = passed + limit - len(jobs) - 1
            with translated():
                ids = cast("list[bytes]", await self._redis.zrange(index, passed, last))
            if not ids:
                break
            for start in range(0, len(ids), _PAGE):
                page = await self._read_page(index, ids[start : start + _PAGE])
                found = readable(page)
                left = {member for member, job in found.items() if job.phase is not phase}
                jobs |= {member: job for member, job in found.items() if member not in left}
                passed += len(page) - len(left)
        return list(jobs.values())

    async def held(self, job_ids: Sequence[JobId]) -> dict[JobId, datetime]:
        if not job_ids:
            return {}
        with translated():
            scores = await self._redis.zmscore(LEASES_KEY, [str(job_id) for job_id in job_ids])
        return {
            job_id: from_milliseconds(int(score))
            for job_id, score in zip(job_ids, scores, strict=True)
            if score is not None
        }

    async def dead_letters(self, *, limit: int) -> list[JobId]:
        with translated():
            reply = cast("Awaitable[set[bytes]]", self._redis.smembers(self._dead_letters_key))
            members = await reply
        return sorted(filter(None, map(_job_id, members)))[: max(limit, 0)]

    async def purge(self, job_id: JobId) -> bool:
        keys = [self._dead_letters_key, hash_key(job_id)]
        with translated():
            return bool(await self._purge(keys=keys, args=[str(job_id), new_call_id()]))

    async def refused(self) -> dict[str, int]:
        """Return how many writes were refused since Redis was emptied: `stale` and `illegal`."""
        names = ["stale", "illegal"]
        with translated():
            reply = cast("Awaitable[list[bytes | None]]", self._redis.hmget(REFUSED_KEY, names))
            counts = await reply
        return {name: int(count or 0) for name, count in zip(names, counts, strict=True)}

    async def _store_new(self, job: Job, *, location: str, client: Redis | None = None) -> None:
        shown = replace(job, source=job.source.shown())
        address = location.encode(errors="surrogatepass")
        with translated():
            await self._add(
                keys=write_keys(shown, dead_letters_key=self._dead_letters_key),
                args=[
                    *write_arguments(shown, event="Created"),
                    *(job.token, address),
                    fields_text(encoded(shown)),
                ],
                client=client,
            )

    async def _store(
        self, job: Job, *, read: Job, event: type[JobEvent], token: int, if_expired: bool = False
    ) -> tuple[bytes, bytes]:
        shown = replace(job, source=job.source.shown())
        ends_lease = not job.is_active or issubclass(event, _ENDS_THE_LEASE)
        with translated():
            answer = await self._save(
                keys=write_keys(shown, dead_letters_key=self._dead_letters_key),
                args=[
                    *write_arguments(shown, event=event.__name__),
                    *(read.version, read.token, leads_from(event, job.phase)),
                    *(int(ends_lease), int(if_expired), token),
                    fields_text(encoded(shown)),
                ],
            )
        outcome, found = cast("Sequence[bytes]", answer)
        return outcome, found

    async def _forget_lease(self, member: bytes, ended: bytes) -> None:
        with translated():
            await self._drop_lease(keys=[LEASES_KEY], args=[member, ended])

    async def _take(self, job: Job) -> Job | None:
        """Return the job after the loss of its expired lease; `None` if it was kept or taken."""
        moved = advance(job, LeaseLost(), now=await self._now())
        outcome, _ = await self._store(
            moved, read=job, event=LeaseLost, token=moved.token, if_expired=True
        )
        return moved if outcome == b"saved" else None

    async def _read_page(self, index: str, ids: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
        with translated():
            answer = await self._read(keys=[index, ACTIVE_KEY], args=[HASH_PREFIX, *ids])
        return cast("list[tuple[bytes, bytes]]", answer)  # what the script returns

    async def _now(self) -> datetime:
        with translated():
            seconds, microseconds = await self._redis.time()
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=microseconds)


def _version(job_id: JobId, stored: bytes) -> int:
    try:
        return int(stored)
    except ValueError as error:
        raise corrupt(job_id, f"has no version but {stored!r}") from error


def _job_id(member: bytes) -> JobId | None:
    """Return the job's id; `None` for what others keep in the same set."""
    try:
        return parse_job_id(member.decode(errors="replace"))
    except InvalidIdError:
        return None
