"""Every bad source of the table of refusals, against real servers on this machine.

Rows are called by their numbers there: S1 to S11 are sources, H1 to H11 what servers do.
"""

import asyncio
import gzip
import logging
import ssl
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from ipaddress import IPv4Network
from pathlib import Path
from typing import Final

import httpx
import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from marketbel_adapters.disk import DiskFileStore
from marketbel_adapters.sources.body import Pace
from marketbel_adapters.sources.client import create_fetch_client
from marketbel_adapters.sources.guard import resolve
from marketbel_adapters.sources.http import HttpFileSource
from marketbel_adapters.sources.links import GoogleSites
from marketbel_adapters.sources.policy import FetchPolicy
from marketbel_core.catalog import SourceRef, SourceType
from marketbel_core.errors import MarketbelError, RefusedError, UnavailableError
from marketbel_core.ids import FileKey
from marketbel_runtime.logs import configure_logging
from marketbel_runtime.settings import Settings
from tests.contract.raw_server import (
    HERE,
    ROOMY,
    RawServer,
    ScriptedResolver,
    fetched,
    raw_server,
)

SECRET: Final = "hunter2"
OUTSIDE: Final = FetchPolicy(networks=(IPv4Network("127.0.0.2/32"),), ports=(range(1, 65_536),))
"""127.0.0.2 plays the internet in these tests; 127.0.0.1 is what it is: inside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A server that plays the internet and one inside, on the same port number or not."""

    outside: RawServer
    inside: RawServer

    def place(self, path: str = "/list.csv", *, host: str = "shop.example") -> SourceRef:
        return SourceRef(type=SourceType.CSV, location=self.outside.url(path, host=host))


@asynccontextmanager
async def listening(address: str, port: int = 0) -> AsyncIterator[RawServer]:
    raw = RawServer()
    server = await asyncio.start_server(raw.serve, address, port)
    async with server:
        raw.port = server.sockets[0].getsockname()[1]
        yield raw


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with (
        listening("127.0.0.1") as inside,
        listening("127.0.0.2", inside.port) as outside,
    ):
        inside.file("/list.csv", b"the crown jewels")
        outside.file("/list.csv", b"name;price\n")
        yield World(outside=outside, inside=inside)


async def error_of(
    place: SourceRef,
    *,
    policy: FetchPolicy = OUTSIDE,
    names: dict[str, list[list[str]]] | None = None,
) -> RefusedError | UnavailableError:
    resolver = ScriptedResolver({"shop.example": [["127.0.0.2"]], **(names or {})})
    async with create_fetch_client(policy, resolver=resolver) as client:
        with pytest.raises(MarketbelError) as told:
            await fetched(HttpFileSource(client), place)
    error = told.value
    assert SECRET not in str(error)
    assert isinstance(error, RefusedError | UnavailableError)
    return error


async def test_the_world_of_these_tests_gives_the_list(world: World) -> None:
    resolver = ScriptedResolver({"shop.example": [["127.0.0.2"]]})

    async with create_fetch_client(OUTSIDE, resolver=resolver) as client:
        assert await fetched(HttpFileSource(client), world.place()) == b"name;price\n"

    assert resolver.asked == ["shop.example"]
    assert f"host: shop.example:{world.outside.port}" in world.outside.requests[0].lower()


