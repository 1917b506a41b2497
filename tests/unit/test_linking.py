"""What becomes of an item beside its candidates."""

import json
from datetime import timedelta

import pytest

from marketbel_adapters.testing.builders import NOW, a_product, an_item, fresh_id
from marketbel_core.catalog import Product, ProductStatus, SupplierItem, draft_id, internal_sku
from marketbel_core.ids import CategoryId, SupplierId
from marketbel_core.matching import (
    DEFAULT_THRESHOLDS,
    NOTHING_KNOWN,
    Corpus,
    Drafted,
    ForReview,
    Linked,
    MatchOutcome,
    Precedents,
    Thresholds,
    draft_for,
    features_of,
    link,
)

_MONTH = timedelta(days=30)


def linked(
    item: SupplierItem,
    *candidates: Product,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
    candidates_max: int = 5,
    precedents: Precedents = NOTHING_KNOWN,
) -> MatchOutcome:
    return link(
        item,
        candidates,
        corpus=Corpus(features_of(product.name) for product in candidates),
        thresholds=thresholds,
        candidates_max=candidates_max,
        now=NOW,
        review_for=_MONTH,
        precedents=precedents,
    )


def test_a_product_of_the_same_name_is_linked() -> None:
    item = an_item(name="Насос Makita X1")
    product = a_product(name="насос MAKITA Х1", category_id=CategoryId(fresh_id()))

    outcome = linked(item, a_product(name="Краска"), product)

    assert isinstance(outcome, Linked)
    assert (outcome.item, outcome.product_id, outcome.score) == (item, product.id, 100.0)
    assert outcome.candidates[0].product_id == product.id
    assert outcome.candidates[0].category_id == product.category_id


def test_a_product_that_is_rather_alike_waits_for_a_person() -> None:
    item = an_item(name="Насос Makita X1 600 Вт")
    product = a_product(name="Насос Makita X1 800 Вт")

    outcome = linked(item, product)

    assert isinstance(outcome, ForReview)
    assert 70 <= outcome.score < 95
    assert outcome.task.item_id == item.id
    assert outcome.task.candidates[0].product_name == product.name
    assert (outcome.task.created_at, outcome.task.expires_at) == (NOW, NOW + _MONTH)


@pytest.mark.parametrize("names", [[], ["Краска белая"]])
def test_an_item_that_is_like_nothing_founds_a_draft(names: list[str]) -> None:
    item = an_item(name="Насос Makita X1")

    outcome = linked(item, *(a_product(name=name) for name in names))

    assert outcome == Drafted(item=item, product=draft_for(item, now=NOW))


def test_a_draft_says_whose_item_founded_it() -> None:
    item = an_item()

    draft = draft_for(item, now=NOW)

    assert draft == Product(
        id=draft_id(item.id),
        internal_sku=internal_sku(draft_id(item.id), at=NOW),
        name=item.name,
        status=ProductStatus.DRAFT,
        created_at=NOW,
        drafted_for=item.supplier_id,
    )


def test_of_namesakes_the_oldest_wins_in_whatever_order_they_come() -> None:
    item = an_item(name="Насос")
    old = a_product(name="Насос", created_at=NOW - timedelta(days=2))
    young = a_product(name="Насос", created_at=NOW)

    for candidates in ([old, young], [young, old]):
        outcome = linked(item, *candidates)

        assert isinstance(outcome, Linked)
        assert outcome.product_id == old.id


def test_namesakes_of_one_instant_are_told_apart_by_id() -> None:
    item = an_item(name="Насос")
    first, second = a_product(name="Насос"), a_product(name="Насос")

    outcome = linked(item, second, first)

    assert isinstance(outcome, Linked)
    assert outcome.product_id == first.id


def test_a_best_that_does_not_lead_another_name_waits_for_a_person() -> None:
    item = an_item(name="Насос Makita")
    one, turned = a_product(name="Насос Makita"), a_product(name="Makita насос")

    outcome = linked(item, one, turned)

    assert isinstance(outcome, ForReview)
    assert 70 <= outcome.score < 95
    assert len(outcome.task.candidates) == 2


def test_a_draft_of_the_same_supplier_is_no_candidate() -> None:
    supplier_id = SupplierId(fresh_id())
    item = an_item(name="Насос", supplier_id=supplier_id)
    own = a_product(name="Насос", status=ProductStatus.DRAFT, drafted_for=supplier_id)
    anothers = a_product(
        name="Насос", status=ProductStatus.DRAFT, drafted_for=SupplierId(fresh_id())
    )

    beside_own = linked(item, own)
    beside_both = linked(item, own, anothers)

    assert isinstance(beside_own, Drafted)
    assert isinstance(beside_both, Linked)
    assert beside_both.product_id == anothers.id


@pytest.mark.parametrize("candidates_max", [1, 3])
def test_only_the_best_candidates_are_kept(candidates_max: int) -> None:
    item = an_item(name="Насос Makita")
    products = [a_product(name=f"Насос Makita X{number}") for number in range(2, 8)]

    outcome = linked(item, *products, candidates_max=candidates_max)

    assert isinstance(outcome, ForReview)
    scores = [candidate.score for candidate in outcome.task.candidates]
    assert len(scores) == candidates_max
    assert scores == sorted(scores, reverse=True)
    assert outcome.score == scores[0]


def test_what_is_kept_does_not_change_what_is_decided() -> None:
    item = an_item(name="Насос Makita")
    candidates = [a_product(name="Насос Makita"), a_product(name="Makita насос")]

    assert isinstance(linked(item, *candidates, candidates_max=1), ForReview)


def test_without_candidates_even_the_lowest_cut_off_founds_a_draft() -> None:
    everything = Thresholds(link_min=0.0, review_min=0.0)

    assert isinstance(linked(an_item(), thresholds=everything), Drafted)
    assert isinstance(
        linked(an_item(name="Насос"), a_product(name="Краска"), thresholds=everything), Linked
    )


def test_what_a_person_called_the_same_is_linked_whatever_the_names_say() -> None:
    product = a_product(name="Краска белая")
    known = Precedents(same=product.id)

    outcome = linked(an_item(name="Насос Makita X1"), product, precedents=known)

    assert isinstance(outcome, Linked)
    assert (outcome.product_id, outcome.score) == (product.id, 100.0)


def test_what_a_person_called_different_is_never_offered_again() -> None:
    product = a_product(name="Насос Makita X1")
    known = Precedents(different=frozenset({product.id}))

    outcome = linked(an_item(name=product.name), product, precedents=known)

    assert isinstance(outcome, Drafted)


def test_an_earlier_link_holds_while_nothing_speaks_against_it() -> None:
    earlier = a_product(name="Насос дренажный Makita")
    known = Precedents(earlier=earlier.id)

    same = linked(an_item(name="Насос Makita"), earlier, precedents=known)
    other = linked(an_item(name="Насос Makita 2 л"), a_product(name="Насос 5 л", id=earlier.id))

    assert isinstance(same, Linked)
    assert not isinstance(other, Linked)


def test_each_candidate_keeps_what_its_score_is_made_of() -> None:
    outcome = linked(an_item(name="Насос X1 600 Вт"), a_product(name="Насос X1 800 Вт"))

    assert isinstance(outcome, ForReview)
    detail = outcome.task.candidates[0].detail
    assert detail["conflicts"] == ["quantity"]
    assert detail["capped_by"] == ["quantity"]
    assert (detail["item_only"], detail["product_only"]) == (["600w"], ["800w"])
    assert json.loads(json.dumps(detail)) == detail
