"""Google Sheets against a server of ours that speaks both export endpoints.

No live call to Google was ever made by these tests: what Google answers is played here as its
documentation has it, and gspread and google-auth are patched where they would go out.
"""

import asyncio
import json
import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from unittest.mock import create_autospec, patch

import gspread
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.exceptions import RefreshError, TransportError
from google.oauth2.service_account import Credentials
from openpyxl import Workbook, load_workbook

from marketbel_adapters.sources.client import create_fetch_client
from marketbel_adapters.sources.google_account import ServiceAccount
from marketbel_adapters.sources.google_sheets import GoogleSheetsSource
from marketbel_adapters.sources.links import GoogleSites
from marketbel_adapters.sources.sheet_cells import export_to_xlsx
from marketbel_adapters.testing.sources import FileSourceContract, SourceShelf
from marketbel_core.catalog import SourceRef, SourceType
from marketbel_core.errors import MarketbelError, RefusedError, UnavailableError
from marketbel_core.ports import FileSource
from tests.contract.raw_server import HERE, ROOMY, RawServer, fetched, raw_server

ID: Final = "1aBcDeFgHiJkLmNoPqRsTuVwXyZ"
EMAIL: Final = "worker@marketbel.iam.gserviceaccount.com"
LINK: Final = f"https://docs.google.com/spreadsheets/d/{ID}/edit?token=hunter2#gid=0"
SHEET: Final = SourceRef(type=SourceType.GOOGLE_SHEETS, location=LINK)
DRIVE: Final = f"/drive/v3/files/{ID}/export"
EXPORT: Final = f"/spreadsheets/d/{ID}/export"
MIME: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def a_workbook() -> bytes:
    book = Workbook()
    page = book.active
    assert page is not None
    page.append(["Молоко", 2.5])
    page.merge_cells("A2:B3")
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def an_error(status: str, reason: str) -> tuple[str, bytes]:
    code = int(status[:3])
    body = json.dumps(
        {"error": {"code": code, "message": "no", "errors": [{"reason": reason}]}}
    ).encode()
    return f"{status}\nContent-Type: application/json\nContent-Length: {len(body)}", body


@pytest.fixture
async def google() -> AsyncIterator[RawServer]:
    async with raw_server() as server:
        yield server


@pytest.fixture(scope="module")
def key_text() -> str:
    private = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    return json.dumps(
        {
            "type": "service_account",
            "client_email": EMAIL,
            "private_key": pem,
            "private_key_id": "1",
            "token_uri": "https://oauth2.googleapis.com/token",
        }
    )


@pytest.fixture
def key(tmp_path: Path, key_text: str) -> Path:
    path = tmp_path / "key.json"
    path.write_text(key_text)
    return path


@contextmanager
def tokens() -> Iterator[list[str]]:
    """Let Google's token service hand out `token-1`, `token-2`, …; yield what it gave."""
    given: list[str] = []

    def refresh(credentials: Any, _request: object) -> None:
        given.append(f"token-{len(given) + 1}")
        credentials.token = given[-1]

    with patch.object(Credentials, "refresh", autospec=True, side_effect=refresh):
        yield given


@pytest.fixture
async def public(google: RawServer, tmp_path: Path) -> AsyncIterator[GoogleSheetsSource]:
    """The source of a deployment without a key."""
    async with create_fetch_client(HERE) as client:
        yield a_source(client, google, tmp_path / "no-such-key.json")


@pytest.fixture
async def known(google: RawServer, key: Path) -> AsyncIterator[GoogleSheetsSource]:
    """The source of a deployment with a key."""
    with tokens():
        async with create_fetch_client(HERE) as client:
            yield a_source(client, google, key)


def a_source(client: Any, google: RawServer, key: Path, **more: Any) -> GoogleSheetsSource:
    sites = GoogleSites(docs=google.url(""), drive=google.url(""), api=google.url(""))
    return GoogleSheetsSource(client, account=ServiceAccount(key), sites=sites, **more)


class _SheetShelf(SourceShelf):
    def __init__(self, google: RawServer, source: FileSource) -> None:
        self._google = google
        self._source = source

    @property
    def source(self) -> FileSource:
        return self._source

    def put(self, content: bytes, *, filename: str) -> SourceRef:  # noqa: ARG002 - Google names it
        self._google.file(EXPORT, content)
        return SHEET

    def missing(self) -> SourceRef:
        return SourceRef(
            type=SourceType.GOOGLE_SHEETS, location="https://docs.google.com/spreadsheets/d/none"
        )


