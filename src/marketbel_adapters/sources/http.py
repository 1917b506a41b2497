"""Price lists behind an http(s) address, streamed; the bytes arrive as the server keeps them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import aclosing, asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Final

import httpx

from marketbel_adapters.sources.headers import announced_filename, announced_mime_type
from marketbel_core import __version__
from marketbel_core.catalog import SourceRef, SourceType
from marketbel_core.errors import RefusedError, UnavailableError
from marketbel_core.ports import FileSource, IncomingFile

__all__ = ["HttpFileSource", "create_fetch_client"]

_REDIRECTS_MAX: Final = 5
_TIMEOUT: Final = httpx.Timeout(connect=5.0, read=30.0, write=30.0, pool=30.0)
_DEADLINE: Final = timedelta(seconds=300)
_DENIED: Final = frozenset({401, 403})
_GONE: Final = frozenset({404, 410})
_LATER: Final = frozenset({202, 408, 425, 429})
_GIVEN: Final = frozenset({200, 203})
_WEB_PAGES: Final = frozenset({"text/html", "application/xhtml+xml"})
_PLAIN: Final = frozenset({"", "identity"})
_CODINGS: Final = _PLAIN | {"gzip", "deflate"}
"""What can be undone here; one alone, since codings laid over each other are a bomb's shape."""


