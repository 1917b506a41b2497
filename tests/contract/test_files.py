"""File stores: in memory and on the shared volume."""

import asyncio
import errno
import json
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest

from marketbel_adapters.disk import DiskFileStore
from marketbel_adapters.disk.part import PartFile
from marketbel_adapters.disk.sidecars import dumped
from marketbel_adapters.memory.files import MemoryFileStore
from marketbel_adapters.testing.files import FileStoreContract, a_sidecar, chunks_of
from marketbel_core.catalog import SourceType
from marketbel_core.errors import ProtocolError, RefusedError, UnavailableError
from marketbel_core.ids import FileKey
from marketbel_core.intake import file_key
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
    [
        b"",
        b"{",
        b"[]",
        b'{"job_id": "x"}',
        b"\xff\xfe",
        b" " * 1_100_000,
        b"[" * 100_000,
        dumped(a_sidecar()).replace(b"2026-03-14T09:26:53.589793Z", b"9999-12-31T23:59:59-12:00"),
    ],
    ids=["empty", "half", "list", "bad id", "no text", "huge", "deep", "after all time"],
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


@pytest.mark.parametrize("umask", [0o000, 0o027, 0o077])
async def test_files_are_for_the_owner_and_the_group_whatever_the_umask(
    tmp_path: Path, umask: int
) -> None:
    store = DiskFileStore(tmp_path)
    before = os.umask(umask)
    try:
        await store.store(KEY, chunks_of(b"bytes"), size_bytes_max=ROOMY)
        await store.attach(KEY, a_sidecar())
    finally:
        os.umask(before)

    assert modes_in(tmp_path) == {KEY: 0o640, f"{KEY}.meta.json": 0o640}


async def test_a_folder_for_a_group_gives_its_files_to_the_group(tmp_path: Path) -> None:
    groups = [group for group in os.getgroups() if group != os.getegid()]
    if os.geteuid() == 0:
        groups.append(os.getegid() + 4_711)
    if not groups:
        pytest.skip("this account has one group only")
    folder = tmp_path / "store"
    folder.mkdir()
    os.chown(folder, -1, groups[-1])
    os.chmod(folder, 0o2770)  # noqa: PTH101, S103 - shared with the group

    await DiskFileStore(folder).store(KEY, chunks_of(b"bytes"), size_bytes_max=ROOMY)

    assert (folder / KEY).stat().st_gid == groups[-1]


async def test_a_sidecar_shows_neither_credentials_nor_query(tmp_path: Path) -> None:
    store = DiskFileStore(tmp_path)
    await store.store(KEY, chunks_of(b"bytes"), size_bytes_max=ROOMY)
    secretive = "https://user:s3cret@shop.example/list.xlsx?token=s3cret#s3cret"

    await store.attach(KEY, replace(a_sidecar(), source_url=secretive))

    text = (tmp_path / f"{KEY}.meta.json").read_text(encoding="utf-8")
    assert "s3cret" not in text
    assert json.loads(text)["source_url"] == "https://shop.example/list.xlsx"


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"job_id": "00000000-0000-4000-8000-00000000beef"},
        {"file_path": "/etc/passwd"},
        {"file_path": "../{key}"},
        {"file_name": "other.xlsx"},
    ],
    ids=lambda fields: next(iter(fields)),
)
async def test_a_sidecar_that_speaks_of_another_file_is_not_used(
    tmp_path: Path, elsewhere: dict[str, str]
) -> None:
    sidecar = a_sidecar()
    key = file_key(sidecar.job_id, at=sidecar.downloaded_at, filename=sidecar.original_filename)
    store = DiskFileStore(tmp_path)
    await store.store(key, chunks_of(b"bytes"), size_bytes_max=ROOMY)
    await store.attach(key, sidecar)
    written = tmp_path / f"{key}.meta.json"
    body = json.loads(written.read_text(encoding="utf-8"))
    changed = {name: text.replace("{key}", key) for name, text in elsewhere.items()}

    same = {"file_path": f"/shared/uploads/{key}", "file_name": key}
    written.write_text(json.dumps({**body, **same}), encoding="utf-8")
    assert await store.sidecar(key) == sidecar
    written.write_text(json.dumps({**body, **changed}), encoding="utf-8")
    with pytest.raises(RefusedError) as refusal:
        await store.sidecar(key)

    assert refusal.value.code == "meta.mismatch"
    assert not await store.verify(key)


async def test_a_damaged_sidecar_vouches_for_nothing(tmp_path: Path) -> None:
    (tmp_path / KEY).write_bytes(b"bytes")
    (tmp_path / f"{KEY}.meta.json").write_bytes(b"{")

    assert not await DiskFileStore(tmp_path).verify(KEY)


