"""A web server whose answers are given byte for byte, and clients that may reach it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from ipaddress import IPv4Network
from typing import Final

from marketbel_adapters.sources.policy import FetchPolicy
from marketbel_core.catalog import SourceRef, SourceType
from marketbel_core.ports import FileSource

ROOMY: Final = 10_000_000
HERE: Final = FetchPolicy(networks=(IPv4Network("127.0.0.0/8"),), ports=(range(1, 65_536),))
"""What a test opens for servers of its own on this machine."""


class RawServer:
    """An HTTP server whose answers are given byte for byte, by path.

    Attributes:
        connections: How many were made.
        requests: What was asked, head by head.
        targets: The request targets, with their queries.
    """

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0
        self.requests: list[str] = []
        self._answers: dict[str, list[bytes]] = {}
        self._hanging: set[str] = set()

    @property
    def targets(self) -> list[str]:
        return [head.split(" ")[1] for head in self.requests]

    def url(self, path: str, *, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def answer(self, path: str, head: str, body: bytes = b"", *, hang: bool = False) -> SourceRef:
        """Let `path` give this head and body; with `hang` the connection stays open after it.

        Answers given to one path follow each other; the last one stays.
        """
        lines = head.strip().replace("\n", "\r\n")
        told = f"HTTP/1.1 {lines}\r\n\r\n".encode() + body
        self._answers.setdefault(path, []).append(told)
        if hang:
            self._hanging.add(path)
        return SourceRef(type=SourceType.EXCEL, location=self.url(path))

    def file(self, path: str, body: bytes, *headers: str) -> SourceRef:
        """Let `path` give a file as an ordinary server does."""
        head = "\n".join(["200 OK", f"Content-Length: {len(body)}", *headers])
        return self.answer(path, head, body)

    def redirect(self, path: str, target: str, *headers: str) -> SourceRef:
        """Let `path` lead to `target`."""
        lines = ["302 Found", f"Location: {target}", "Content-Length: 0", *headers]
        return self.answer(path, "\n".join(lines))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.requests.append(head)
            path = head.split(" ")[1].partition("?")[0]
            answers = self._answers.get(
                path, [b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"]
            )
            writer.write(answers.pop(0) if len(answers) > 1 else answers[0])
            await writer.drain()
            if path in self._hanging:
                await reader.read()  # until the client goes away
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client went away first
        finally:
            writer.close()


@asynccontextmanager
async def raw_server(tls: ssl.SSLContext | None = None) -> AsyncIterator[RawServer]:
    raw = RawServer()
    server = await asyncio.start_server(raw.serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        raw.port = server.sockets[0].getsockname()[1]
        yield raw


class ScriptedResolver:
    """Knows the names that a test gives it; a list of lists answers differently each time."""

    def __init__(self, names: Mapping[str, Sequence[Sequence[str]]]) -> None:
        self._names = {name: list(answers) for name, answers in names.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        if host not in self._names:
            raise OSError(f"{host} is unknown")
        answers = self._names[host]
        return answers.pop(0) if len(answers) > 1 else answers[0]


async def fetched(source: FileSource, place: SourceRef, *, size_bytes_max: int = ROOMY) -> bytes:
    async with source.open(place, size_bytes_max=size_bytes_max) as incoming:
        return b"".join([chunk async for chunk in incoming.chunks])
