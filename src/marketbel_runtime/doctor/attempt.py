"""One look at something outside: it ends in time, and what fails becomes a finding."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final

from marketbel_core.errors import MarketbelError
from marketbel_runtime.doctor.findings import Finding, State, foreign_text

__all__ = ["SECONDS_MAX", "Attempts", "broken_checks", "missing_extra"]

SECONDS_MAX: Final = 5.0
"""For one check: long enough for a slow network, short enough for a person who waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """Looks at one neighbour.

    Attributes:
        secrets: What must not appear in a finding: drivers quote addresses at times.
        seconds_max: How long one look may take.
    """

    secrets: tuple[str, ...] = ()
    seconds_max: float = SECONDS_MAX

    async def look[T](
        self, name: str, work: Callable[[], Awaitable[T]], *, cure: str
    ) -> T | Finding:
        """Return what `work` returns, or an error that says why it did not.

        Args:
            name: Of the check.
            work: The look itself.
            cure: For when there is no answer.
        """
        try:
            async with asyncio.timeout(self.seconds_max):
                return await work()
        except TimeoutError:
            message = f"no answer within {self.seconds_max:g} s"
        except MarketbelError as error:
            message = self._told(error)
        return Finding(name=name, state=State.ERROR, message=message, cure=cure)

    def _told(self, error: MarketbelError) -> str:
        told = str(error)
        for secret in sorted(self.secrets, key=len, reverse=True):
            told = told.replace(secret, "***")
        return foreign_text(told)


def missing_extra(names: Iterable[str], *, package: str | None, extra: str) -> list[Finding]:
    """Return a finding for each of `names`, whose check needs a package that is not installed."""
    return [
        Finding(
            name=name,
            state=State.ERROR,
            message=f"this check, and the worker, need the package {package}",
            cure=f"pip install 'marketbel[{extra}]'",
        )
        for name in names
    ]


def broken_checks(names: Iterable[str], error: Exception) -> list[Finding]:
    """Return a finding for each of `names`, whose check failed in a way that nobody foresaw."""
    return [
        Finding(
            name=name,
            state=State.ERROR,
            message=f"the check itself failed ({type(error).__name__})",
            cure="report this as a fault of marketbel",
        )
        for name in names
    ]
