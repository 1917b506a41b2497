"""The contract of `Analyzer`, for every adapter of it that reads elsewhere.

class TestMyAnalyzer(AnalyzerContract):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[AnalyzerBench]:
        async with my_bench() as opened:
            yield opened
"""

import asyncio
from abc import abstractmethod
from dataclasses import replace
from typing import Final, Protocol

import pytest

from marketbel_core.errors import RefusedError
from marketbel_core.ids import AnalysisId
from marketbel_core.ports import (
    AnalysisFailed,
    AnalysisFinished,
    AnalysisReport,
    AnalysisRequest,
    AnalysisRunning,
    AnalysisUnknown,
    Analyzer,
    ReadElsewhere,
)

__all__ = ["AnalyzerBench", "AnalyzerContract", "ended", "submitted"]

_PATIENCE_SECONDS: Final = 30
_NOBODYS: Final = AnalysisId("019e0000-0000-7000-8000-000000000000")


class AnalyzerBench(Protocol):
    """The analyzer under test, and files laid out for it."""

    @property
    @abstractmethod
    def analyzer(self) -> Analyzer:
        """The analyzer under test."""

    @abstractmethod
    async def readable(self) -> AnalysisRequest:
        """Return the request of a fresh job whose file reads well."""

    @abstractmethod
    async def unreadable(self) -> AnalysisRequest:
        """Return the request of a fresh job whose file is taken, and then cannot be read."""

    @abstractmethod
    async def unacceptable(self) -> AnalysisRequest:
        """Return the request of a fresh job whose file is refused on sight."""


class AnalyzerContract:
    """What every `Analyzer` keeps; a subclass says which by its fixture `bench`."""

    @pytest.fixture
    def bench(self) -> AnalyzerBench:
        """A bench: the subclass overrides this."""
        raise TypeError(f"{type(self).__name__} must override the fixture `bench`")

    async def test_a_submitted_file_is_read_to_the_end(self, bench: AnalyzerBench) -> None:
        analysis_id = await submitted(bench.analyzer, await bench.readable())

        report = await ended(bench.analyzer, analysis_id)

        assert isinstance(report, AnalysisFinished)
        assert report.items_processed <= report.items_total
        assert report.error_count >= 0

    async def test_an_ended_reading_stays_ended(self, bench: AnalyzerBench) -> None:
        analysis_id = await submitted(bench.analyzer, await bench.readable())
        report = await ended(bench.analyzer, analysis_id)

        assert await bench.analyzer.report(analysis_id) == report

    async def test_the_same_attempt_submitted_twice_is_one_reading(
        self, bench: AnalyzerBench
    ) -> None:
        request = await bench.readable()

        first = await submitted(bench.analyzer, request)

        assert await submitted(bench.analyzer, request) == first

    async def test_another_attempt_is_another_reading(self, bench: AnalyzerBench) -> None:
        request = await bench.readable()

        first = await submitted(bench.analyzer, request)

        assert await submitted(bench.analyzer, replace(request, attempt=2)) != first

    async def test_a_file_that_cannot_be_read_fails_with_a_sentence(
        self, bench: AnalyzerBench
    ) -> None:
        analysis_id = await submitted(bench.analyzer, await bench.unreadable())

        report = await ended(bench.analyzer, analysis_id)

        assert isinstance(report, AnalysisFailed)
        assert all(report.errors)
        assert report.errors

    async def test_a_file_that_is_refused_says_so_at_once(self, bench: AnalyzerBench) -> None:
        with pytest.raises(RefusedError) as refusal:
            await bench.analyzer.submit(await bench.unacceptable())

        assert refusal.value.code == "ml.refused"

    async def test_a_reading_that_nobody_submitted_is_unknown(self, bench: AnalyzerBench) -> None:
        assert await bench.analyzer.report(_NOBODYS) == AnalysisUnknown()


async def submitted(analyzer: Analyzer, request: AnalysisRequest) -> AnalysisId:
    """Submit the request; return the id of its reading."""
    submission = await analyzer.submit(request)
    assert isinstance(submission, ReadElsewhere)
    return submission.analysis_id


async def ended(analyzer: Analyzer, analysis_id: AnalysisId) -> AnalysisReport:
    """Ask until the reading runs no more; return the last report."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        # Whoever reads can only be asked; the turn of the loop lets the time-out through.
        while isinstance(report := await analyzer.report(analysis_id), AnalysisRunning):  # noqa: ASYNC110
            await asyncio.sleep(0)
    return report
