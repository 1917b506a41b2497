"""The process that judges one file: stdin is the file itself, stdout one JSON value a line.

First `{"form": …}` as soon as it is known, then `{"found": …}`, `{"refused": …, "message": …}` or
`{"missing": …}`, the name of a package that is not installed.
"""

import json
import os
import sys
from dataclasses import asdict

from marketbel_adapters.sources.checks.facts import Asked
from marketbel_adapters.sources.checks.judging import judge
from marketbel_adapters.sources.checks.refusals import RefusalError
from marketbel_adapters.sources.checks.sniffing import Form

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Judge the file on stdin; the only argument is what is known of it, as JSON."""
    asked = Asked(**json.loads(arguments[0]))
    with open(0, "rb", closefd=False) as file:
        try:
            found = judge(file, size_bytes=os.fstat(0).st_size, asked=asked, tell=_tell_form)
        except RefusalError as refusal:
            _tell({"refused": refusal.code, "message": refusal.message})
        except ModuleNotFoundError as error:
            _tell({"missing": error.name})
        except MemoryError:
            os.abort()  # as the parsers do that are no Python: one sign for one thing
        else:
            _tell({"found": asdict(found)})
    return 0


def _tell_form(form: Form) -> None:
    _tell({"form": form})


def _tell(value: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()  # what was said must not be lost with the process