class TestGoogleSheetsSource(FileSourceContract):
    @pytest.fixture
    def shelf(self, google: RawServer, public: GoogleSheetsSource) -> SourceShelf:
        return _SheetShelf(google, public)

    async def test_the_name_is_told_without_folders(self, shelf: SourceShelf) -> None:
        """A sheet's name is Google's to give; without one it is the id."""
        place = shelf.put(b"PK", filename="ignored")

        async with shelf.source.open(place, size_bytes_max=ROOMY) as incoming:
            assert incoming.filename == f"{ID}.xlsx"


async def error_of(source: FileSource, place: SourceRef = SHEET) -> MarketbelError:
    with pytest.raises(MarketbelError) as told:
        await fetched(source, place)
    assert "hunter2" not in str(told.value)
    return told.value


async def test_without_a_key_the_public_export_gives_the_whole_workbook(
    google: RawServer, public: GoogleSheetsSource
) -> None:
    sent = a_workbook()
    google.redirect(EXPORT, "/cdn/export?token=hunter2")
    google.file(
        "/cdn/export",
        sent,
        f"Content-Type: {MIME}",
        "Content-Disposition: attachment; filename*=UTF-8''%D0%9F%D1%80%D0%B0%D0%B9%D1%81.xlsx",
    )

    async with public.open(SHEET, size_bytes_max=ROOMY) as incoming:
        content = b"".join([chunk async for chunk in incoming.chunks])
        assert (incoming.filename, incoming.mime_type) == ("Прайс.xlsx", MIME)
        assert incoming.final_url == google.url("/cdn/export")

    assert content == sent
    assert google.targets[0] == f"{EXPORT}?format=xlsx"
    assert "authorization" not in google.requests[0].lower()
    page = load_workbook(BytesIO(content)).active
    assert page is not None
    assert str(page.merged_cells) == "A2:B3"


@pytest.mark.parametrize(
    "location",
    [
        f"https://docs.google.com/spreadsheets/u/0/d/{ID}/edit#gid=5",
        f"https://docs.google.com/a/shop.by/spreadsheets/d/{ID}/view",
        f"https://docs.google.com/spreadsheets/d/{ID}/export?format=csv",
        f"https://drive.google.com/open?id={ID}",
        f"https://drive.google.com/file/d/{ID}/view",
    ],
)
async def test_every_spelling_leads_to_the_same_export(
    google: RawServer, public: GoogleSheetsSource, location: str
) -> None:
    google.file(EXPORT, b"PK")
    place = SourceRef(type=SourceType.GOOGLE_SHEETS, location=location, sheet_name="March")

    assert await fetched(public, place) == b"PK"
    assert google.targets == [f"{EXPORT}?format=xlsx"]


async def test_a_published_sheet_is_asked_for_as_published_even_with_a_key(
    google: RawServer, known: GoogleSheetsSource
) -> None:
    google.file("/spreadsheets/d/e/2PACX-1x/pub", b"PK")
    place = SourceRef(
        type=SourceType.GOOGLE_SHEETS,
        location="https://docs.google.com/spreadsheets/d/e/2PACX-1x/pubhtml",
    )

    assert await fetched(known, place) == b"PK"
    assert google.targets == ["/spreadsheets/d/e/2PACX-1x/pub?output=xlsx"]
    assert "authorization" not in google.requests[0].lower()


@pytest.mark.parametrize(
    "location",
    ["https://example.com/list.xlsx", "https://docs.google.com/document/d/1abc/edit"],
)
async def test_an_address_of_something_else_is_no_sheet(
    google: RawServer, public: GoogleSheetsSource, location: str
) -> None:
    place = SourceRef(type=SourceType.GOOGLE_SHEETS, location=location)

    assert (await error_of(public, place)).code == "sheets.not_a_spreadsheet"
    assert google.connections == 0


