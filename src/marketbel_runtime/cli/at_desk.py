"""What the commands about jobs share: the way to Redis, and an answer for each job named."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Final

import typer

from marketbel_core.errors import IllegalTransitionError, MarketbelError, RefusedError
from marketbel_core.ids import JobId, parse_job_id
from marketbel_core.jobs import Job
from marketbel_runtime.cli.choices import settings_of
from marketbel_runtime.cli.output import console, print_lines, write_json
from marketbel_runtime.container import Container

__all__ = ["AsJson", "Outcome", "at_desk", "each", "explained", "report"]

_VARIABLES: Final = (
    *("DATABASE_URL", "DLQ_NAME", "QUEUE_NAME"),
    *("REDIS_HOST", "REDIS_PASSWORD", "REDIS_PORT", "REDIS_URL"),
)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a wish for one job.

    Attributes:
        job_id: The job, or the text that should have named one.
        code: Why it was refused; `None` when it was not.
        message: One sentence.
    """

    job_id: str
    ok: bool
    code: str | None = None
    message: str


def at_desk[T](body: Callable[[Container], Awaitable[T]], *, database: bool = True) -> T:
    """Return what `body` returns on the real systems.

    Args:
        body: What is to be done.
        database: Whether it needs the address of the database, too.

    Raises:
        SettingsError: an address is missing or wrong.
        PortError: Redis cannot be reached.
    """
    from marketbel_runtime.lifespan import desk  # noqa: PLC0415 - slow to import
    from marketbel_runtime.logs import configure_logging  # noqa: PLC0415

    settings = settings_of(*_VARIABLES)
    # What the command did, it says itself; a job that cannot be read is still warned of.
    configure_logging(settings.model_copy(update={"log_level": "WARNING"}))

    async def run() -> T:
        async with desk(settings, database=database) as container:
            return await body(container)

    return asyncio.run(run())


async def each(texts: Sequence[str], act: Callable[[JobId], Awaitable[str]]) -> list[Outcome]:
    """Do `act`, which says what it did, for each job once; one that is refused stops no other."""
    outcomes: dict[str, Outcome] = {}
    for text in texts:
        name = text
        try:
            job_id = parse_job_id(text)
            name = str(job_id)
            if name in outcomes:
                continue
            outcomes[name] = Outcome(job_id=name, ok=True, message=await act(job_id))
        except MarketbelError as error:
            outcomes[name] = Outcome(job_id=name, ok=False, code=error.code, message=str(error))
    return list(outcomes.values())


async def explained(
    container: Container,
    job_id: JobId,
    move: Callable[[JobId], Awaitable[Job]],
    why: Callable[[Job], str],
) -> Job:
    """Return the job after `move`.

    Raises:
        RefusedError: the move does not apply to the job as it stands; `why` says so to a person.
        MarketbelError: whatever else `move` raises.
    """
    try:
        return await move(job_id)
    except IllegalTransitionError as error:
        raise RefusedError(error.code, why(await container.jobs().get(job_id))) from error


def report(outcomes: Sequence[Outcome], *, as_json: bool) -> None:
    """Tell people and programs of each job; leave with status 1 if one was refused."""
    ok = all(outcome.ok for outcome in outcomes)
    out = console(as_json=as_json)
    lines = [
        f"{outcome.job_id}  {outcome.message}"
        if outcome.ok
        else f"{outcome.job_id}  refused: {outcome.message} ({outcome.code})"
        for outcome in outcomes
    ]
    print_lines(out, lines or ["no job to do it to"])
    if as_json:
        write_json({"ok": ok, "jobs": [asdict(outcome) for outcome in outcomes]})
    if not ok:
        raise typer.Exit(1)