@pytest.mark.parametrize(
    ("row", "location", "code"),
    [
        ("S1", "file:///etc/passwd", "source.scheme"),
        ("S1", "ftp://127.0.0.1:{port}/x", "source.scheme"),
        ("S2", "http://user:hunter2@127.0.0.1:{port}/list.csv", "source.credentials_in_url"),
        ("S3", "http://127.0.0.1:{port}/list.csv?token=hunter2", "source.private_address"),
        ("S3", "http://localhost:{port}/list.csv", "source.private_address"),
        ("S3", "http://0.0.0.0:{port}/list.csv", "source.private_address"),
        ("S3", "http://[::1]:{port}/list.csv", "source.private_address"),
        ("S4", "http://169.254.169.254/latest", "source.private_address"),
        ("S4", "http://metadata.google.internal/", "source.private_address"),
        ("S5", "http://2130706433:{port}/list.csv", "source.private_address"),
        ("S5", "http://0x7f.1:{port}/list.csv", "source.private_address"),
        ("S5", "http://017700000001:{port}/list.csv", "source.private_address"),
        ("S5", "http://127.1:{port}/list.csv", "source.private_address"),
        ("S5", "http://[::ffff:127.0.0.1]:{port}/list.csv", "source.private_address"),
        ("S5", "http://[64:ff9b::7f00:1]:{port}/list.csv", "source.private_address"),
        ("S5", "http://[2002:7f00:1::]:{port}/list.csv", "source.private_address"),
        ("S5", "http://１２７.０.０.１:{port}/list.csv", "source.private_address"),
        ("S6", "http://inside.example:{port}/list.csv", "source.private_address"),
        ("S6", "http://mixed.example:{port}/list.csv", "source.private_address"),
        ("S6", "http://nat64.example:{port}/list.csv", "source.private_address"),
        ("S6", "http://scoped.example:{port}/list.csv", "source.private_address"),
        ("S6", "http://nonsense.example:{port}/list.csv", "source.private_address"),
        ("S8", "http://shop.example:22/x", "source.port"),
        ("S9", "http://docs.google.com\\@127.0.0.1:{port}/list.csv", "source.malformed"),
        ("S9", "http://docs.google.com\t@127.0.0.1:{port}/list.csv", "source.malformed"),
        ("S10", "http://127.0.0.1:{port}/list.csv\r\nX: y", "source.malformed"),
        ("S10", "http://127.0.0.1:{port}/" + "x" * 2_048, "source.malformed"),
        ("S11", "https://docs.google.com/document/d/1abc/edit", "sheets.not_a_spreadsheet"),
        ("S11", "https://docs.google.com/forms/d/e/1abc/viewform", "sheets.not_a_spreadsheet"),
        ("S11", "https://drive.google.com/drive/folders/1abc", "sheets.not_a_spreadsheet"),
    ],
)
async def test_a_bad_source_is_refused_and_nothing_inside_is_reached(
    world: World, row: str, location: str, code: str
) -> None:
    location = location.replace("{port}", str(world.inside.port))
    names = {
        "inside.example": [["127.0.0.1"]],
        "mixed.example": [["127.0.0.2", "127.0.0.1"]],
        "nat64.example": [["127.0.0.2", "64:ff9b::7f00:1"]],
        "scoped.example": [["127.0.0.2", "fe80::1%1"]],
        "nonsense.example": [["127.0.0.2", "elsewhere"]],
    }
    ports = tuple(
        range(first, last)
        for first, last in ((80, 81), (443, 444), (world.inside.port, world.inside.port + 1))
    )
    policy = FetchPolicy(networks=OUTSIDE.networks, ports=ports)
    if "localhost" in location or "metadata" in location:
        policy = FetchPolicy(ports=ports)

    error = await error_of(
        SourceRef(type=SourceType.CSV, location=location), policy=policy, names=names
    )

    assert (type(error), error.code) == (RefusedError, code), row
    assert (world.inside.connections, world.outside.connections) == (0, 0)


async def test_localhost_is_refused_by_its_addresses_too_where_networks_are_open(
    world: World,
) -> None:
    place = SourceRef(type=SourceType.CSV, location=world.inside.url("/x", host="localhost"))
    async with create_fetch_client(OUTSIDE, resolver=resolve) as client:
        with pytest.raises(RefusedError) as told:
            await fetched(HttpFileSource(client), place)

    assert told.value.code == "source.private_address"
    assert world.inside.connections == 0


async def test_s7_a_name_that_changes_its_answer_reaches_nothing_inside(world: World) -> None:
    names = {"rebound.example": [["127.0.0.2"], ["127.0.0.1"]]}
    resolver = ScriptedResolver(names)

    async with create_fetch_client(OUTSIDE, resolver=resolver) as client:
        source, place = HttpFileSource(client), world.place(host="rebound.example")
        assert await fetched(source, place) == b"name;price\n"
        assert resolver.asked == ["rebound.example"]  # once: what was checked was connected to
        with pytest.raises(RefusedError) as told:
            await fetched(source, place)

    assert told.value.code == "source.private_address"
    assert (world.inside.connections, world.outside.connections) == (0, 1)


