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

from marketbel_adapters.testing.builders import NOW, a_product
from marketbel_core.catalog import Product
from marketbel_core.ports import CandidateIndex

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

        found = await index.nearest(["Tefal KO 330", "Bosch GSB 13"], limit=1)

        assert found == [[kettle], [drill]]

    async def test_no_names_get_no_lists(self, index: CandidateIndex) -> None:
        await index.put([a_product()])

        assert await index.nearest([], limit=5) == []

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


async def _nearest(index: CandidateIndex, name: str, *, limit: int) -> list[Product]:
    [found] = await index.nearest([name], limit=limit)
    return found
