"""The body of an answer as bytes of the file: counted, inflated in small pieces, timed."""

import asyncio
import zlib
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import httpx

from marketbel_adapters.sources.answers import (
    announced_size,
    coding_of,
    too_large,
    translated,
    truncated,
)
from marketbel_adapters.sources.client import ends_at
from marketbel_adapters.sources.urls import shown
from marketbel_core.errors import RefusedError

__all__ = ["Pace", "body_of", "check_coding", "read_some"]

_PIECE_BYTES: Final = 65_536
_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS
_CODINGS: Final = frozenset({"", "gzip", "x-gzip", "deflate"})
"""What can be undone here; one alone, since codings laid over each other are a bomb's shape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How slowly a server may send.

    A bucket of patience: waiting empties it, bytes fill it, and it never holds more than at first.

    Attributes:
        patience: How long nothing at all may come.
        bytes_per_second_min: What keeps the bucket from running dry.
    """

    patience: timedelta = timedelta(seconds=20)
    bytes_per_second_min: int = 1_024

    def refilled(self, left: float, *, waited: float, size_bytes: int) -> float:
        """Return the seconds of patience after `size_bytes` came in `waited` seconds."""
        filled = left - waited + size_bytes / self.bytes_per_second_min
        return min(filled, self.patience.total_seconds())


def check_coding(response: httpx.Response) -> None:
    """Return if the body can be turned into the file.

    Raises:
        RefusedError: `http.refused`.
    """
    if coding_of(response) not in _CODINGS:
        raise RefusedError(
            "http.refused", f"{shown(response.url)} sends the file in a coding we did not ask for"
        )


async def body_of(
    response: httpx.Response, *, until: float, pace: Pace, size_bytes_max: int
) -> AsyncGenerator[bytes]:
    """Yield the file's bytes, a coding undone; the time that the reader takes does not count.

    Raises:
        RefusedError: `file.too_large`, counted as decoded; `http.refused` for a broken coding.
        UnavailableError: `http.truncated`, `http.too_slow`.
    """
    inflater = _Inflater(response) if coding_of(response) else None
    size_bytes = 0
    async with aclosing(_arrivals(response, until=until, pace=pace)) as arrivals:
        async for arrived in arrivals:
            for chunk in inflater.pieces(arrived) if inflater else (arrived,):
                size_bytes += len(chunk)
                if size_bytes > size_bytes_max:
                    raise too_large(size_bytes_max)
                yield chunk
    if inflater is not None and not inflater.is_whole:
        raise truncated(response.url)


async def read_some(response: httpx.Response, *, until: float, size_bytes_max: int) -> bytes:
    """Return the beginning of a body that is no file: an error's, or a page's."""
    content = bytearray()
    async with aclosing(_arrivals(response, until=until, pace=Pace())) as arrivals:
        async for chunk in arrivals:
            content += chunk
            if len(content) >= size_bytes_max:
                break
    return bytes(content[:size_bytes_max])


async def _arrivals(
    response: httpx.Response, *, until: float, pace: Pace
) -> AsyncGenerator[bytes]:
    """Yield the bytes as they come over the wire."""
    url, loop = response.url, asyncio.get_running_loop()
    left = pace.patience.total_seconds()
    arrived = response.aiter_raw()
    with translated(url, in_body=True):
        while True:
            begin = loop.time()
            async with ends_at(min(until, begin + left), url):
                chunk = await anext(arrived, None)
            if chunk is None:
                break
            left = pace.refilled(left, waited=loop.time() - begin, size_bytes=len(chunk))
            yield chunk
    announced = announced_size(response)
    if announced is not None and response.num_bytes_downloaded < announced:
        raise truncated(url)


class _Inflater:
    """Undoes gzip and deflate in pieces of bounded size: a small chunk may hold gigabytes."""

    def __init__(self, response: httpx.Response) -> None:
        self._url = response.url
        self._decoder = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._begun = False

    @property
    def is_whole(self) -> bool:
        """Whether the coding came to its own end; nothing at all is whole as well."""
        return self._decoder.eof or not self._begun

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        is_full = False  # then there may be more to come of what went in already
        while chunk or is_full:
            if self._decoder.eof:  # gzip members may follow each other
                self._decoder = zlib.decompressobj(_GZIP_OR_ZLIB)
                self._begun = False
            piece = self._piece(chunk)
            if piece:
                yield piece
            chunk = self._decoder.unconsumed_tail or self._decoder.unused_data
            is_full = len(piece) == _PIECE_BYTES and not self._decoder.eof

    def _piece(self, chunk: bytes) -> bytes:
        try:
            piece = self._decoder.decompress(chunk, _PIECE_BYTES)
        except zlib.error as error:
            if self._begun:
                raise self._broken() from error
            # "deflate" without the wrapping that the standard asks for is common.
            self._decoder = zlib.decompressobj(-zlib.MAX_WBITS)
            try:
                piece = self._decoder.decompress(chunk, _PIECE_BYTES)
            except zlib.error:
                raise self._broken() from error
        self._begun = True
        return piece

    def _broken(self) -> RefusedError:
        return RefusedError(
            "http.refused",
            f"{shown(self._url)} says that it packs the file, and what it sends is not packed so",
        )
