"""Jobs as Redis takes and gives them: keys, the arguments of a write, replies made jobs again."""

import json
import logging
import secrets
from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import chain
from typing import Final

from marketbel_adapters.redis.job_hash import decoded, microseconds
from marketbel_core.errors import InvalidIdError, ProtocolError
from marketbel_core.ids import JobId, parse_job_id
from marketbel_core.jobs import TRANSITIONS, Job, JobEvent, LeaseLost, Phase

__all__ = [
    "ACTIVE_KEY",
    "HASH_PREFIX",
    "JOURNAL_KEY",
    "LEASES_KEY",
    "PHASES_HELD",
    "REFUSED_KEY",
    "TIME_TO_LIVE_MS",
    "corrupt",
    "fields_text",
    "hash_key",
    "index_key",
    "job_from_hash",
    "job_from_text",
    "leads_from",
    "milliseconds",
    "new_call_id",
    "readable",
    "write_arguments",
    "write_keys",
]

ACTIVE_KEY: Final = "jobs:active"
HASH_PREFIX: Final = "job:"
JOURNAL_KEY: Final = "jobs:journal"
LEASES_KEY: Final = "marketbel:leases"
REFUSED_KEY: Final = "marketbel:refused"
_INDEX_PREFIX: Final = "marketbel:jobs:"

TIME_TO_LIVE_MS: Final = timedelta(days=7) // timedelta(milliseconds=1)
"""As the neighbours agreed, for jobs and for dead letters; each write starts it anew."""

_LOG = logging.getLogger(__name__)


def hash_key(job_id: JobId) -> str:
    """Return the key of the job's hash."""
    return f"{HASH_PREFIX}{job_id}"


def index_key(phase: Phase) -> str:
    """Return the key of the sorted set of the jobs in `phase`."""
    return f"{_INDEX_PREFIX}{phase.value}"


def write_keys(job: Job, *, dead_letters_key: str) -> list[str]:
    """Return the keys of a script that stores the whole job."""
    others = [index_key(phase) for phase in Phase if phase is not job.phase]
    return [
        hash_key(job.id),
        ACTIVE_KEY,
        LEASES_KEY,
        JOURNAL_KEY,
        dead_letters_key,
        REFUSED_KEY,
        index_key(job.phase),
        *others,
    ]


def write_arguments(job: Job, *, event: str) -> list[str | int]:
    """Return what the arguments of a script that stores the whole job begin with."""
    others = "keep" if job.phase is Phase.FAILED else "drop"
    return [
        str(job.id),
        new_call_id(),
        TIME_TO_LIVE_MS,
        "1" if job.is_active else "0",
        microseconds(job.changed_at),
        "add" if job.is_dead_letter else others,
        event,
    ]


def fields_text(fields: Mapping[str, str]) -> bytes:
    """Return fields and values, one after the other, as the JSON that the scripts take."""
    text = json.dumps(list(chain.from_iterable(fields.items())), ensure_ascii=False)
    # A lone surrogate, as a broken \ud83d in somebody's JSON gives, is no reason to lose a job.
    return text.encode("utf-8", "surrogatepass")


def new_call_id() -> str:
    """Return an id by which a script knows that it is asked a second time."""
    return secrets.token_hex(8)


def milliseconds(duration: timedelta) -> int:
    """Return `duration` in whole milliseconds, rounded up: the unit that the server counts in."""
    return -(-duration // timedelta(milliseconds=1))


def leads_from(event: type[JobEvent], target: Phase) -> str:
    """Return the phases from which `event` leads to `target`, as the scripts look one up."""
    return _listed(
        source
        for (source, kind), leads_to in TRANSITIONS.items()
        if kind is event and leads_to is target
    )


def _listed(phases: Iterable[Phase]) -> str:
    return "".join(f" {phase} " for phase in phases)


PHASES_HELD: Final = _listed(phase for phase, event in TRANSITIONS if event is LeaseLost)
"""The phases in which a job can be held, as the scripts look one up."""


def job_from_hash(job_id: JobId, fields: Mapping[bytes, bytes]) -> Job:
    """Return the job that the hash says.

    Raises:
        ProtocolError: it cannot be read (`jobs.corrupt`).
    """
    try:
        texts = {_decoded(name): _decoded(value) for name, value in fields.items()}
    except UnicodeDecodeError as error:
        raise corrupt(job_id, f"cannot be read: {error}") from error
    return decoded(job_id, texts)


def job_from_text(job_id: JobId, text: bytes) -> Job:
    """Return the job that a hash as JSON says, as the scripts give it.

    Raises:
        ProtocolError: it cannot be read (`jobs.corrupt`).
    """
    try:
        fields = json.loads(_decoded(text))
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError are
        raise corrupt(job_id, f"cannot be read: {error}") from error
    if not isinstance(fields, dict) or not all(isinstance(text, str) for text in fields.values()):
        raise corrupt(job_id, "is no hash")
    return decoded(job_id, fields)


def readable(page: Iterable[tuple[bytes, bytes]]) -> dict[bytes, Job]:
    """Return the jobs of a page, by the text of their ids; one that cannot be read is logged."""
    jobs = {}
    for member, text in page:
        try:
            jobs[member] = job_from_text(parse_job_id(member.decode(errors="replace")), text)
        except (ProtocolError, InvalidIdError) as error:
            _LOG.warning("left a job out of a listing: %s", error)
    return jobs


def corrupt(job_id: JobId, what: str) -> ProtocolError:
    """Return the error for a stored job that is none."""
    return ProtocolError(f"the stored job {job_id} {what}", code="jobs.corrupt")


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogatepass")
