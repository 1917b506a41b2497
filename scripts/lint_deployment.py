#!/usr/bin/env python
"""Lints what deploys the worker: hadolint the Dockerfile, Compose's own schema its file.

Neither tool asks an engine or the network; both come with the packages of the group `dev`.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

__all__ = ["main"]

_ROOT: Final = Path(__file__).resolve().parents[1]
_BIN: Final = Path(sys.executable).parent  # beside the interpreter, activated or not
_LINTERS: Final = (
    ("hadolint", "Dockerfile"),
    ("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"),
)


def main() -> int:
    """Run each linter in the project's folder; return 1 if one complains or is missing."""
    failed = False
    for name, *arguments in _LINTERS:
        linter = _BIN / name
        if not linter.is_file():
            sys.stderr.write(f"{name} is missing: run make install\n")
            failed = True
            continue
        # Fixed commands of ours, no shell.
        ran = subprocess.run([linter, *arguments], cwd=_ROOT, check=False)  # noqa: S603
        failed |= ran.returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
