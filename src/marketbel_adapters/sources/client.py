"""One fetch up to the first byte of the file: hops that are judged one by one, and time limits."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Final, Self

import httpx

from marketbel_adapters.sources.answers import too_slow, translated
from marketbel_adapters.sources.guard import GuardedTransport, Resolver, resolve
from marketbel_adapters.sources.policy import FetchPolicy
from marketbel_adapters.sources.urls import host_of, judged, port_of, shown
from marketbel_core import __version__
from marketbel_core.errors import RefusedError

__all__ = ["FetchClient", "create_fetch_client", "ends_at"]

_REDIRECTS_MAX: Final = 5
_LOCATION_MAX: Final = 8_192
"""Longer than for an address that people give: redirects lead to signed ones."""

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_HEAD_SECONDS_MAX: Final = 60.0
"""For connection and head of one hop; exports of large sheets are made before the head comes."""

_TIMEOUT: Final = httpx.Timeout(connect=10.0, read=60.0, write=30.0, pool=30.0)
_SIGN_IN: Final = "accounts.google.com"
_HEADERS: Final = {
    "Accept": "*/*",
    # Without a coding the announced length is the file's own.
    "Accept-Encoding": "identity",
    "User-Agent": f"marketbel/{__version__}",
}


class FetchClient:
    """Asks servers for files, within a policy. Proxies of the environment are not used."""

    def __init__(self, transport: httpx.AsyncBaseTransport, policy: FetchPolicy) -> None:
        """Send through `transport`, which has to check the addresses that names lead to."""
        self._transport = transport
        self.policy = policy

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self._transport.__aexit__(kind, error, traceback)

    @asynccontextmanager
    async def get(
        self, url: httpx.URL, *, until: float, authorization: str | None = None
    ) -> AsyncGenerator[httpx.Response]:
        """Yield the head of the answer after all redirects; the body is still to be read.

        Args:
            url: A judged address.
            until: When to give up, on the loop's clock.
            authorization: A header that only the origin of `url` gets to see.

        Raises:
            RefusedError: a hop is refused (`http.redirect_refused`), or the first address is
                (`source.private_address`); Google wants a login (`sheets.not_shared`).
            UnavailableError: `http.unavailable`, `http.too_slow`.
        """
        response = await self._followed(url, until=until, authorization=authorization)
        try:
            yield response
        finally:
            await response.aclose()

    async def _followed(
        self, url: httpx.URL, *, until: float, authorization: str | None
    ) -> httpx.Response:
        origin = _origin(url)
        cookies = httpx.Cookies()  # of this fetch alone: some sites set one and redirect to it
        seen: set[tuple[str, str | None]] = set()
        for hop in range(_REDIRECTS_MAX + 1):
            request = httpx.Request("GET", url, headers=_HEADERS)
            request.extensions = {"timeout": _TIMEOUT.as_dict()}
            if authorization is not None and _origin(url) == origin:
                request.headers["Authorization"] = authorization
            cookies.set_cookie_header(request)
            visit = (str(url.copy_with(fragment=None)), request.headers.get("cookie"))
            if visit in seen:
                raise _redirect_refused(url, "it redirects in a circle")
            seen.add(visit)
            response = await self._answered(request, until=until, is_redirected=hop > 0)
            cookies.extract_cookies(response)
            location = response.headers.get("location")
            if response.status_code not in _REDIRECTS or location is None:
                return response
            await response.aclose()
            url = self._next(url, location)
        raise _redirect_refused(url, f"it redirects more than {_REDIRECTS_MAX} times")

    async def _answered(
        self, request: httpx.Request, *, until: float, is_redirected: bool
    ) -> httpx.Response:
        url = request.url
        head_until = min(until, asyncio.get_running_loop().time() + _HEAD_SECONDS_MAX)
        try:
            with translated(url):
                async with ends_at(head_until, url):
                    # Not through httpx's client: it keeps cookies of all suppliers in one place
                    # and writes whole addresses into the log.
                    response = await self._transport.handle_async_request(request)
        except RefusedError as error:
            if is_redirected and error.code.startswith("source."):
                raise _redirect_refused(url, str(error)) from error
            raise
        response.request = request
        return response

    def _next(self, url: httpx.URL, location: str) -> httpx.URL:
        """Return where a redirect leads.

        Raises:
            RefusedError: not to a place where we may go (`http.redirect_refused`).
        """
        try:
            # Servers write bytes beyond ASCII as they are; httpx reads headers as Latin-1 then.
            text = location if location.isascii() else location.encode("latin-1").decode()
            joined = _joined(url, text)
            target = judged(joined, self.policy, length_max=_LOCATION_MAX)
        except (UnicodeError, httpx.InvalidURL):
            raise _redirect_refused(url, "it redirects to something that is no address") from None
        except RefusedError as error:
            raise _redirect_refused(url, str(error)) from error
        if url.scheme == "https" and target.scheme == "http":
            raise _redirect_refused(url, "it redirects from https to http, where anybody listens")
        if host_of(target) == _SIGN_IN:
            raise RefusedError(
                "sheets.not_shared",
                f"Google wants a login for {shown(url)}: share the file so that anyone with the "
                "link can view it",
            )
        return target


def create_fetch_client(
    policy: FetchPolicy | None = None,
    *,
    resolver: Resolver = resolve,
    tls: ssl.SSLContext | None = None,
) -> FetchClient:
    """Return a client for price lists, to be used in `async with`.

    Args:
        policy: What may be reached; public addresses on the usual ports by default.
        resolver: How names are looked up.
        tls: Whose certificates are trusted; by default those of the common authorities, or of
            SSL_CERT_FILE or SSL_CERT_DIR where set.
    """
    policy = policy or FetchPolicy()
    transport = GuardedTransport(policy, resolver=resolver, tls=tls or httpx.create_ssl_context())
    return FetchClient(transport, policy)


@asynccontextmanager
async def ends_at(instant: float, url: httpx.URL) -> AsyncGenerator[None]:
    """Raise `UnavailableError` (`http.too_slow`) when the loop's clock reaches `instant`."""
    try:
        async with asyncio.timeout_at(instant):
            yield
    except TimeoutError as error:
        raise too_slow(url) from error


def _joined(url: httpx.URL, location: str) -> str:
    """Return the text of an absolute address; an absolute one stays as it was written."""
    if len(location) > _LOCATION_MAX or "\\" in location or not location.isprintable():
        return location  # the judge says what is wrong with it
    scheme, colon, _ = location.partition(":")
    if colon and scheme.isascii() and scheme.isalnum():
        return location
    return str(url.join(location))


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, host_of(url), port_of(url)


def _redirect_refused(url: httpx.URL, why: str) -> RefusedError:
    return RefusedError(
        "http.redirect_refused",
        f"{shown(url)} cannot be followed: {why}; use the address of the file itself",
    )
