"""File stores: in memory and on the shared volume."""

import asyncio
import errno
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest

from marketbel_adapters.disk import DiskFileStore
from marketbel_adapters.disk.part import PartFile
from marketbel_adapters.memory.files import MemoryFileStore
from marketbel_adapters.testing.files import FileStoreContract, a_sidecar, chunks_of
from marketbel_core.catalog import SourceType
from marketbel_core.errors import ProtocolError, RefusedError, UnavailableError
from marketbel_core.ids import FileKey
from marketbel_core.ports import FileStore

KEY = FileKey("list_1.xlsx")
ROOMY = 10_000_000


class TestMemoryFileStore(FileStoreContract):
    @pytest.fixture
    def store(self) -> FileStore:
        return MemoryFileStore()


class TestDiskFileStore(FileStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[FileStore]:
        yield DiskFileStore(tmp_path)
        assert not [name for name in modes_in(tmp_path) if name.endswith(".part")]


async def test_the_sidecar_is_what_neighbours_expect(tmp_path: Path) -> None:
    store, sidecar = DiskFileStore(tmp_path), a_sidecar()
    await store.store(KEY, chunks_of(b"bytes"), size_bytes_max=ROOMY)

    await store.attach(KEY, sidecar)

    text = (tmp_path / "list_1.xlsx.meta.json").read_text(encoding="utf-8")
    body = json.loads(text)
    assert text == json.dumps(body, ensure_ascii=False, indent=2)
    assert list(body.items()) == [
        ("original_filename", "Прайс март.xlsx"),
        ("source_url", "https://example.com/lists/march.xlsx"),
        ("source_type", "excel"),
        ("supplier_id", str(sidecar.supplier_id)),
        ("supplier_name", "ООО «Ромашка»"),
        ("file_type", "excel"),
        ("mime_type", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("file_size_bytes", 18_231),
        ("checksum_md5", "0123456789abcdef" * 2),
        ("downloaded_at", "2026-03-14T09:26:53.589793Z"),
        ("downloaded_by", "python-ingestion"),
        ("job_id", str(sidecar.job_id)),
        ("checksum_sha256", "0123456789abcdef" * 4),
        ("sniffed_type", "xlsm"),
        ("formula_cells", 7),
        ("macros", True),
        ("schema_version", 1),
    ]


async def test_a_sidecar_of_the_predecessor_is_read(tmp_path: Path) -> None:
    ours = a_sidecar()
    theirs = {
        "original_filename": "prices.csv",
        "source_type": "url",
        "supplier_id": str(ours.supplier_id),
        "file_type": "csv",
        "file_size_bytes": 5,
        "checksum_md5": "0" * 32,
        "downloaded_at": "2025-12-04T10:00:00",
        "job_id": str(ours.job_id),
        "a_field_of_tomorrow": [1],
    }
    (tmp_path / f"{KEY}.meta.json").write_text(json.dumps(theirs), encoding="utf-8")

    read = await DiskFileStore(tmp_path).sidecar(KEY)

    assert read is not None
    assert (read.source_type, read.checksum_sha256) == (SourceType.CSV, "")
    assert (read.sniffed_type, read.formula_cells, read.macros) == ("", 0, False)
    assert read.downloaded_at.isoformat() == "2025-12-04T10:00:00+00:00"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"job_id": "x"}', b"\xff\xfe", b" " * 1_100_000],
    ids=["empty", "half", "list", "bad id", "no text", "huge"],
)
async def test_a_damaged_sidecar_is_told_as_such(tmp_path: Path, content: bytes) -> None:
    (tmp_path / f"{KEY}.meta.json").write_bytes(content)

    with pytest.raises(ProtocolError) as damage:
        await DiskFileStore(tmp_path).sidecar(KEY)

    assert damage.value.code == "meta.corrupt"


async def test_a_name_that_utf_8_cannot_say_does_not_break_the_sidecar(tmp_path: Path) -> None:
    store = DiskFileStore(tmp_path)
    await store.store(KEY, chunks_of(b"bytes"), size_bytes_max=ROOMY)

    await store.attach(KEY, replace(a_sidecar(), original_filename="list\udcff.csv"))

    read = await store.sidecar(KEY)
    assert read is not None
    assert read.original_filename == "list?.csv"


async def test_neighbours_of_another_account_may_read_whatever_the_umask(tmp_path: Path) -> None:
    store = DiskFileStore(tmp_path)
    before = os.umask(0o077)
    try:
        await store.store(KEY, chunks_of(b"bytes"), size_bytes_max=ROOMY)
        await store.attach(KEY, a_sidecar())
    finally:
        os.umask(before)

    assert modes_in(tmp_path) == {KEY: 0o644, f"{KEY}.meta.json": 0o644}


async def test_a_link_in_the_store_is_replaced_and_never_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"secret")
    folder = tmp_path / "store"
    folder.mkdir()
    (folder / KEY).symlink_to(outside)
    store = DiskFileStore(folder)

    with pytest.raises(RefusedError) as refusal:
        await store.read(KEY)
    await store.store(KEY, chunks_of(b"bytes"), size_bytes_max=ROOMY)

    assert refusal.value.code == "storage.unsafe_path"
    assert outside.read_bytes() == b"secret"
    assert await store.read(KEY) == b"bytes"


