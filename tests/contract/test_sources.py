"""File sources: in memory, on this machine, behind http."""

import asyncio
import errno
import gzip
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Final
from unittest.mock import patch

import pytest

from marketbel_adapters.memory.sources import MemoryFile, MemoryFileSource
from marketbel_adapters.sources.http import HttpFileSource, create_fetch_client
from marketbel_adapters.sources.local import LocalFileSource
from marketbel_adapters.sources.routing import RoutingFileSource
from marketbel_adapters.sources.sharing import SharedFileSource
from marketbel_adapters.testing.sources import FileSourceContract, SourceShelf
from marketbel_core.catalog import SourceRef, SourceType
from marketbel_core.errors import RefusedError, UnavailableError
from marketbel_core.ports import FileSource, IncomingFile
from tests.contract.raw_server import HERE, ROOMY, RawServer, fetched, raw_server

SHEET: Final = "https://docs.google.com/spreadsheets/d/1abc/edit#gid=0"
SHEET_AS_CSV: Final = "https://docs.google.com/spreadsheets/d/1abc/export?format=csv"
XLSX_MIME: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
async def server() -> AsyncIterator[RawServer]:
    async with raw_server() as raw:
        yield raw


@pytest.fixture
async def source() -> AsyncIterator[HttpFileSource]:
    async with create_fetch_client(HERE) as client:
        yield HttpFileSource(client)


class _MemoryShelf(SourceShelf):
    def __init__(self, *, announces_size: bool) -> None:
        self._source = MemoryFileSource()
        self._announces_size = announces_size

    @property
    def source(self) -> FileSource:
        return self._source

    def put(self, content: bytes, *, filename: str) -> SourceRef:
        place = SourceRef(type=SourceType.CSV, location=f"memory/{filename}")
        file = MemoryFile(content=content, filename=filename, announces_size=self._announces_size)
        self._source.put(place.location, file)
        return place

    def missing(self) -> SourceRef:
        return SourceRef(type=SourceType.CSV, location="memory/nothing")


class _LocalShelf(SourceShelf):
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def source(self) -> FileSource:
        return LocalFileSource([self._folder])

    def put(self, content: bytes, *, filename: str) -> SourceRef:
        (self._folder / filename).write_bytes(content)
        return SourceRef(type=SourceType.CSV, location=str(self._folder / filename))

    def missing(self) -> SourceRef:
        return SourceRef(type=SourceType.CSV, location=str(self._folder / "nothing"))


class _HttpShelf(SourceShelf):
    def __init__(self, server: RawServer, source: FileSource) -> None:
        self._server = server
        self._source = source

    @property
    def source(self) -> FileSource:
        return self._source

    def put(self, content: bytes, *, filename: str) -> SourceRef:
        return self._server.file(f"/lists/{filename}", content)

    def missing(self) -> SourceRef:
        return SourceRef(type=SourceType.CSV, location=self._server.url("/nothing"))


class TestMemoryFileSource(FileSourceContract):
    @pytest.fixture(params=[True, False], ids=["announced", "unannounced"])
    def shelf(self, request: pytest.FixtureRequest) -> SourceShelf:
        return _MemoryShelf(announces_size=request.param)


class TestLocalFileSource(FileSourceContract):
    @pytest.fixture
    def shelf(self, tmp_path: Path) -> SourceShelf:
        return _LocalShelf(tmp_path)


class TestHttpFileSource(FileSourceContract):
    @pytest.fixture
    def shelf(self, server: RawServer, source: HttpFileSource) -> SourceShelf:
        return _HttpShelf(server, source)


class TestRoutingFileSource(FileSourceContract):
    @pytest.fixture
    def shelf(self, server: RawServer, source: HttpFileSource, tmp_path: Path) -> SourceShelf:
        routing = RoutingFileSource(
            http=source, local=LocalFileSource([tmp_path]), sheets=MemoryFileSource()
        )
        return _HttpShelf(server, routing)


