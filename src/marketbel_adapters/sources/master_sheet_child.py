"""The process that reads a master sheet in a workbook: some workbooks take it with them.

Run by `run_confined`: stdin is the workbook, the first argument the wanted sheet, and `or-first`
after it says that the first one will do as well. stdout is one JSON object: `rows` and `skipped`,
or `refused` with a code and a `message`.
"""

import json
import os
import sys
from dataclasses import asdict
from typing import Final

from marketbel_adapters.sources.workbook_grids import workbook_grids
from marketbel_core.errors import RefusedError
from marketbel_core.intake.master_sheet import read_master_sheet

__all__ = ["OR_FIRST", "main"]

OR_FIRST: Final = "or-first"


def main(arguments: list[str]) -> int:
    """Read the master sheet on stdin and write what it says; return the exit code."""
    name, *rest = arguments
    with open(0, "rb", closefd=False) as file:
        try:
            grids, _ = workbook_grids(file, sheet_name=name, or_first=OR_FIRST in rest)
            told: dict[str, object] = asdict(read_master_sheet(grids[0]))
        except RefusedError as refusal:
            told = {"refused": refusal.code, "message": str(refusal)}
        except MemoryError:
            os.abort()  # as the parsers do that are no Python: one sign for one thing
    sys.stdout.buffer.write(json.dumps(told).encode())
    return 0
