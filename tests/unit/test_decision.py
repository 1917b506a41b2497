"""The two cut-offs."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketbel_core.matching import DEFAULT_THRESHOLDS, Decision, Thresholds

_SCORES = st.floats(0, 100)
_ORDER = [Decision.NEW_PRODUCT, Decision.REVIEW, Decision.LINK]
_THRESHOLDS = st.lists(_SCORES, min_size=2, max_size=2).map(
    lambda pair: Thresholds(review_min=min(pair), link_min=max(pair))
)


@pytest.mark.parametrize(
    ("score", "decision"),
    [
        (None, Decision.NEW_PRODUCT),
        (0.0, Decision.NEW_PRODUCT),
        (69.99, Decision.NEW_PRODUCT),
        (70.0, Decision.REVIEW),
        (94.99, Decision.REVIEW),
        (95.0, Decision.LINK),
        (100.0, Decision.LINK),
    ],
)
def test_both_cut_offs_belong_to_what_is_above_them(
    score: float | None, decision: Decision
) -> None:
    assert DEFAULT_THRESHOLDS.decide(score) is decision


@given(_THRESHOLDS, _SCORES, _SCORES)
def test_a_higher_score_never_decides_for_less(
    thresholds: Thresholds, one: float, other: float
) -> None:
    low, high = sorted([one, other])

    lower, higher = thresholds.decide(low), thresholds.decide(high)

    assert _ORDER.index(lower) <= _ORDER.index(higher)


@given(_THRESHOLDS)
def test_the_cut_offs_themselves_are_reached(thresholds: Thresholds) -> None:
    assert thresholds.decide(thresholds.link_min) is Decision.LINK
    assert thresholds.decide(thresholds.review_min) is not Decision.NEW_PRODUCT
    assert thresholds.decide(None) is Decision.NEW_PRODUCT


@pytest.mark.parametrize(
    ("review_min", "link_min"),
    [(95.0, 70.0), (-1.0, 95.0), (70.0, 100.5), (math.nan, 95.0), (70.0, math.nan)],
)
def test_cut_offs_out_of_order_are_refused(review_min: float, link_min: float) -> None:
    with pytest.raises(ValueError, match="thresholds must be"):
        Thresholds(review_min=review_min, link_min=link_min)
