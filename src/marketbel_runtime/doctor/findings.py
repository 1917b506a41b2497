"""What the doctor says of one thing, and of all."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final

__all__ = ["Finding", "Report", "State", "foreign_text", "skipped"]

_FOREIGN_LENGTH_MAX: Final = 200


class State(StrEnum):
    """How one thing is."""

    OK = "ok"  # as it should be
    WARNING = "warning"  # the worker runs, but something may be lost or surprising
    ERROR = "error"  # the worker cannot do its work
    SKIPPED = "skipped"  # could not be looked at, because of something that is told elsewhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found by one check.

    Attributes:
        name: Of the check; stable, lower case.
        state: How it is.
        message: One sentence for a person, without any secret.
        cure: What to do; empty when there is nothing to do.
    """

    name: str
    state: State
    message: str
    cure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All findings of one examination, in the order of the checks."""

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong; warnings are allowed."""
        return not any(finding.state is State.ERROR for finding in self.findings)

    def as_json(self) -> dict[str, object]:
        """Return the report as `--json` writes it."""
        return {"ok": self.ok, "checks": [asdict(finding) for finding in self.findings]}


def skipped(names: Iterable[str], reason: str) -> list[Finding]:
    """Return a finding for each of `names` that could not be looked at."""
    return [Finding(name=name, state=State.SKIPPED, message=reason) for name in names]


def foreign_text(value: object) -> str:
    """Return what somebody else wrote as a piece of one line, cut, without control characters."""
    line = "".join(letter if letter.isprintable() else " " for letter in str(value))
    return line if len(line) <= _FOREIGN_LENGTH_MAX else f"{line[:_FOREIGN_LENGTH_MAX]}…"
