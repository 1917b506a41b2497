"""Verdicts as JSONL: what people have said can be kept, moved and read back."""

import json
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, TextIO

import typer

from marketbel_core.errors import RefusedError
from marketbel_core.ids import ProductId, SupplierItemId, parse_item_id, parse_product_id
from marketbel_core.matching import PairVerdict, Verdict
from marketbel_core.ports import NamedVerdict
from marketbel_runtime.cli.at_desk import AsJson
from marketbel_runtime.cli.at_review_desk import at_review_desk
from marketbel_runtime.cli.output import console, print_lines, write_json
from marketbel_runtime.container import Container

__all__ = ["as_line", "export_verdicts", "from_line", "import_verdicts"]

_PAGE: Final = 1_000
_UNKNOWN_SHOWN: Final = 20


def export_verdicts(
    file: Annotated[Path | None, typer.Argument(help="Where to; without it, stdout.")] = None,
) -> None:
    """Write every verdict as one JSON object a line."""

    async def write(container: Container) -> None:
        if file is None:
            await _write_to(container, sys.stdout)
            return
        with file.open("w", encoding="utf-8") as out:
            await _write_to(container, out)

    at_review_desk(write)


def import_verdicts(
    file: Annotated[
        Path, typer.Argument(help="What `export` wrote.", exists=True, dir_okay=False)
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Read verdicts back; those here that are not older stay. Status 1 when a pair is unknown.

    Item and product are found by their ids, else by supplier and sku, and by article number. The
    matcher follows what is read; links that exist are not changed by it.
    """
    read = list(_read(file))
    lines = [named for _, named in read]

    async def put(container: Container) -> list[bool]:
        found: list[bool] = []
        async with container.catalog().unit() as unit:
            for start in range(0, len(lines), _PAGE):
                found += await unit.verdicts.put(lines[start : start + _PAGE])
        return found

    known = at_review_desk(put)
    unknown = [number for (number, _), is_known in zip(read, known, strict=True) if not is_known]
    told = [f"{sum(known)} verdicts read, {len(unknown)} about an item or product unknown here"]
    told += [f"unknown: line {number}" for number in unknown[:_UNKNOWN_SHOWN]]
    print_lines(console(as_json=as_json), told)
    if as_json:
        write_json({"ok": not unknown, "read": sum(known), "unknown_lines": unknown})
    if unknown:
        raise typer.Exit(1)


def as_line(named: NamedVerdict) -> str:
    """Return the verdict as one line of JSON."""
    said = named.verdict
    return json.dumps(
        {
            "item_id": str(named.item_id),
            "supplier": named.supplier_name,
            "sku": named.sku,
            "item": named.item_name,
            "product_id": str(said.product_id),
            "product_sku": named.product_sku,
            "product": named.product_name,
            "verdict": said.verdict.value,
            "score": said.score,
            "by": said.by,
            "at": said.at.isoformat(),
        },
        ensure_ascii=False,
    )


def from_line(text: str, *, number: int) -> NamedVerdict:
    """Return the verdict that a line says.

    Raises:
        RefusedError: it says none; the message names the line.
    """
    try:
        told = json.loads(text)
        return NamedVerdict(
            item_id=SupplierItemId(parse_item_id(told["item_id"])),
            supplier_name=str(told.get("supplier", "")),
            sku=str(told.get("sku", "")),
            item_name=str(told.get("item", "")),
            product_sku=str(told.get("product_sku", "")),
            product_name=str(told.get("product", "")),
            verdict=PairVerdict(
                product_id=ProductId(parse_product_id(told["product_id"])),
                verdict=Verdict(told["verdict"]),
                by=str(told["by"])[:255],
                at=_instant(told["at"]),
                score=None if told.get("score") is None else float(told["score"]),
            ),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RefusedError(
            "review.bad_line", f"line {number} is no verdict as `export` writes it: {error}"
        ) from error


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("`at` has no time zone")
    return at


async def _write_to(container: Container, out: TextIO) -> None:
    after: tuple[SupplierItemId, ProductId] | None = None
    while True:
        async with container.catalog().unit() as unit:
            page = await unit.verdicts.page(after=after, limit=_PAGE)
        if not page:
            return
        out.writelines(as_line(named) + "\n" for named in page)
        after = (page[-1].item_id, page[-1].verdict.product_id)


def _read(file: Path) -> Iterator[tuple[int, NamedVerdict]]:
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield number, from_line(line, number=number)
