"""`marketbel demo`: price lists travel the whole road on real services, and a table says so."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from marketbel_core.jobs import Phase
from marketbel_runtime.cli.output import console, write_json

if TYPE_CHECKING:
    from marketbel_runtime.demo import DemoResult

__all__ = ["demo"]


def demo(
    *,
    examples: Annotated[
        Path | None, typer.Option(help="Send these lists, described by the folder's demo.json.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Send the example price lists through servers, worker and stand-in, and show what came of it.

    PostgreSQL and Valkey are started for the run; DATABASE_URL or REDIS_URL name servers to use
    instead, on which a database of the demo's own is made and removed. ml-analyze is played by a
    stand-in that reads with this package's own readers.
    """
    from marketbel_runtime.demo import run_demo  # noqa: PLC0415 - needs the servers' extras

    out = console(as_json=as_json)
    result = run_demo(
        examples=examples,
        database_url=os.environ.get("DATABASE_URL") or None,
        redis_url=os.environ.get("REDIS_URL") or None,
        console=out,
    )
    _show(result, out)
    figures = result.figures
    if as_json:
        write_json(
            {
                "suppliers": figures.suppliers,
                "jobs": {"complete": figures.complete, "failed": figures.failed},
                "items": figures.items,
                "rejected": figures.rejected,
                "linked": figures.linked,
                "review": figures.review,
                "drafts": figures.drafts,
                "products": figures.products,
                "seconds": round(result.seconds, 2),
            }
        )
    if any(job.phase is not Phase.COMPLETE for job in result.jobs):
        raise typer.Exit(1)


def _show(result: "DemoResult", out: Console) -> None:
    figures = result.figures
    table = Table(title="What came of it (counted in the database)", title_justify="left")
    table.add_column("figure")
    table.add_column("count", justify="right")
    table.add_column("meaning")
    reasons = ", ".join(f"{code} {count}" for code, count in figures.reasons)
    for name, count, meaning in (
        ("suppliers", figures.suppliers, "with at least one item"),
        ("jobs complete", figures.complete, "price lists that reached the catalogue"),
        ("jobs failed", figures.failed, ""),
        ("items", figures.items, "accepted rows = linked + review + drafts"),
        ("rejected", figures.rejected, reasons),
        ("linked", figures.linked, "items linked to a known product"),
        ("review", figures.review, "items that wait for a person"),
        ("drafts", figures.drafts, "items that founded a draft product"),
        ("products", figures.products, "products whose lowest price changed"),
    ):
        table.add_row(name, str(count), meaning)
    out.print(table)
    for job in result.jobs:
        if job.failure is not None:
            out.print(f"{job.supplier_name}: {job.failure.message} ({job.failure.code})")
    out.print(f"{result.seconds:.1f} s")