async def test_s9_hosts_beyond_the_allow_list_are_refused_on_every_hop(world: World) -> None:
    policy = FetchPolicy(
        networks=OUTSIDE.networks, ports=OUTSIDE.ports, hosts=("shop.example", ".cdn.example")
    )
    world.outside.redirect("/good", world.outside.url("/list.csv", host="a.cdn.example"))
    world.outside.redirect("/bad", world.outside.url("/list.csv", host="evil.example"))
    names = {"a.cdn.example": [["127.0.0.2"]], "shop.example": [["127.0.0.2"]]}

    async with create_fetch_client(policy, resolver=ScriptedResolver(names)) as client:
        assert await fetched(HttpFileSource(client), world.place("/good")) == b"name;price\n"
    first = await error_of(world.place(host="evil.example"), policy=policy)
    hop = await error_of(world.place("/bad"), policy=policy)

    assert first.code == "source.host_not_allowed"
    assert hop.code == "http.redirect_refused"


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:{port}/list.csv?token=hunter2",
        "http://localhost:{port}/list.csv",
        "http://inside.example:{port}/list.csv",
        "//inside.example:{port}/list.csv",
        "http://user:hunter2@127.0.0.1:{port}/list.csv",
        "http://2130706433:{port}/list.csv",
        "http://[::ffff:127.0.0.1]:{port}/list.csv",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/_x",
        "http://shop.example\\@127.0.0.1:{port}/list.csv",
        "http://",
        "http://[",
        "/" + "x" * 9_000,
    ],
)
async def test_h1_a_redirect_to_where_nobody_may_go_is_refused(world: World, target: str) -> None:
    world.outside.redirect("/go", target.replace("{port}", str(world.inside.port)))

    names = {"inside.example": [["127.0.0.1"]], "localhost": [["127.0.0.1"]]}
    error = await error_of(world.place("/go"), names=names)

    assert (type(error), error.code) == (RefusedError, "http.redirect_refused")
    assert world.inside.connections == 0


async def test_h1_every_hop_is_judged_and_not_only_the_first(world: World) -> None:
    for hop in range(3):
        world.outside.redirect(f"/{hop}", f"/{hop + 1}")
    world.outside.redirect("/3", world.inside.url("/list.csv"))

    error = await error_of(world.place("/0"))

    assert error.code == "http.redirect_refused"
    assert (len(world.outside.requests), world.inside.connections) == (4, 0)


async def test_h1_a_circle_is_refused_when_it_closes(world: World) -> None:
    world.outside.redirect("/a", "/b")
    world.outside.redirect("/b", "/a")

    error = await error_of(world.place("/a"))

    assert error.code == "http.redirect_refused"
    assert world.outside.targets == ["/a", "/b"]


@pytest.mark.parametrize(("hops", "arrives"), [(5, True), (6, False)])
async def test_h1_five_redirects_are_followed_and_no_more(
    world: World, hops: int, arrives: bool
) -> None:
    for hop in range(hops - 1):
        world.outside.redirect(f"/{hop}", f"/{hop + 1}")
    world.outside.redirect(f"/{hops - 1}", "/list.csv")

    if arrives:
        resolver = ScriptedResolver({"shop.example": [["127.0.0.2"]]})
        async with create_fetch_client(OUTSIDE, resolver=resolver) as client:
            assert await fetched(HttpFileSource(client), world.place("/0")) == b"name;price\n"
    else:
        assert (await error_of(world.place("/0"))).code == "http.redirect_refused"
        assert len(world.outside.requests) == 6


async def test_a_site_that_sets_a_cookie_and_comes_back_is_followed(world: World) -> None:
    world.outside.redirect("/go", "/go", "Set-Cookie: seen=1; Path=/")
    world.outside.file("/go", b"behind the cookie")
    resolver = ScriptedResolver({"shop.example": [["127.0.0.2"]]})

    async with create_fetch_client(OUTSIDE, resolver=resolver) as client:
        source = HttpFileSource(client)
        assert await fetched(source, world.place("/go")) == b"behind the cookie"
        await fetched(source, world.place())

    assert "cookie: seen=1" in world.outside.requests[1].lower()
    assert "cookie" not in world.outside.requests[2].lower()  # no cookie outlives its fetch


