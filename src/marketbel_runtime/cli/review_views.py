"""How an item's review is shown, to people and to programs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console

from marketbel_core.catalog import Money
from marketbel_core.matching import ItemReview, ReviewDecision, ruled_out
from marketbel_core.matching.clerical import candidate_id
from marketbel_core.ports import ReviewQueue, WaitingReview
from marketbel_runtime.cli.output import print_lines, print_table

__all__ = [
    "Details",
    "candidates_of",
    "decision_told",
    "details_told",
    "queue_told",
    "show_details",
    "show_queue",
]

_HEADS: Final = ("item", "supplier", "score", "price", "name", "best candidate", "why first")
_SHOWN_KEYS: Final = frozenset({"product_id", "product_name", "score", "category_id"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """An item with what was decided about it, the latest first."""

    review: ItemReview
    decisions: tuple[ReviewDecision, ...]


def candidates_of(review: ItemReview) -> list[Mapping[str, object]]:
    """Return what the item may be, best first, without the products that were ruled out."""
    row = review.state.row
    shown = row.candidates if row is not None else review.state.candidates or ()
    ruled = ruled_out(review.state.verdicts)
    return [one for one in shown if candidate_id(one) not in ruled]


def show_queue(out: Console, queue: ReviewQueue) -> None:
    """Tell people what waits."""
    if queue.waiting:
        print_table(out, _HEADS, [_cells(one) for one in queue.waiting])
    counts = ", ".join(f"{status} {lines}" for status, lines in sorted(queue.counts.items()))
    print_lines(out, [f"review queue: {counts or 'empty'}"])


def queue_told(queue: ReviewQueue) -> dict[str, object]:
    """Return what waits, for programs."""
    return {
        "counts": dict(queue.counts),
        "items": [
            {
                **_item_told(one.review),
                "supplier": one.supplier_name,
                "in_stock": one.in_stock,
                "lowers_price": one.lowers_price,
            }
            for one in queue.waiting
        ],
    }


def show_details(out: Console, details: Details) -> None:
    """Tell people of one item."""
    review = details.review
    state, item = review.state, review.item
    lines = [
        f"item       {item.id}",
        f"sku        {item.sku}",
        f"name       {item.name}",
        f"price      {_price(item.price)}",
        f"status     {state.status}"
        + (f", product {state.product_id}" if state.product_id else ""),
    ]
    if state.row is not None:
        lines.append(f"queue      {state.row.status}, until {state.row.expires_at:%Y-%m-%d %H:%M}")
    for number, candidate in enumerate(candidates_of(review), start=1):
        score, name = candidate.get("score"), candidate.get("product_name")
        lines.append(f"{number:>3}.  {score}  {name}  {candidate.get('product_id')}")
        lines.extend(_explained(candidate))
    lines.extend(
        f"verdict    {one.verdict}: {one.product_id}, by {one.by}, {one.at:%Y-%m-%d %H:%M}"
        for one in state.verdicts
    )
    lines.extend(
        f"decision   {one.id}  {one.action}, by {one.by.name}, {one.at:%Y-%m-%d %H:%M}"
        + (" (undone)" if one.undone_at else "")
        for one in details.decisions
    )
    print_lines(out, lines)


def details_told(details: Details) -> dict[str, object]:
    """Return one item, for programs."""
    return {
        **_item_told(details.review),
        "verdicts": [
            {
                "product_id": str(one.product_id),
                "verdict": one.verdict.value,
                "by": one.by,
                "at": one.at.isoformat(),
                "score": one.score,
            }
            for one in details.review.state.verdicts
        ],
        "decisions": [decision_told(one) for one in details.decisions],
    }


def decision_told(decision: ReviewDecision) -> dict[str, object]:
    """Return a decision, for programs."""
    before, after = decision.before.product_id, decision.after.product_id
    return {
        "decision_id": str(decision.id),
        "item_id": str(decision.item_id),
        "action": decision.action.value,
        "by": decision.by.name,
        "at": decision.at.isoformat(),
        "product_id": None if after is None else str(after),
        "previous_product_id": None if before is None else str(before),
        "founded": None if decision.founded is None else str(decision.founded.id),
        "undone": decision.undone_at is not None,
    }


def _item_told(review: ItemReview) -> dict[str, object]:
    state, item = review.state, review.item
    row = state.row
    return {
        "item_id": str(item.id),
        "supplier_id": str(item.supplier_id),
        "sku": item.sku,
        "name": item.name,
        "price": str(item.price.amount),
        "currency": item.price.currency,
        "match_status": state.status.value,
        "score": state.score,
        "product_id": None if state.product_id is None else str(state.product_id),
        "queue_status": None if row is None else row.status.value,
        "expires_at": None if row is None else row.expires_at.isoformat(),
        "candidates": [dict(one) for one in candidates_of(review)],
    }


def _cells(waiting: WaitingReview) -> Sequence[str]:
    review = waiting.review
    offered = candidates_of(review)
    best = str(offered[0].get("product_name")) if offered else "none is left"
    why = [
        *(["in stock"] if waiting.in_stock else []),
        *(["lowers the price"] if waiting.lowers_price else []),
    ]
    return (
        str(review.item.id),
        waiting.supplier_name,
        "" if review.state.score is None else f"{review.state.score:.2f}",
        _price(review.item.price),
        review.item.name,
        best,
        ", ".join(why),
    )


def _explained(candidate: Mapping[str, object]) -> list[str]:
    """Return what the matcher kept with a candidate beside its name and score."""
    lines: list[str] = []
    for key, value in candidate.items():
        if key in _SHOWN_KEYS or value in (None, [], {}, ""):
            continue
        values = value if isinstance(value, list) else [value]
        lines.extend(f"        {key}: {one}" for one in values)
    return lines


def _price(price: Money) -> str:
    return f"{price.amount} {price.currency}"
