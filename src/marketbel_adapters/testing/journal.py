"""A checker of histories: what may not be in a journal of jobs, whoever wrote it, in any run.

A journal that has been trimmed may be checked as well: what came before the first line of a job is
taken for granted. A job that was put back after a loss of the store is told as one that is new,
under a token that outdoes all of before; its history goes on from there.
"""

from collections.abc import Iterable
from typing import Final

from marketbel_core.ids import JobId
from marketbel_core.jobs import (
    TRANSITIONS,
    JobEvent,
    LeaseLost,
    Replayed,
    RetryRequested,
)
from marketbel_core.ports import JournalEntry

__all__ = ["violations"]

_FIRST: Final = {"Created"}
_CLAIMED: Final = "Claimed"
_EVENTS: Final[dict[str, type[JobEvent]]] = {event.__name__: event for _, event in TRANSITIONS}
_NEW_HOLDER: Final = {
    _CLAIMED,
    *(event.__name__ for event in (LeaseLost, RetryRequested, Replayed)),
}
"""What gives a token that outdoes the holder of before."""


def violations(entries: Iterable[JournalEntry]) -> list[str]:
    """Return a sentence for each breach of the rules that a journal of jobs keeps.

    The rules: positions grow; the phases of a job are a path of the table of transitions, so that
    what has ended moves by a retry or a replay alone; its token never decreases, and grows by one
    with each claim, loss, retry and replay; nothing is written under an older token than the
    newest; its version grows by one with each transition and by nothing else; attempts grow by
    retries alone, and begin anew with a replay.

    Args:
        entries: In the order of the journal, of any number of jobs.
    """
    found = []
    last: dict[JobId, JournalEntry] = {}
    position = ""
    for entry in entries:
        if entry.position <= position:
            found.append(f"{entry.position}: it comes after {position}")
        position = entry.position
        found += [f"{position}: {breach}" for breach in _breaches(last.get(entry.job.id), entry)]
        last[entry.job.id] = entry
    return found


def _breaches(last: JournalEntry | None, entry: JournalEntry) -> list[str]:
    found = _of_the_line(entry)
    if last is not None:
        found += _of_the_token(last, entry)
        if entry.event not in _FIRST:
            found += _of_the_road(last, entry)
        elif entry.job.token <= last.job.token:
            found.append("illegal: created a second time")
    return [f"job {entry.job.id}, {entry.event}: {breach}" for breach in found]


def _of_the_line(entry: JournalEntry) -> list[str]:
    """Return what is wrong with the line, whatever came before it."""
    found = []
    job, event = entry.job, _EVENTS.get(entry.event)
    if entry.event in _FIRST:
        if entry.before is not None:
            found.append(f"illegal: it was {entry.before} already")
    elif entry.event == _CLAIMED:
        if entry.before is not job.phase or not job.is_active:
            found.append(f"illegal: claimed from {entry.before} to {job.phase}")
        if entry.token != job.token:
            found.append(f"the line has token {entry.token}, the job {job.token}")
    elif event is None:
        found.append("illegal: there is no such event")
    elif entry.before is None or TRANSITIONS.get((entry.before, event)) is not job.phase:
        found.append(f"illegal: from {entry.before} to {job.phase}")
    return found


def _of_the_token(last: JournalEntry, entry: JournalEntry) -> list[str]:
    """Return what is wrong with the right under which the line was written."""
    found = []
    before, after = last.job.token, entry.job.token
    if after < before:
        found.append(f"the token decreased from {before} to {after}")
    if entry.token < before:
        found.append(f"stale accepted: written under token {entry.token} after {before}")
    return found


def _of_the_road(last: JournalEntry, entry: JournalEntry) -> list[str]:
    """Return what is wrong with the line as the next one of its job."""
    found = []
    before, after = last.job, entry.job
    if entry.before is not before.phase:
        found.append(f"illegal: it says it was {entry.before} and was {before.phase}")
    step = 0 if entry.event == _CLAIMED else 1
    if after.version != before.version + step:
        found.append(f"the version went from {before.version} to {after.version}")
    step = 1 if entry.event in _NEW_HOLDER else 0
    if after.token != before.token + step:
        found.append(f"the token went from {before.token} to {after.token}")
    if entry.token > after.token:
        found.append(f"written under token {entry.token}, which nobody was given")
    if (after.generation, after.attempt) != _turn_after(last, entry):
        found.append(f"it came to generation {after.generation}, attempt {after.attempt}")
    return found


def _turn_after(last: JournalEntry, entry: JournalEntry) -> tuple[int, int]:
    job = last.job
    if entry.event == RetryRequested.__name__:
        return job.generation, job.attempt + 1
    if entry.event == Replayed.__name__:
        return job.generation + 1, 1
    return job.generation, job.attempt