@pytest.mark.parametrize(
    ("head", "error", "code"),
    [
        ("401 Unauthorized", RefusedError, "http.denied"),
        ("403 Forbidden", RefusedError, "http.denied"),
        ("404 Not Found", RefusedError, "http.gone"),
        ("410 Gone", RefusedError, "http.gone"),
        ("400 Bad Request", RefusedError, "http.refused"),
        ("451 Unavailable For Legal Reasons", RefusedError, "http.refused"),
        ("204 No Content", RefusedError, "http.refused"),
        ("304 Not Modified", RefusedError, "http.refused"),
        ("202 Accepted", UnavailableError, "http.unavailable"),
        ("429 Too Many Requests", UnavailableError, "http.unavailable"),
        ("500 Internal Server Error", UnavailableError, "http.unavailable"),
        ("503 Service Unavailable", UnavailableError, "http.unavailable"),
    ],
)
async def test_each_status_is_told_as_what_it_means(
    server: RawServer,
    source: HttpFileSource,
    head: str,
    error: type[RefusedError | UnavailableError],
    code: str,
) -> None:
    place = server.answer("/list.csv", f"{head}\nContent-Length: 0")

    with pytest.raises(error) as told:
        await fetched(source, place)

    assert told.value.code == code


@pytest.mark.parametrize(
    "answer",
    [
        ("200 OK\nContent-Length: 100", b"half"),
        ("200 OK\nTransfer-Encoding: chunked", b"4\r\nhalf\r\n"),
    ],
    ids=["by length", "chunked"],
)
async def test_a_body_that_ends_early_is_truncated(
    server: RawServer, source: HttpFileSource, answer: tuple[str, bytes]
) -> None:
    place = server.answer("/list.csv", *answer)

    with pytest.raises(UnavailableError) as told:
        await fetched(source, place)

    assert told.value.code == "http.truncated"


async def test_an_announced_size_is_refused_before_a_byte(
    server: RawServer, source: HttpFileSource
) -> None:
    place = server.answer("/list.csv", "200 OK\nContent-Length: 1000", hang=True)

    with pytest.raises(RefusedError) as told:
        await fetched(source, place, size_bytes_max=999)

    assert told.value.code == "file.too_large"


async def test_an_unannounced_size_is_refused_while_it_comes(
    server: RawServer, source: HttpFileSource
) -> None:
    place = server.answer("/list.csv", "200 OK\nConnection: close", b"x" * 1000)

    with pytest.raises(RefusedError) as told:
        await fetched(source, place, size_bytes_max=999)

    assert told.value.code == "file.too_large"


async def test_bytes_count_as_they_are_after_a_coding_we_did_not_ask_for(
    server: RawServer, source: HttpFileSource
) -> None:
    content = b"name;price\n" * 1000
    place = server.file("/list.csv", gzip.compress(content), "Content-Encoding: gzip")

    assert await fetched(source, place) == content
    with pytest.raises(RefusedError) as told:
        await fetched(source, place, size_bytes_max=len(content) - 1)
    assert told.value.code == "file.too_large"
    assert "accept-encoding: identity" in server.requests[0].lower()


@pytest.mark.parametrize("coding", ["br", "gzip, gzip", "zstd"])
async def test_a_coding_that_cannot_be_undone_safely_is_refused(
    server: RawServer, source: HttpFileSource, coding: str
) -> None:
    place = server.file("/list.csv", b"bytes", f"Content-Encoding: {coding}")

    with pytest.raises(RefusedError) as told:
        await fetched(source, place)

    assert told.value.code == "http.refused"


async def test_a_server_that_drips_is_given_up_at_the_deadline(server: RawServer) -> None:
    place = server.answer("/list.csv", "200 OK\nContent-Length: 1000", b"drip", hang=True)

    async with create_fetch_client(HERE) as client:
        source = HttpFileSource(client, deadline=timedelta(milliseconds=200))
        with pytest.raises(UnavailableError) as told:
            await fetched(source, place)

    assert told.value.code == "http.too_slow"


async def test_a_server_that_is_not_there_is_unavailable(source: HttpFileSource) -> None:
    async with raw_server() as gone:
        place = gone.file("/list.csv", b"bytes")

    with pytest.raises(UnavailableError) as told:
        await fetched(source, place)

    assert told.value.code == "http.unavailable"


