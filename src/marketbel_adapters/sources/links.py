"""Links as people share them: to a Google Sheet, to a file on Google Drive or Dropbox."""

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final

import httpx

from marketbel_adapters.sources.urls import host_of, shown
from marketbel_core.errors import RefusedError

__all__ = [
    "DirectLink",
    "DriveFile",
    "GoogleSites",
    "Link",
    "SpreadsheetLink",
    "confirmation_of",
    "link_of",
]

_ID: Final = re.compile(r"[A-Za-z0-9_-]{3,128}")
_DOCS: Final = "docs.google.com"
_DRIVE: Final = "drive.google.com"
_DOWNLOADS: Final = frozenset({_DRIVE, "drive.usercontent.google.com"})
_DROPBOX: Final = frozenset({"dropbox.com", "www.dropbox.com"})
_USER_OR_DOMAIN: Final = re.compile(r"^/(?:a/[^/]+/)?")
_ACCOUNT: Final = re.compile(r"/u/\d+(?=/|$)")
_OTHER_DOCUMENTS: Final = frozenset(
    {"document", "drawings", "forms", "presentation", "folderview", "drive", "jamboard", "videos"}
)
_CONFIRMATION: Final = frozenset(
    {"id", "export", "confirm", "uuid", "authuser", "at", "resourcekey"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogleSites:
    """Where Google is asked: a test puts a server of its own here."""

    docs: str = "https://docs.google.com"
    drive: str = "https://drive.google.com"
    api: str = "https://www.googleapis.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpreadsheetLink:
    """A link to a Google Sheet.

    Attributes:
        id: The spreadsheet's, or of its publication.
        is_published: Whether the link is to the copy that was "published to the web".
        is_export: Whether the link names a form of its own to be downloaded in, csv for one.
    """

    id: str
    is_published: bool = False
    is_export: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveFile:
    """A link to a file on Google Drive; old links need their resource key as well."""

    id: str
    resource_key: str | None = None

    def download(self, sites: GoogleSites) -> httpx.URL:
        """Return the address of the file itself."""
        wanted = {"export": "download", "id": self.id}
        if self.resource_key is not None:
            wanted["resourcekey"] = self.resource_key
        return httpx.URL(f"{sites.drive}/uc", params=wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectLink:
    """A link that gives the file itself when it is asked."""

    url: httpx.URL


type Link = SpreadsheetLink | DriveFile | DirectLink


def link_of(url: httpx.URL) -> Link:
    """Return what `url` is a link to; only its text is looked at.

    Raises:
        RefusedError: a Google link to something that is neither a spreadsheet nor a file
            (`sheets.not_a_spreadsheet`).
    """
    host = host_of(url)
    if host == _DOCS:
        return _on_docs(url)
    if host == _DRIVE:
        return _on_drive(url)
    if host in _DROPBOX and "dl" not in url.params:
        return DirectLink(url=url.copy_add_param("dl", "1"))
    if host in _DROPBOX:
        return DirectLink(url=url.copy_set_param("dl", "1"))
    return DirectLink(url=url)


def confirmation_of(page: bytes, *, base: httpx.URL) -> httpx.URL | None:
    """Return where Drive's page "too large to scan for viruses" leads with its button.

    `None` when `page` is another page, or its form leads away from Drive or from `base`.
    """
    form = _DownloadForm()
    form.feed(page.decode("utf-8", errors="replace"))
    if form.action is None or "confirm" not in form.fields:
        return None
    try:
        action = base.join(form.action)
    except (httpx.InvalidURL, UnicodeError):
        return None
    if host_of(action) not in {*_DOWNLOADS, host_of(base)} or action.scheme != base.scheme:
        return None
    return action.copy_merge_params(form.fields)


def _on_docs(url: httpx.URL) -> Link:
    kind, *rest = _segments(url)
    if kind == "file":
        return _drive_file(url, rest)
    if kind in {"uc", "open"}:
        return _drive_file(url, [])
    if kind == "spreadsheets":
        return _spreadsheet(url, rest)
    if kind == "spreadsheet" and _ID.fullmatch(url.params.get("key", "")):  # before 2014
        return SpreadsheetLink(id=url.params["key"])
    raise _not_a_spreadsheet(url, kind)


def _spreadsheet(url: httpx.URL, rest: list[str]) -> SpreadsheetLink:
    match rest:
        case ["d", "e", id_, *way] if _ID.fullmatch(id_):
            return SpreadsheetLink(
                id=id_, is_published=True, is_export=way[:1] == ["pub"] and "output" in url.params
            )
        case ["d", id_, *way] if _ID.fullmatch(id_) and id_ != "e":
            is_export = way[:1] == ["export"] and "format" in url.params
            return SpreadsheetLink(id=id_, is_export=is_export or way[:1] == ["gviz"])
        case ["export" | "ccc"] if _ID.fullmatch(url.params.get("id", url.params.get("key", ""))):
            return SpreadsheetLink(id=url.params.get("id") or url.params["key"])
    raise _not_a_spreadsheet(url, "spreadsheets")


def _on_drive(url: httpx.URL) -> Link:
    kind, *rest = _segments(url)
    if kind == "file":
        return _drive_file(url, rest)
    if kind in {"uc", "open"}:
        return _drive_file(url, [])
    raise _not_a_spreadsheet(url, kind)


def _drive_file(url: httpx.URL, rest: list[str]) -> DriveFile:
    id_ = rest[1] if rest[:1] == ["d"] and len(rest) > 1 else url.params.get("id", "")
    if not _ID.fullmatch(id_):
        raise _not_a_spreadsheet(url, "file")
    return DriveFile(id=id_, resource_key=url.params.get("resourcekey"))


def _segments(url: httpx.URL) -> list[str]:
    """Return the parts of the path, without account and domain of whoever made the link."""
    path = _ACCOUNT.sub("", _USER_OR_DOMAIN.sub("/", url.path))
    return [part for part in path.split("/") if part] or [""]


def _not_a_spreadsheet(url: httpx.URL, kind: str) -> RefusedError:
    what = f"a Google {kind}" if kind in _OTHER_DOCUMENTS else "no Google Sheet and no file"
    return RefusedError(
        "sheets.not_a_spreadsheet",
        f"{shown(url)} is {what}: give the link of a spreadsheet, or of one file on Drive",
    )


class _DownloadForm(HTMLParser):
    """Finds the form of the page's only button, and what it sends."""

    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and given.get("id") == "download-form":
            self.action = given.get("action")
        if tag == "input" and self.action is not None and given.get("name") in _CONFIRMATION:
            self.fields[given["name"]] = given.get("value", "")
