"""What Google means when it does not give a sheet."""

import json
from typing import Final

import httpx

from marketbel_adapters.sources.answers import retry_after
from marketbel_adapters.sources.links import SpreadsheetLink
from marketbel_adapters.sources.urls import shown
from marketbel_core.errors import RefusedError, UnavailableError

__all__ = ["OTHER_WAY", "not_shared", "reasons_in", "sheet_refusal"]

_TOO_LARGE: Final = frozenset({"exportSizeLimitExceeded"})
OTHER_WAY: Final = _TOO_LARGE | {
    "SERVICE_DISABLED",  # the project has the Sheets API and not the Drive API
    "accessNotConfigured",
    "cannotExportFile",
    "fileNotExportable",  # an Office file that is opened as a sheet: the export link gives it
}
"""Reasons for which the Drive API does not export what the export link may give."""

_NOT_NOW: Final = frozenset(
    {"backendError", "dailyLimitExceeded", "rateLimitExceeded", "userRateLimitExceeded"}
)
_LATER: Final = frozenset({408, 425, 429})


def reasons_in(content: bytes) -> frozenset[str]:
    """Return the reasons that an error of Google's names; none when it is in no known form."""
    try:
        error = json.loads(content)["error"]
        entries = [*error.get("errors", []), *error.get("details", [])]
        return frozenset(str(entry["reason"]) for entry in entries if "reason" in entry)
    except (ValueError, KeyError, TypeError, AttributeError):
        return frozenset(reason for reason in _TOO_LARGE if reason.encode() in content)


def sheet_refusal(
    response: httpx.Response,
    link: SpreadsheetLink,
    reasons: frozenset[str],
    *,
    account: str | None,
) -> RefusedError | UnavailableError:
    """Return what an answer that is no file means; `account` is whom Google was asked as."""
    place, status = shown(response.url), response.status_code
    if reasons & _NOT_NOW or status in _LATER or response.is_server_error:
        return UnavailableError(
            f"{place} answered with status {status}",
            code="http.unavailable",
            retry_after=retry_after(response.headers),
        )
    if reasons & _TOO_LARGE:
        return RefusedError(
            "sheets.too_large_for_export",
            "the sheet is too large for Google to export: split it, or give the worker a "
            "service account (GOOGLE_CREDENTIALS_PATH)",
        )
    if status == httpx.codes.UNAUTHORIZED and account is not None:
        return RefusedError(
            "sheets.credentials",
            "Google does not accept the service account's token: `marketbel doctor` looks at "
            "its key (GOOGLE_CREDENTIALS_PATH)",
        )
    # To an account that may not see a sheet Google says that there is none.
    if status in {401, 403} or (status == httpx.codes.NOT_FOUND and account is not None):
        return not_shared(link, account=account)
    if status in {404, 410}:
        return RefusedError("http.gone", f"there is no sheet at {place}: ask for its new link")
    return RefusedError("http.refused", f"{place} gives no file (status {status})")


def not_shared(link: SpreadsheetLink, *, account: str | None) -> RefusedError:
    """Return the refusal of a sheet that we may not see, with the cure that fits."""
    if link.is_published:
        cure = "publish it to the web again, or give its ordinary link"
    elif account is not None:
        cure = f"share it with {account} as a viewer"
    else:
        cure = (
            "share it so that anyone with the link can view it, or give the worker a service "
            "account (GOOGLE_CREDENTIALS_PATH) and share it with that account"
        )
    return RefusedError(
        "sheets.not_shared", f"Google does not show the sheet {link.id} to us: {cure}"
    )