async def test_an_answer_that_is_no_http_is_unavailable(source: HttpFileSource) -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ftp.example.com ready\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        place = SourceRef(type=SourceType.CSV, location=f"http://127.0.0.1:{port}/list.csv")
        with pytest.raises(UnavailableError) as told:
            await fetched(source, place)

    assert told.value.code == "http.unavailable"


async def test_redirects_are_followed_and_the_last_address_names_the_file(
    server: RawServer, source: HttpFileSource
) -> None:
    server.file(
        "/files/%D0%BF%D1%80%D0%B0%D0%B9%D1%81.xlsx", b"bytes", f"Content-Type: {XLSX_MIME}"
    )
    place = server.answer(
        "/go", "302 Found\nLocation: /files/%D0%BF%D1%80%D0%B0%D0%B9%D1%81.xlsx\nContent-Length: 0"
    )

    async with source.open(place, size_bytes_max=ROOMY) as incoming:
        assert (incoming.filename, incoming.mime_type) == ("прайс.xlsx", XLSX_MIME)
        assert incoming.size_bytes == 5


@pytest.mark.parametrize(
    ("disposition", "filename"),
    [
        ('attachment; filename="prices march.xlsx"', "prices march.xlsx"),
        ("attachment; filename=prices.xlsx", "prices.xlsx"),
        (r'attachment; filename="a \"b\".csv"', 'a "b".csv'),
        (
            "attachment; filename=a.csv; filename*=UTF-8''%D0%BF%D1%80%D0%B0%D0%B9%D1%81.xlsx",
            "прайс.xlsx",
        ),
        ("attachment; filename*=windows-1251''%EF%F0%E0%E9%F1.csv; filename=x.csv", "прайс.csv"),
        ("attachment; filename*=no-such-charset''x; filename=y.csv", "y.csv"),
        ('attachment; filename="/etc/passwd"', "passwd"),
        (r'attachment; filename="C:\\lists\\march.xls"', "march.xls"),
        ('attachment; filename="прайс.csv"', "прайс.csv"),
        ("attachment", "export"),
        ('attachment; filename=""', "export"),
    ],
)
async def test_the_announced_name_is_read_as_the_standard_says(
    server: RawServer, source: HttpFileSource, disposition: str, filename: str
) -> None:
    place = server.file("/lists/export", b"bytes", f"Content-Disposition: {disposition}")

    async with source.open(place, size_bytes_max=ROOMY) as incoming:
        assert incoming.filename == filename


async def test_a_web_page_is_no_price_list(server: RawServer, source: HttpFileSource) -> None:
    page = b"<html>Please log in</html>"
    place = server.file("/list.xlsx", page, "Content-Type: text/html; charset=utf-8")

    with pytest.raises(RefusedError) as told:
        await fetched(source, place)

    assert told.value.code == "source.web_page"


async def test_a_download_is_taken_whatever_type_a_script_gives_it(
    server: RawServer, source: HttpFileSource
) -> None:
    place = server.file(
        "/export.php",
        b"name;price\n",
        "Content-Type: text/html",
        "Content-Disposition: attachment; filename=list.csv",
    )

    assert await fetched(source, place) == b"name;price\n"


@pytest.mark.parametrize(
    "head",
    [
        "403 Forbidden\nContent-Length: 0",
        "503 Service Unavailable\nContent-Length: 0",
        "200 OK\nContent-Length: 100",
        "302 Found\nLocation: ftp://u:hunter2@example.com/?token=hunter2\nContent-Length: 0",
        "200 OK\nContent-Type: text/html\nContent-Length: 0",
    ],
)
async def test_messages_carry_neither_credentials_nor_query_strings(
    server: RawServer, source: HttpFileSource, head: str
) -> None:
    server.answer("/list.csv", head)
    address = server.url("/list.csv?token=hunter2#hunter2")

    with pytest.raises((RefusedError, UnavailableError)) as told:
        await fetched(source, SourceRef(type=SourceType.CSV, location=address))

    assert "hunter2" not in str(told.value)
    assert "/list.csv" in str(told.value)


async def test_a_path_relative_to_the_first_folder_is_found(tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "list.csv").write_bytes(b"bytes")
    source = LocalFileSource([tmp_path / "first", tmp_path / "second"])

    assert await fetched(source, SourceRef(type=SourceType.CSV, location="list.csv")) == b"bytes"


