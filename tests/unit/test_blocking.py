"""Blocks beside the plainest search: which products share rare tokens with a name."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from marketbel_adapters.testing.builders import NOW, a_product
from marketbel_core.catalog import Product
from marketbel_core.matching import Blocks

_WORDS = ["дрель", "насос", "краска", "bosch", "makita", "a52", "600 вт", "13", "ab"]
_NAMES = st.lists(st.sampled_from(_WORDS), min_size=1, max_size=4).map(" ".join)


def blocks_of(*products: Product) -> Blocks:
    blocks = Blocks()
    blocks.put(products)
    return blocks


def test_what_shares_a_rarer_token_comes_first() -> None:
    common = [a_product(name=f"Дрель вид{number}") for number in range(9)]
    rare = a_product(name="Насос Makita")
    blocks = blocks_of(*common, rare)

    found = blocks.nearest("дрель makita", limit=3)

    assert found[0] == rare
    assert len(found) == 3


def test_what_shares_nothing_is_not_found() -> None:
    assert blocks_of(a_product(name="Насос Makita")).nearest("краска белая", limit=5) == []


def test_a_long_word_is_found_by_its_beginning() -> None:
    product = a_product(name="Водоэмульсия")

    assert blocks_of(product).nearest("водоэмульсионная", limit=5) == [product]


def test_a_quantity_is_found_in_another_unit() -> None:
    product = a_product(name="Вода 1,5 л")

    assert blocks_of(product).nearest("1500 мл", limit=5) == [product]


def test_of_equals_the_older_comes_first_and_then_the_lower_id() -> None:
    young = a_product(name="Насос", created_at=NOW)
    old = a_product(name="Насос", created_at=NOW - timedelta(days=1))
    twin = a_product(name="Насос", created_at=NOW)

    assert blocks_of(twin, young, old).nearest("насос", limit=9) == [old, young, twin]


def test_no_more_than_the_limit_are_given() -> None:
    blocks = blocks_of(*(a_product(name="Насос") for _ in range(5)))

    assert len(blocks.nearest("насос", limit=2)) == 2
    assert blocks.nearest("насос", limit=0) == []


def test_a_product_put_again_is_replaced() -> None:
    before = a_product(name="Насос")
    after = a_product(id=before.id, name="Краска")
    blocks = blocks_of(before, before, after)

    assert len(blocks) == 1
    assert blocks.nearest("насос", limit=5) == []
    assert blocks.nearest("краска", limit=5) == [after]


def test_what_is_not_kept_is_forgotten() -> None:
    kept, gone = a_product(name="Насос"), a_product(name="Насос Makita")
    blocks = blocks_of(kept, gone)

    blocks.keep_only(frozenset({kept.id}))

    assert len(blocks) == 1
    assert blocks.nearest("насос makita", limit=5) == [kept]


def test_a_token_that_nearly_all_have_tells_nothing_apart() -> None:
    blocks = blocks_of(*(a_product(name=f"Насос n{number}") for number in range(1_200)))

    assert blocks.nearest("насос", limit=5) == []
    assert [product.name for product in blocks.nearest("насос n7", limit=5)] == ["Насос n7"]


@settings(max_examples=50)
@given(st.lists(_NAMES, max_size=6), st.sets(st.integers(0, 5)), _NAMES)
def test_putting_and_forgetting_leaves_what_a_fresh_index_would_have(
    names: list[str], kept: set[int], sought: str
) -> None:
    products = [a_product(name=name) for name in names]
    left = [product for number, product in enumerate(products) if number in kept]
    blocks = blocks_of(*products)

    blocks.keep_only(frozenset(product.id for product in left))

    assert blocks.nearest(sought, limit=9) == blocks_of(*left).nearest(sought, limit=9)
    assert len(blocks) == len(left)