async def test_an_authorization_is_shown_to_its_own_origin_alone(world: World) -> None:
    world.outside.redirect("/go", "/again")
    world.outside.redirect("/again", world.outside.url("/list.csv", host="cdn.example"))
    names = {"shop.example": [["127.0.0.2"]], "cdn.example": [["127.0.0.2"]]}

    async with create_fetch_client(OUTSIDE, resolver=ScriptedResolver(names)) as client:
        until = asyncio.get_running_loop().time() + 5
        url = httpx.URL(world.place("/go").location)
        async with client.get(url, until=until, authorization="Bearer t") as got:
            assert got.status_code == 200

    shown = ["authorization: bearer t" in head.lower() for head in world.outside.requests]
    assert shown == [True, True, False]


def certificate(host: str) -> tuple[bytes, bytes]:
    """Return a self-signed certificate for `host`, and its key, both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM), key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@pytest.fixture
def tls(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What the server `shop.example` shows, and what a client trusts that knows it."""
    shown, key = certificate("shop.example")
    (tmp_path / "cert.pem").write_bytes(shown)
    (tmp_path / "key.pem").write_bytes(key)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    client = ssl.create_default_context(cafile=tmp_path / "cert.pem")
    return server, client


async def test_the_checked_address_is_connected_to_and_the_name_stays_for_tls(
    tls: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    server_side, client_side = tls
    names = {"shop.example": [["127.0.0.1"]], "other.example": [["127.0.0.1"]]}
    async with (
        raw_server(server_side) as server,
        create_fetch_client(HERE, resolver=ScriptedResolver(names), tls=client_side) as client,
    ):
        server.file("/list.csv", b"over tls")
        server.redirect("/down", "http://shop.example/list.csv")
        source = HttpFileSource(client)
        base = f"https://shop.example:{server.port}"

        def place(location: str) -> SourceRef:
            return SourceRef(type=SourceType.CSV, location=location)

        assert await fetched(source, place(f"{base}/list.csv")) == b"over tls"
        with pytest.raises(RefusedError) as down:
            await fetched(source, place(f"{base}/down"))
        with pytest.raises(RefusedError) as other:
            await fetched(source, place(f"https://other.example:{server.port}/list.csv"))

    assert down.value.code == "http.redirect_refused"  # H1: https to http
    assert other.value.code == "http.unavailable"  # H4: TLS, final


async def test_h4_a_certificate_that_nobody_vouches_for_is_refused_for_good(
    tls: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    names = ScriptedResolver({"shop.example": [["127.0.0.1"]]})
    async with (
        raw_server(tls[0]) as server,
        create_fetch_client(HERE, resolver=names) as client,
    ):
        place = SourceRef(
            type=SourceType.CSV, location=f"https://shop.example:{server.port}/?t={SECRET}"
        )
        with pytest.raises(RefusedError) as told:
            await fetched(HttpFileSource(client), place)

    assert told.value.code == "http.unavailable"
    assert SECRET not in str(told.value)
    assert server.requests == []


@pytest.mark.parametrize(
    ("row", "head", "error", "code"),
    [
        ("H3", "401 Unauthorized", RefusedError, "http.denied"),
        ("H3", "403 Forbidden", RefusedError, "http.denied"),
        ("H3", "404 Not Found", RefusedError, "http.gone"),
        ("H3", "410 Gone", RefusedError, "http.gone"),
        ("H4", "429 Too Many Requests", UnavailableError, "http.unavailable"),
        ("H4", "500 Oops", UnavailableError, "http.unavailable"),
        ("H4", "503 Service Unavailable", UnavailableError, "http.unavailable"),
        ("H6", "200 OK\nContent-Length: 99999999999", RefusedError, "file.too_large"),
        ("H9", "200 OK\nContent-Length: 100", UnavailableError, "http.truncated"),
    ],
)
async def test_what_a_server_does_has_its_outcome_and_its_code(
    world: World,
    row: str,
    head: str,
    error: type[RefusedError | UnavailableError],
    code: str,
) -> None:
    length = "" if "Content-Length" in head else "\nContent-Length: 0"
    world.outside.answer("/bad", head + length)

    told = await error_of(world.place(f"/bad?token={SECRET}"))

    assert (type(told), told.code) == (error, code), row


async def test_h4_a_name_that_nobody_knows_is_retried() -> None:
    place = SourceRef(type=SourceType.CSV, location="http://gone.example/list.csv")

    told = await error_of(place)

    assert (type(told), told.code) == (UnavailableError, "http.unavailable")


async def test_h4_a_connection_that_is_reset_is_retried() -> None:
    async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with await asyncio.start_server(reset, "127.0.0.2", 0) as server:
        port = server.sockets[0].getsockname()[1]
        place = SourceRef(type=SourceType.CSV, location=f"http://shop.example:{port}/")
        told = await error_of(place)

    assert (type(told), told.code) == (UnavailableError, "http.unavailable")


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ("Retry-After: 120", timedelta(minutes=2)),
        ("Retry-After: 99999999999999999999", timedelta(days=1)),
        (
            "Date: Sun, 22 Nov 2026 10:00:00 GMT\nRetry-After: Sun, 22 Nov 2026 10:00:30 GMT",
            timedelta(seconds=30),
        ),
        (
            "Date: Sun, 22 Nov 2026 10:00:00 GMT\nRetry-After: Sat, 21 Nov 2026 10:00:30 GMT",
            timedelta(0),
        ),
        ("Retry-After: Sun, 22 Nov 2026 10:00:30 GMT", None),
        ("Retry-After: soon", None),
        ("Retry-After: -5", None),
        ("X: y", None),
    ],
)
async def test_h4_the_time_that_a_server_asks_for_is_told(
    world: World, headers: str, wait: timedelta | None
) -> None:
    world.outside.answer("/busy", f"503 Busy\nContent-Length: 0\n{headers}")

    told = await error_of(world.place("/busy"))

    assert isinstance(told, UnavailableError)
    assert told.retry_after == wait


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("200 OK", b"x" * 2_000),
        ("200 OK\nTransfer-Encoding: chunked", b"7d0\r\n" + b"x" * 2_000 + b"\r\n0\r\n\r\n"),
        ("200 OK\nContent-Encoding: gzip", gzip.compress(b"x" * 50_000_000)),
        ("200 OK\nContent-Encoding: deflate", zlib.compress(b"x" * 50_000_000)),
    ],
    ids=["H7 no length", "H7 chunked", "H8 gzip", "H8 deflate"],
)
async def test_a_body_past_the_limit_is_refused_and_leaves_nothing(
    world: World, tmp_path: Path, head: str, body: bytes
) -> None:
    world.outside.answer("/large", head, body)
    resolver = ScriptedResolver({"shop.example": [["127.0.0.2"]]})
    longest = 0

    async def counted(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        nonlocal longest
        async for chunk in chunks:
            longest = max(longest, len(chunk))
            yield chunk

    async with create_fetch_client(OUTSIDE, resolver=resolver) as client:
        with pytest.raises(RefusedError) as told:
            async with HttpFileSource(client).open(
                world.place("/large"), size_bytes_max=1_000_000 if b"x" * 9 not in body else 1_999
            ) as incoming:
                await DiskFileStore(tmp_path).store(
                    FileKey("list"), counted(incoming.chunks), size_bytes_max=ROOMY
                )

    assert told.value.code == "file.too_large"
    assert longest <= 65_536
    assert not any(tmp_path.iterdir())  # noqa: ASYNC240


def _raw_deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", lambda content: gzip.compress(content[:9]) + gzip.compress(content[9:])),
        ("deflate", zlib.compress),
        ("deflate", _raw_deflate),
    ],
)
async def test_a_coding_that_nobody_asked_for_is_undone(
    world: World, coding: str, pack: Callable[[bytes], bytes]
) -> None:
    content = b"name;price\n" * 30_000
    world.outside.file("/packed", pack(content), f"Content-Encoding: {coding}")
    resolver = ScriptedResolver({"shop.example": [["127.0.0.2"]]})

    async with create_fetch_client(OUTSIDE, resolver=resolver) as client:
        assert await fetched(HttpFileSource(client), world.place("/packed")) == content


