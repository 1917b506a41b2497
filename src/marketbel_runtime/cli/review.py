"""`marketbel review`: what waits for a person, and what the person says."""

import getpass
from typing import Annotated, Final
from uuid import UUID

import typer

from marketbel_core.errors import RefusedError
from marketbel_core.ids import ProductId, SupplierItemId, parse_item_id, parse_product_id
from marketbel_core.matching import Action, ReviewDecision, Reviewer, candidate_id
from marketbel_core.use_cases import ReviewRequest
from marketbel_runtime.cli import verdict_files
from marketbel_runtime.cli.at_desk import AsJson
from marketbel_runtime.cli.at_review_desk import at_review_desk
from marketbel_runtime.cli.output import console, print_lines, write_json
from marketbel_runtime.cli.review_views import (
    Details,
    candidates_of,
    decision_told,
    details_told,
    queue_told,
    show_details,
    show_queue,
)
from marketbel_runtime.container import Container

__all__ = ["chosen", "review"]

_DECISIONS_SHOWN: Final = 20

review = typer.Typer(
    help="Decide about doubtful matches.", no_args_is_help=True, rich_markup_mode=None
)
_Item = Annotated[str, typer.Argument(metavar="ITEM", help="The item's id, as `ls` tells it.")]
_By = Annotated[
    str | None, typer.Option("--by", help="Who decides; without it, the system's user.")
]
_Choice = Annotated[
    str | None,
    typer.Argument(metavar="PRODUCT", help="A candidate's number in `show`, or a product's id."),
]


@review.command()
def ls(
    *,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=10_000)] = 20,
    as_json: AsJson = False,
) -> None:
    """List what waits for a person, what matters most first."""

    async def read(container: Container) -> None:
        async with container.catalog().unit() as unit:
            queue = await unit.reviews.waiting(limit=limit)
        show_queue(console(as_json=as_json), queue)
        if as_json:
            write_json({"ok": True, **queue_told(queue)})

    at_review_desk(read)


@review.command()
def show(item: _Item, *, as_json: AsJson = False) -> None:
    """Show an item, what it may be and why, and what was decided about it."""

    async def read(container: Container) -> None:
        item_id = parse_item_id(item)
        async with container.catalog().unit() as unit:
            details = Details(
                review=await unit.reviews.open(item_id),
                decisions=tuple(await unit.reviews.decisions(item_id, limit=_DECISIONS_SHOWN)),
            )
        show_details(console(as_json=as_json), details)
        if as_json:
            write_json({"ok": True, **details_told(details)})

    at_review_desk(read)


@review.command()
def approve(
    item: _Item, product: _Choice = "1", *, by: _By = None, as_json: AsJson = False
) -> None:
    """Say that the item is this product: the first candidate, unless another one is named."""
    _decide(item, Action.APPROVE, product, by=by, as_json=as_json)


@review.command()
def reject(
    item: _Item,
    *,
    name: Annotated[str | None, typer.Option(help="The new product's name.")] = None,
    by: _By = None,
    as_json: AsJson = False,
) -> None:
    """Say that the item is none of the candidates: it founds a product of its own."""
    _decide(item, Action.REJECT, None, by=by, as_json=as_json, name=name)


@review.command()
def unsure(
    item: _Item, product: _Choice = None, *, by: _By = None, as_json: AsJson = False
) -> None:
    """Say that you cannot tell: the item waits on, behind what nobody has looked at."""
    _decide(item, Action.UNSURE, product, by=by, as_json=as_json)


@review.command()
def link(item: _Item, product: _Choice, *, by: _By = None, as_json: AsJson = False) -> None:
    """Link the item to a product, whatever it was linked to before."""
    _decide(item, Action.LINK, product, by=by, as_json=as_json)


@review.command()
def unlink(item: _Item, *, by: _By = None, as_json: AsJson = False) -> None:
    """Take the item from its product, which it is never linked to again by the matcher."""
    _decide(item, Action.UNLINK, None, by=by, as_json=as_json)


@review.command()
def reset(item: _Item, *, by: _By = None, as_json: AsJson = False) -> None:
    """Give the item back to the matcher; what it was said not to be stays known."""
    _decide(item, Action.RESET, None, by=by, as_json=as_json)


@review.command()
def undo(
    item: _Item,
    *,
    decision: Annotated[
        str | None, typer.Option(help="Which one; without it, the item's latest.")
    ] = None,
    by: _By = None,
    as_json: AsJson = False,
) -> None:
    """Take a decision back: item, queue, candidates and prices are as they were before it."""

    async def act(container: Container) -> ReviewDecision:
        wanted = UUID(decision) if decision else None
        return await container.undo_review()(
            parse_item_id(item), by=_reviewer(by), decision_id=wanted
        )

    _tell(at_review_desk(act), verb="undone: ", as_json=as_json)


review.command("export")(verdict_files.export_verdicts)
review.command("import")(verdict_files.import_verdicts)


def _decide(
    item: str,
    action: Action,
    product: str | None,
    *,
    by: str | None,
    as_json: bool,
    name: str | None = None,
) -> None:
    async def act(container: Container) -> ReviewDecision:
        item_id = parse_item_id(item)
        request = ReviewRequest(
            item_id=item_id,
            action=action,
            by=_reviewer(by),
            product_id=await chosen(container, item_id, product) if product else None,
            new_product_name=name,
        )
        return await container.review_matches()(request)

    _tell(at_review_desk(act), verb="", as_json=as_json)


async def chosen(container: Container, item_id: SupplierItemId, text: str) -> ProductId:
    """Return the product that a candidate's number or an id names.

    Raises:
        RefusedError: the item has no such candidate.
        InvalidIdError: the text is neither.
    """
    if not text.isdecimal():
        return parse_product_id(text)
    async with container.catalog().unit() as unit:
        offered = candidates_of(await unit.reviews.open(item_id))
    number = int(text)
    found = candidate_id(offered[number - 1]) if 1 <= number <= len(offered) else None
    if found is None:
        raise RefusedError(
            "review.no_candidate", f"the item has {len(offered)} candidates, and no number {text}"
        )
    return found


def _reviewer(by: str | None) -> Reviewer:
    return Reviewer(name=(by or getpass.getuser())[:255])


def _tell(decision: ReviewDecision, *, verb: str, as_json: bool) -> None:
    told = decision_told(decision)
    product = decision.before.product_id if verb else decision.after.product_id
    line = f"{verb}{decision.action} of item {decision.item_id}, product {product or 'none'}"
    print_lines(console(as_json=as_json), [line])
    if as_json:
        write_json({"ok": True, **told})
