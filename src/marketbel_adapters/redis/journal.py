"""The journal of all jobs: a stream that the scripts of the job store append to."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, cast

from redis.asyncio import Redis

from marketbel_adapters.redis.connection import translated
from marketbel_adapters.redis.job_fields import from_milliseconds
from marketbel_adapters.redis.job_records import JOURNAL_KEY, job_from_text
from marketbel_core.errors import ProtocolError
from marketbel_core.ids import parse_job_id
from marketbel_core.jobs import Job, Phase
from marketbel_core.ports import JobJournal, JournalEntry

__all__ = ["RedisJobJournal"]

type _Fields = Mapping[bytes, bytes]

_LOG = logging.getLogger(__name__)

_MILLISECONDS_WIDTH: Final = 15
_SEQUENCE_WIDTH: Final = 20
"""A stream's id is two 64-bit numbers; with zeros before them, texts sort as the lines do."""

_PAGE: Final = 100


class RedisJobJournal(JobJournal):
    """Reads the stream `jobs:journal` and trims it; positions are the stream's ids, padded.

    A line that cannot be read is logged and left out; it goes when a later one is trimmed.
    """

    def __init__(self, redis: Redis) -> None:
        """Read through `redis`, a client that does not decode responses."""
        self._redis = redis

    async def read(self, *, limit: int) -> list[JournalEntry]:
        entries: list[JournalEntry] = []
        after = "-"
        while len(entries) < limit:
            count = min(limit - len(entries), _PAGE)
            with translated():
                answer = await self._redis.xrange(JOURNAL_KEY, min=after, count=count)
            lines = cast("list[tuple[bytes, _Fields]]", answer)  # bytes, as the client gives them
            entries += [entry for line in lines if (entry := _readable(*line)) is not None]
            if len(lines) < count:
                break
            after = f"({lines[-1][0].decode()}"
        return entries

    async def trim(self, *, through: str) -> None:
        milliseconds, _, sequence = through.partition("-")
        beyond = f"{int(milliseconds)}-{int(sequence) + 1}"
        with translated():
            await self._redis.xtrim(JOURNAL_KEY, approximate=False, minid=beyond)

    async def length(self) -> int:
        """Return how many lines wait for the archive."""
        with translated():
            return int(await self._redis.xlen(JOURNAL_KEY))


def _readable(line_id: bytes, fields: _Fields) -> JournalEntry | None:
    try:
        return _entry(line_id.decode(), fields)
    except (KeyError, ValueError, ProtocolError) as error:
        _LOG.warning("left a line out of the journal, %s: %r", line_id.decode(), error)
        return None


def _entry(line_id: str, fields: _Fields) -> JournalEntry:
    milliseconds, _, sequence = line_id.partition("-")
    before = fields[b"before"].decode()
    return JournalEntry(
        position=f"{milliseconds:0>{_MILLISECONDS_WIDTH}}-{sequence:0>{_SEQUENCE_WIDTH}}",
        at=from_milliseconds(int(fields[b"at"])),
        event=fields[b"event"].decode(),
        before=Phase(before) if before else None,
        token=int(fields[b"token"]),
        job=_job(fields),
    )


def _job(fields: _Fields) -> Job:
    job = job_from_text(parse_job_id(fields[b"job_id"].decode()), fields[b"job"])
    if b"location" not in fields:
        return job
    location = fields[b"location"].decode("utf-8", "surrogatepass")
    return replace(job, source=replace(job.source, location=location, is_shortened=False))
