"""Google Sheets, exported by Google as one xlsx of the whole workbook: merges and types survive.

Ways, in their order. With a service account: the Drive API's export, which gives at most 10 MB;
the export link with the account's token, which gives more; cell by cell. Without: the export link,
which works for sheets that anyone with the link can view.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import httpx

from marketbel_adapters.sources.answers import is_web_page, too_large
from marketbel_adapters.sources.body import Pace, read_some
from marketbel_adapters.sources.client import FetchClient, ends_at
from marketbel_adapters.sources.google_account import ServiceAccount
from marketbel_adapters.sources.google_refusals import (
    OTHER_WAY,
    not_shared,
    reasons_in,
    sheet_refusal,
)
from marketbel_adapters.sources.http import incoming_of
from marketbel_adapters.sources.links import DriveFile, GoogleSites, SpreadsheetLink, link_of
from marketbel_adapters.sources.sheet_cells import export_to_xlsx
from marketbel_adapters.sources.urls import judged, shown
from marketbel_core.catalog import SourceRef
from marketbel_core.errors import RefusedError
from marketbel_core.ports import FileSource, IncomingFile

if TYPE_CHECKING:
    from google.oauth2.service_account import Credentials

__all__ = ["GoogleSheetsSource"]

_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_DEADLINE: Final = timedelta(seconds=300)
_ERROR_BYTES_MAX: Final = 65_536
_CALL_SECONDS_MAX: Final = 60.0
_CHUNK_BYTES: Final = 65_536

_FINAL: Final = frozenset({"file.too_large", "sheets.credentials"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limits:
    until: float
    size_bytes_max: int


class GoogleSheetsSource(FileSource):
    """Opens Google Sheets, whichever form of their address is given."""

    def __init__(
        self,
        client: FetchClient,
        *,
        account: ServiceAccount,
        deadline: timedelta = _DEADLINE,
        pace: Pace | None = None,
        sites: GoogleSites | None = None,
    ) -> None:
        """Ask as `account`, where it has a key; a whole fetch may last for `deadline`."""
        self._client = client
        self._account = account
        self._deadline = deadline
        self._pace = pace or Pace()
        self._sites = sites or GoogleSites()

    @asynccontextmanager
    async def open(
        self, source: SourceRef, *, size_bytes_max: int
    ) -> AsyncGenerator[IncomingFile]:
        link = self._link(source)
        until = asyncio.get_running_loop().time() + self._deadline.total_seconds()
        limits = _Limits(until=until, size_bytes_max=size_bytes_max)
        async with AsyncExitStack() as stack:
            yield await self._incoming(stack, link, limits)

    def _link(self, source: SourceRef) -> SpreadsheetLink:
        link = link_of(judged(source.location, self._client.policy))
        if isinstance(link, SpreadsheetLink):
            return link
        if isinstance(link, DriveFile):  # Drive's own link to what may be a sheet
            return SpreadsheetLink(id=link.id)
        raise RefusedError(
            "sheets.not_a_spreadsheet",
            f"{shown(link.url)} is no Google Sheet: give the link of a spreadsheet, or say that "
            "the source is excel or csv",
        )

    async def _incoming(
        self, stack: AsyncExitStack, link: SpreadsheetLink, limits: _Limits
    ) -> IncomingFile:
        async with ends_at(limits.until, self._export_url(link)):
            credentials = await self._account.credentials()
        if credentials is None or link.is_published:
            return await self._by_link(stack, link, limits)
        incoming = await self._by_drive(stack, link, limits, credentials)
        if incoming is not None:
            return incoming
        try:
            return await self._by_link(stack, link, limits, credentials)
        except RefusedError as error:
            if error.code in _FINAL:
                raise
        return await self._by_cells(link, limits, credentials)

    async def _by_drive(
        self,
        stack: AsyncExitStack,
        link: SpreadsheetLink,
        limits: _Limits,
        credentials: "Credentials",
    ) -> IncomingFile | None:
        """Return what the Drive API exports; `None` when another way may give it."""
        url = httpx.URL(
            f"{self._sites.api}/drive/v3/files/{link.id}/export", params={"mimeType": _XLSX}
        )
        response = await self._answer(stack, url, limits, credentials)
        if response.is_success:
            return await self._taken(stack, response, link, limits, _email(credentials))
        reasons = await self._reasons(response, limits)
        if reasons & OTHER_WAY:
            return None
        raise sheet_refusal(response, link, reasons, account=_email(credentials))

    async def _by_link(
        self,
        stack: AsyncExitStack,
        link: SpreadsheetLink,
        limits: _Limits,
        credentials: "Credentials | None" = None,
    ) -> IncomingFile:
        try:
            response = await self._answer(stack, self._export_url(link), limits, credentials)
        except RefusedError as error:
            if error.code == "sheets.not_shared":
                raise not_shared(link, account=_email(credentials)) from error
            raise
        if response.is_success:
            if is_web_page(response):
                raise not_shared(link, account=_email(credentials))
            return await self._taken(stack, response, link, limits, _email(credentials))
        reasons = await self._reasons(response, limits)
        raise sheet_refusal(response, link, reasons, account=_email(credentials))

    async def _by_cells(
        self, link: SpreadsheetLink, limits: _Limits, credentials: "Credentials"
    ) -> IncomingFile:
        given_up = threading.Event()
        try:
            async with ends_at(limits.until, self._export_url(link)):
                content = await asyncio.to_thread(_rebuilt, link.id, credentials, given_up)
        finally:
            given_up.set()
        if len(content) > limits.size_bytes_max:
            raise too_large(limits.size_bytes_max)
        return IncomingFile(
            filename=f"{link.id}.xlsx",
            mime_type=_XLSX,
            size_bytes=len(content),
            chunks=_pieces(content),
            final_url=shown(self._export_url(link)),
        )

    async def _answer(
        self,
        stack: AsyncExitStack,
        url: httpx.URL,
        limits: _Limits,
        credentials: "Credentials | None",
    ) -> httpx.Response:
        authorization = None if credentials is None else f"Bearer {credentials.token}"
        return await stack.enter_async_context(
            self._client.get(url, until=limits.until, authorization=authorization)
        )

    async def _taken(
        self,
        stack: AsyncExitStack,
        response: httpx.Response,
        link: SpreadsheetLink,
        limits: _Limits,
        account: str | None,
    ) -> IncomingFile:
        incoming = await stack.enter_async_context(
            incoming_of(
                response,
                until=limits.until,
                pace=self._pace,
                size_bytes_max=limits.size_bytes_max,
            )
        )
        name = incoming.filename or ""
        return replace(
            incoming,
            filename=name if name.lower().endswith(".xlsx") else f"{link.id}.xlsx",
            mime_type=_XLSX,
            chunks=_no_page(incoming.chunks, link, account=account),
        )

    def _export_url(self, link: SpreadsheetLink) -> httpx.URL:
        if link.is_published:
            way = f"/spreadsheets/d/e/{link.id}/pub"
            return httpx.URL(self._sites.docs + way, params={"output": "xlsx"})
        way = f"/spreadsheets/d/{link.id}/export"
        return httpx.URL(self._sites.docs + way, params={"format": "xlsx"})

    async def _reasons(self, response: httpx.Response, limits: _Limits) -> frozenset[str]:
        if not response.is_client_error:
            return frozenset()
        content = await read_some(response, until=limits.until, size_bytes_max=_ERROR_BYTES_MAX)
        return reasons_in(content)


def _email(credentials: "Credentials | None") -> str | None:
    return None if credentials is None else credentials.service_account_email


async def _no_page(
    chunks: AsyncIterator[bytes], link: SpreadsheetLink, *, account: str | None
) -> AsyncIterator[bytes]:
    """Pass the chunks on, unless they are a page that was said to be a workbook."""
    is_first = True
    async for chunk in chunks:
        if is_first and chunk.lstrip()[:1] == b"<":
            raise not_shared(link, account=account)
        is_first = False
        yield chunk


def _rebuilt(spreadsheet_id: str, credentials: "Credentials", given_up: threading.Event) -> bytes:
    import gspread  # noqa: PLC0415 - slow to import

    client = gspread.authorize(credentials)
    client.set_timeout(_CALL_SECONDS_MAX)
    return export_to_xlsx(client, spreadsheet_id, is_wanted=lambda: not given_up.is_set())


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), _CHUNK_BYTES):
        yield content[start : start + _CHUNK_BYTES]
