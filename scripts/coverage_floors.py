#!/usr/bin/env python
"""Holds branch coverage to its floors: `coverage_floors.py REPORT.json FOLDER=PERCENT…`."""

import json
import sys
from pathlib import Path


def main(report: str, *floors: str) -> int:
    """Print the branch coverage of each folder; return 1 if one is below its floor."""
    files = json.loads(Path(report).read_text(encoding="utf-8"))["files"]
    missed = False
    for folder, _, floor in (argument.partition("=") for argument in floors):
        summaries = [
            entry["summary"] for name, entry in files.items() if name.startswith(f"{folder}/")
        ]
        covered = sum(summary["covered_branches"] for summary in summaries)
        branches = sum(summary["num_branches"] for summary in summaries)
        # A folder without a single branch has been looked for in the wrong place.
        percent = 100 * covered / branches if branches else 0.0
        missed |= percent < float(floor)
        sys.stdout.write(
            f"{folder}: {covered} of {branches} branches, {percent:.1f} % (floor {floor} %)\n"
        )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