async def test_a_link_to_another_open_folder_is_followed(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    (second / "list.csv").write_bytes(b"bytes")
    (first / "link.csv").symlink_to(second / "list.csv")
    source = LocalFileSource([first, second])

    assert await fetched(source, SourceRef(type=SourceType.CSV, location="link.csv")) == b"bytes"


@pytest.mark.parametrize(
    "location", ["../secret.csv", "link.csv", "loop", "nul\x00byte", "/etc/passwd", "inside/../.."]
)
async def test_a_path_out_of_the_open_folders_is_refused(tmp_path: Path, location: str) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    (tmp_path / "secret.csv").write_bytes(b"secret")
    (folder / "link.csv").symlink_to(tmp_path / "secret.csv")
    (folder / "loop").symlink_to(folder / "loop")

    with pytest.raises(RefusedError) as told:
        await fetched(LocalFileSource([folder]), SourceRef(type=SourceType.CSV, location=location))

    assert told.value.code == "storage.unsafe_path"


async def test_without_open_folders_nothing_local_is_opened(tmp_path: Path) -> None:
    with pytest.raises(RefusedError) as told:
        await fetched(
            LocalFileSource([]), SourceRef(type=SourceType.CSV, location=str(tmp_path / "a"))
        )

    assert told.value.code == "storage.unsafe_path"


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("nothing.csv", "source.missing"),
        ("x" * 300, "source.missing"),
        ("file.csv/inside", "source.missing"),
        ("folder", "source.not_a_file"),
        ("pipe", "source.not_a_file"),
        ("file:///list.csv", "source.scheme"),
    ],
)
async def test_what_is_no_file_is_refused_at_once(
    tmp_path: Path, location: str, code: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file.csv").write_bytes(b"bytes")
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(RefusedError) as told:
        await fetched(
            LocalFileSource([tmp_path]), SourceRef(type=SourceType.CSV, location=location)
        )

    assert told.value.code == code


@pytest.mark.parametrize(
    ("number", "error", "code"),
    [
        (errno.EACCES, RefusedError, "source.denied"),
        (errno.ELOOP, RefusedError, "storage.unsafe_path"),
        (errno.EIO, UnavailableError, "source.unavailable"),
    ],
)
async def test_what_the_system_says_of_a_local_file_is_told(
    tmp_path: Path, number: int, error: type[RefusedError | UnavailableError], code: str
) -> None:
    trouble = OSError(number, os.strerror(number))
    place = SourceRef(type=SourceType.CSV, location="list.csv")

    with patch.object(os, "open", side_effect=trouble), pytest.raises(error) as told:
        await fetched(LocalFileSource([tmp_path]), place)

    assert told.value.code == code


async def test_a_local_file_that_grows_past_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b"x" * 200_000)
    place = SourceRef(type=SourceType.CSV, location=str(path))

    async with LocalFileSource([tmp_path]).open(place, size_bytes_max=200_000) as incoming:
        await anext(incoming.chunks)
        os.truncate(path, 300_000)
        with pytest.raises(RefusedError) as told:
            [chunk async for chunk in incoming.chunks]

    assert told.value.code == "file.too_large"


async def test_a_local_file_that_shrinks_while_it_is_read_is_truncated(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b"x" * 200_000)
    place = SourceRef(type=SourceType.CSV, location=str(path))

    async with LocalFileSource([tmp_path]).open(place, size_bytes_max=ROOMY) as incoming:
        await anext(incoming.chunks)
        os.truncate(path, 70_000)
        with pytest.raises(UnavailableError) as told:
            [chunk async for chunk in incoming.chunks]

    assert told.value.code == "source.truncated"