@pytest.mark.parametrize(
    ("body", "error", "code"),
    [
        (gzip.compress(b"name;price\n" * 999)[:-20], UnavailableError, "http.truncated"),
        (b"name;price\n", RefusedError, "http.refused"),
        (gzip.compress(b"x" * 99)[:40] + b"\xff" * 40, RefusedError, "http.refused"),
    ],
    ids=["cut", "not packed", "broken"],
)
async def test_a_coding_that_breaks_off_is_told(
    world: World,
    body: bytes,
    error: type[RefusedError | UnavailableError],
    code: str,
) -> None:
    world.outside.file("/packed", body, "Content-Encoding: gzip")

    told = await error_of(world.place("/packed"))

    assert (type(told), told.code) == (error, code)


async def test_h9_a_line_that_is_cut_in_the_body_is_truncated() -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()
        writer.transport.abort()

    async with await asyncio.start_server(cut, "127.0.0.2", 0) as server:
        port = server.sockets[0].getsockname()[1]
        told = await error_of(
            SourceRef(type=SourceType.CSV, location=f"http://shop.example:{port}/")
        )

    assert (type(told), told.code) == (UnavailableError, "http.truncated")


@asynccontextmanager
async def dripping(head: bytes) -> AsyncIterator[int]:
    """Serve `head` and then a byte now and then, for ever; yield the port."""
    gone = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        while not gone.is_set() and not writer.is_closing():
            writer.write(b"x")
            try:
                await writer.drain()
                async with asyncio.timeout(0.02):
                    await gone.wait()
            except TimeoutError:
                continue
            except ConnectionError:
                break
        writer.close()

    async with await asyncio.start_server(drip, "127.0.0.2", 0) as server:
        yield server.sockets[0].getsockname()[1]
        gone.set()


