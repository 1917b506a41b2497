"""An analyzer that says what it was told to say."""

from collections import deque
from collections.abc import Mapping, Sequence

from marketbel_core.errors import MarketbelError
from marketbel_core.ids import AnalysisId, JobId
from marketbel_core.ports import (
    AnalysisFinished,
    AnalysisReport,
    AnalysisRequest,
    AnalysisUnknown,
    Analyzer,
    ReadElsewhere,
    Submission,
)

__all__ = ["ScriptedAnalyzer"]

type _Line = AnalysisReport | MarketbelError


class ScriptedAnalyzer(Analyzer):
    """Reads nothing: gives each job's scripted reports in turn, the last one for ever.

    A scripted error is raised in its turn. A job without a script is finished at once. Ids are
    `a1`, `a2`, …; the same job and attempt submitted again gets the same one.

    Attributes:
        requests: Every request that was taken, repeated ones included.
    """

    def __init__(self, scripts: Mapping[JobId, Sequence[_Line]] | None = None) -> None:
        self.requests: list[AnalysisRequest] = []
        self._scripts = {job_id: tuple(lines) for job_id, lines in (scripts or {}).items()}
        self._refusals: deque[MarketbelError] = deque()
        self._ids: dict[tuple[JobId, int], AnalysisId] = {}
        self._left: dict[AnalysisId, deque[_Line]] = {}

    def script(self, job_id: JobId, *lines: _Line) -> None:
        """Let the job's later submissions be reported with `lines`, one after the other."""
        self._scripts[job_id] = lines

    def refuse_next(self, error: MarketbelError) -> None:
        """Let the next submission that nobody has refused yet raise `error`."""
        self._refusals.append(error)

    async def submit(self, request: AnalysisRequest) -> Submission:
        if self._refusals:
            raise self._refusals.popleft()
        self.requests.append(request)
        name = (request.job_id, request.attempt)
        if name not in self._ids:
            analysis_id = AnalysisId(f"a{len(self._ids) + 1}")
            self._ids[name] = analysis_id
            self._left[analysis_id] = deque(
                self._scripts.get(request.job_id) or [AnalysisFinished()]
            )
        return ReadElsewhere(analysis_id=self._ids[name])

    async def report(self, analysis_id: AnalysisId) -> AnalysisReport:
        left = self._left.get(analysis_id)
        if left is None:
            return AnalysisUnknown()
        line = left[0] if len(left) == 1 else left.popleft()
        if isinstance(line, MarketbelError):
            raise line
        return line