async def test_a_folder_under_a_key_is_no_file(tmp_path: Path) -> None:
    (tmp_path / KEY).mkdir()

    with pytest.raises(UnavailableError):
        await DiskFileStore(tmp_path).read(KEY)


async def test_a_store_whose_folder_is_missing_is_unavailable(tmp_path: Path) -> None:
    store = DiskFileStore(tmp_path / "absent")

    with pytest.raises(UnavailableError) as fault:
        await store.store(KEY, chunks_of(b"bytes"), size_bytes_max=ROOMY)

    assert fault.value.code == "storage.unavailable"
    with pytest.raises(UnavailableError):
        await store.keys()


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "storage.full"),
        (errno.EDQUOT, "storage.full"),
        (errno.EROFS, "storage.full"),
        (errno.EIO, "storage.unavailable"),
    ],
)
@pytest.mark.parametrize("call", ["write", "fsync"])
async def test_a_disk_that_fails_leaves_nothing_behind(
    tmp_path: Path, number: int, code: str, call: str
) -> None:
    store = DiskFileStore(tmp_path)

    with failing(call, number), pytest.raises(UnavailableError) as fault:
        await store.store(KEY, chunks_of(b"bytes"), size_bytes_max=ROOMY)

    assert fault.value.code == code
    assert modes_in(tmp_path) == {}


async def test_a_sidecar_that_cannot_be_written_leaves_the_file_and_the_old_one(
    tmp_path: Path,
) -> None:
    store, sidecar = DiskFileStore(tmp_path), a_sidecar()
    await store.store(KEY, chunks_of(b"bytes"), size_bytes_max=ROOMY)
    await store.attach(KEY, sidecar)

    with failing("write", errno.ENOSPC), pytest.raises(UnavailableError):
        await store.attach(KEY, a_sidecar())

    assert await store.sidecar(KEY) == sidecar
    assert set(modes_in(tmp_path)) == {KEY, f"{KEY}.meta.json"}


async def test_a_replacement_that_fails_keeps_the_old_file_and_its_sidecar(
    tmp_path: Path,
) -> None:
    store, sidecar = DiskFileStore(tmp_path), a_sidecar()
    await store.store(KEY, chunks_of(b"old"), size_bytes_max=ROOMY)
    await store.attach(KEY, sidecar)

    with failing("fsync", errno.EIO), pytest.raises(UnavailableError):
        await store.store(KEY, chunks_of(b"new"), size_bytes_max=ROOMY)

    assert await store.read(KEY) == b"old"
    assert await store.sidecar(KEY) == sidecar


async def test_a_store_cancelled_while_it_writes_leaves_nothing(tmp_path: Path) -> None:
    writing, go_on = threading.Event(), threading.Event()

    def slow_write(descriptor: int, chunk: bytes) -> int:
        writing.set()
        go_on.wait(timeout=30)
        return len(chunk) if descriptor else 0

    with patch.object(os, "write", slow_write):
        storing = asyncio.create_task(
            DiskFileStore(tmp_path).store(KEY, chunks_of(b"bytes"), size_bytes_max=ROOMY)
        )
        await asyncio.to_thread(writing.wait, 30)
        storing.cancel()
        # The cancelled store waits for its thread, which must be let go from elsewhere.
        asyncio.get_running_loop().run_in_executor(None, go_on.set)
        with pytest.raises(asyncio.CancelledError):
            await storing

    assert modes_in(tmp_path) == {}


def test_a_discarded_part_stays_away_whatever_its_thread_still_does(tmp_path: Path) -> None:
    part = PartFile(tmp_path / KEY)
    part.create()
    part.write(b"bytes")

    part.discard()
    part.create()
    part.write(b"bytes")
    part.seal()
    part.commit()
    part.discard()

    assert modes_in(tmp_path) == {}


_FILL = """
import asyncio, resource, sys
from pathlib import Path
from marketbel_adapters.disk import DiskFileStore
from marketbel_adapters.testing.files import chunks_of
from marketbel_core.errors import UnavailableError

resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    asyncio.run(
        DiskFileStore(Path(sys.argv[1])).store(
            "list.csv", chunks_of(b"x" * 300_000), size_bytes_max=10_000_000
        )
    )
except UnavailableError as error:
    print(error.code)
"""


@pytest.mark.processes
def test_a_file_that_outgrows_what_the_system_allows_is_told_as_a_full_store(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FILL, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )

    assert (done.stdout.strip(), done.returncode) == ("storage.full", 0), done.stderr
    assert modes_in(tmp_path) == {}


@contextmanager
def failing(call: str, number: int) -> Iterator[None]:
    """Let the operating system's `call` fail with the error `number`."""
    with patch.object(os, call, side_effect=OSError(number, os.strerror(number))):
        yield


def modes_in(folder: Path) -> dict[str, int]:
    """Return what lies in the folder: each name with its permissions."""
    return {path.name: path.lstat().st_mode & 0o777 for path in folder.iterdir()}
