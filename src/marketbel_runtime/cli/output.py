"""What commands write: tables for people on stderr or stdout, one JSON object for programs."""

import json
import sys
from collections.abc import Mapping

from rich.console import Console

__all__ = ["console", "write_json"]


def console(*, as_json: bool) -> Console:
    """Return where people read: stdout, or stderr without colour when stdout is a program's."""
    if as_json:
        return Console(stderr=True, no_color=True, highlight=False)
    return Console(highlight=False)


def write_json(result: Mapping[str, object]) -> None:
    """Write `result` as the last line of stdout."""
    sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")
    sys.stdout.flush()