def create_fetch_client(transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """Return a client for price lists, to be closed by the caller.

    Proxies and credentials of the environment are not used. `transport` is where a deployment
    says which hosts may be reached: every request goes through it, redirected ones included.
    """
    return httpx.AsyncClient(
        transport=transport,
        follow_redirects=True,
        max_redirects=_REDIRECTS_MAX,
        trust_env=False,
        timeout=_TIMEOUT,
        # Without a coding the announced length is the file's own.
        headers={"User-Agent": f"marketbel/{__version__}", "Accept-Encoding": "identity"},
    )


class HttpFileSource(FileSource):
    """Fetches over http and https. Messages never carry query strings or credentials."""

    def __init__(self, client: httpx.AsyncClient, *, deadline: timedelta = _DEADLINE) -> None:
        """Use `client` (see `create_fetch_client`); a whole fetch may last for `deadline`."""
        self._client = client
        self._deadline = deadline

    @asynccontextmanager
    async def open(
        self, source: SourceRef, *, size_bytes_max: int
    ) -> AsyncGenerator[IncomingFile]:
        url = _checked_url(source)
        ends_at = asyncio.get_running_loop().time() + self._deadline.total_seconds()
        with _translated(url):
            async with _ends_at(ends_at, url):
                request = self._client.build_request("GET", url)
                response = await self._client.send(request, stream=True)
        try:
            _check_status(response)
            _check_kind(response)
            size_bytes = _announced_size(response)
            if size_bytes is not None and size_bytes > size_bytes_max:
                raise _too_large(size_bytes_max)
            chunks = _chunks(response, ends_at=ends_at, size_bytes_max=size_bytes_max)
            async with aclosing(chunks):
                yield IncomingFile(
                    filename=announced_filename(
                        response.headers.get("content-disposition"), path=response.url.path
                    ),
                    mime_type=announced_mime_type(response.headers.get("content-type")),
                    size_bytes=None if _is_coded(response) else size_bytes,
                    chunks=chunks,
                )
        finally:
            await response.aclose()


def _checked_url(source: SourceRef) -> httpx.URL:
    try:
        url = httpx.URL(source.location.strip())
    except httpx.InvalidURL as error:
        raise RefusedError("source.bad_address", "the address is not a valid URL") from error
    is_sheet = url.host == "docs.google.com" and url.path.startswith("/spreadsheets/")
    if source.type is SourceType.GOOGLE_SHEETS or is_sheet:
        raise RefusedError(
            "sheets.not_available",
            "Google Sheets cannot be fetched yet; give the address of an xlsx or csv file instead",
        )
    if url.scheme not in {"http", "https"}:
        raise RefusedError(
            "source.scheme", f"only http and https addresses are fetched, not {url.scheme[:16]!r}"
        )
    if not url.host:
        raise RefusedError("source.bad_address", "the address names no host")
    return url


async def _chunks(
    response: httpx.Response, *, ends_at: float, size_bytes_max: int
) -> AsyncGenerator[bytes]:
    url = response.url
    arrived = response.aiter_bytes()
    size_bytes = 0
    with _translated(url, in_body=True):
        while True:
            async with _ends_at(ends_at, url):
                chunk = await anext(arrived, None)
            if chunk is None:
                break
            size_bytes += len(chunk)
            if size_bytes > size_bytes_max:
                raise _too_large(size_bytes_max)
            yield chunk
    announced = _announced_size(response)
    if announced is not None and response.num_bytes_downloaded < announced:
        raise _truncated(url)


@asynccontextmanager
async def _ends_at(instant: float, url: httpx.URL) -> AsyncIterator[None]:
    """Raise `UnavailableError` when the loop's clock reaches `instant` inside the block."""
    try:
        async with asyncio.timeout_at(instant):
            yield
    except TimeoutError as error:
        raise UnavailableError(
            f"{_shown(url)} sends too slowly; the fetch was given up", code="http.too_slow"
        ) from error


@contextmanager
def _translated(url: httpx.URL, *, in_body: bool = False) -> Generator[None]:
    """Raise the port's errors from httpx's; their own texts may carry whole addresses."""
    try:
        yield
    except httpx.TooManyRedirects as error:
        raise RefusedError(
            "http.refused", f"{_shown(url)} redirects more than {_REDIRECTS_MAX} times"
        ) from error
    except httpx.UnsupportedProtocol as error:
        raise RefusedError(
            "source.scheme", f"{_shown(url)} redirects to an address that is not http or https"
        ) from error
    except httpx.RemoteProtocolError as error:
        if in_body:
            raise _truncated(url) from error
        raise _unavailable(url, error) from error
    except httpx.HTTPError as error:
        raise _unavailable(url, error) from error


def _check_status(response: httpx.Response) -> None:
    status, shown = response.status_code, _shown(response.url)
    if status in _GIVEN:
        return
    if status in _DENIED:
        raise RefusedError("http.denied", f"{shown} denies access (status {status})")
    if status in _GONE:
        raise RefusedError("http.gone", f"there is nothing at {shown} (status {status})")
    if status in _LATER or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise UnavailableError(f"{shown} answered with status {status}", code="http.unavailable")
    raise RefusedError("http.refused", f"{shown} gives no file (status {status})")


def _check_kind(response: httpx.Response) -> None:
    """Refuse what is surely no price list: pages for people, and codings we cannot undo.

    Raises:
        RefusedError: as said.
    """
    shown = _shown(response.url)
    mime_type = announced_mime_type(response.headers.get("content-type"))
    if mime_type in _WEB_PAGES and "content-disposition" not in response.headers:
        raise RefusedError(
            "source.web_page",
            f"{shown} is a web page and no file; it may ask for a login or only lead to the file",
        )
    if _coding(response) not in _CODINGS:
        raise RefusedError(
            "http.refused", f"{shown} sends the file in a coding we did not ask for"
        )


def _coding(response: httpx.Response) -> str:
    return str(response.headers.get("content-encoding", "")).strip().lower()


def _is_coded(response: httpx.Response) -> bool:
    return _coding(response) not in _PLAIN


def _announced_size(response: httpx.Response) -> int | None:
    """Return how many bytes are to come over the wire, coded ones if there is a coding."""
    announced = response.headers.get("content-length", "")
    return int(announced) if announced.isascii() and announced.isdigit() else None


def _too_large(size_bytes_max: int) -> RefusedError:
    return RefusedError(
        "file.too_large", f"the file has more than the {size_bytes_max} bytes that are taken"
    )


def _truncated(url: httpx.URL) -> UnavailableError:
    return UnavailableError(
        f"{_shown(url)} ended before the announced length", code="http.truncated"
    )


def _unavailable(url: httpx.URL, error: httpx.HTTPError) -> UnavailableError:
    return UnavailableError(
        f"{_shown(url)} cannot be reached ({type(error).__name__})", code="http.unavailable"
    )


def _shown(url: httpx.URL) -> str:
    """Return the address as it may be shown: no credentials, no query, no fragment."""
    port = f":{url.port}" if url.port else ""
    return f"{url.scheme}://{url.host}{port}{url.path}"
