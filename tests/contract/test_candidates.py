"""Candidate indexes: in memory, on the core's blocks."""

import pytest

from marketbel_adapters.memory.candidates import MemoryCandidateIndex
from marketbel_adapters.testing.builders import a_product
from marketbel_adapters.testing.candidates import CandidateIndexContract
from marketbel_core.ports import CandidateIndex


class TestMemoryCandidateIndex(CandidateIndexContract):
    @pytest.fixture
    def index(self) -> CandidateIndex:
        return MemoryCandidateIndex()


async def test_a_name_of_signs_alone_finds_its_namesake_and_no_other() -> None:
    index = MemoryCandidateIndex()
    stars = a_product(name="***")
    await index.put([stars, a_product(name="!!!")])

    assert await index.nearest(["***"], limit=5) == [[stars]]
