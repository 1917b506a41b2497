"""No host has all fetches to itself: a slow one must not stand in the way of all the others."""

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx

from marketbel_adapters.sources.routing import is_path
from marketbel_core.catalog import SourceRef
from marketbel_core.errors import UnavailableError
from marketbel_core.ports import FileSource, IncomingFile

__all__ = ["SharedFileSource"]


class SharedFileSource(FileSource):
    """Opens so many sources of one host at once, and turns the next one away for now.

    For one event loop. Nobody waits in here: whoever is turned away leaves its place to others.
    It is the host of the address as it was given; files of the shared folder have none.
    """

    def __init__(self, source: FileSource, *, per_host_max: int) -> None:
        """Open through `source`, at most `per_host_max` at once for each host, from 1."""
        self._source = source
        self._per_host_max = per_host_max
        self._open: Counter[str] = Counter()

    @asynccontextmanager
    async def open(
        self, source: SourceRef, *, size_bytes_max: int
    ) -> AsyncGenerator[IncomingFile]:
        host = _host(source.location)
        if host and self._open[host] >= self._per_host_max:
            raise UnavailableError(
                f"{self._per_host_max} lists are being fetched from {host} by this worker, which "
                "are all that it takes from one host at once; raise FETCH_PER_HOST_MAX for more",
                code="source.busy",
            )
        self._open[host] += 1
        try:
            async with self._source.open(source, size_bytes_max=size_bytes_max) as incoming:
                yield incoming
        finally:
            self._open[host] -= 1
            if not self._open[host]:
                del self._open[host]


def _host(location: str) -> str:
    """Return the host; `''` for what has none or cannot be read, which is refused further on."""
    if is_path(location):
        return ""
    try:
        url = httpx.URL(location.strip(" "))
        return url.raw_host.decode("ascii").lower().removesuffix(".")
    except (httpx.InvalidURL, UnicodeError):
        return ""
