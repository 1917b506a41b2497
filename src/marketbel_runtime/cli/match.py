"""`marketbel match`: the matching engine on two csv files, without a database."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import Progress

from marketbel_core.errors import RefusedError
from marketbel_core.matching import Decision, why, why_not
from marketbel_core.matching.corpus import Corpus
from marketbel_core.matching.listing import (
    Answer,
    Listing,
    Record,
    one_to_one,
    record_features,
)
from marketbel_runtime.cli.output import console, print_lines

__all__ = ["match"]

_COLUMNS: Final = ("id", "name", "category", "brand", "model", "price", "description")
_OUT_COLUMNS: Final = ("item_id", "decision", "score", "product_id", "candidates")
_DECISIONS: Final = {
    Decision.LINK: "link",
    Decision.REVIEW: "review",
    Decision.NEW_PRODUCT: "new",
}

match = typer.Typer(
    name="match",
    help="Match two csv files, or explain a pair of names.",
    invoke_without_command=True,
    rich_markup_mode=None,
)

_Catalogue = Annotated[Path | None, typer.Option(help="The products, as csv.", metavar="FILE")]
_Items = Annotated[Path | None, typer.Option(help="What is matched, as csv.", metavar="FILE")]


@match.callback()
def _match(
    context: typer.Context,
    *,
    catalogue: _Catalogue = None,
    items: _Items = None,
    out: Annotated[
        Path | None, typer.Option(help="Where the answers go, as csv.", metavar="FILE")
    ] = None,
) -> None:
    """Match the items of one csv file with the products of another.

    Both have the columns id, name, category, brand, model, price and description; supplier and
    gtin are read when they are there. The answers have the columns item_id, decision (link,
    review or new), score, product_id and candidates, a line an item in the items' order.
    """
    if context.invoked_subcommand is not None:
        return
    if catalogue is None or items is None or out is None:
        raise typer.BadParameter("--catalogue, --items and --out are needed")
    products, wanted = _read(catalogue), _read(items)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("matching", total=len(wanted))
        answers = _answers(products, wanted, lambda: progress.advance(task))
    _write(out, answers)
    counts = dict.fromkeys(_DECISIONS.values(), 0)
    for answer in answers:
        counts[_DECISIONS[answer.decision]] += 1
    told = ", ".join(f"{count} {word}" for word, count in counts.items())
    print_lines(console(as_json=False), [f"{len(answers)} items: {told}"])


@match.command("explain")
def explain(
    item: Annotated[str, typer.Argument(help="A name, or an item's id with the files.")],
    product: Annotated[str, typer.Argument(help="A name, or a product's id with the files.")],
    *,
    catalogue: _Catalogue = None,
    items: _Items = None,
) -> None:
    """Say what speaks for and against a pair: two names, or two ids of the two csv files."""
    if (catalogue is None) != (items is None):
        raise typer.BadParameter("--catalogue and --items go together")
    mine, theirs = Record(id=item, name=item), Record(id=product, name=product)
    products = [theirs]
    if catalogue is not None and items is not None:
        products = _read(catalogue)
        theirs = _by_id(products, product, catalogue)
        mine = _by_id(_read(items), item, items)
    pair = Listing(products).explain(mine, theirs)
    print_lines(
        console(as_json=False),
        [
            f"item     {mine.name}",
            f"product  {theirs.name}",
            f"score    {pair.score:.2f}",
            *(f"+ {sentence}" for sentence in why(pair)),
            *(f"- {sentence}" for sentence in why_not(pair)),
        ],
    )


def _answers(
    products: Sequence[Record], items: Sequence[Record], advance: Callable[[], None]
) -> list[Answer]:
    listing = Listing(products)
    answers = []
    for item in items:
        answers.append(listing.match(item))
        advance()
    if any(item.supplier for item in items):
        corpus = Corpus(record_features(product) for product in products)
        answers = list(one_to_one(answers, corpus))
    return answers


def _read(path: Path) -> list[Record]:
    """Return the records of a csv file in UTF-8.

    Raises:
        RefusedError: there is no such file (`source.missing`), it cannot be read
            (`source.denied`), is no csv in UTF-8 (`match.not_csv`), lacks a column
            (`match.column_missing`) or has an id twice (`match.id_repeated`).
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            lacking = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
            if lacking:
                raise RefusedError(
                    "match.column_missing",
                    f"{path} lacks the columns {', '.join(lacking)}; the first line names "
                    f"{', '.join(_COLUMNS)}, and what is not known stays empty",
                )
            records = [_record(row) for row in reader]
    except FileNotFoundError as error:
        raise RefusedError("source.missing", f"there is no file {path}") from error
    except OSError as error:
        raise RefusedError("source.denied", f"{path} cannot be read: {error.strerror}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        told = f"{path} is no csv file in UTF-8 with commas: {error}; save it as such"
        raise RefusedError("match.not_csv", told) from error
    _refuse_repeated_ids(records, path)
    return records


def _refuse_repeated_ids(records: Sequence[Record], path: Path) -> None:
    seen: set[str] = set()
    for record in records:
        if record.id in seen:
            told = f"{path} has the id {record.id!r} twice; each line needs an id of its own"
            raise RefusedError("match.id_repeated", told)
        seen.add(record.id)


def _record(row: dict[str, str | None]) -> Record:
    def cell(column: str) -> str:
        return (row.get(column) or "").strip()

    return Record(
        id=cell("id"),
        name=cell("name"),
        category=cell("category"),
        brand=cell("brand"),
        model=cell("model"),
        gtin=cell("gtin"),
        price=_price(cell("price")),
        supplier=cell("supplier"),
    )


def _price(text: str) -> float | None:
    try:
        price = float(text.replace(",", ".").replace(" ", ""))
    except ValueError:
        return None
    return price if 0 < price < float("inf") else None


def _by_id(records: Sequence[Record], wanted: str, path: Path) -> Record:
    for record in records:
        if record.id == wanted:
            return record
    raise RefusedError("match.id_unknown", f"{path} has no line with the id {wanted!r}")


def _write(path: Path, answers: Sequence[Answer]) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(_OUT_COLUMNS)
            writer.writerows(_line(answer) for answer in answers)
    except OSError as error:
        raise RefusedError(
            "match.not_written", f"{path} cannot be written: {error.strerror}"
        ) from error


def _line(answer: Answer) -> tuple[str, str, str, str, str]:
    new = answer.decision is Decision.NEW_PRODUCT
    best = "" if new or not answer.candidates else answer.candidates[0][0]
    ids = " ".join(product_id for product_id, _ in answer.candidates)
    return answer.item.id, _DECISIONS[answer.decision], f"{answer.score:.2f}", best, ids