async def test_paths_go_to_the_local_source_and_addresses_to_the_other(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(b"local")
    http = MemoryFileSource({"https://example.com/list.csv": b"http", SHEET_AS_CSV: b"csv"})
    sheets = MemoryFileSource({SHEET: b"sheet"})
    source = RoutingFileSource(http=http, local=LocalFileSource([tmp_path]), sheets=sheets)

    answers = [
        await fetched(source, SourceRef(type=SourceType.CSV, location=location))
        for location in ("list.csv", "https://example.com/list.csv", SHEET, SHEET_AS_CSV)
    ]

    assert answers == [b"local", b"http", b"sheet", b"csv"]


async def test_a_scripted_error_is_raised_by_the_memory_source() -> None:
    source = MemoryFileSource({"x": UnavailableError("later", code="http.unavailable")})

    with pytest.raises(UnavailableError, match="later"):
        await fetched(source, SourceRef(type=SourceType.CSV, location="x"))


@pytest.mark.parametrize("location", ["data:text/csv,a", "http://[", "https://docs.google.com/x"])
async def test_what_is_no_usable_address_is_refused_by_whoever_opens_addresses(
    location: str,
) -> None:
    async with create_fetch_client() as client:
        source = RoutingFileSource(
            http=HttpFileSource(client), local=MemoryFileSource(), sheets=MemoryFileSource()
        )
        with pytest.raises(RefusedError) as told:
            await fetched(source, SourceRef(type=SourceType.CSV, location=location))

    assert told.value.code in {
        "source.scheme",
        "source.malformed",
        "sheets.not_a_spreadsheet",
    }


async def test_a_source_that_is_said_to_be_a_sheet_is_opened_as_one() -> None:
    sheets = MemoryFileSource({"1abc": b"sheet"})
    source = RoutingFileSource(http=MemoryFileSource(), local=MemoryFileSource(), sheets=sheets)

    place = SourceRef(type=SourceType.GOOGLE_SHEETS, location="1abc")

    assert await fetched(source, place) == b"sheet"


async def test_a_folder_that_becomes_a_link_meanwhile_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "open" / "inner").mkdir(parents=True)
    (tmp_path / "open" / "inner" / "list.csv").write_bytes(b"bytes")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "list.csv").write_bytes(b"secret")
    real = os.open

    def swapped(path: str, flags: int, *, dir_fd: int | None = None) -> int:
        if path == "inner":  # after all links were resolved, and before the file is opened
            (tmp_path / "open" / "inner").rename(tmp_path / "open" / "gone")
            (tmp_path / "open" / "inner").symlink_to(tmp_path / "secret")
        return real(path, flags, dir_fd=dir_fd)

    with patch.object(os, "open", side_effect=swapped), pytest.raises(RefusedError):
        await fetched(
            LocalFileSource([tmp_path / "open"]),
            SourceRef(type=SourceType.CSV, location="inner/list.csv"),
        )


async def test_one_host_never_has_more_fetches_than_it_may_and_others_go_on(
    tmp_path: Path,
) -> None:
    slow = "https://slow.example/%d.csv"
    other, sheet = "https://other.example/list.csv", SHEET
    path = str(tmp_path / "list.csv")
    files: dict[str, bytes] = {slow % number: b"a;b" for number in range(3)}
    shared = SharedFileSource(
        MemoryFileSource({**files, other: b"a;b", sheet: b"a;b", path: b"a;b"}), per_host_max=2
    )

    def opened(location: str) -> AbstractAsyncContextManager[IncomingFile]:
        wanted = SourceRef(type=SourceType.CSV, location=location)
        return shared.open(wanted, size_bytes_max=9)

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(opened(slow % 0))
        async with opened(slow % 1):
            with pytest.raises(UnavailableError) as turned_away:
                await stack.enter_async_context(opened("https://SLOW.example.:443/2.csv"))
            for location in (other, sheet, path, path, path):
                await stack.enter_async_context(opened(location))
        await stack.enter_async_context(opened(slow % 2))  # one of them has ended

    assert turned_away.value.code == "source.busy"
    assert "FETCH_PER_HOST_MAX" in str(turned_away.value)


async def test_a_fetch_that_goes_wrong_gives_its_place_back() -> None:
    location = "https://shop.example/list.csv"
    failing = MemoryFileSource({location: UnavailableError("down", code="http.unavailable")})
    shared = SharedFileSource(failing, per_host_max=1)

    for _ in range(2):
        with pytest.raises(UnavailableError) as refused:
            await fetched(shared, SourceRef(type=SourceType.CSV, location=location))
        assert refused.value.code == "http.unavailable"
