"""What lies in the shared folder, and what a clean-up may take of it."""

import os
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest

from marketbel_adapters.disk import DiskFileStore, survey
from marketbel_adapters.disk.part import PartFile
from marketbel_adapters.disk.sidecars import dumped
from marketbel_adapters.testing.builders import NOW
from marketbel_adapters.testing.files import a_sidecar
from marketbel_core.errors import RefusedError, UnavailableError
from marketbel_core.intake import FileKind, FoundFile, file_key

SIDECAR = a_sidecar()
KEY = file_key(SIDECAR.job_id, at=NOW, filename="march.xlsx")
JOB = str(SIDECAR.job_id)


async def look(folder: Path) -> dict[str, FoundFile]:
    return {found.name: found for found in await DiskFileStore(folder).survey()}


def put(folder: Path, name: str, content: bytes = b"bytes") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (KEY, FileKind.DATA),
        (KEY.upper(), FileKind.DATA),
        (f"{JOB}_1767225600000_\udcff.xlsx", FileKind.DATA),
        (f"{JOB}_march.xlsx", FileKind.STRANGER),
        ("supplier_123_march.xlsx", FileKind.STRANGER),
        (".gitkeep", FileKind.STRANGER),
        (".marketbel-doctor-x1", FileKind.STRANGER),
        ("march.xlsx.part", FileKind.STRANGER),
        (".march.xlsx.Xb31cD", FileKind.STRANGER),
        (f".{KEY}.0123456789abcdef.part", FileKind.PART),
        (f".{KEY}.meta.json.0123456789abcdef.part", FileKind.PART),
        (".list.csv.0123456789abcdef.part", FileKind.PART),
        (f"{KEY}.part", FileKind.PART),
        (f"{JOB}.7.part", FileKind.PART),
        (f"{KEY}.meta.json", FileKind.SIDECAR),
        ("package.meta.json", FileKind.STRANGER),
        (".meta.json", FileKind.STRANGER),
    ],
)
async def test_a_file_is_ours_by_its_name(tmp_path: Path, name: str, kind: FileKind) -> None:
    put(tmp_path, name)

    found = (await look(tmp_path))[name]

    assert (found.kind, found.size_bytes, found.sidecar) == (kind, 5, None)


def test_what_a_killed_worker_leaves_is_called_a_part(tmp_path: Path) -> None:
    long = file_key(SIDECAR.job_id, at=NOW, filename="Прайс " * 40 + ".xlsx")
    for name in (KEY, f"{long}.meta.json", "list.csv"):
        part = PartFile(tmp_path / name)
        part.create()
        part.write(b"bytes")
        part.seal()

    found = survey.surveyed(tmp_path)

    assert [each.kind for each in found] == [FileKind.PART] * 3
    assert sum(each.owners == {SIDECAR.job_id} for each in found) == 2


async def test_a_sidecar_whose_file_is_gone_is_found_by_what_it_says(tmp_path: Path) -> None:
    put(tmp_path, "march.xlsx.meta.json", dumped(SIDECAR))

    found = (await look(tmp_path))["march.xlsx.meta.json"]

    assert found.kind is FileKind.SIDECAR
    assert await DiskFileStore(tmp_path).remove(found)
    assert await look(tmp_path) == {}


@pytest.mark.parametrize(
    "content",
    [b"{", b"", dumped(a_sidecar())],
    ids=["damaged", "empty", "of another job"],
)
async def test_a_sidecar_that_cannot_be_trusted_counts_for_nothing(
    tmp_path: Path, content: bytes
) -> None:
    put(tmp_path, KEY)
    put(tmp_path, f"{KEY}.meta.json", content)
    put(tmp_path, "march.xlsx")
    put(tmp_path, "march.xlsx.meta.json", b"{")

    found = await look(tmp_path)

    assert found.keys() == {KEY, "march.xlsx"}
    assert (found[KEY].kind, found[KEY].sidecar) == (FileKind.DATA, None)
    assert found[KEY].size_bytes == 5 + len(content)
    assert found["march.xlsx"].kind is FileKind.STRANGER
    assert await DiskFileStore(tmp_path).remove(found[KEY])
    assert (await look(tmp_path)).keys() == {"march.xlsx"}