@pytest.mark.parametrize(
    ("head", "deadline", "pace"),
    [
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
            timedelta(seconds=60),
            Pace(patience=timedelta(seconds=0.2), bytes_per_second_min=1_000),
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
            timedelta(seconds=0.3),
            Pace(),
        ),
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", timedelta(seconds=0.3), Pace()),
    ],
    ids=["minimum rate", "deadline in the body", "deadline in the head"],
)
async def test_h10_a_server_that_drips_is_given_up(
    head: bytes, deadline: timedelta, pace: Pace
) -> None:
    resolver = ScriptedResolver({"shop.example": [["127.0.0.2"]]})
    async with (
        dripping(head) as port,
        create_fetch_client(OUTSIDE, resolver=resolver) as client,
    ):
        source = HttpFileSource(client, deadline=deadline, pace=pace)
        place = SourceRef(type=SourceType.CSV, location=f"http://shop.example:{port}/")
        async with asyncio.timeout(50):
            with pytest.raises(UnavailableError) as told:
                await fetched(source, place)

    assert told.value.code == "http.too_slow"


def test_h10_patience_is_refilled_by_bytes_and_never_saved_up() -> None:
    pace = Pace(patience=timedelta(seconds=20), bytes_per_second_min=1_000)

    drip = 20.0
    for _ in range(10):
        drip = pace.refilled(drip, waited=1.0, size_bytes=1)
    fast = pace.refilled(20.0, waited=0.1, size_bytes=10_000_000)
    steady = pace.refilled(10.0, waited=5.0, size_bytes=5_000)

    assert drip == pytest.approx(10.01)
    assert (fast, steady) == (20.0, 10.0)


@pytest.mark.parametrize(
    "disposition",
    [
        'attachment; filename="../../x"',
        'attachment; filename="..\\\\..\\\\x.csv"',
        f'attachment; filename="{"x" * 4_096}.csv"',
        "attachment; filename*=UTF-8''nul%00byte.csv",
        "attachment; filename*=UTF-8''xcod%E2%80%AExslx.exe",
        "attachment; filename*=UTF-8''%E2%80%8B",
        'attachment; filename=".."',
    ],
)
async def test_h11_a_name_made_to_fool_somebody_is_ignored(world: World, disposition: str) -> None:
    world.outside.file("/march.csv", b"bytes", f"Content-Disposition: {disposition}")
    resolver = ScriptedResolver({"shop.example": [["127.0.0.2"]]})

    async with (
        create_fetch_client(OUTSIDE, resolver=resolver) as client,
        HttpFileSource(client).open(world.place("/march.csv"), size_bytes_max=ROOMY) as incoming,
    ):
        assert incoming.filename == "march.csv"


async def test_the_final_address_is_told_without_its_query(world: World) -> None:
    world.outside.redirect("/go", f"/list.csv?token={SECRET}#x")
    resolver = ScriptedResolver({"shop.example": [["127.0.0.2"]]})

    async with (
        create_fetch_client(OUTSIDE, resolver=resolver) as client,
        HttpFileSource(client).open(world.place("/go"), size_bytes_max=ROOMY) as incoming,
    ):
        assert incoming.final_url == world.outside.url("/list.csv", host="shop.example")


