"""The checker of histories finds what is planted, and nothing where nothing is wrong."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import pytest

from marketbel_adapters.testing.builders import NOW, a_job
from marketbel_adapters.testing.journal import violations
from marketbel_core.ids import FileKey
from marketbel_core.jobs import (
    AttemptFailed,
    DownloadStarted,
    Failure,
    FileSubmitted,
    ItemsMatched,
    ItemsParsed,
    Job,
    JobEvent,
    LeaseLost,
    Phase,
    Replayed,
    RetryRequested,
    advance,
    claimed,
    put_back,
)
from marketbel_core.ports import JournalEntry

_SUBMITTED: Final = FileSubmitted(file_key=FileKey("k"))
_FAILED: Final = AttemptFailed(failure=Failure(code="a.b", message="c"))


class _History:
    """One job's lines, as a store would write them."""

    def __init__(self) -> None:
        self.lines: list[JournalEntry] = []
        self.job = a_job()
        self._write("Created", None, self.job.token)

    def claim(self, *, lost: bool = False) -> None:
        before, self.job = self.job, claimed(self.job, lost=lost)
        self._write("Claimed", before.phase, self.job.token)

    def move(self, event: JobEvent) -> None:
        before, self.job = self.job, advance(self.job, event, now=NOW)
        token = self.job.token if isinstance(event, LeaseLost) else before.token
        self._write(type(event).__name__, before.phase, token)

    def _write(self, event: str, before: Phase | None, token: int) -> None:
        line = JournalEntry(
            position=f"{len(self.lines):03}",
            at=NOW,
            event=event,
            before=before,
            token=token,
            job=self.job,
        )
        self.lines.append(line)


def _a_history() -> list[JournalEntry]:
    """Return lines of a job that fails, is claimed anew, loses a worker and completes.

    0 Created, 1 Claimed, 2 DownloadStarted, 3 AttemptFailed, 4 RetryRequested, 5 Claimed,
    6 Claimed, 7 FileSubmitted, 8 LeaseLost, 9 Claimed, 10 ItemsParsed, 11 ItemsMatched.
    """
    history = _History()
    history.claim()
    history.move(DownloadStarted())
    history.move(_FAILED)
    history.move(RetryRequested())
    history.claim()
    history.claim(lost=True)
    history.move(_SUBMITTED)
    history.move(LeaseLost())
    history.claim()
    history.move(ItemsParsed())
    history.move(ItemsMatched())
    return history.lines


def _of_the_job(change: Callable[[Job], Job]) -> Callable[[JournalEntry], JournalEntry]:
    return lambda line: replace(line, job=change(line.job))


def test_a_sound_history_has_no_violation() -> None:
    lines = _a_history()

    assert violations(lines) == []
    assert violations(lines[5:]) == []
    assert violations([]) == []


def test_the_histories_of_several_jobs_may_be_told_across_each_other() -> None:
    one, other = _a_history(), _a_history()
    told = [line for pair in zip(one, other, strict=True) for line in pair]
    lines = [replace(line, position=f"{place:04}") for place, line in enumerate(told)]

    assert violations(lines) == []


@pytest.mark.parametrize(
    ("place", "plant", "told"),
    [
        (7, lambda line: replace(line, before=Phase.MATCHING), "illegal: from matching"),
        (7, lambda line: replace(line, event="ItemsMatched"), "illegal: from downloading"),
        (7, lambda line: replace(line, before=None), "illegal: from None"),
        (7, lambda line: replace(line, event="Invented"), "illegal: there is no such event"),
        (10, _of_the_job(lambda job: replace(job, phase=Phase.COMPLETE)), "to complete"),
        (1, lambda line: replace(line, before=Phase.ANALYZING), "illegal: claimed from analyzing"),
        (0, lambda line: replace(line, before=Phase.FAILED), "illegal: it was failed already"),
        (2, lambda line: replace(line, event="Created", before=None), "created a second time"),
        (7, lambda line: replace(line, token=5), "token 5, which nobody was given"),
        (7, lambda line: replace(line, token=2), "stale accepted: written under token 2 after 4"),
        (7, _of_the_job(lambda job: replace(job, token=3)), "the token decreased from 4 to 3"),
        (6, _of_the_job(lambda job: replace(job, token=3)), "the line has token 4, the job 3"),
        (6, _of_the_job(lambda job: replace(job, token=3)), "the token went from 3 to 3"),
        (8, _of_the_job(lambda job: replace(job, token=4)), "the token went from 4 to 4"),
        (7, _of_the_job(lambda job: replace(job, version=9)), "the version went from 3 to 9"),
        (5, _of_the_job(lambda job: replace(job, version=4)), "the version went from 3 to 4"),
        (4, _of_the_job(lambda job: replace(job, attempt=1)), "came to generation 1, attempt 1"),
        (7, _of_the_job(lambda job: replace(job, attempt=3)), "came to generation 1, attempt 3"),
        (3, lambda line: replace(line, position="001"), "it comes after 002"),
    ],
)
def test_a_planted_line_is_found(
    place: int, plant: Callable[[JournalEntry], JournalEntry], told: str
) -> None:
    lines = _a_history()
    lines[place] = plant(lines[place])

    assert any(told in violation for violation in violations(lines))


def test_a_line_that_is_missing_is_found() -> None:
    lines = _a_history()

    for place in range(1, len(lines) - 1):
        assert violations(lines[:place] + lines[place + 1 :])


def test_nothing_leaves_what_is_complete() -> None:
    lines = _a_history()
    last = lines[-1]
    for event, phase in (("DownloadStarted", Phase.DOWNLOADING), ("LeaseLost", Phase.COMPLETE)):
        job = replace(last.job, phase=phase, version=last.job.version + 1, token=last.token + 1)
        extra = replace(last, position="099", event=event, before=Phase.COMPLETE, job=job)

        assert any("illegal" in violation for violation in violations([*lines, extra]))


def test_a_zombies_write_after_a_newer_claim_is_found() -> None:
    history = _History()
    history.claim()
    zombie = history.job
    history.claim(lost=True)
    written = advance(zombie, DownloadStarted(), now=NOW)
    line = replace(
        history.lines[-1], position="9", event="DownloadStarted", token=zombie.token, job=written
    )

    found = violations([*history.lines, line])

    assert any("stale accepted" in violation for violation in found)
    assert any("token decreased" in violation for violation in found)


def test_a_job_that_was_replayed_begins_its_attempts_anew() -> None:
    history = _History()
    for _ in range(4):
        history.move(_FAILED)
        if history.job.can_retry:
            history.move(RetryRequested())
    history.move(Replayed())
    history.claim()

    assert violations(history.lines) == []
    wrong = replace(history.lines[-2], job=replace(history.job, token=4, attempt=4))
    assert violations([*history.lines[:-2], wrong])


def test_a_job_that_was_put_back_goes_on_from_what_the_archive_knew() -> None:
    lines = _a_history()
    known = put_back(lines[3].job, now=NOW)
    again = replace(
        lines[7], position="020", event="Created", before=None, token=known.token, job=known
    )
    lower = replace(again, token=4, job=replace(known, token=4))

    assert violations([*lines[:8], again]) == []
    assert any("second time" in violation for violation in violations([*lines[:8], lower]))