async def test_an_id_alone_is_no_address(public: GoogleSheetsSource) -> None:
    place = SourceRef(type=SourceType.GOOGLE_SHEETS, location=ID)

    assert (await error_of(public, place)).code == "source.malformed"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (("200 OK\nContent-Type: text/html\nContent-Length: 6", b"<html>"), "sheets.not_shared"),
        (("200 OK\nContent-Length: 17", b"  <!doctype html>"), "sheets.not_shared"),
        (("302 Found\nLocation: https://accounts.google.com/v3/x", b""), "sheets.not_shared"),
        (("401 Unauthorized\nContent-Length: 0", b""), "sheets.not_shared"),
        (("403 Forbidden\nContent-Length: 0", b""), "sheets.not_shared"),
        (an_error("403 Forbidden", "exportSizeLimitExceeded"), "sheets.too_large_for_export"),
        (("404 Not Found\nContent-Length: 0", b""), "http.gone"),
        (("400 Bad Request\nContent-Length: 0", b""), "http.refused"),
    ],
    ids=["H2 page", "H2 disguised", "H2 login", "401", "403", "H5", "404", "400"],
)
async def test_what_google_does_not_give_to_the_public_is_told_with_its_cure(
    google: RawServer,
    public: GoogleSheetsSource,
    answer: tuple[str, bytes],
    code: str,
) -> None:
    google.answer(EXPORT, *answer)

    error = await error_of(public)

    assert (type(error), error.code) == (RefusedError, code)
    if code == "sheets.not_shared":
        assert "anyone with the link" in str(error)


async def test_a_busy_google_is_asked_again_later(
    google: RawServer, public: GoogleSheetsSource
) -> None:
    google.answer(EXPORT, "429 Too Many Requests\nRetry-After: 7\nContent-Length: 0")

    error = await error_of(public)

    assert isinstance(error, UnavailableError)
    assert (error.code, error.retry_after) == ("http.unavailable", timedelta(seconds=7))


async def test_with_a_key_the_drive_api_exports(
    google: RawServer, known: GoogleSheetsSource
) -> None:
    google.file(DRIVE, b"PK bytes", f"Content-Type: {MIME}")

    assert await fetched(known, SHEET) == b"PK bytes"
    assert await fetched(known, SHEET) == b"PK bytes"

    assert google.targets[0].startswith(f"{DRIVE}?mimeType=application%2Fvnd.openxmlformats")
    assert "authorization: bearer token-1" in google.requests[0].lower()


async def test_h5_what_is_too_large_for_the_drive_api_comes_by_the_export_link(
    google: RawServer, known: GoogleSheetsSource
) -> None:
    google.answer(DRIVE, *an_error("403 Forbidden", "exportSizeLimitExceeded"))
    google.redirect(EXPORT, google.url("/cdn", host="localhost"))
    google.file("/cdn", b"PK large")

    assert await fetched(known, SHEET) == b"PK large"

    shown = ["authorization: bearer" in head.lower() for head in google.requests]
    assert shown == [True, True, False]  # the last host is another one


@pytest.mark.parametrize("reason", ["accessNotConfigured", "fileNotExportable"])
async def test_what_the_drive_api_cannot_export_comes_by_the_export_link(
    google: RawServer, known: GoogleSheetsSource, reason: str
) -> None:
    google.answer(DRIVE, *an_error("403 Forbidden", reason))
    google.file(EXPORT, b"PK")

    assert await fetched(known, SHEET) == b"PK"


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (("404 Not Found\nContent-Length: 0", b""), RefusedError, "sheets.not_shared"),
        (an_error("403 Forbidden", "forbidden"), RefusedError, "sheets.not_shared"),
        (("403 Forbidden\nContent-Length: 2", b"[]"), RefusedError, "sheets.not_shared"),
        (("401 No\nContent-Length: 0", b""), RefusedError, "sheets.credentials"),
        (
            an_error("403 Forbidden", "userRateLimitExceeded"),
            UnavailableError,
            "http.unavailable",
        ),
        (("500 Oops\nContent-Length: 0", b""), UnavailableError, "http.unavailable"),
    ],
)
async def test_what_the_drive_api_refuses_is_told_with_the_account(
    google: RawServer,
    known: GoogleSheetsSource,
    answer: tuple[str, bytes],
    kind: type[MarketbelError],
    code: str,
) -> None:
    google.answer(DRIVE, *answer)

    error = await error_of(known)

    assert (type(error), error.code) == (kind, code)
    assert code != "sheets.not_shared" or f"share it with {EMAIL}" in str(error)
    assert google.connections == 1


