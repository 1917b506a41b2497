"""A circuit breaker before an analyzer: a service that is away is left alone, but for probes."""

from collections.abc import Awaitable, Callable
from typing import Final

from marketbel_core.errors import MarketbelError, PortError, UnavailableError
from marketbel_core.ids import AnalysisId
from marketbel_core.jobs import Admitted, Denied
from marketbel_core.ports import (
    AnalysisReport,
    AnalysisRequest,
    Analyzer,
    Breaker,
    Submission,
    Telemetry,
)

__all__ = ["GuardedAnalyzer"]

_BUSY: Final = "ml.busy"


class GuardedAnalyzer(Analyzer):
    """Asks the breaker before each call, and tells it how the call ended.

    While the circuit is open, calls end at once with `UnavailableError` (`ml.circuit_open`), whose
    `retry_after` says when the next probe may go: such a call has cost the service nothing, and
    should cost the job no attempt.

    A refusal, an answer that was not agreed and "come later" (`ml.busy`) are answers: the service
    is there. A call that is called off has no outcome.
    """

    def __init__(self, analyzer: Analyzer, *, breaker: Breaker, telemetry: Telemetry) -> None:
        self._analyzer = analyzer
        self._breaker = breaker
        self._telemetry = telemetry

    async def submit(self, request: AnalysisRequest) -> Submission:
        return await self._guarded(lambda: self._analyzer.submit(request))

    async def report(self, analysis_id: AnalysisId) -> AnalysisReport:
        return await self._guarded(lambda: self._analyzer.report(analysis_id))

    async def _guarded[Answer](self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        admission = await self._breaker.admit()
        if isinstance(admission, Denied):
            self._telemetry.count("ml.circuit_denied")
            raise UnavailableError(
                "ml-analyze did not answer several times in a row; it is left alone for a while",
                code="ml.circuit_open",
                retry_after=admission.retry_after,
            )
        try:
            answer = await ask()
        except MarketbelError as error:
            await self._tell(admission, success=not _is_outage(error))
            raise
        await self._tell(admission, success=True)
        return answer

    async def _tell(self, admitted: Admitted, *, success: bool) -> None:
        try:
            moved = await self._breaker.record(admitted, success=success)
        except PortError:
            return  # what was heard from the service counts more than the breaker's own trouble
        if moved:
            self._telemetry.event("ml.circuit_closed" if success else "ml.circuit_opened")


def _is_outage(error: MarketbelError) -> bool:
    return isinstance(error, UnavailableError) and error.code != _BUSY
