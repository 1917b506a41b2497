"""`marketbel dlq`: jobs that failed for good and wait for a person."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

import typer

from marketbel_core.errors import DomainError, MarketbelError, ProtocolError, RefusedError
from marketbel_core.ids import JobId
from marketbel_core.jobs import Job
from marketbel_runtime.cli.at_desk import AsJson, Outcome, at_desk, each, explained, report
from marketbel_runtime.cli.job_details import (
    DEAD_LETTERS_MAX,
    JobDetails,
    job_details,
    show_details,
)
from marketbel_runtime.cli.job_views import duration_text, job_told
from marketbel_runtime.cli.output import console, print_lines, print_table, write_json
from marketbel_runtime.container import Container

__all__ = [
    "DeadLetter",
    "DeadLetters",
    "dead_letter_details",
    "dlq",
    "list_dead_letters",
    "purge_jobs",
    "replay_jobs",
]

dlq = typer.Typer(
    help="Look after jobs that failed for good.", no_args_is_help=True, rich_markup_mode=None
)

_HEADS: Final = ("JOB", "SUPPLIER", "ATTEMPT", "GENERATION", "FAILED", "FAILURE", "WHY")

_Ids = Annotated[list[str] | None, typer.Argument(metavar="ID", help="Whole ids of dead letters.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A dead letter; `job` is missing when it cannot be had any more, and `trouble` says why."""

    job_id: JobId
    job: Job | None = None
    trouble: MarketbelError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetters:
    """Dead letters to be shown, how many there are, and the instant of this."""

    looked_at: datetime
    found: int
    shown: list[DeadLetter]


@dlq.command()
def ls(
    *,
    limit: Annotated[int, typer.Option(help="Jobs shown.", min=1, max=10_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """List the dead letters, by id."""
    letters = at_desk(lambda desk: list_dead_letters(desk, limit=limit), database=False)
    out, now = console(as_json=as_json), letters.looked_at
    if letters.shown:
        print_table(out, _HEADS, [_cells(letter, now=now) for letter in letters.shown])
    print_lines(out, [f"{len(letters.shown)} of {letters.found} dead letters"])
    if as_json:
        told_of = [_told(letter, now=now) for letter in letters.shown]
        write_json({"ok": True, "found": letters.found, "jobs": told_of})


async def list_dead_letters(container: Container, *, limit: int) -> DeadLetters:
    """Return up to `limit` dead letters; one that cannot be read hides no other."""
    store = container.jobs()
    ids = await store.dead_letters(limit=DEAD_LETTERS_MAX)
    shown = []
    for job_id in ids[:limit]:
        try:
            shown.append(DeadLetter(job_id=job_id, job=await store.get(job_id)))
        except (DomainError, ProtocolError) as error:
            shown.append(DeadLetter(job_id=job_id, trouble=error))
    return DeadLetters(looked_at=container.clock().now(), found=len(ids), shown=shown)


@dlq.command()
def show(
    job_id: Annotated[str, typer.Argument(metavar="ID", help="The job's whole id.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show everything that is known of a dead letter."""
    show_details(at_desk(lambda desk: dead_letter_details(desk, job_id)), as_json=as_json)


async def dead_letter_details(container: Container, text: str) -> JobDetails:
    """Return what is known of the dead letter.

    Raises:
        RefusedError: it is none (`job.not_dead_letter`).
        MarketbelError: as `job_details`.
    """
    details = await job_details(container, text)
    if not details.is_dead_letter:
        raise _no_dead_letter(details.job.id)
    return details


@dlq.command()
def replay(
    job_ids: _Ids = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All dead letters.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take failed jobs up again, all their attempts before them. Status 1 when one was refused."""
    _check_choice(job_ids, everything=everything)
    report(at_desk(lambda desk: replay_jobs(desk, job_ids)), as_json=as_json)


async def replay_jobs(container: Container, job_ids: list[str] | None) -> list[Outcome]:
    """Replay the jobs, or every dead letter when none is named."""

    async def act(job_id: JobId) -> str:
        job = await explained(container, job_id, container.replay_job(), _why_no_replay)
        return f"generation {job.generation} begins"

    return await each(job_ids or await _all(container), act)


@dlq.command()
def purge(
    job_ids: _Ids = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All dead letters.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="What --all asks for.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take jobs off the dead letters; the jobs stay failed. Status 1 when one was refused."""
    _check_choice(job_ids, everything=everything)
    if everything and not yes:
        raise typer.BadParameter("--all purges every dead letter: say --yes as well")
    report(at_desk(lambda desk: purge_jobs(desk, job_ids), database=False), as_json=as_json)


async def purge_jobs(container: Container, job_ids: list[str] | None) -> list[Outcome]:
    """Take the jobs off the dead letters, or all of these when none is named."""

    async def act(job_id: JobId) -> str:
        if not await container.jobs().purge(job_id):
            raise _no_dead_letter(job_id)
        return "no dead letter any more"

    return await each(job_ids or await _all(container), act)


async def _all(container: Container) -> list[str]:
    return [str(job_id) for job_id in await container.jobs().dead_letters(limit=DEAD_LETTERS_MAX)]


def _check_choice(job_ids: list[str] | None, *, everything: bool) -> None:
    if bool(job_ids) == everything:
        raise typer.BadParameter("name jobs by their ids, or say --all")


def _why_no_replay(job: Job) -> str:
    return f"the job is {job.phase}: only a failed one is replayed"


def _no_dead_letter(job_id: JobId) -> RefusedError:
    return RefusedError(
        "job.not_dead_letter",
        f"job {job_id} is no dead letter; `marketbel jobs show` shows any job",
    )


def _cells(letter: DeadLetter, *, now: datetime) -> tuple[str, ...]:
    job, trouble = letter.job, letter.trouble
    if job is None:
        why = (trouble.code, f"{trouble}: purge it") if trouble else ("", "")
        return (str(letter.job_id), "", "", "", "", *why)
    failure = job.failure
    return (
        str(job.id),
        job.supplier_name,
        f"{job.attempt}/{job.attempts_max}",
        str(job.generation),
        f"{duration_text(now - job.changed_at)} ago",
        failure.code if failure else "",
        failure.message if failure else "",
    )


def _told(letter: DeadLetter, *, now: datetime) -> dict[str, object]:
    trouble = letter.trouble
    return {
        "job_id": str(letter.job_id),
        **(job_told(letter.job, held_until=None, now=now) if letter.job else {}),
        "trouble": {"code": trouble.code, "message": str(trouble)} if trouble else None,
    }
