"""Who reads a file: ml-analyze, or this package in its own import step."""

from collections.abc import Sequence

from marketbel_core.errors import PortError
from marketbel_core.ids import AnalysisId
from marketbel_core.jobs import Reading
from marketbel_core.ports import (
    AnalysisReport,
    AnalysisRequest,
    AnalysisUnknown,
    Analyzer,
    ReadHere,
    Submission,
)

__all__ = ["LocalAnalyzer", "RoutingAnalyzer"]


class LocalAnalyzer(Analyzer):
    """Leaves every file to the import step; has no readings of its own to report on."""

    async def submit(self, request: AnalysisRequest) -> Submission:
        del request
        return ReadHere()

    async def report(self, analysis_id: AnalysisId) -> AnalysisReport:
        del analysis_id
        return AnalysisUnknown()


class RoutingAnalyzer(Analyzer):
    """Submits by what the request wishes; asks `ml`, which alone reads elsewhere, for reports."""

    def __init__(self, *, ml: Analyzer, local: Analyzer) -> None:
        self._ml = ml
        self._local = local

    async def submit(self, request: AnalysisRequest) -> Submission:
        match request.reading:
            case Reading.ML:
                return await self._ml.submit(request)
            case Reading.LOCAL:
                return await self._local.submit(request)

    async def report(self, analysis_id: AnalysisId) -> AnalysisReport:
        return await self._ml.report(analysis_id)

    async def reports(
        self, analysis_ids: Sequence[AnalysisId]
    ) -> list[AnalysisReport | PortError]:
        return await self._ml.reports(analysis_ids)