async def test_a_page_instead_of_the_export_link_names_the_account(
    google: RawServer, known: GoogleSheetsSource
) -> None:
    google.answer(DRIVE, *an_error("403 Forbidden", "accessNotConfigured"))
    google.file(EXPORT, b"<html>", "Content-Type: text/html")
    client = create_autospec(gspread.Client, instance=True)
    client.open_by_key.side_effect = PermissionError

    with patch.object(gspread, "authorize", return_value=client):
        error = await error_of(known)

    assert error.code == "sheets.not_shared"


def a_sheet(title: str, rows: list[list[str]], *, cells: int = 26_000) -> gspread.Worksheet:
    sheet: gspread.Worksheet = create_autospec(gspread.Worksheet, instance=True)
    sheet.title = title  # type: ignore[misc]
    sheet.row_count, sheet.col_count = cells // 26, 26  # type: ignore[misc]
    sheet.get_all_values.return_value = rows  # type: ignore[attr-defined]
    return sheet


def a_client(*sheets: gspread.Worksheet) -> Any:
    client = create_autospec(gspread.Client, instance=True)
    client.open_by_key.return_value.worksheets.return_value = list(sheets)
    return client


async def test_cell_by_cell_is_the_last_way_and_off_the_event_loop(
    google: RawServer, known: GoogleSheetsSource
) -> None:
    for way in (DRIVE, EXPORT):
        google.answer(way, *an_error("403 Forbidden", "exportSizeLimitExceeded"))
    threads: list[str] = []

    def values() -> list[list[str]]:
        threads.append(threading.current_thread().name)
        return [["Молоко", "2,50"]]

    sheet = a_sheet("Март", [])
    sheet.get_all_values.side_effect = values  # type: ignore[attr-defined]
    client = a_client(sheet)

    with patch.object(gspread, "authorize", return_value=client):
        async with known.open(SHEET, size_bytes_max=ROOMY) as incoming:
            content = b"".join([chunk async for chunk in incoming.chunks])

    page = load_workbook(BytesIO(content))["Март"]
    assert [[cell.value for cell in row] for row in page.rows] == [["Молоко", "2,50"]]
    assert (incoming.size_bytes, incoming.mime_type) == (len(content), MIME)
    assert threads != [threading.main_thread().name]
    client.set_timeout.assert_called_once()
    client.open_by_key.assert_called_once_with(ID)


async def test_cells_are_bounded_as_files_are(
    google: RawServer, known: GoogleSheetsSource
) -> None:
    for way in (DRIVE, EXPORT):
        google.answer(way, *an_error("403 Forbidden", "exportSizeLimitExceeded"))

    with (
        patch.object(gspread, "authorize", return_value=a_client(a_sheet("A", [["x"]]))),
        pytest.raises(RefusedError) as told,
    ):
        await fetched(known, SHEET, size_bytes_max=100)

    assert told.value.code == "file.too_large"


async def test_a_file_that_is_too_large_is_not_asked_for_in_another_way(
    google: RawServer, known: GoogleSheetsSource
) -> None:
    google.answer(DRIVE, *an_error("403 Forbidden", "exportSizeLimitExceeded"))
    google.answer(EXPORT, "200 OK\nContent-Length: 99999999")

    assert (await error_of(known)).code == "file.too_large"


async def test_the_deadline_holds_for_blocking_calls_too(google: RawServer, key: Path) -> None:
    for way in (DRIVE, EXPORT):
        google.answer(way, *an_error("403 Forbidden", "exportSizeLimitExceeded"))
    released = threading.Event()
    client = a_client()
    client.open_by_key.side_effect = lambda _: released.wait(20)

    with tokens(), patch.object(gspread, "authorize", return_value=client):
        async with create_fetch_client(HERE) as fetch:
            source = a_source(fetch, google, key, deadline=timedelta(seconds=1))
            async with asyncio.timeout(15):
                error = await error_of(source)
            released.set()

    assert error.code == "http.too_slow"


def test_titles_that_a_workbook_cannot_have_are_changed_and_stay_apart() -> None:
    long = "Прайс-лист на строительные материалы"
    client = a_client(
        a_sheet(f"{long} 1", [["a"]]),
        a_sheet(f"{long} 2", [["b"]]),
        a_sheet("a/b:[c]?*\\", [["c"]]),
        a_sheet("A_B__C____", [["d"]]),
    )

    book = load_workbook(BytesIO(export_to_xlsx(client, ID)))

    assert book.sheetnames == [long[:31], f"{long[:29]}~2", "a_b__c____", "A_B__C____~2"]


