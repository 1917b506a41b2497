"""The contract of `CandidateIndex`, for every adapter of it.

Which products are alike is each adapter's own affair; what is promised is here.

    class TestMyCandidateIndex(CandidateIndexContract):
        @pytest.fixture
        def index(self) -> CandidateIndex:
            return MyCandidateIndex()
"""

from datetime import timedelta
from typing import Final

import pytest

from marketbel_adapters.testing.builders import NOW, a_product, fresh_id
from marketbel_core.catalog import Product
from marketbel_core.ids import CategoryId, ProductId
from marketbel_core.matching import Wanted, features_of
from marketbel_core.ports import CandidateIndex, CandidateLookup, ProductChanges

__all__ = ["CandidateIndexContract"]

_CROWD: Final = 1_200
"""More products than any of whose common words an index may think too common to look up."""


class CandidateIndexContract:
    """What every `CandidateIndex` keeps; a subclass says which by its fixture `index`."""

    @pytest.fixture
    def index(self) -> CandidateIndex:
        """An empty index: the subclass overrides this."""
        raise TypeError(f"{type(self).__name__} must override the fixture `index`")

    async def test_a_product_is_found_by_its_name(self, index: CandidateIndex) -> None:
        drill = a_product(name="Дрель Bosch GSB 13 RE")
        await index.put([drill, a_product(name="Чайник Tefal KO 330")])

        found = await _nearest(index, "Дрель Bosch GSB 13 RE", limit=1)

        assert found == [drill]

    async def test_a_product_is_found_by_part_of_its_name(self, index: CandidateIndex) -> None:
        drill = a_product(name="Дрель ударная Bosch GSB 13 RE")
        await index.put([drill, a_product(name="Чайник Tefal KO 330")])

        assert drill in await _nearest(index, "bosch gsb 13 re", limit=5)

    async def test_each_name_gets_a_list_of_its_own_in_order(self, index: CandidateIndex) -> None:
        drill, kettle = a_product(name="Bosch GSB 13"), a_product(name="Tefal KO 330")
        await index.put([drill, kettle])

        found = [await _nearest(index, name, limit=1) for name in ("Tefal KO 330", "Bosch GSB 13")]

        assert found == [[kettle], [drill]]

    async def test_no_product_comes_twice_and_the_limit_holds(self, index: CandidateIndex) -> None:
        await index.put([a_product(name=f"Bosch GSB {number}") for number in range(9)])

        found = await _nearest(index, "Bosch GSB 5", limit=4)

        assert len(found) <= 4
        assert len({product.id for product in found}) == len(found)

    async def test_a_namesake_comes_before_longer_names_that_contain_it(
        self, index: CandidateIndex
    ) -> None:
        older = [
            a_product(name=f"Чехол для iPhone 14 №{number}", created_at=NOW - timedelta(days=1))
            for number in range(20)
        ]
        phone = a_product(name="iPhone 14")
        await index.put([*older, phone])

        assert (await _nearest(index, "iPhone 14", limit=3))[0] == phone

    async def test_a_namesake_is_found_where_every_word_is_common(
        self, index: CandidateIndex
    ) -> None:
        crowd = [a_product(name=f"Чехол {number}") for number in range(_CROWD)]
        case = a_product(name="Чехол")
        await index.put([*crowd, case])

        assert case in await _nearest(index, "чехол", limit=1)

    async def test_all_namesakes_come_as_far_as_the_limit_reaches_the_oldest_first(
        self, index: CandidateIndex
    ) -> None:
        namesakes = [
            a_product(name="Чехол", created_at=NOW - timedelta(days=days)) for days in range(6)
        ]
        await index.put([*namesakes, a_product(name="Чехол синий")])

        found = await _nearest(index, "Чехол", limit=4)

        assert found == namesakes[:1:-1]

    async def test_a_product_put_again_is_found_by_its_new_name_alone(
        self, index: CandidateIndex
    ) -> None:
        old = a_product(name="Tefal KO 330")
        new = a_product(id=old.id, name="Bosch GSB 13")
        await index.put([old])

        await index.put([new])

        assert await _nearest(index, "Bosch GSB 13", limit=5) == [new]
        assert old not in await _nearest(index, "Tefal KO 330", limit=5)

    async def test_only_what_is_kept_is_found(self, index: CandidateIndex) -> None:
        kept, dropped = a_product(name="Bosch GSB 13"), a_product(name="Bosch GSB 13")
        await index.put([kept, dropped])

        await index.keep_only(frozenset({kept.id}))

        assert await _nearest(index, "Bosch GSB 13", limit=5) == [kept]

    async def test_a_dropped_product_can_come_back(self, index: CandidateIndex) -> None:
        product = a_product(name="Bosch GSB 13")
        await index.put([product])
        await index.keep_only(frozenset())

        await index.put([product])

        assert await _nearest(index, "Bosch GSB 13", limit=5) == [product]

    async def test_what_an_item_is_known_to_be_comes_on_top_of_the_limit(
        self, index: CandidateIndex
    ) -> None:
        drill, kettle = a_product(name="Bosch GSB 13"), a_product(name="Tefal KO 330")
        await index.put([drill, kettle])
        gone = a_product().id

        found = await _sought(index, "bosch", limit=1, known=frozenset({kettle.id, gone}))

        assert found == [drill, kettle]

    async def test_a_category_leaves_out_what_is_in_another_and_nothing_else(
        self, index: CandidateIndex
    ) -> None:
        tools, kitchen = CategoryId(fresh_id()), CategoryId(fresh_id())
        inside = a_product(name="Bosch GSB 13", category_id=tools)
        outside = a_product(name="Bosch GSB 13", category_id=kitchen)
        unknown = a_product(name="Bosch GSB 13", created_at=NOW + timedelta(days=1))
        await index.put([inside, outside, unknown])

        found = await _sought(index, "bosch gsb 13", limit=5, categories=frozenset({tools}))

        assert found == [inside, unknown]
        assert len(await _nearest(index, "bosch gsb 13", limit=5)) == 3

    async def test_many_categories_at_once_are_looked_into(self, index: CandidateIndex) -> None:
        categories = [CategoryId(fresh_id()) for _ in range(9)]
        products = [a_product(name="Bosch GSB 13", category_id=one) for one in categories]
        await index.put(products)

        found = await _sought(index, "GSB 13", limit=9, categories=frozenset(categories[:8]))

        assert {product.id for product in found} == {product.id for product in products[:8]}

    async def test_what_is_taken_in_at_once_and_one_by_one_is_found_alike(
        self, index: CandidateIndex
    ) -> None:
        await index.put([a_product(name=f"Чайник {number}") for number in range(_CROWD)])
        late = a_product(name="Дрель Bosch GSB 13 RE")

        await index.put([late])

        assert await _nearest(index, "gsb13re", limit=1) == [late]
        assert (await _nearest(index, "чайник 777", limit=1))[0].name == "Чайник 777"

    async def test_a_product_of_a_crowd_can_be_replaced_and_forgotten(
        self, index: CandidateIndex
    ) -> None:
        crowd = [a_product(name=f"Чайник KT{number}") for number in range(_CROWD)]
        await index.put(crowd)
        renamed = a_product(id=crowd[5].id, name="Дрель Bosch")

        await index.put([renamed])
        await index.forget([crowd[6].id, a_product().id])

        assert await _nearest(index, "чайник kt5", limit=1) != [crowd[5]]
        assert crowd[6] not in await _nearest(index, "чайник kt6", limit=9)
        assert await _nearest(index, "дрель bosch", limit=1) == [renamed]
        assert index.size == _CROWD - 1

    async def test_keeping_tells_what_is_not_in(self, index: CandidateIndex) -> None:
        kept, missing = a_product(), a_product()
        await index.put([kept, a_product()])

        assert await index.keep_only(frozenset({kept.id, missing.id})) == {missing.id}
        assert index.size == 1

    async def test_changes_come_in_and_their_mark_is_remembered(
        self, index: CandidateIndex
    ) -> None:
        old, new = a_product(name="Bosch GSB 13"), a_product(name="Tefal KO 330")
        await index.put([old])

        changes = ProductChanges(products=[new], gone=[old.id], total=1, mark="7")
        await index.refresh(changes)

        assert (index.mark, index.size) == ("7", 1)
        assert await _nearest(index, "tefal", limit=5) == [new]
        assert await _nearest(index, "bosch", limit=5) == []

    async def test_a_product_that_joins_is_found_by_the_next_look_up(
        self, index: CandidateIndex
    ) -> None:
        drill = a_product(name="Bosch GSB 13")

        def judge(lookup: CandidateLookup) -> list[Product]:
            lookup.join(drill)
            return _found(lookup, "bosch gsb 13", limit=5)

        assert await index.consult(judge) == [drill]
        assert await _nearest(index, "bosch gsb 13", limit=5) == [drill]

    async def test_what_joined_is_forgotten_when_the_judge_fails(
        self, index: CandidateIndex
    ) -> None:
        def judge(lookup: CandidateLookup) -> None:
            lookup.join(a_product(name="Bosch GSB 13"))
            raise RuntimeError

        with pytest.raises(RuntimeError):
            await index.consult(judge)

        assert await _nearest(index, "bosch gsb 13", limit=5) == []
        assert index.size == 0

    async def test_the_corpus_counts_what_is_in(self, index: CandidateIndex) -> None:
        drill, kettle = a_product(name="Bosch GSB 13"), a_product(name="Bosch KO 330")
        await index.put([drill, kettle])

        assert await index.consult(lambda lookup: lookup.corpus.holders("bosch")) == 2
        await index.forget([drill.id])
        assert await index.consult(lambda lookup: lookup.corpus.holders("bosch")) == 1


async def _nearest(index: CandidateIndex, name: str, *, limit: int) -> list[Product]:
    return await _sought(index, name, limit=limit)


async def _sought(
    index: CandidateIndex,
    name: str,
    *,
    limit: int,
    categories: frozenset[CategoryId] | None = None,
    known: frozenset[ProductId] = frozenset(),
) -> list[Product]:
    def judge(lookup: CandidateLookup) -> list[Product]:
        return _found(lookup, name, limit=limit, categories=categories, known=known)

    return await index.consult(judge)


def _found(
    lookup: CandidateLookup,
    name: str,
    *,
    limit: int,
    categories: frozenset[CategoryId] | None = None,
    known: frozenset[ProductId] = frozenset(),
) -> list[Product]:
    wanted = Wanted(name=name, features=features_of(name), categories=categories, known=known)
    return [candidate.product for candidate in lookup.nearest(wanted, limit=limit)]
