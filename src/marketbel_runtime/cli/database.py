"""`marketbel migrate`: bring the database to the schema that this version needs."""

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from marketbel_runtime.cli.choices import settings_of
from marketbel_runtime.cli.output import console, write_json

__all__ = ["migrate"]


def migrate(
    *, as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False
) -> None:
    """Create or upgrade the schema in DATABASE_URL; adds what waited for a neighbour, too."""
    from marketbel_adapters.postgres import migrate as run_migrations  # noqa: PLC0415

    report = asyncio.run(run_migrations(settings_of("DATABASE_URL").require_database_url()))
    out = console(as_json=as_json)
    out.print(f"schema: {report.revision_before or 'empty'} -> {report.revision_after}")
    for sentence in report.added:
        out.print(f"added: {sentence}")
    for sentence in report.waiting:
        out.print(f"waiting: {sentence}")
    if as_json:
        write_json({"ok": True, **asdict(report)})
