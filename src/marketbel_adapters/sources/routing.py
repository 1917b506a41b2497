"""Which source opens a location: told by the location's form."""

import re
from contextlib import AbstractAsyncContextManager
from typing import Final

import httpx

from marketbel_adapters.sources.links import SpreadsheetLink, link_of
from marketbel_core.catalog import SourceRef, SourceType
from marketbel_core.errors import RefusedError
from marketbel_core.ports import FileSource, IncomingFile

__all__ = ["RoutingFileSource", "is_path"]

_SCHEME: Final = re.compile(r"\s*[a-z][a-z0-9+.-]+:", re.IGNORECASE)


class RoutingFileSource(FileSource):
    """Gives Google Sheets to `sheets`, other addresses of any scheme to `http`, paths to `local`.

    A sheet's link that names a form to be downloaded in, such as `export?format=csv`, is an
    ordinary download unless the source is said to be a Google Sheet.
    """

    def __init__(self, *, http: FileSource, local: FileSource, sheets: FileSource) -> None:
        self._http = http
        self._local = local
        self._sheets = sheets

    def open(
        self, source: SourceRef, *, size_bytes_max: int
    ) -> AbstractAsyncContextManager[IncomingFile]:
        return self._chosen(source).open(source, size_bytes_max=size_bytes_max)

    def _chosen(self, source: SourceRef) -> FileSource:
        if source.type is SourceType.GOOGLE_SHEETS:
            return self._sheets
        if is_path(source.location):
            return self._local
        return self._sheets if _is_sheet(source.location) else self._http


def is_path(location: str) -> bool:
    """Return whether `location` is the path of a file, and no address of whatever scheme."""
    return "://" not in location and not _SCHEME.match(location)


def _is_sheet(location: str) -> bool:
    try:
        link = link_of(httpx.URL(location.strip(" ")))
    except (httpx.InvalidURL, UnicodeError, RefusedError):
        return False  # whoever opens it will say what is wrong
    return isinstance(link, SpreadsheetLink) and not link.is_export
