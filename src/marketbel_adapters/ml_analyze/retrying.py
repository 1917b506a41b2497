"""Trying again within one call: a hiccup of ml-analyze costs a moment, not a delivery."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final

from marketbel_adapters.ml_analyze.asking import SlowAnswerError
from marketbel_core.errors import PortError, UnavailableError
from marketbel_core.ids import AnalysisId
from marketbel_core.jobs import backoff
from marketbel_core.ports import AnalysisReport, AnalysisRequest, Analyzer, Submission

__all__ = ["REPORT_WAIT_MAX", "SUBMIT_WAIT_MAX", "RetryingAnalyzer", "Tries"]

SUBMIT_WAIT_MAX: Final = timedelta(seconds=30)
"""The longest wait between two tries of a submission: the job has been carried and may wait."""

REPORT_WAIT_MAX: Final = timedelta(seconds=2)
"""The same of a question for the status: the next polling round asks anyway."""

_ASKED_AT_ONCE: Final = 16
"""Status questions under way together: enough to hide the network, too few to crowd the service
(measured: above 32 it answers fewer a second).
"""

_TRIES_MAX: Final = 3
_WAIT_BASE: Final = timedelta(seconds=1)
_CHANCE: Final = random.SystemRandom().random
_TRIED_AGAIN: Final = frozenset({"ml.unavailable", "ml.busy"})
"""`ml.circuit_open` is not among them: whoever is kept away must not knock again."""


class Tries:
    """At most three tries of one call, with a random wait between them that grows (full jitter).

    `Retry-After` is honoured: the wait is never shorter. If it would have to be longer than a call
    may wait, the error goes to the caller at once, and carries it.
    """

    def __init__(
        self,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        chance: Callable[[], float] = _CHANCE,
    ) -> None:
        """Wait by `sleep`, given seconds; `chance` returns a random number, 0.0 to 1.0."""
        self._sleep = sleep
        self._chance = chance

    async def of[Answer](
        self, call: Callable[[], Awaitable[Answer]], *, wait_max: timedelta
    ) -> Answer:
        """Return what `call` returns, in the first try or a later one.

        Args:
            call: Bears being made again.
            wait_max: The longest wait between two tries.

        Raises:
            UnavailableError: the last try's.
        """
        for tries in range(1, _TRIES_MAX):
            try:
                return await call()
            except UnavailableError as error:
                asked = error.retry_after or timedelta()
                if not _is_worth_it(error) or asked > wait_max:
                    raise
            wait = backoff(tries, base=_WAIT_BASE, cap=wait_max, chance=self._chance())
            await self._sleep((asked + wait).total_seconds())
        return await call()


class RetryingAnalyzer(Analyzer):
    """Tries each call of another analyzer again. Submissions are repeated under their own key."""

    def __init__(self, analyzer: Analyzer, *, tries: Tries | None = None) -> None:
        self._analyzer = analyzer
        self._tries = tries or Tries()

    async def submit(self, request: AnalysisRequest) -> Submission:
        return await self._tries.of(
            lambda: self._analyzer.submit(request), wait_max=SUBMIT_WAIT_MAX
        )

    async def report(self, analysis_id: AnalysisId) -> AnalysisReport:
        return await self._tries.of(
            lambda: self._analyzer.report(analysis_id), wait_max=REPORT_WAIT_MAX
        )

    async def reports(
        self, analysis_ids: Sequence[AnalysisId]
    ) -> list[AnalysisReport | PortError]:
        free = asyncio.Semaphore(_ASKED_AT_ONCE)

        async def one(analysis_id: AnalysisId) -> AnalysisReport | PortError:
            async with free:
                try:
                    return await self.report(analysis_id)
                except PortError as error:
                    return error

        return list(await asyncio.gather(*map(one, analysis_ids)))


def _is_worth_it(error: UnavailableError) -> bool:
    return error.code in _TRIED_AGAIN and not isinstance(error, SlowAnswerError)
