"""A Google Sheet as the master sheet: by its public export, and by a service account.

Nothing goes out: Google is a server of ours, and google-auth is patched where it would ask for a
token.
"""

import json
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from unittest.mock import create_autospec, patch

import gspread
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.oauth2.service_account import Credentials
from openpyxl import Workbook

from marketbel_adapters.memory import MemoryFileSource
from marketbel_adapters.sources.client import create_fetch_client
from marketbel_adapters.sources.google_account import ServiceAccount
from marketbel_adapters.sources.google_sheets import GoogleSheetsSource
from marketbel_adapters.sources.links import GoogleSites
from marketbel_adapters.sources.master_sheet import FetchedMasterSheet
from marketbel_adapters.sources.routing import RoutingFileSource
from marketbel_core.catalog import SourceType
from marketbel_core.errors import RefusedError
from tests.contract.raw_server import HERE, ROOMY, RawServer, raw_server

ID: Final = "1aBcDeFgHiJkLmNoPqRsTuVwXyZ"
EMAIL: Final = "worker@marketbel.iam.gserviceaccount.com"
LINK: Final = f"https://docs.google.com/spreadsheets/d/{ID}/edit#gid=0"
DRIVE: Final = f"/drive/v3/files/{ID}/export"
EXPORT: Final = f"/spreadsheets/d/{ID}/export"


def a_master_sheet() -> bytes:
    book = Workbook()
    first = book.active
    assert first is not None
    first.append(["Как пользоваться"])
    sheet = book.create_sheet("Suppliers")
    sheet.append(["Поставщик", "Ссылка", "Формат", "Активен"])
    sheet.append(["Акме", LINK, "Google Sheets", "да"])
    sheet.append(["Бета", "https://b.example/p.csv", "csv", "нет"])
    sheet.append(["Без ссылки", "", "csv", "да"])
    out = BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.fixture
async def google() -> AsyncIterator[RawServer]:
    async with raw_server() as server:
        yield server


@pytest.fixture
def key(tmp_path: Path) -> Path:
    private = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    told = {
        "type": "service_account",
        "client_email": EMAIL,
        "private_key": pem.decode(),
        "private_key_id": "1",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    path = tmp_path / "key.json"
    path.write_text(json.dumps(told))
    return path


@pytest.fixture
async def public(google: RawServer, tmp_path: Path) -> AsyncIterator[FetchedMasterSheet]:
    """The master sheet of a deployment without a key."""
    async with create_fetch_client(HERE) as client:
        yield a_reader(client, google, tmp_path / "no-such-key.json")


@pytest.fixture
async def known(google: RawServer, key: Path) -> AsyncIterator[FetchedMasterSheet]:
    """The master sheet of a deployment with a key."""

    def refresh(credentials: Any, _request: object) -> None:
        credentials.token = "token-1"

    with patch.object(Credentials, "refresh", autospec=True, side_effect=refresh):
        async with create_fetch_client(HERE) as client:
            yield a_reader(client, google, key)


def a_reader(client: Any, google: RawServer, key: Path) -> FetchedMasterSheet:
    sites = GoogleSites(docs=google.url(""), drive=google.url(""), api=google.url(""))
    sheets = GoogleSheetsSource(client, account=ServiceAccount(key), sites=sites)
    other = MemoryFileSource()
    routed = RoutingFileSource(http=other, local=other, sheets=sheets)
    return FetchedMasterSheet(routed, size_bytes_max=ROOMY)


def an_error(reason: str) -> tuple[str, bytes]:
    body = json.dumps(
        {"error": {"code": 403, "message": "no", "errors": [{"reason": reason}]}}
    ).encode()
    return f"403 Forbidden\nContent-Type: application/json\nContent-Length: {len(body)}", body


async def test_without_a_key_the_public_export_is_read(
    google: RawServer, public: FetchedMasterSheet
) -> None:
    google.file(EXPORT, a_master_sheet())

    read = await public.read(LINK)

    assert [(row.name, row.source_type, row.is_active) for row in read.rows] == [
        ("Акме", SourceType.GOOGLE_SHEETS, True),
        ("Бета", SourceType.CSV, False),
    ]
    assert [(row.row_number, row.code) for row in read.skipped] == [(4, "sheet.no_source")]
    assert google.targets == [f"{EXPORT}?format=xlsx"]
    assert "authorization" not in google.requests[0].lower()


async def test_with_a_key_the_service_account_reads_a_sheet_that_is_not_public(
    google: RawServer, known: FetchedMasterSheet
) -> None:
    google.file(DRIVE, a_master_sheet())

    read = await known.read(LINK, sheet_name="suppliers")

    assert [row.name for row in read.rows] == ["Акме", "Бета"]
    assert "bearer token-1" in google.requests[0].lower()


async def test_a_sheet_that_nobody_shared_with_us_is_told_with_its_cure(
    google: RawServer, public: FetchedMasterSheet
) -> None:
    page = b"<!doctype html><title>Sign in</title>"
    google.file(EXPORT, page, "Content-Type: text/html; charset=utf-8")

    with pytest.raises(RefusedError) as caught:
        await public.read(LINK)

    assert caught.value.code == "sheets.not_shared"


async def test_what_cannot_be_exported_is_read_cell_by_cell(
    google: RawServer, known: FetchedMasterSheet
) -> None:
    google.answer(DRIVE, *an_error("exportSizeLimitExceeded"))
    google.answer(EXPORT, *an_error("exportSizeLimitExceeded"))
    sheet = create_autospec(gspread.Worksheet, instance=True)
    sheet.title, sheet.row_count, sheet.col_count = "Suppliers", 2, 3
    sheet.get_all_values.return_value = [
        ["Supplier Name", "Source URL", "Format"],
        ["Акме", "https://a.example/p.csv", "csv"],
    ]
    client = create_autospec(gspread.Client, instance=True)
    client.open_by_key.return_value.worksheets.return_value = [sheet]

    with patch.object(gspread, "authorize", return_value=client):
        read = await known.read(LINK)

    assert [row.name for row in read.rows] == ["Акме"]
