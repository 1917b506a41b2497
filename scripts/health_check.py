#!/usr/bin/env python
"""Ends with 1 when the worker of this container cannot work, and says why on stderr.

It looks as `marketbel doctor` does, and judges by what the worker itself stands on. An ml-analyze
that is away, or a job that somebody put on the wrong queue, makes no worker unhealthy: to restart
it for that would only stop the lists that can be read.
"""

import sys
from typing import Final

from marketbel_runtime.doctor import Finding, Report, State, run_doctor

__all__ = ["JUDGED_BY", "main", "what_is_wrong"]

JUDGED_BY: Final = frozenset(
    {"settings", "database", "migrations", "redis", "redis-persistence", "queue", "shared-folder"}
)
"""Names of the doctor's checks."""


def what_is_wrong(report: Report) -> list[Finding]:
    """Return the findings that make a worker unhealthy."""
    return [
        finding
        for finding in report.findings
        if finding.name in JUDGED_BY and finding.state is State.ERROR
    ]


def main() -> int:
    """Examine what the environment names; return the exit status."""
    wrong = what_is_wrong(run_doctor())
    for finding in wrong:
        sys.stderr.write(f"{finding.name}: {finding.message}\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