async def test_a_name_with_several_addresses_is_tried_at_each(world: World) -> None:
    resolver = ScriptedResolver({"shop.example": [["127.0.0.3", "127.0.0.2", "127.0.0.2"]]})
    policy = FetchPolicy(networks=(IPv4Network("127.0.0.2/31"),), ports=OUTSIDE.ports)

    async with create_fetch_client(policy, resolver=resolver) as client:
        assert await fetched(HttpFileSource(client), world.place()) == b"name;price\n"


@pytest.fixture
async def drive() -> AsyncIterator[tuple[RawServer, HttpFileSource]]:
    """A server that plays Google Drive, and a source that takes it for Drive."""
    async with raw_server() as server, create_fetch_client(HERE) as client:
        sites = GoogleSites(drive=server.url(""), docs=server.url(""), api=server.url(""))
        yield server, HttpFileSource(client, sites=sites)


DRIVE_LINK: Final = SourceRef(
    type=SourceType.EXCEL, location="https://drive.google.com/file/d/1abc/view?usp=sharing"
)


async def test_a_file_on_drive_arrives_by_its_shared_link(
    drive: tuple[RawServer, HttpFileSource],
) -> None:
    server, source = drive
    server.redirect("/uc", "/download?id=1abc")
    server.file("/download", b"PK bytes", 'Content-Disposition: attachment; filename="m.xlsx"')

    async with source.open(DRIVE_LINK, size_bytes_max=ROOMY) as incoming:
        assert incoming.filename == "m.xlsx"
        assert b"".join([chunk async for chunk in incoming.chunks]) == b"PK bytes"

    assert server.targets[0] == "/uc?export=download&id=1abc"


async def test_drives_question_about_large_files_is_answered_once(
    drive: tuple[RawServer, HttpFileSource],
) -> None:
    server, source = drive
    page = (
        f'<form id="download-form" action="{server.url("/download")}" method="get">'
        '<input type="hidden" name="id" value="1abc"><input name="confirm" value="t"></form>'
    ).encode()
    server.file("/uc", page, "Content-Type: text/html; charset=utf-8")
    server.file("/download", b"large")

    assert await fetched(source, DRIVE_LINK) == b"large"
    assert server.targets[1] == "/download?id=1abc&confirm=t"

    server.answer("/download", "200 OK\nContent-Type: text/html\nContent-Length: 4", b"page")
    await fetched(source, DRIVE_LINK)  # the file once more, and then the page
    with pytest.raises(RefusedError) as told:
        await fetched(source, DRIVE_LINK)
    assert told.value.code == "source.web_page"


async def test_h2_a_file_that_google_wants_a_login_for_is_not_shared(
    drive: tuple[RawServer, HttpFileSource],
) -> None:
    server, source = drive
    server.redirect("/uc", "https://accounts.google.com/ServiceLogin?continue=x")

    with pytest.raises(RefusedError) as told:
        await fetched(source, DRIVE_LINK)

    assert told.value.code == "sheets.not_shared"


async def test_another_page_of_drive_is_no_file(drive: tuple[RawServer, HttpFileSource]) -> None:
    server, source = drive
    server.file("/uc", b"<html>Sorry</html>", "Content-Type: text/html")

    with pytest.raises(RefusedError) as told:
        await fetched(source, DRIVE_LINK)

    assert told.value.code == "source.web_page"


async def test_no_address_gets_into_the_log_with_its_query(world: World) -> None:
    written = StringIO()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    world.outside.redirect("/go", f"/list.csv?token={SECRET}", f"Set-Cookie: s={SECRET}")
    resolver = ScriptedResolver({"shop.example": [["127.0.0.2"]]})
    try:
        configure_logging(Settings(_env_file=None, log_level="DEBUG"))
        root.handlers = [logging.StreamHandler(written)]
        async with create_fetch_client(OUTSIDE, resolver=resolver) as client:
            await fetched(HttpFileSource(client), world.place(f"/go?token={SECRET}"))
    finally:
        root.handlers, level = before
        root.setLevel(level)
        structlog.reset_defaults()

    assert SECRET not in written.getvalue()
