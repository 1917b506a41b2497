"""Links as people share them: which sheet, which file, what else."""

import httpx
import pytest

from marketbel_adapters.sources.links import (
    DirectLink,
    DriveFile,
    GoogleSites,
    SpreadsheetLink,
    confirmation_of,
    link_of,
)
from marketbel_core.errors import RefusedError

ID = "1aB_c-D2"
DOCS = "https://docs.google.com"
DRIVE = "https://drive.google.com"


@pytest.mark.parametrize(
    "url",
    [
        f"{DOCS}/spreadsheets/d/{ID}",
        f"{DOCS}/spreadsheets/d/{ID}/",
        f"{DOCS}/spreadsheets/d/{ID}/edit",
        f"{DOCS}/spreadsheets/d/{ID}/edit?usp=sharing#gid=123",
        f"{DOCS}/spreadsheets/d/{ID}/edit?rtpof=true&sd=true",
        f"{DOCS}/spreadsheets/d/{ID}/htmlview",
        f"{DOCS}/spreadsheets/d/{ID}/view?usp=drivesdk",
        f"{DOCS}/spreadsheets/d/{ID}/export",
        f"{DOCS}/spreadsheets/u/0/d/{ID}/edit",
        f"{DOCS}/spreadsheets/u/12/d/{ID}/edit#gid=0",
        f"{DOCS}/a/shop.by/spreadsheets/d/{ID}/edit",
        f"{DOCS}/spreadsheets/export?id={ID}&exportFormat=xlsx",
        f"{DOCS}/spreadsheets/ccc?key={ID}",
        f"{DOCS}/spreadsheet/ccc?key={ID}&usp=sharing",
        f"HTTP://DOCS.GOOGLE.COM./spreadsheets/d/{ID}/edit",
    ],
)
def test_every_spelling_of_a_sheet_is_known(url: str) -> None:
    assert link_of(httpx.URL(url)) == SpreadsheetLink(id=ID)


def test_a_published_sheet_is_one_too() -> None:
    published = SpreadsheetLink(id="2PACX-1x", is_published=True)
    place = f"{DOCS}/spreadsheets/d/e/2PACX-1x"

    assert link_of(httpx.URL(f"{place}/pubhtml?gid=0&single=true")) == published
    named = link_of(httpx.URL(f"{place}/pub?output=csv"))
    assert isinstance(named, SpreadsheetLink)
    assert named.is_export


@pytest.mark.parametrize("way", ["export?format=csv&gid=7", "gviz/tq?tqx=out:csv"])
def test_a_link_that_names_its_form_is_told_apart(way: str) -> None:
    link = link_of(httpx.URL(f"{DOCS}/spreadsheets/d/{ID}/{way}"))

    assert link == SpreadsheetLink(id=ID, is_export=True)


@pytest.mark.parametrize(
    "url",
    [
        f"{DOCS}/document/d/{ID}/edit",
        f"{DOCS}/document/u/0/d/{ID}/edit",
        f"{DOCS}/forms/d/e/{ID}/viewform",
        f"{DOCS}/presentation/d/{ID}/edit",
        f"{DOCS}/spreadsheets/u/0/",
        f"{DOCS}/spreadsheets/d/",
        f"{DOCS}/spreadsheets/d/e/",
        f"{DOCS}/spreadsheets/d/%2e%2e%2fetc/edit",
        f"{DOCS}/",
        f"{DRIVE}/drive/folders/{ID}",
        f"{DRIVE}/drive/u/0/folders/{ID}",
        f"{DRIVE}/drive/my-drive",
        f"{DRIVE}/folderview?id={ID}",
        f"{DRIVE}/file/d/",
        f"{DRIVE}/open",
    ],
)
def test_a_google_link_to_something_else_is_refused(url: str) -> None:
    with pytest.raises(RefusedError) as told:
        link_of(httpx.URL(url))

    assert told.value.code == "sheets.not_a_spreadsheet"


@pytest.mark.parametrize(
    "url",
    [
        f"{DRIVE}/file/d/{ID}/view?usp=sharing",
        f"{DRIVE}/file/d/{ID}/edit",
        f"{DRIVE}/file/u/1/d/{ID}/view",
        f"{DRIVE}/open?id={ID}",
        f"{DRIVE}/uc?id={ID}&export=download",
        f"{DOCS}/uc?export=download&id={ID}",
    ],
)
def test_a_file_on_drive_is_asked_for_by_its_own_address(url: str) -> None:
    link = link_of(httpx.URL(url))

    assert link == DriveFile(id=ID)
    assert isinstance(link, DriveFile)
    assert str(link.download(GoogleSites())) == f"{DRIVE}/uc?export=download&id={ID}"


def test_a_resource_key_is_kept() -> None:
    link = link_of(httpx.URL(f"{DRIVE}/file/d/{ID}/view?resourcekey=0-x&usp=sharing"))

    assert isinstance(link, DriveFile)
    assert link.download(GoogleSites()).params["resourcekey"] == "0-x"


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        (
            "https://www.dropbox.com/scl/fi/x/list.xlsx?rlkey=k&dl=0",
            "https://www.dropbox.com/scl/fi/x/list.xlsx?rlkey=k&dl=1",
        ),
        ("https://www.dropbox.com/s/x/list.csv", "https://www.dropbox.com/s/x/list.csv?dl=1"),
        ("https://example.com/list.csv?dl=0", "https://example.com/list.csv?dl=0"),
    ],
)
def test_a_dropbox_link_is_turned_into_a_download(url: str, asked: str) -> None:
    assert link_of(httpx.URL(url)) == DirectLink(url=httpx.URL(asked))


def a_page(action: str, **fields: str) -> bytes:
    inputs = "".join(f'<input type="hidden" name="{k}" value="{v}">' for k, v in fields.items())
    return f'<html><form id="download-form" action="{action}">{inputs}</form></html>'.encode()


def test_drives_question_about_large_files_is_answered_with_yes() -> None:
    page = a_page(
        "https://drive.usercontent.google.com/download", id=ID, confirm="t", uuid="u", evil="x"
    )

    confirmed = confirmation_of(page, base=httpx.URL(f"{DRIVE}/uc"))

    assert confirmed is not None
    assert confirmed.host == "drive.usercontent.google.com"
    assert dict(confirmed.params) == {"id": ID, "confirm": "t", "uuid": "u"}


@pytest.mark.parametrize(
    "page",
    [
        a_page("https://evil.example/download", confirm="t"),
        a_page("http://drive.usercontent.google.com/download", confirm="t"),
        a_page("https://drive.usercontent.google.com/download", id=ID),
        a_page("https://[", confirm="t"),
        b"<html>Sorry</html>",
        b"\xff\xfe\x00",
    ],
)
def test_no_other_page_is_answered(page: bytes) -> None:
    assert confirmation_of(page, base=httpx.URL(f"{DRIVE}/uc")) is None
