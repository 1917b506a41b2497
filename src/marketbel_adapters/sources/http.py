"""Price lists behind an http(s) address, streamed; the bytes arrive as the server keeps them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from datetime import timedelta
from typing import Final

import httpx

from marketbel_adapters.sources.answers import (
    announced_size,
    check_status,
    coding_of,
    is_web_page,
    too_large,
)
from marketbel_adapters.sources.body import Pace, body_of, check_coding, read_some
from marketbel_adapters.sources.client import FetchClient, create_fetch_client
from marketbel_adapters.sources.headers import announced_filename, announced_mime_type
from marketbel_adapters.sources.links import (
    DirectLink,
    DriveFile,
    GoogleSites,
    confirmation_of,
    link_of,
)
from marketbel_adapters.sources.urls import judged, shown
from marketbel_core.catalog import SourceRef
from marketbel_core.errors import RefusedError
from marketbel_core.ports import FileSource, IncomingFile

__all__ = ["HttpFileSource", "create_fetch_client", "incoming_of"]

_DEADLINE: Final = timedelta(seconds=300)
_PAGE_BYTES_MAX: Final = 262_144


class HttpFileSource(FileSource):
    """Fetches over http and https. Messages never carry query strings or credentials.

    Links that Drive and Dropbox give to people are turned into those of the file itself.
    """

    def __init__(
        self,
        client: FetchClient,
        *,
        deadline: timedelta = _DEADLINE,
        pace: Pace | None = None,
        sites: GoogleSites | None = None,
    ) -> None:
        """Use `client` (see `create_fetch_client`); a whole fetch may last for `deadline`."""
        self._client = client
        self._deadline = deadline
        self._pace = pace or Pace()
        self._sites = sites or GoogleSites()

    @asynccontextmanager
    async def open(
        self, source: SourceRef, *, size_bytes_max: int
    ) -> AsyncGenerator[IncomingFile]:
        url = judged(source.location, self._client.policy)
        link = link_of(url)
        until = asyncio.get_running_loop().time() + self._deadline.total_seconds()
        async with AsyncExitStack() as stack:
            if isinstance(link, DriveFile):
                response = await self._drive_answer(stack, link, until=until)
            else:
                # A sheet's link gets here when it names a form of its own, csv for one.
                asked = link.url if isinstance(link, DirectLink) else url
                response = await stack.enter_async_context(self._client.get(asked, until=until))
            yield await stack.enter_async_context(
                incoming_of(response, until=until, pace=self._pace, size_bytes_max=size_bytes_max)
            )

    async def _drive_answer(
        self, stack: AsyncExitStack, link: DriveFile, *, until: float
    ) -> httpx.Response:
        """Return Drive's answer, its question about unscanned large files answered with yes."""
        url = link.download(self._sites)
        response = await stack.enter_async_context(self._client.get(url, until=until))
        if response.is_success and is_web_page(response):
            page = await read_some(response, until=until, size_bytes_max=_PAGE_BYTES_MAX)
            confirmed = confirmation_of(page, base=url)
            if confirmed is not None:
                target = judged(str(confirmed), self._client.policy)
                return await stack.enter_async_context(self._client.get(target, until=until))
        return response


@asynccontextmanager
async def incoming_of(
    response: httpx.Response, *, until: float, pace: Pace, size_bytes_max: int
) -> AsyncGenerator[IncomingFile]:
    """Yield the file that an answer brings.

    Raises:
        RefusedError: it brings none, a page for people for one (`source.web_page`), or one that
            is announced as too large (`file.too_large`).
        UnavailableError: not now.
    """
    check_status(response)
    if is_web_page(response):
        raise RefusedError(
            "source.web_page",
            f"{shown(response.url)} is a web page and no file; it may ask for a login or only "
            "lead to the file: give the address of the file itself",
        )
    check_coding(response)
    size_bytes = announced_size(response)
    if size_bytes is not None and size_bytes > size_bytes_max:
        raise too_large(size_bytes_max)
    chunks = body_of(response, until=until, pace=pace, size_bytes_max=size_bytes_max)
    async with aclosing(chunks):
        yield IncomingFile(
            filename=announced_filename(
                response.headers.get("content-disposition"), path=response.url.path
            ),
            mime_type=announced_mime_type(response.headers.get("content-type")),
            size_bytes=None if coding_of(response) else size_bytes,
            chunks=chunks,
            final_url=shown(response.url),
        )
