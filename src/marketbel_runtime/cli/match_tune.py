"""`marketbel match tune`: what stored verdicts say about the thresholds. It changes nothing."""

from collections.abc import Sequence
from typing import Annotated, Final

import typer

from marketbel_core.ids import ProductId, SupplierItemId
from marketbel_core.matching import PairVerdict, Thresholds
from marketbel_core.matching.tuning import Interval, ThresholdFigures, figures_at, proposed
from marketbel_runtime.cli.at_desk import AsJson
from marketbel_runtime.cli.at_review_desk import at_review_desk
from marketbel_runtime.cli.output import console, print_lines, print_table, write_json
from marketbel_runtime.container import Container

__all__ = ["tune", "tuning_told"]

_PAGE: Final = 5_000
_WAITING_MAX: Final = 100_000
_HEADS: Final = ("from", "judged", "same", "precision", "95 %", "recall", "95 %", "waiting")
_STEPS: Final = tuple(float(score) for score in range(60, 101, 5))


def tune(
    *,
    precision_min: Annotated[
        float,
        typer.Option(help="What share of links must be right, at least.", min=0.5, max=0.9999),
    ] = 0.98,
    as_json: AsJson = False,
) -> None:
    """Tell precision and recall by threshold, from people's verdicts. Nothing is changed.

    `waiting` counts the items in the review queue that would be linked without a person.
    """
    verdicts, waiting, thresholds = at_review_desk(_read)
    steps = sorted({*_STEPS, thresholds.review_min, thresholds.link_min, 97.5})
    figures = figures_at(steps, verdicts, waiting=waiting)
    choice = proposed(figures, precision_min=precision_min)
    out = console(as_json=as_json)
    print_table(out, _HEADS, [_cells(one) for one in figures])
    print_lines(out, _told(choice, figures, thresholds, precision_min))
    if as_json:
        write_json({"ok": True, **tuning_told(figures, choice, thresholds)})


def tuning_told(
    figures: Sequence[ThresholdFigures], choice: ThresholdFigures | None, thresholds: Thresholds
) -> dict[str, object]:
    """Return the figures, for programs."""
    return {
        "link_min": thresholds.link_min,
        "review_min": thresholds.review_min,
        "proposed_link_min": None if choice is None else choice.threshold,
        "thresholds": [
            {
                "threshold": one.threshold,
                "judged": one.linked,
                "same": one.right,
                "precision": _interval_told(one.precision),
                "recall": _interval_told(one.recall),
                "waiting": one.waiting,
            }
            for one in figures
        ],
    }


async def _read(container: Container) -> tuple[list[PairVerdict], list[float], Thresholds]:
    verdicts: list[PairVerdict] = []
    after: tuple[SupplierItemId, ProductId] | None = None
    while True:
        async with container.catalog().unit() as unit:
            page = await unit.verdicts.page(after=after, limit=_PAGE)
        if not page:
            break
        verdicts += [named.verdict for named in page]
        after = (page[-1].item_id, page[-1].verdict.product_id)
    async with container.catalog().unit() as unit:
        queue = await unit.reviews.waiting(limit=_WAITING_MAX)
    scores = [one.review.state.score for one in queue.waiting]
    return (
        verdicts,
        [score for score in scores if score is not None],
        container.settings().thresholds,
    )


def _told(
    choice: ThresholdFigures | None,
    figures: Sequence[ThresholdFigures],
    thresholds: Thresholds,
    precision_min: float,
) -> list[str]:
    goal = f"a precision of {precision_min:.2%} or more"
    judged = max((one.linked for one in figures), default=0)
    if choice is None:
        return [
            f"no threshold is shown to give {goal} by {judged} judged pairs",
            f"MATCH_AUTO_THRESHOLD stays at {thresholds.link_min:g}; judge more pairs",
        ]
    now = next(one for one in figures if one.threshold == thresholds.link_min)
    change = choice.waiting - now.waiting
    return [
        f"MATCH_AUTO_THRESHOLD={choice.threshold:g} is shown to give {goal}",
        f"it is {thresholds.link_min:g} now: {change:+d} waiting items would be linked unasked",
        "nothing was changed; verdicts come mostly from what was sent to review",
    ]


def _cells(one: ThresholdFigures) -> tuple[str, ...]:
    return (
        f"{one.threshold:g}",
        str(one.linked),
        str(one.right),
        *_interval_cells(one.precision),
        *_interval_cells(one.recall),
        str(one.waiting),
    )


def _interval_cells(interval: Interval | None) -> tuple[str, str]:
    if interval is None:
        return "", ""
    return f"{interval.share:.3f}", f"{interval.low:.3f} to {interval.high:.3f}"


def _interval_told(interval: Interval | None) -> dict[str, float] | None:
    if interval is None:
        return None
    return {
        "share": round(interval.share, 4),
        "low": round(interval.low, 4),
        "high": round(interval.high, 4),
    }
