"""What the demo's processes see of the caller's environment: what Python needs, and no choices.

A LOG_LEVEL or a CATALOGUE_CURRENCY meant for somebody's own worker would change the demo.
"""

import os
import re
from collections.abc import Mapping
from typing import Final

__all__ = ["process_environment"]

_KEPT: Final = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|TZ|LANG|LANGUAGE|LC_\w+|TMPDIR|TEMP|TMP|LD_LIBRARY_PATH"
    r"|PYTHON\w*|VIRTUAL_ENV|COV_\w+|COVERAGE_\w+"
    # How a server that the caller named is reached, beside its address.
    r"|PG\w+|SSL_CERT_FILE|SSL_CERT_DIR"
)


def process_environment(caller: Mapping[str, str], **chosen: str) -> dict[str, str]:
    """Return the variables of a process of the demo: `chosen`, and what of `caller` is kept.

    The process runs in another folder, so relative entries of PYTHONPATH are made absolute.
    """
    kept = {name: text for name, text in caller.items() if _KEPT.fullmatch(name)}
    if "PYTHONPATH" in kept:
        entries = kept["PYTHONPATH"].split(os.pathsep)
        kept["PYTHONPATH"] = os.pathsep.join(os.path.abspath(entry) for entry in entries)  # noqa: PTH100 - links stay as they are
    return kept | chosen
