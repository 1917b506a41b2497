"""Which source opens a location: told by the location's form."""

from contextlib import AbstractAsyncContextManager

from marketbel_core.catalog import SourceRef, SourceType
from marketbel_core.ports import FileSource, IncomingFile

__all__ = ["RoutingFileSource"]


class RoutingFileSource(FileSource):
    """Gives paths to `local`; addresses, whatever their scheme, and Google Sheets to `http`."""

    def __init__(self, *, http: FileSource, local: FileSource) -> None:
        self._http = http
        self._local = local

    def open(
        self, source: SourceRef, *, size_bytes_max: int
    ) -> AbstractAsyncContextManager[IncomingFile]:
        far = "://" in source.location or source.type is SourceType.GOOGLE_SHEETS
        chosen = self._http if far else self._local
        return chosen.open(source, size_bytes_max=size_bytes_max)
