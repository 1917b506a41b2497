"""Comparison: symmetric, between 0 and 100, and never high beside a conflict."""

from itertools import permutations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from marketbel_core.matching import DEFAULT_THRESHOLDS, Comparison, compare, features_of

_WORDS = ["Дрель", "ударная", "Bosch", "насос", "белая", "Plus", "х", "для", "краска"]
_FIGURES = ["600 Вт", "1,5 л", "5 л", "GSB-13", "A52", "А53", "13", "600", "2.5", "10 шт"]
_NAMES = st.lists(st.sampled_from(_WORDS + _FIGURES), min_size=1, max_size=7).map(" ".join)
_ANY_NAMES = st.one_of(_NAMES, st.text(max_size=60))


def compared(item: str, product: str) -> Comparison:
    return compare(features_of(item), features_of(product))


@given(_ANY_NAMES, _ANY_NAMES)
def test_it_does_not_matter_which_is_the_item(one: str, other: str) -> None:
    assert compared(one, other) == compared(other, one)


@given(_ANY_NAMES, _ANY_NAMES)
def test_a_score_is_between_0_and_100_with_two_decimals(one: str, other: str) -> None:
    score = compared(one, other).score

    assert 0.0 <= score <= 100.0
    assert score == round(score, 2)


@given(_ANY_NAMES)
def test_identical_names_score_100(name: str) -> None:
    assume(features_of(name).text)

    assert compared(name, name) == Comparison(score=100.0)


@given(_NAMES, _NAMES)
def test_a_conflict_is_never_linked_without_a_person(one: str, other: str) -> None:
    found = compared(one, other)

    if set(found.conflicts) - {"word"}:
        assert found.score <= 80.0
    elif found.conflicts or found.silent:
        assert found.score <= 93.0
    if found.score >= DEFAULT_THRESHOLDS.link_min:
        assert not found.conflicts
        assert not found.silent


@given(_NAMES, _NAMES)
def test_conflicts_are_what_both_name_and_silence_what_one_names(one: str, other: str) -> None:
    mine, theirs = features_of(one), features_of(other)
    assume(mine.text != theirs.text)
    pairs = {
        "code": (mine.codes, theirs.codes),
        "quantity": (mine.quantities, theirs.quantities),
        "number": (mine.numbers, theirs.numbers),
    }

    found = compare(mine, theirs)

    differing = {kind: both for kind, both in pairs.items() if both[0] != both[1]}
    assert set(found.conflicts) - {"word"} == {k for k, both in differing.items() if all(both)}
    assert set(found.silent) - {"word"} == {k for k, both in differing.items() if not all(both)}


@pytest.mark.parametrize(
    ("item", "product", "kind"),
    [
        ("Смартфон Galaxy S9 64 ГБ чёрный", "Смартфон Galaxy S9 Plus 64 ГБ чёрный", "silent"),
        (
            "Краска акриловая матовая белая 10 л",
            "Краска акриловая матовая серая 10 л",
            "conflicts",
        ),
        ("Чехол для Samsung Galaxy S9", "Samsung Galaxy S9", "silent"),
        ("Батарейка Duracell AA 4 шт", "Батарейка Duracell AAA 4 шт", "conflicts"),
        ("Футболка хлопковая белая XL", "Футболка хлопковая белая XXL", "conflicts"),
        ("Масло неочищенное кокосовое", "Масло очищенное кокосовое", "conflicts"),
        ("Сок неосветленный яблочный", "Сок осветленный яблочный", "conflicts"),
        ("Планшет Honor Lite", "Планшет Honor Elite", "conflicts"),
    ],
)
def test_a_word_of_ones_own_is_never_linked_without_a_person(
    item: str, product: str, kind: str
) -> None:
    found = compared(item, product)

    assert "word" in getattr(found, kind)
    assert found.score < DEFAULT_THRESHOLDS.link_min


@pytest.mark.parametrize(
    ("one", "other"), [("Труба R1/2", "Труба R12"), ("Шина A1-2", "Шина A12")]
)
def test_figures_on_two_sides_of_a_separator_are_not_one_figure(one: str, other: str) -> None:
    assert compared(one, other).score < DEFAULT_THRESHOLDS.link_min


def test_a_mistyped_or_inflected_word_is_no_word_of_its_own() -> None:
    found = compared("Перфаратор аккумуляторный Bosch", "Перфоратор аккумуляторный Bosch")

    assert (found.conflicts, found.silent) == ((), ())
    assert found.score > 95.0


def test_the_order_of_words_does_not_matter() -> None:
    words = ["Bosch", "дрель", "ударная", "600 Вт"]

    scores = {compared(" ".join(words), " ".join(turned)).score for turned in permutations(words)}

    assert scores == {100.0}


@pytest.mark.parametrize(
    ("item", "product", "conflict"),
    [
        ("Краска белая 0,5 л", "Краска белая 5 л", "quantity"),
        ("Шуруповёрт Bosch GSR 120-LI", "Шуруповёрт Bosch GSR 180-LI", "code"),
        ("Redmi Note 12 Pro", "Redmi Note 13 Pro", "number"),
        ("Плита бетонная 600 600 300", "Плита бетонная 600 300 300", "number"),
    ],
)
def test_names_that_differ_in_a_figure_go_to_a_person(
    item: str, product: str, conflict: str
) -> None:
    found = compared(item, product)

    assert found.conflicts == (conflict,)
    assert found.score < DEFAULT_THRESHOLDS.link_min


def test_a_figure_that_one_side_keeps_to_itself_costs_less_than_a_conflict() -> None:
    silent = compared("Дрель Bosch 600 Вт", "Дрель Bosch")
    conflicting = compared("Дрель Bosch 600 Вт", "Дрель Bosch 800 Вт")

    assert silent.silent == ("quantity",)
    assert conflicting.score < silent.score < DEFAULT_THRESHOLDS.link_min


@pytest.mark.parametrize("other", ["", "***", "Дрель"])
def test_a_name_that_says_nothing_is_like_nothing(other: str) -> None:
    assert compared("---", other).score == 0.0
