"""`marketbel jobs`: what an operator does about jobs."""

import asyncio
from typing import Annotated

import typer

from marketbel_core.use_cases import RecoverResult, RelayResult
from marketbel_runtime.cli import job_commands
from marketbel_runtime.cli.choices import settings_of
from marketbel_runtime.cli.output import console, write_json
from marketbel_runtime.settings import Settings

__all__ = ["jobs"]

jobs = typer.Typer(help="Look after jobs.", no_args_is_help=True, rich_markup_mode=None)
jobs.command("ls")(job_commands.ls)
jobs.command("show")(job_commands.show)
jobs.command("retry")(job_commands.retry)
jobs.command("cancel")(job_commands.cancel)


@jobs.command()
def recover(
    *, as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False
) -> None:
    """Put back every unfinished job that Redis has lost. A job that it still has is left alone.

    Safe to run at any time, with workers running, and to run again.
    """
    relayed, found = asyncio.run(_recover(settings_of("DATABASE_URL", "REDIS_URL", "UPLOADS_DIR")))
    out = console(as_json=as_json)
    out.print(
        f"{found.unfinished} unfinished: {found.put_back} put back, {found.kept} were still there"
    )
    if found.put_back:
        polled = found.put_back - found.asked
        out.print(f"{found.asked} go on with the next worker, {polled} are read at ml-analyze")
    if as_json:
        write_json(
            {
                "ok": True,
                "unfinished": found.unfinished,
                "kept": found.kept,
                "put_back": found.put_back,
                "asked": found.asked,
                "relayed": relayed.relayed,
            }
        )


async def _recover(settings: Settings) -> tuple[RelayResult, RecoverResult]:
    from marketbel_runtime.lifespan import production  # noqa: PLC0415
    from marketbel_runtime.logs import configure_logging  # noqa: PLC0415

    configure_logging(settings)
    async with production(settings) as container:
        # First, so that what Redis still knows is not put back as it was before.
        relayed = await container.relay_journal()()
        return relayed, await container.recover_jobs()()