async def test_links_folders_and_what_is_no_file_are_told_and_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, outside = tmp_path / "store", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    put(outside, "secret")
    names = [f"{JOB}_176722560000{number}_x.csv" for number in range(6)]
    (folder / names[0]).symlink_to(outside / "secret")
    (folder / names[1]).symlink_to(outside)
    (folder / names[2]).symlink_to("nowhere")
    (folder / names[3]).mkdir()
    os.mkfifo(folder / names[4])
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(folder)  # a socket's path must be short
        listening.bind(names[5])
    store = DiskFileStore(folder)

    found = await store.survey()
    removed = [await store.remove(replace(each, kind=FileKind.DATA)) for each in found]

    assert [each.kind for each in found] == [
        *([FileKind.SYMLINK] * 3),
        FileKind.DIRECTORY,
        *([FileKind.STRANGER] * 2),
    ]
    assert not any(removed)
    assert await store.survey() == found
    assert (outside / "secret").read_bytes() == b"bytes"


async def test_a_sidecar_that_is_a_link_is_not_read_and_stays(tmp_path: Path) -> None:
    outside = put(tmp_path, "outside", dumped(SIDECAR))
    folder = tmp_path / "store"
    folder.mkdir()
    put(folder, KEY)
    (folder / f"{KEY}.meta.json").symlink_to(outside)

    found = await look(folder)
    removed = await DiskFileStore(folder).remove(found[KEY])

    assert found[KEY].sidecar is None
    assert removed
    assert {name: each.kind for name, each in (await look(folder)).items()} == {
        f"{KEY}.meta.json": FileKind.SYMLINK
    }
    assert outside.exists()


async def test_a_file_that_became_a_link_meanwhile_is_left_alone(tmp_path: Path) -> None:
    outside = put(tmp_path, "outside")
    folder = tmp_path / "store"
    folder.mkdir()
    planted = put(folder, KEY)
    found = (await look(folder))[KEY]
    planted.unlink()
    planted.symlink_to(outside)

    assert not await DiskFileStore(folder).remove(found)

    assert planted.is_symlink()
    assert outside.exists()


async def test_a_folder_that_became_a_link_meanwhile_is_not_cleaned(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "store", tmp_path / "elsewhere"
    for each in (folder, elsewhere):
        each.mkdir()
        os.utime(put(each, KEY), (0, 0))
    found = (await look(folder))[KEY]
    folder.rename(tmp_path / "moved")
    folder.symlink_to(elsewhere)

    with pytest.raises(RefusedError) as refusal:
        await DiskFileStore(folder).remove(found)

    assert refusal.value.code == "storage.unsafe_path"
    assert (elsewhere / KEY).exists()


@pytest.mark.parametrize("seconds", [-(2**40), -1, 0, 2**33, 2**40])
async def test_a_time_that_no_calendar_has_does_not_stop_the_survey(
    tmp_path: Path, seconds: int
) -> None:
    path = put(tmp_path, f".{KEY}.0123456789abcdef.part")
    os.utime(path, (seconds, seconds))

    found = (await look(tmp_path))[path.name]

    assert found.modified_at.tzinfo is UTC
    if abs(seconds) < 2**34 and path.stat().st_mtime == seconds:
        assert found.modified_at == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


async def test_a_name_as_long_as_names_can_be_is_no_trouble(tmp_path: Path) -> None:
    put(tmp_path, "x" * 255)

    assert (await look(tmp_path))["x" * 255].kind is FileKind.STRANGER


async def test_what_goes_while_it_is_looked_at_is_left_out(tmp_path: Path) -> None:
    put(tmp_path, KEY)
    scandir = os.scandir

    def late(folder: int) -> object:
        listed = scandir(folder)
        (tmp_path / KEY).unlink()
        return listed

    with patch.object(os, "scandir", late):
        assert await look(tmp_path) == {}


async def test_a_file_that_may_not_be_removed_is_told(tmp_path: Path) -> None:
    put(tmp_path, KEY)
    found = (await look(tmp_path))[KEY]

    with (
        patch.object(os, "unlink", side_effect=PermissionError(1, "Operation not permitted")),
        pytest.raises(UnavailableError) as fault,
    ):
        await DiskFileStore(tmp_path).remove(found)

    assert fault.value.code == "storage.unavailable"


async def test_a_folder_that_is_missing_cannot_be_surveyed(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError) as fault:
        await DiskFileStore(tmp_path / "absent").survey()

    assert fault.value.code == "storage.unavailable"
