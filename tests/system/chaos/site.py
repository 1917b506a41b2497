"""The suppliers' web site: each list takes its time, and comes in two pieces."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

__all__ = ["SupplierSite", "supplier_site"]

_HOST: Final = "127.0.0.1"


class SupplierSite:
    """A web server of lists by name.

    Attributes:
        url: Its address.
        seconds: How long a list takes.
    """

    def __init__(self, lists: Mapping[str, bytes], *, seconds: float) -> None:
        self.url = ""
        self.seconds = seconds
        self._lists = lists

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            content = self._lists.get(head.split(b" ")[1].decode().removeprefix("/"))
            if content is None:
                writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                return
            half = len(content) // 2
            told = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
            writer.write(told % len(content) + content[:half])
            await writer.drain()
            await asyncio.sleep(self.seconds)
            writer.write(content[half:])
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # whoever asked was killed
        finally:
            writer.close()


@asynccontextmanager
async def supplier_site(
    lists: Mapping[str, bytes], *, seconds: float = 0
) -> AsyncIterator[SupplierSite]:
    """Serve `lists` for the length of the block; each takes so many seconds."""
    site = SupplierSite(lists, seconds=seconds)
    async with await asyncio.start_server(site.answer, _HOST, 0) as server:
        host, port = server.sockets[0].getsockname()
        site.url = f"http://{host}:{port}"
        yield site
