"""The verbs of the command line, gathered."""

from typing import Annotated

import typer

from marketbel_core import __version__
from marketbel_runtime.cli import (
    check_file,
    cleanup,
    database,
    demo,
    dlq,
    doctor,
    fetch,
    imports,
    ingest,
    inspect_file,
    jobs,
    match,
    match_tune,
    review,
    service,
    sync,
)
from marketbel_runtime.exits import INTERRUPTED, tell_program

__all__ = ["app", "run"]

app = typer.Typer(
    name="marketbel",
    help="Carries suppliers' price lists into one catalogue.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"marketbel {__version__}")
        raise typer.Exit


@app.callback()
def _marketbel(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Say which one."),
    ] = False,
) -> None:
    """Carries suppliers' price lists into one catalogue."""


app.command("check-file")(check_file.check_file)
app.command("cleanup")(cleanup.cleanup)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.command("fetch")(fetch.fetch)
app.command("inspect")(inspect_file.inspect_file)
app.command("ingest")(ingest.ingest)
app.command("migrate")(database.migrate)
app.command("ml-standin")(service.ml_standin)
app.command("up")(service.up)
app.command("worker")(service.worker)
app.add_typer(dlq.dlq, name="dlq")
app.add_typer(imports.imports, name="imports")
app.add_typer(jobs.jobs, name="jobs")
match.match.command("tune")(match_tune.tune)
app.add_typer(match.match, name="match")
app.add_typer(review.review, name="review")
app.add_typer(sync.sync, name="sync")


def run(arguments: list[str]) -> int:
    """Run the command line and return its exit status; errors of ours and Ctrl-C are raised."""
    status = _status_of(arguments)
    if status == INTERRUPTED:
        raise KeyboardInterrupt  # told by whoever called, like any other end
    return status


def _status_of(arguments: list[str]) -> int:
    command = typer.main.get_command(app)
    try:
        status = command.main(args=arguments, prog_name="marketbel", standalone_mode=False)
    except typer.Abort as error:  # Ctrl-C with some releases, a status with others
        return INTERRUPTED if isinstance(error.__cause__, KeyboardInterrupt) else 1
    except typer.Exit as error:
        return error.exit_code
    except Exception as error:
        show = getattr(error, "show", None)  # click's own errors know how to show themselves
        if show is None:
            raise
        show()
        if "--json" in arguments:
            told = getattr(error, "format_message", error.__str__)()
            tell_program(told, code="usage")
        return int(getattr(error, "exit_code", 1))
    return status if isinstance(status, int) else 0
