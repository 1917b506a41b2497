"""What verdicts say about thresholds, and how sure one can be."""

from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketbel_adapters.testing.builders import NOW, fresh_id
from marketbel_core.ids import ProductId
from marketbel_core.matching import PairVerdict, Verdict
from marketbel_core.matching.tuning import figures_at, proposed, wilson


def said(score: float | None, verdict: Verdict = Verdict.SAME) -> PairVerdict:
    return PairVerdict(
        product_id=ProductId(fresh_id()), verdict=verdict, by="Анна", at=NOW, score=score
    )


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    # Wilson's interval as published for these counts (Newcombe 1998, method 3).
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_the_published_one(
    right: int, total: int, low: float, high: float
) -> None:
    interval = wilson(right, total)

    assert interval is not None
    assert isclose(interval.low, low, abs_tol=1e-4)
    assert isclose(interval.high, high, abs_tol=1e-4)


def test_of_nothing_there_is_no_share() -> None:
    assert wilson(0, 0) is None


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_share_lies_within_its_interval(counts: tuple[int, int]) -> None:
    interval = wilson(*counts)

    assert interval is not None
    assert 0.0 <= interval.low <= interval.share <= interval.high <= 1.0


def test_pairs_at_the_threshold_count_and_those_that_say_nothing_do_not() -> None:
    verdicts = [
        said(95.0),
        said(94.99),
        said(97.0, Verdict.DIFFERENT),
        said(99.0, Verdict.UNSURE),
        said(None),
    ]

    [figures] = figures_at([95.0], verdicts, waiting=[95.0, 80.0])

    assert (figures.linked, figures.right, figures.waiting) == (2, 1, 1)
    assert figures.precision is not None
    assert figures.recall is not None
    assert (figures.precision.share, figures.recall.share) == (0.5, 0.5)


def test_a_threshold_is_proposed_only_where_enough_was_judged() -> None:
    few = [said(90.0) for _ in range(20)]
    many = [said(90.0) for _ in range(300)]
    wrong = [said(80.0, Verdict.DIFFERENT) for _ in range(30)]
    steps = [75.0, 85.0, 95.0]

    assert proposed(figures_at(steps, few, waiting=[]), precision_min=0.98) is None
    choice = proposed(figures_at(steps, [*many, *wrong], waiting=[]), precision_min=0.98)

    assert choice is not None
    assert choice.threshold == 85.0


def test_what_is_wrong_above_a_threshold_stands_in_the_way_of_it() -> None:
    verdicts = [
        *(said(80.0) for _ in range(2_000)),
        *(said(97.0, Verdict.DIFFERENT) for _ in range(5)),
    ]

    figures = figures_at([75.0, 95.0], verdicts, waiting=[])

    assert proposed(figures, precision_min=0.98) is None
