"""Comparison and ranking: bounded, told with reasons, and never safe beside a conflict."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketbel_core.matching import (
    DEFAULT_THRESHOLDS,
    Corpus,
    Decision,
    Features,
    Ranked,
    Rung,
    Thresholds,
    compare,
    described,
    features_of,
    rank,
    why,
    why_not,
)

_WORDS = ["Дрель", "ударная", "Bosch", "насос", "белая", "Plus", "х", "для", "краска", "чёрная"]
_FIGURES = ["600 Вт", "1,5 л", "5 л", "GSB-13", "A52", "А53", "13", "600", "2.5", "10 шт"]
_NAMES = st.lists(st.sampled_from(_WORDS + _FIGURES), min_size=1, max_size=7).map(" ".join)
_ANY_NAMES = st.one_of(_NAMES, st.text(max_size=60))
_CATALOGUE = Corpus(
    features_of(name)
    for name in (
        "Дрель ударная Bosch GSB-13 600 Вт",
        "Дрель ударная Bosch A52 600 Вт",
        "Краска белая 5 л",
        "Краска белая 1,5 л",
        "Краска чёрная 5 л",
        "Насос A53",
    )
)


def ranked(item: str, *products: str) -> Ranked:
    return rank(features_of(item), [features_of(name) for name in products], _CATALOGUE)[0]


@given(_ANY_NAMES, _ANY_NAMES)
def test_conflicts_and_silences_do_not_depend_on_which_is_the_item(one: str, other: str) -> None:
    there = compare(features_of(one), features_of(other), _CATALOGUE)
    back = compare(features_of(other), features_of(one), _CATALOGUE)

    assert set(there.conflicts) == set(back.conflicts)
    assert there.silences == back.silences
    assert there.overlap == pytest.approx(back.overlap)
    assert there.cosine == pytest.approx(back.cosine)
    assert there.alignment.item_rest == back.alignment.product_rest


@given(_ANY_NAMES, st.lists(_ANY_NAMES, min_size=1, max_size=5))
def test_scores_are_between_0_and_100_with_two_decimals_best_first(
    item: str, products: list[str]
) -> None:
    found = rank(features_of(item), [features_of(name) for name in products], _CATALOGUE)

    scores = [place.score for place in found]
    assert sorted(place.index for place in found) == list(range(len(products)))
    assert scores == sorted(scores, reverse=True)
    assert all(0.0 <= score <= 100.0 and score == round(score, 2) for score in scores)


@given(_NAMES, st.lists(_NAMES, min_size=1, max_size=4))
def test_beside_a_conflict_nothing_is_safe_to_link(item: str, products: list[str]) -> None:
    for place in rank(features_of(item), list(map(features_of, products)), _CATALOGUE):
        if place.comparison.conflicts:
            assert place.score < DEFAULT_THRESHOLDS.link_min
            assert place.capped_by
        if place.score >= DEFAULT_THRESHOLDS.link_min:
            assert place.comparison.certainty is not None


@given(_NAMES, _NAMES, st.floats(0, 100), st.floats(0, 100), st.floats(0, 100))
def test_a_higher_cut_off_never_links_more(
    item: str, product: str, first: float, second: float, third: float
) -> None:
    review_min, low, high = sorted((first, second, third))
    order = [Decision.NEW_PRODUCT, Decision.REVIEW, Decision.LINK]
    score = ranked(item, product).score

    lenient = Thresholds(link_min=low, review_min=review_min).decide(score)
    strict = Thresholds(link_min=high, review_min=low).decide(score)

    assert order.index(strict) <= order.index(lenient)


@given(_NAMES)
def test_the_order_of_words_without_editions_does_not_change_what_is_shared(name: str) -> None:
    turned = " ".join(reversed(name.split(" ")))
    if features_of(turned).tokens.keys() != features_of(name).tokens.keys():
        return  # a figure and its unit came apart

    assert compare(features_of(name), features_of(turned), _CATALOGUE).overlap in {0.0, 1.0}


def test_the_order_of_words_does_not_matter_for_a_link() -> None:
    words = ["Bosch", "дрель", "ударная", "A52", "600 Вт"]

    scores = {
        ranked(" ".join(turned), "Дрель ударная Bosch A52 600 Вт").score >= 95
        for turned in permutations(words)
    }

    assert scores == {True}


@pytest.mark.parametrize(
    ("item", "product", "conflict"),
    [
        ("Краска белая 0,5 л", "Краска белая 5 л", "quantity"),
        ("Краска белая 5 кг", "Краска белая 9 л", "quantity"),
        ("Вода 1,5 л 6 шт", "Вода 1,5 л", "pack"),
        ("Шуруповёрт Bosch GSR 120-LI", "Шуруповёрт Bosch GSR 180-LI", "twin_code"),
        ("Телевизор LN40A550", "Телевизор LN46A550", "twin_code"),
        ("Redmi Note 12 Pro", "Redmi Note 13 Pro", "number"),
        ("Смартфон Galaxy S9 64 ГБ", "Смартфон Galaxy S9 Plus 64 ГБ", "edition"),
        ("Краска матовая белая 10 л", "Краска матовая серая 10 л", "colour"),
        ("Чехол для Samsung Galaxy S9", "Samsung Galaxy S9", "accessory"),
        ("Картридж совместимый HP 85A", "Картридж HP 85A", "substitute"),
        ("Плита бетонная 600х500х300 мм", "Плита бетонная 600х200х300 мм", "quantity"),
    ],
)
def test_names_that_differ_in_what_matters_go_to_a_person(
    item: str, product: str, conflict: str
) -> None:
    found = ranked(item, product)

    assert conflict in found.comparison.conflicts
    assert found.score < DEFAULT_THRESHOLDS.link_min
    assert why_not(found)


@pytest.mark.parametrize(
    ("item", "product"),
    [
        ("Sony PS-LX350H Turntable", "Sony Turntable PSLX350H"),
        ("bosch smv 40 c30 gb", "Bosch SMV40C30GB"),
        ("intel xeon w 2135 processor", "Intel Xeon W-2135"),
        ("Масло 1,5 л Лукойл", "Лукойл масло 1500 мл"),
        ("Дрель Самсунг X100", "Дрель Samsung Х100"),
    ],
)
def test_one_thing_spelt_in_two_ways_has_no_conflict_and_is_linked(
    item: str, product: str
) -> None:
    found = ranked(item, product)

    assert found.comparison.conflicts == ()
    assert found.score >= DEFAULT_THRESHOLDS.link_min


def test_a_best_that_hardly_leads_is_not_safe() -> None:
    item = "Дрель ударная Bosch GSB-1300"

    alone = ranked(item, "Дрель Bosch GSB-1300")
    beside_its_like = ranked(item, "Дрель Bosch GSB-1300", "Дрель GSB-1300 Bosch")

    assert alone.score >= 95
    assert beside_its_like.score < 95
    assert beside_its_like.capped_by == ("margin",)


def test_words_that_tell_the_catalogues_siblings_apart_are_a_conflict() -> None:
    corpus = Corpus(map(features_of, ("Лак тик 1 л", "Лак сосна 1 л", "Лак орех 1 л")))

    found = compare(features_of("Лак яхтный тик 1 л"), features_of("Лак сосна 1 л"), corpus)

    assert "sibling" in found.conflicts


def _with(name: str, **columns: str) -> Features:
    return described(features_of(name), price=None, **columns)


@pytest.mark.parametrize(
    ("item", "product", "rung"),
    [
        ({"gtin": "4006381333931"}, {"gtin": "4006381333931"}, Rung.GTIN),
        ({"gtin": "036000291452"}, {"gtin": "0036000291452"}, Rung.GTIN),
        ({"gtin": "4006381333932"}, {"gtin": "4006381333932"}, None),
        (
            {"code": "AB-1020", "brand": "Bosch"},
            {"code": "ab1020", "brand": "BOSCH"},
            Rung.VENDOR_CODE,
        ),
        ({"code": "AB-1020", "brand": "Bosch"}, {"code": "ab1020", "brand": "Makita"}, None),
        ({"code": "12", "brand": "Bosch"}, {"code": "12", "brand": "Bosch"}, None),
    ],
)
def test_keys_stand_above_names(
    item: dict[str, str], product: dict[str, str], rung: Rung | None
) -> None:
    mine, theirs = _with("Насос садовый", **item), _with("Помпа", **product)

    found = rank(mine, [theirs], _CATALOGUE)[0]

    assert found.rung == rung
    assert (found.score >= DEFAULT_THRESHOLDS.link_min) == (rung is not None)


def test_a_key_does_not_stand_against_another_quantity() -> None:
    mine = _with("Вода 0,5 л", gtin="4006381333931")
    theirs = _with("Вода 1,5 л", gtin="4006381333931")

    assert rank(mine, [theirs], _CATALOGUE)[0].score < DEFAULT_THRESHOLDS.link_min


def test_prices_far_apart_speak_against_a_pair() -> None:
    cheap = described(features_of("Дрель Bosch A52"), price=10.0)
    dear = described(features_of("Дрель Bosch A52"), price=50.0)

    assert "price" in compare(cheap, dear, _CATALOGUE).conflicts


def test_reasons_are_told_in_sentences() -> None:
    found = ranked("Дрель Bosch A52 500 Вт", "Дрель ударная Bosch A52 600 Вт")

    assert any("a52" in sentence for sentence in why(found))
    assert "The quantities differ." in why_not(found)
    assert "Only the item says: 500w." in why_not(found)


@pytest.mark.parametrize("other", ["", "***", "Дрель"])
def test_a_name_that_says_nothing_is_like_nothing(other: str) -> None:
    assert ranked("---", other).score == 0.0


@given(st.lists(_NAMES, max_size=8), st.data())
def test_products_counted_out_again_leave_no_trace(names: list[str], data: st.DataObject) -> None:
    gone = data.draw(st.sets(st.integers(0, 7)))
    corpus, left = Corpus(), Corpus()
    for name in names:
        corpus.add(features_of(name))
    for at, name in enumerate(names):
        if at in gone:
            corpus.remove(features_of(name))
        else:
            left.add(features_of(name))

    assert len(corpus) == len(left)
    for name in names:
        for token, kind in features_of(name).tokens.items():
            assert corpus.weight(token, kind) == left.weight(token, kind)


@pytest.mark.parametrize(
    ("item", "product"),
    [
        ("Телевизор Филипс 55PUS6703/12 55 дюймов", "Philips 55PUS6703"),
        ("Посудомойка Whirlpool FSCR90420/FSCR90420", "Whirlpool FSCR90420"),
        ("Ср-во д/посуды Sorti 900 мл акция", "Средство для посуды Sorti 0,9 л"),
        ("Краска фас. Тритон 5 л", "Краска фасадная Тритон 5 л"),
        ("Телевизор Samsung PN63A650 контраст 1000000:1", "Samsung PN63A650 серия 6"),
    ],
)
def test_what_the_trade_shortens_or_adds_speaks_against_no_pair(item: str, product: str) -> None:
    found = ranked(item, product)

    assert found.comparison.conflicts == ()
    assert found.score >= DEFAULT_THRESHOLDS.review_min


def test_the_surest_spelling_of_a_code_is_the_one_that_counts() -> None:
    item = "Холодильник Indesit LD70N1S WTD"

    first, second = rank(
        features_of(item),
        [features_of("Indesit LD70N1S"), features_of("Indesit LD70N1SWTD")],
        _CATALOGUE,
    )

    assert (first.index, second.index) == (1, 0)


def test_four_figures_with_a_letter_are_a_model_and_no_amount() -> None:
    assert features_of("Xeon 2648L").codes == {"2648l"}
    assert not features_of("Xeon 2648L").quantities


def test_a_model_with_a_suffix_of_its_country_is_linked_when_nothing_is_near() -> None:
    found = ranked("Телевизор Samsung UE49NU7100KXXU", "Samsung UE49NU7100")

    assert found.comparison.certainty is not None
    assert found.comparison.certainty.reason == "model"
    assert found.score >= DEFAULT_THRESHOLDS.link_min
    assert "The item's code is the product's with a suffix." in why(found)


def test_a_word_that_siblings_differ_in_keeps_a_shared_code_from_being_enough() -> None:
    names = [f"Процессор {model} {way}" for model in ("G4560", "G5400") for way in ("box", "tray")]
    corpus = Corpus(map(features_of, names))

    found = rank(features_of("Процессор G4560 для ПК"), [features_of(names[0])], corpus)[0]

    assert found.comparison.certainty is None
    assert found.score < DEFAULT_THRESHOLDS.link_min


_SOAPS = [
    f"Средство {kind} Альба {what} 1 л"
    for kind, what in (
        ("жидкое", "полы"), ("жидкое", "стёкла"), ("сухое", "ковры"), ("густое", "плиты"),
        ("жидкое", "ванны"), ("сухое", "трубы"), ("густое", "посуда"), ("жидкое", "руки"),
        ("сухое", "бельё"), ("густое", "мебель"),
    )
]  # fmt: skip


def test_what_most_products_found_say_may_be_left_out() -> None:
    names = [*_SOAPS, "Средство сухое Альба отличное окна 1 л", "Средство Альба отличное сад 1 л"]
    products = list(map(features_of, names))
    corpus = Corpus(products)
    item = features_of("Средство жидкое отличное стёкла 1 л")

    among = rank(item, products, corpus)[0]
    alone = rank(item, products[1:2], corpus)[0]

    assert among.index == 1
    assert among.comparison.certainty is not None
    assert among.comparison.certainty.reason == "usual"
    assert among.score >= DEFAULT_THRESHOLDS.link_min
    assert alone.comparison.certainty is None


def test_words_that_never_meet_in_one_name_are_not_left_out() -> None:
    names = [*_SOAPS, "Средство отличное окна 1 л", "Средство отличное сад 1 л"]
    products = list(map(features_of, names))

    found = rank(features_of("Средство жидкое отличное стёкла 1 л"), products, Corpus(products))[0]

    assert found.index == 1
    assert found.comparison.certainty is None