@pytest.mark.parametrize("plant", ["symlink", "dangling", "hard link"])
@pytest.mark.parametrize("suffix", ["", ".meta.json"])
async def test_a_link_in_the_store_is_refused_and_never_followed(
    tmp_path: Path, plant: str, suffix: str
) -> None:
    outside = tmp_path / "outside"
    if plant != "dangling":
        outside.write_bytes(b"secret")
    folder = tmp_path / "store"
    folder.mkdir()
    store = DiskFileStore(folder)
    if suffix:
        await store.store(KEY, chunks_of(b"bytes"), size_bytes_max=ROOMY)
    planted = folder / f"{KEY}{suffix}"
    if plant == "hard link":
        planted.hardlink_to(outside)
    else:
        planted.symlink_to(outside)

    with pytest.raises(RefusedError) as reading:
        await (store.sidecar(KEY) if suffix else store.read(KEY))
    with pytest.raises(RefusedError) as writing:
        await (
            store.attach(KEY, a_sidecar())
            if suffix
            else store.store(KEY, chunks_of(b"bytes"), size_bytes_max=ROOMY)
        )

    assert {reading.value.code, writing.value.code} == {"storage.unsafe_path"}
    assert not await store.verify(KEY)
    assert await store.delete(KEY)
    if plant != "dangling":
        assert outside.read_bytes() == b"secret"
    assert not outside.exists() if plant == "dangling" else outside.stat().st_nlink == 1
    assert modes_in(folder) == {}


async def test_a_link_planted_while_the_bytes_arrive_is_refused(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "store"
    folder.mkdir()

    async def planting() -> AsyncIterator[bytes]:
        yield b"bytes"
        (folder / KEY).symlink_to(outside)

    with pytest.raises(RefusedError) as refusal:
        await DiskFileStore(folder).store(KEY, planting(), size_bytes_max=ROOMY)

    assert refusal.value.code == "storage.unsafe_path"
    assert not outside.exists()
    assert [path.name for path in folder.iterdir()] == [KEY]


async def test_a_part_that_somebody_gave_a_second_name_is_not_put_in_place(
    tmp_path: Path,
) -> None:
    async def linking() -> AsyncIterator[bytes]:
        yield b"bytes"
        part = next(name for name in modes_in(tmp_path) if name.endswith(".part"))
        (tmp_path / "kept").hardlink_to(tmp_path / part)

    with pytest.raises(RefusedError) as refusal:
        await DiskFileStore(tmp_path).store(KEY, linking(), size_bytes_max=ROOMY)

    assert refusal.value.code == "storage.unsafe_path"
    assert set(modes_in(tmp_path)) == {"kept"}


async def test_a_store_whose_folder_is_a_link_is_refused(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    (real / KEY).write_bytes(b"bytes")
    link.symlink_to(real)
    store = DiskFileStore(link)
    asks: list[Coroutine[object, object, object]] = [
        store.store(KEY, chunks_of(b"new"), size_bytes_max=ROOMY),
        store.attach(KEY, a_sidecar()),
        store.sidecar(KEY),
        store.read(KEY),
        store.delete(KEY),
        store.keys(),
    ]

    refusals = await asyncio.gather(*asks, return_exceptions=True)

    codes = [getattr(refusal, "code", refusal) for refusal in refusals]
    assert codes == ["storage.unsafe_path"] * len(asks)
    assert (real / KEY).read_bytes() == b"bytes"


async def test_a_folder_that_is_exchanged_for_a_link_meanwhile_is_not_written_through(
    tmp_path: Path,
) -> None:
    folder, elsewhere = tmp_path / "store", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()

    async def exchanging() -> AsyncIterator[bytes]:
        yield b"bytes"
        folder.rename(tmp_path / "moved")
        folder.symlink_to(elsewhere)

    await DiskFileStore(folder).store(KEY, exchanging(), size_bytes_max=ROOMY)

    assert modes_in(elsewhere) == {}
    assert modes_in(tmp_path / "moved") == {KEY: 0o640}


async def test_a_folder_under_a_key_is_no_file(tmp_path: Path) -> None:
    (tmp_path / KEY).mkdir()

    with pytest.raises(UnavailableError):
        await DiskFileStore(tmp_path).read(KEY)


async def test_a_store_whose_folder_is_missing_is_unavailable(tmp_path: Path) -> None:
    store = DiskFileStore(tmp_path / "absent")

    with pytest.raises(UnavailableError) as fault:
        await store.store(KEY, chunks_of(b"bytes"), size_bytes_max=ROOMY)

    assert fault.value.code == "storage.unavailable"
    for asked in (store.keys(), store.sidecar(KEY), store.verify(KEY)):
        with pytest.raises(UnavailableError):
            await asked


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


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for a megabyte."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted: {mounted.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


@pytest.mark.processes
async def test_a_full_disk_leaves_nothing_behind_and_may_be_tried_again(small_disk: Path) -> None:
    store, second = DiskFileStore(small_disk), FileKey("list_2.csv")
    await store.store(KEY, chunks_of(b"x" * 600_000), size_bytes_max=ROOMY)

    with pytest.raises(UnavailableError) as fault:
        await store.store(second, chunks_of(b"x" * 600_000), size_bytes_max=ROOMY)

    assert fault.value.code == "storage.full"
    assert set(modes_in(small_disk)) == {KEY}
    await store.delete(KEY)
    await store.store(second, chunks_of(b"x" * 600_000), size_bytes_max=ROOMY)
    assert set(modes_in(small_disk)) == {second}


@contextmanager
def failing(call: str, number: int) -> Iterator[None]:
    """Let the operating system's `call` fail with the error `number`."""
    with patch.object(os, call, side_effect=OSError(number, os.strerror(number))):
        yield


def modes_in(folder: Path) -> dict[str, int]:
    """Return what lies in the folder: each name with its permissions."""
    return {path.name: path.lstat().st_mode & 0o777 for path in folder.iterdir()}