def test_texts_stay_texts_whatever_they_begin_with() -> None:
    client = a_client(a_sheet("A", [["=1+1", "+375", "bell\x07", ""]]))

    page = load_workbook(BytesIO(export_to_xlsx(client, ID)))["A"]

    assert [cell.value for cell in page[1]][:3] == ["=1+1", "+375", "bell"]
    assert page["A1"].data_type == "s"


def test_one_sheet_is_taken_by_its_name_and_all_when_there_is_none() -> None:
    client = a_client(a_sheet("A", []), a_sheet("B", []))

    one = load_workbook(BytesIO(export_to_xlsx(client, ID, sheet_name="B")))
    all_ = load_workbook(BytesIO(export_to_xlsx(client, ID, sheet_name="C")))

    assert (one.sheetnames, all_.sheetnames) == (["B"], ["A", "B"])


def a_response(status: int) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response._content = b'{"error": {"code": 1, "message": "no"}}'
    return response


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (PermissionError(), RefusedError, "sheets.not_shared"),
        (gspread.exceptions.SpreadsheetNotFound(), RefusedError, "sheets.not_shared"),
        (gspread.exceptions.APIError(a_response(429)), UnavailableError, "http.unavailable"),
        (gspread.exceptions.APIError(a_response(503)), UnavailableError, "http.unavailable"),
        (gspread.exceptions.APIError(a_response(400)), RefusedError, "http.refused"),
        (requests.ConnectionError(), UnavailableError, "http.unavailable"),
        (requests.Timeout(), UnavailableError, "http.unavailable"),
    ],
)
def test_what_gspread_raises_is_told_as_what_it_means(
    error: Exception, kind: type[MarketbelError], code: str
) -> None:
    client = a_client()
    client.open_by_key.side_effect = error

    with pytest.raises(MarketbelError) as told:
        export_to_xlsx(client, ID)

    assert (type(told.value), told.value.code) == (kind, code)


def test_a_sheet_of_too_many_cells_is_not_even_begun() -> None:
    sheet = a_sheet("A", [], cells=6_000_000)

    with pytest.raises(RefusedError) as told:
        export_to_xlsx(a_client(sheet), ID)

    assert told.value.code == "sheets.too_large_for_export"
    sheet.get_all_values.assert_not_called()  # type: ignore[attr-defined]


def test_nobody_waits_for_cells_that_nobody_wants() -> None:
    sheet = a_sheet("A", [])

    with pytest.raises(UnavailableError):
        export_to_xlsx(a_client(sheet), ID, is_wanted=lambda: False)

    sheet.get_all_values.assert_not_called()  # type: ignore[attr-defined]


def _google_error(kind: Any, text: str, **more: bool) -> Exception:
    error = kind(text, **more)
    assert isinstance(error, Exception)
    return error


async def test_an_account_keeps_its_token_and_notices_a_new_key(key: Path) -> None:
    account = ServiceAccount(key)
    with tokens() as given:
        first = await account.credentials()
        second = await account.credentials()
        os.utime(key, ns=(0, 0))
        third = await account.credentials()

    assert first is not None
    assert first is second
    assert third is not first
    assert given == ["token-1", "token-2"]
    key.unlink()  # noqa: ASYNC240
    assert await account.credentials() is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"client_email": "a@b", "private_key": "x"}'])
async def test_a_key_that_is_none_is_told_without_a_word_of_it(key: Path, text: str) -> None:
    key.write_text(text)  # noqa: ASYNC240

    with pytest.raises(RefusedError) as told:
        await ServiceAccount(key).credentials()

    assert told.value.code == "sheets.credentials"
    assert told.value.__cause__ is None


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (_google_error(TransportError, "away"), UnavailableError, "http.unavailable"),
        (
            _google_error(RefreshError, "busy", retryable=True),
            UnavailableError,
            "http.unavailable",
        ),
        (_google_error(RefreshError, "invalid_grant"), RefusedError, "sheets.credentials"),
    ],
)
async def test_what_the_token_service_says_is_told_as_what_it_means(
    key: Path, error: Exception, kind: type[MarketbelError], code: str
) -> None:
    with (
        patch.object(Credentials, "refresh", side_effect=error),
        pytest.raises(MarketbelError) as told,
    ):
        await ServiceAccount(key).credentials()

    assert (type(told.value), told.value.code) == (kind, code)
