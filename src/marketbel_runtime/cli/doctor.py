"""`marketbel doctor`: look at everything that a worker needs, and say what to do about it."""

from typing import Annotated, Final

import typer
from rich.console import Console
from rich.text import Text

from marketbel_runtime.cli.output import console, write_json
from marketbel_runtime.doctor import Finding, State, run_doctor

__all__ = ["doctor"]

_COLOURS: Final = {
    State.OK: "green",
    State.WARNING: "yellow",
    State.ERROR: "bold red",
    State.SKIPPED: "dim",
}
_STATE_WIDTH: Final = max(len(state) for state in State)


def doctor(
    *, as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False
) -> None:
    """Look at settings, servers, queues, the shared folder, clocks and keys; change nothing.

    Exit status 1 when something is wrong; warnings do not count.
    """
    report = run_doctor()
    out = console(as_json=as_json)
    name_width = max(len(finding.name) for finding in report.findings)
    for finding in report.findings:
        _show(finding, out, name_width=name_width)
    if as_json:
        write_json(report.as_json())
    if not report.ok:
        raise typer.Exit(1)


def _show(finding: Finding, out: Console, *, name_width: int) -> None:
    # As text and not as markup: a message may have brackets in it.
    line = Text(finding.state.ljust(_STATE_WIDTH), style=_COLOURS[finding.state])
    line.append(f"  {finding.name.ljust(name_width)}  {finding.message}", style="not bold")
    out.print(line, soft_wrap=True)
    if finding.cure:
        out.print(Text(f"{'':{_STATE_WIDTH + 2}}cure: {finding.cure}"), soft_wrap=True)
