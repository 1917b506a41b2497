"""What task and command share about the clean-up: how long files may be kept, how it is told."""

from datetime import timedelta
from typing import Final

from marketbel_core.errors import RefusedError
from marketbel_core.use_cases import CleanUpResult

__all__ = ["TTL_HOURS_MAX", "TTL_HOURS_MIN", "clean_up_result", "ttl_of"]

TTL_HOURS_MIN: Final = 1
TTL_HOURS_MAX: Final = 8_760
"""A year: longer than anybody keeps a file that can be fetched again."""


def ttl_of(hours: object) -> timedelta | None:
    """Return how long a caller wants files kept; `None` when they do not say.

    Raises:
        RefusedError: that is no such number of hours (`job.invalid`).
    """
    match hours:
        case None:
            return None
        case bool():
            pass  # which Python takes for a number
        case int() | float() if TTL_HOURS_MIN <= hours <= TTL_HOURS_MAX:
            return timedelta(hours=hours)
    raise RefusedError(
        "job.invalid", f"ttl_hours must be a number from {TTL_HOURS_MIN} to {TTL_HOURS_MAX}"
    )


def clean_up_result(result: CleanUpResult) -> dict[str, object]:
    """Return the result in the words of the deployment, and what was left alone by reason."""
    return {
        "files_found": result.files_found,
        "files_deleted": result.files_deleted,
        "bytes_freed": result.bytes_freed,
        "errors": list(result.errors),
        "bytes_found": result.bytes_found,
        "skipped": {str(reason): count for reason, count in sorted(result.kept.items())},
    }
