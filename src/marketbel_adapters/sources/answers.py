"""What a server's answer means: a file, a refusal for good, or a refusal for now."""

import ssl
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from marketbel_adapters.sources.headers import announced_mime_type
from marketbel_adapters.sources.urls import shown
from marketbel_core.errors import RefusedError, UnavailableError

__all__ = [
    "announced_size",
    "check_status",
    "coding_of",
    "is_web_page",
    "retry_after",
    "too_large",
    "too_slow",
    "translated",
    "truncated",
]

_DENIED: Final = frozenset({401, 403, 407})
_GONE: Final = frozenset({404, 410})
_LATER: Final = frozenset({202, 408, 425, 429})
_GIVEN: Final = frozenset({200, 203})
_WEB_PAGES: Final = frozenset({"text/html", "application/xhtml+xml"})
_RETRY_AFTER_MAX: Final = timedelta(days=1)
_LINE_CUT: Final = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


def check_status(response: httpx.Response) -> None:
    """Return if the answer is to be a file.

    Raises:
        RefusedError: `http.denied`, `http.gone`, `http.refused`.
        UnavailableError: `http.unavailable`, with the time that the server asked for.
    """
    status, place = response.status_code, shown(response.url)
    if status in _GIVEN:
        return
    if status in _DENIED:
        raise RefusedError(
            "http.denied",
            f"{place} denies access (status {status}): publish the list without a login",
        )
    if status in _GONE:
        raise RefusedError(
            "http.gone", f"there is nothing at {place} (status {status}): ask for a new address"
        )
    if status in _LATER or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise UnavailableError(
            f"{place} answered with status {status}",
            code="http.unavailable",
            retry_after=retry_after(response.headers),
        )
    raise RefusedError("http.refused", f"{place} gives no file (status {status})")


def retry_after(headers: httpx.Headers) -> timedelta | None:
    """Return how long the server asks to be left alone, a day at most; `None` if it does not.

    A date is measured from the server's own `Date`, so that our clocks need not agree.
    """
    said = headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return min(timedelta(seconds=int(said[:9])), _RETRY_AFTER_MAX)
    try:
        wait = parsedate_to_datetime(said) - parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError, TypeError, OverflowError):  # no date, or one without a zone
        return None
    return min(max(wait, timedelta(0)), _RETRY_AFTER_MAX)


def is_web_page(response: httpx.Response) -> bool:
    """Return whether the answer is a page for people and not a download."""
    mime_type = announced_mime_type(response.headers.get("content-type"))
    return mime_type in _WEB_PAGES and "content-disposition" not in response.headers


def coding_of(response: httpx.Response) -> str:
    """Return the content coding, lower case; empty when there is none."""
    coding = str(response.headers.get("content-encoding", "")).strip().lower()
    return "" if coding == "identity" else coding


def announced_size(response: httpx.Response) -> int | None:
    """Return how many bytes are to come over the wire, coded ones if there is a coding."""
    announced = response.headers.get("content-length", "")
    return int(announced[:19]) if announced.isascii() and announced.isdigit() else None


@contextmanager
def translated(url: httpx.URL, *, in_body: bool = False) -> Generator[None]:
    """Raise the port's errors from httpx's; their own texts may carry whole addresses."""
    try:
        yield
    except (httpx.RemoteProtocolError, httpx.ReadError) as error:
        raise (truncated(url) if in_body else _unavailable(url, error)) from error
    except httpx.ReadTimeout as error:
        raise too_slow(url) from error
    except httpx.ConnectError as error:
        if _is_tls(error):
            # The code of its row in the table of bad inputs; final, since time cures no
            # certificate.
            raise RefusedError(
                "http.unavailable",
                f"{shown(url)} cannot prove who it is (TLS): its owner has to renew or repair "
                "its certificate",
            ) from error
        raise _unavailable(url, error) from error
    except httpx.HTTPError as error:
        raise _unavailable(url, error) from error


def too_large(size_bytes_max: int) -> RefusedError:
    """Return the refusal of a file above the limit."""
    return RefusedError(
        "file.too_large",
        f"the file has more than the {size_bytes_max} bytes that are taken: split the list, or "
        "have MAX_FILE_SIZE_MB raised",
    )


def too_slow(url: httpx.URL) -> UnavailableError:
    """Return the error of a server that sends, but not in time."""
    return UnavailableError(
        f"{shown(url)} sends too slowly; the fetch was given up", code="http.too_slow"
    )


def truncated(url: httpx.URL) -> UnavailableError:
    """Return the error of a body that ended before its end."""
    return UnavailableError(
        f"{shown(url)} ended before the announced length", code="http.truncated"
    )


def _unavailable(url: httpx.URL, error: httpx.HTTPError) -> UnavailableError:
    return UnavailableError(
        f"{shown(url)} cannot be reached ({type(error).__name__})", code="http.unavailable"
    )


def _is_tls(error: BaseException) -> bool:
    """Return whether TLS failed by itself and not because the line was cut meanwhile."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return not isinstance(cause, _LINE_CUT)
        cause = cause.__cause__ or cause.__context__  # httpcore raises some anew "from None"
    return False
