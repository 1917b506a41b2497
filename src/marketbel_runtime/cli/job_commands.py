"""`marketbel jobs ls|show|retry|cancel`: where jobs stand, and what a person may do to one."""

from dataclasses import dataclass
from typing import Annotated, Final

import typer

from marketbel_core.ids import JobId
from marketbel_core.jobs import Job, Phase
from marketbel_runtime.cli.at_desk import AsJson, Outcome, at_desk, each, explained, report
from marketbel_runtime.cli.job_details import job_details, show_details
from marketbel_runtime.cli.job_views import JOB_HEADS, job_cells, job_told
from marketbel_runtime.cli.output import console, print_lines, print_table, write_json
from marketbel_runtime.container import Container

__all__ = [
    "JobListing",
    "cancel",
    "cancel_jobs",
    "list_jobs",
    "ls",
    "retry",
    "retry_jobs",
    "show",
]

_ACTIVE: Final = tuple(phase for phase in Phase if phase not in {Phase.COMPLETE, Phase.FAILED})
_LOOKED_AT_MAX: Final = 100_000
"""Jobs of a phase that a listing chooses from; a week's of a large deployment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobListing:
    """Jobs to be shown.

    Attributes:
        found: How many there are, shown or not.
        told: Those shown, for programs.
        cells: The same for people.
    """

    found: int
    told: list[dict[str, object]]
    cells: list[tuple[str, ...]]


def ls(
    *,
    phase: Annotated[
        list[Phase] | None,
        typer.Option(help="Jobs in this phase, and in further ones that are named; else active."),
    ] = None,
    supplier: Annotated[
        str | None, typer.Option(help="A part of the supplier's name, or the supplier's id.")
    ] = None,
    limit: Annotated[int, typer.Option(help="Jobs shown.", min=1, max=10_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """List jobs: active ones first, the longest unchanged at the top, then the newest ended."""
    listing = at_desk(
        lambda desk: list_jobs(desk, phases=phase or _ACTIVE, supplier=supplier, limit=limit),
        database=False,
    )
    out = console(as_json=as_json)
    if listing.cells:
        print_table(out, JOB_HEADS, listing.cells)
    print_lines(out, [f"{len(listing.cells)} of {listing.found} jobs"])
    if as_json:
        write_json({"ok": True, "found": listing.found, "jobs": listing.told})


async def list_jobs(
    container: Container,
    *,
    phases: list[Phase] | tuple[Phase, ...],
    supplier: str | None,
    limit: int,
) -> JobListing:
    """Return up to `limit` of the jobs in `phases`, of one supplier if one is named."""
    store, now = container.jobs(), container.clock().now()
    jobs = [
        job
        for phase in dict.fromkeys(phases)
        for job in await store.list_in(phase, limit=_LOOKED_AT_MAX)
        if supplier is None or _is_of(job, supplier)
    ]
    active = sorted((job for job in jobs if job.is_active), key=lambda job: job.changed_at)
    ended = sorted((job for job in jobs if not job.is_active), key=lambda job: job.changed_at)
    shown = [*active, *reversed(ended)][:limit]
    held = await store.held([job.id for job in shown])
    return JobListing(
        found=len(jobs),
        told=[job_told(job, held_until=held.get(job.id), now=now) for job in shown],
        cells=[job_cells(job, held_until=held.get(job.id), now=now) for job in shown],
    )


def show(
    job_id: Annotated[str, typer.Argument(metavar="ID", help="The job's whole id.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show everything that is known of a job, and what has happened to it."""
    show_details(at_desk(lambda desk: job_details(desk, job_id)), as_json=as_json)


def retry(
    job_ids: Annotated[list[str], typer.Argument(metavar="ID", help="Whole ids of jobs.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Give failed jobs a further attempt. Exit status 1 when one was refused."""
    report(at_desk(lambda desk: retry_jobs(desk, job_ids)), as_json=as_json)


async def retry_jobs(container: Container, job_ids: list[str]) -> list[Outcome]:
    """Start the next attempt of each job that has failed and has one left."""

    async def act(job_id: JobId) -> str:
        job = await explained(container, job_id, container.retry_job(), _why_no_retry)
        return f"attempt {job.attempt} of {job.attempts_max} begins"

    return await each(job_ids, act)


def cancel(
    job_ids: Annotated[list[str], typer.Argument(metavar="ID", help="Whole ids of jobs.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Call jobs off; they can be retried. Exit status 1 when one was refused."""
    report(at_desk(lambda desk: cancel_jobs(desk, job_ids)), as_json=as_json)


async def cancel_jobs(container: Container, job_ids: list[str]) -> list[Outcome]:
    """Call each job off that is still on its way."""

    async def act(job_id: JobId) -> str:
        await explained(container, job_id, container.cancel_job(), _why_no_cancel)
        return "called off; it can be retried"

    return await each(job_ids, act)


def _is_of(job: Job, supplier: str) -> bool:
    wanted = supplier.casefold()
    return wanted in job.supplier_name.casefold() or wanted == str(job.supplier_id)


def _why_no_retry(job: Job) -> str:
    if job.phase is not Phase.FAILED:
        return f"the job is {job.phase}: only a failed one is retried"
    if job.attempt < job.attempts_max:
        return "the job's supplier is gone: send its list again under another one"
    return (
        f"attempt {job.attempt} of {job.attempts_max} has failed: "
        f"`marketbel dlq replay {job.id}` counts its attempts anew"
    )


def _why_no_cancel(job: Job) -> str:
    return f"the job has ended already: it is {job.phase}"
