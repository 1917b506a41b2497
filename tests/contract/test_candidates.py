"""Candidate indexes: in memory on the core's blocks, and on tantivy."""

import pytest

from marketbel_adapters.index import TantivyCandidateIndex
from marketbel_adapters.memory.candidates import MemoryCandidateIndex
from marketbel_adapters.testing.builders import a_product
from marketbel_adapters.testing.candidates import CandidateIndexContract
from marketbel_core.matching import Wanted, features_of
from marketbel_core.ports import CandidateIndex


class TestMemoryCandidateIndex(CandidateIndexContract):
    @pytest.fixture
    def index(self) -> CandidateIndex:
        return MemoryCandidateIndex()


class TestTantivyCandidateIndex(CandidateIndexContract):
    @pytest.fixture
    def index(self) -> CandidateIndex:
        return TantivyCandidateIndex()


@pytest.mark.parametrize("adapter", [MemoryCandidateIndex, TantivyCandidateIndex])
async def test_a_name_of_signs_alone_finds_its_namesake_and_no_other(
    adapter: type[MemoryCandidateIndex | TantivyCandidateIndex],
) -> None:
    index = adapter()
    stars = a_product(name="***")
    await index.put([stars, a_product(name="!!!")])
    wanted = Wanted(name="***", features=features_of("***"))

    found = await index.consult(lambda lookup: lookup.nearest(wanted, limit=5))

    assert [candidate.product for candidate in found] == [stars]
