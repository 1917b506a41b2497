"""The contract of `FileInspector` over every adapter, and what a check does with real files."""

import asyncio
import json
import os
import struct
import subprocess
import sys
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

import openpyxl
import psutil
import pytest

from marketbel_adapters.disk import DiskFileStore
from marketbel_adapters.memory import MemoryFileStore, ScriptedFileInspector
from marketbel_adapters.sources.checking import ConfinedFileInspector, check_path
from marketbel_adapters.sources.confining import ChildLimits
from marketbel_adapters.testing.containers import (
    a_pdf,
    a_workbook,
    an_ole_file,
    biff,
    sheet_xml,
)
from marketbel_adapters.testing.files import chunks_of
from marketbel_adapters.testing.harmful import HARMFUL, Harmful
from marketbel_adapters.testing.inspector import Desk, FileInspectorContract
from marketbel_core.catalog import FileType, SourceType
from marketbel_core.errors import RefusedError, UnavailableError
from marketbel_core.ids import FileKey
from marketbel_core.intake.stored_file import FileFacts
from marketbel_core.ports import FileInspector, FileStore

SOUND, HARM = FileKey("sound"), FileKey("harmful")
XLSX = FileFacts(file_type=FileType.EXCEL, sniffed_type="xlsx")
CSV = FileFacts(file_type=FileType.CSV, sniffed_type="csv")
ROOMY = 1 << 30

pytestmark = pytest.mark.processes


class TestScriptedFileInspector(FileInspectorContract):
    @pytest.fixture
    async def desk(self) -> Desk:
        files = MemoryFileStore()
        inspector = ScriptedFileInspector(files)
        inspector.tell("b.xlsx", RefusedError("xlsx.bomb", "save it again"))
        return await a_desk(inspector, files)


class TestConfinedFileInspectorOnDisk(FileInspectorContract):
    @pytest.fixture
    async def desk(self, tmp_path: Path) -> Desk:
        files = DiskFileStore(tmp_path)
        return await a_desk(ConfinedFileInspector(files, path_of=files.path_of), files)


class TestConfinedFileInspectorThroughThePort(FileInspectorContract):
    @pytest.fixture
    async def desk(self) -> Desk:
        files = MemoryFileStore()
        return await a_desk(ConfinedFileInspector(files), files)


async def a_desk(inspector: FileInspector, files: FileStore) -> Desk:
    bomb = next(harmful for harmful in HARMFUL if harmful.id == "X2 grows")
    await files.store(SOUND, chunks_of(a_workbook()), size_bytes_max=ROOMY)
    await files.store(HARM, chunks_of(bomb.build()), size_bytes_max=ROOMY)
    return Desk(
        inspector=inspector, files=files, sound=SOUND, filename="a.xlsx", facts=XLSX,
        harmful=HARM, harmful_filename="b.xlsx", code=bomb.code,
    )  # fmt: skip


async def judged(
    content: bytes,
    filename: str,
    folder: Path,
    *,
    sheet_name: str | None = None,
    macros_refused: bool = True,
    source_type: SourceType = SourceType.EXCEL,
) -> FileFacts:
    """Judge bytes as they would lie in the shared folder, an empty file included."""
    (folder / "file").write_bytes(content)
    files = DiskFileStore(folder)
    inspector = ConfinedFileInspector(files, path_of=files.path_of, macros_refused=macros_refused)
    return await inspector.inspect(
        FileKey("file"),
        filename=filename,
        mime_type=None,
        source_type=source_type,
        sheet_name=sheet_name,
    )


@pytest.mark.parametrize("harmful", HARMFUL, ids=[harmful.id for harmful in HARMFUL])
async def test_each_row_of_the_table_is_refused_with_its_code_and_a_cure(
    harmful: Harmful, tmp_path: Path
) -> None:
    with pytest.raises(RefusedError) as refusal:
        await judged(harmful.build(), harmful.filename, tmp_path, sheet_name=harmful.sheet_name)

    assert refusal.value.code == harmful.code, str(refusal.value)
    assert "; " in str(refusal.value) or ": " in str(refusal.value)
    assert await asyncio.to_thread(lambda: [path.name for path in tmp_path.iterdir()]) == ["file"]


async def test_a_missing_sheet_is_refused_with_the_names_there_are(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="'Прайс'"):
        await judged(a_workbook(), "a.xlsx", tmp_path, sheet_name="Цены")

    assert await judged(a_workbook(), "a.xlsx", tmp_path, sheet_name=" прайс ") == XLSX


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b'name;price\nOil;1\n"Tea;1\nOil;2\n', "line 3"),
        (b"name;price\n" + b"x" * 1_048_577 + b";1\n", "line 2"),
        (b"name;price\nTea;1\nOil\x00;1\n", "line 3"),
    ],
)
async def test_a_refused_csv_names_the_line(content: bytes, line: str, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=line):
        await judged(content, "a.csv", tmp_path)


def streamed() -> bytes:
    """Return a workbook with sizes after the parts and stored parts, as some exports are."""

    class Pipe(BytesIO):
        def seekable(self) -> bool:
            return False

    content = Pipe()
    with (
        ZipFile(BytesIO(a_workbook())) as source,
        ZipFile(content, "w", ZIP_STORED) as target,
    ):
        target.mkdir("xl")
        for name in source.namelist():
            with target.open(name, "w", force_zip64=name.startswith("xl")) as part:
                part.write(source.read(name))
    return content.getvalue()


def backslashed() -> bytes:
    return a_workbook().replace(b"xl/worksheets/sheet1.xml", b"xl\\worksheets\\sheet1.xml")


def prefixed() -> bytes:
    rows = '<x:row><x:c r="A1"><x:f>1+1</x:f><x:v>2</x:v></x:c></x:row>'
    sheet = f'<x:worksheet xmlns:x="m"><x:sheetData>{rows}</x:sheetData></x:worksheet>'
    return a_workbook(sheet=sheet.encode())


WITH_FORMULA = FileFacts(file_type=FileType.EXCEL, sniffed_type="xlsx", formula_cells=1)
FORMATTED = '<row r="1"><c r="A1"><v>1</v></c><c r="XFD1" s="1"/></row><row r="1048576"/>'
MARKED = "<row><c><is><t><![CDATA[<!DOCTYPE html>]]></t></is></c></row>"
STRINGS = '<row><c r="A1"><f>"a|b" &amp; \'x|y\'!A1 &amp; Table[z|w]</f><v>1</v></c></row>'


@pytest.mark.parametrize(
    ("content", "filename", "facts"),
    [
        (streamed(), "a.xlsx", XLSX),
        (backslashed(), "a.xlsx", XLSX),
        (prefixed(), "a.xlsx", WITH_FORMULA),
        (a_workbook() + b"\r\n", "a.xlsx", XLSX),
        (a_workbook(sheet=sheet_xml(FORMATTED, dimension="A1:XFD9")), "a.xlsx", XLSX),
        (a_workbook(sheet=sheet_xml(MARKED)), "a.xlsx", XLSX),
        (a_workbook(sheet=sheet_xml(STRINGS)), "a.xlsx", WITH_FORMULA),
        (a_workbook(sheet=sheet_xml().decode().encode("utf-16")), "a.xlsx", XLSX),
        (a_workbook({"xl/printerSettings1.bin": b"\xff\xfe\x00\xd8x"}), "a.xlsx", XLSX),
        (a_workbook({"xl/media/a.svg": b"<!DOCTYPE svg><svg/>"}), "a.xlsx", XLSX),
        (a_workbook(), "list.csv", XLSX),
        (a_workbook(), "", XLSX),
        (b"name;price\nTea;1\n", "list.xls", CSV),
        (b"name;price\nTea;1\n", "", CSV),
        ("Название;Цена\r\n\r\nЧай;1\r\n".encode("cp1251"), "list.csv", CSV),
        ("Название\tЦена\nЧай\t1\n".encode("utf-16"), "list.txt", CSV),
        (b"sep=|\nname|price\n" + b"x" * 1_048_576 + b"|1\n", "list.csv", CSV),
        (b'name;price\n"Tube 5""";1\n"two\nlines";2\nTube 5";3', "list.csv", CSV),
        (b"MZ-code;price\nTea;1\n", "list.csv", CSV),
        (a_pdf(pages=500), "list.pdf", FileFacts(file_type=FileType.PDF, sniffed_type="pdf")),
        (a_pdf(), "", FileFacts(file_type=FileType.PDF, sniffed_type="pdf")),
    ],
)
async def test_what_is_only_odd_is_taken(
    content: bytes, filename: str, facts: FileFacts, tmp_path: Path
) -> None:
    assert await judged(content, filename, tmp_path) == facts


async def test_cells_that_would_calculate_are_counted_and_kept(tmp_path: Path) -> None:
    content = b'name;price\n=1+1;2\n+7;"-3"\n@SUM;"\ta"\n"\rb";ok=1\n'

    facts = await judged(content, "a.csv", tmp_path)

    assert facts.formula_cells == 6
    assert (tmp_path / "file").read_bytes() == content


async def test_formulas_of_a_workbook_are_counted(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["Чай", 1, "=B1*2"], ["Сок", 2, "=B2*2"], ["=", "+", "текст"]):
        book.worksheets[0].append(row)
    content = BytesIO()
    book.save(content)

    assert (await judged(content.getvalue(), "a.xlsx", tmp_path)).formula_cells == 2


@pytest.mark.parametrize(
    ("harmful", "sniffed_type"), [("F6 macros", "xlsm"), ("F6 links", "xlsx"), ("F6 DDE", "xlsx")]
)
async def test_a_deployment_may_take_macros_with_a_mark(
    harmful: str, sniffed_type: str, tmp_path: Path
) -> None:
    (found,) = (row for row in HARMFUL if row.id == harmful)

    facts = await judged(found.build(), found.filename, tmp_path, macros_refused=False)

    assert (facts.sniffed_type, facts.macros) == (sniffed_type, True)


async def test_a_link_in_the_store_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "list").symlink_to("/etc/passwd")
    files = DiskFileStore(tmp_path)

    with pytest.raises(UnavailableError) as refusal:
        await ConfinedFileInspector(files, path_of=files.path_of).inspect(
            FileKey("list"), filename="a.csv", mime_type=None, source_type=SourceType.CSV
        )

    assert refusal.value.code == "storage.unavailable"


async def test_a_check_that_gets_no_turn_is_made_again_later(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(a_workbook())

    with pytest.raises(UnavailableError) as told:
        await check_path(path, limits=ChildLimits(cpu_seconds_max=30, wall_seconds_max=0.001))

    assert told.value.code == "check.unavailable"


def an_xls_up_to(row: int, column: int) -> bytes:
    """Return a workbook of two numbers, in A1 and far away; rows and columns from 0."""
    sheet = biff(
        (0x0203, struct.pack("<HHHd", 0, 0, 0, 1.0)),
        (0x0203, struct.pack("<HHHd", row, column, 0, 1.0)),
    )
    name = b"\x05\x00Sheet"
    length = len(biff((0x0085, bytes(6) + name)))
    listed = struct.pack("<IBB", length, 0, 0) + name
    return an_ole_file({"Workbook": biff((0x0085, listed)) + sheet})


async def test_a_parser_that_gets_no_memory_refuses_its_file_and_harms_nobody(
    tmp_path: Path,
) -> None:
    near, far = tmp_path / "near.xls", tmp_path / "far.xls"
    near.write_bytes(an_xls_up_to(9, 9))
    far.write_bytes(an_xls_up_to(65_535, 255))
    limits = ChildLimits(cpu_seconds_max=30, wall_seconds_max=30, memory_bytes_max=200 << 20)

    with pytest.raises(RefusedError) as refusal:
        await check_path(far, limits=limits)

    assert refusal.value.code == "xlsx.sheet_too_large"
    assert (await check_path(near, limits=limits)).sniffed_type == "xls"


async def test_a_check_that_computes_for_ever_is_ended_by_its_processor_time(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.xlsx"
    cells = '<c r="A1"  ><v>1</v></c>' * 2_000_000  # spelt so that it has to be parsed
    path.write_bytes(
        a_workbook({"x": os.urandom(1 << 20)}, sheet=sheet_xml(f"<row>{cells}</row>"))
    )

    with pytest.raises(RefusedError) as refusal:
        await check_path(path, limits=ChildLimits(cpu_seconds_max=1, wall_seconds_max=60))

    assert refusal.value.code == "file.too_complex"


def test_the_price_lists_of_real_suppliers_are_taken(shared: Path) -> None:
    lists = sorted((shared / "data" / "pricelists" / "files").iterdir())

    async def look() -> dict[str, str]:
        return {path.name: (await check_path(path)).sniffed_type for path in lists}

    found = asyncio.run(look())

    assert found == {path.name: path.suffix.removeprefix(".") for path in lists}
    assert len(found) >= 16


def test_the_example_lists_are_taken() -> None:
    examples = Path(__file__).parents[2] / "examples"
    lists = [path for path in examples.iterdir() if path.suffix in {".csv", ".xlsx"}]

    async def look() -> dict[str, str]:
        return {path.name: (await check_path(path)).sniffed_type for path in lists}

    assert asyncio.run(look()) == {path.name: path.suffix.removeprefix(".") for path in lists}


_MEASURE = """
import asyncio, json, resource, sys
from pathlib import Path
from marketbel_adapters.sources.checking import check_path
from marketbel_core.errors import RefusedError

async def look(path):
    try:
        return (await check_path(Path(path))).sniffed_type
    except RefusedError as error:
        return error.code

told = [asyncio.run(look(path)) for path in sys.argv[1:]]
# ru_maxrss begins with what the process that started this one had; VmHWM is this program's own.
status = Path("/proc/self/status").read_text().splitlines()
own = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps({"told": told, "own": own, "children": children}))
"""


def test_neither_a_large_file_nor_a_bomb_grows_the_worker(tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    line = "Насос циркуляционный;шт;10,00\n".encode()
    large.write_bytes(line * (50 * 1_048_576 // len(line)))
    bombs = [row for row in HARMFUL if row.id in {"X1 ratio", "X6 far corner", "X6 dimension"}]
    for number, row in enumerate(bombs):
        (tmp_path / f"{number}.xlsx").write_bytes(row.build())

    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )

    told = json.loads(done.stdout)
    assert sorted(told["told"]) == ["csv", *sorted(row.code for row in bombs)]
    assert told["own"] < 400 * 1_024  # KiB
    assert told["children"] < 1_024 * 1_024


_WAITING = """
import os, sys

def main(arguments):
    with open(arguments[0], "w") as told:
        told.write(f"{os.getpid()}.")
    sys.stdin.read()
    return 0
"""

_PARENT = """
import asyncio, os, sys
from pathlib import Path
from marketbel_adapters.sources.confining import ChildLimits, run_confined

async def main():
    told = Path(sys.argv[1])
    with os.fdopen(os.pipe()[0], "rb") as never:
        limits = ChildLimits(cpu_seconds_max=60, wall_seconds_max=60)
        child = asyncio.create_task(run_confined("waiting", str(told), stdin=never, limits=limits))
        while not (told.exists() and told.read_text().endswith(".")):
            await asyncio.sleep(0.01)
        os.kill(os.getpid(), 9)

asyncio.run(main())
"""


def test_a_child_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    (tmp_path / "waiting.py").write_text(_WAITING)
    told = tmp_path / "told"

    killed = subprocess.run(
        [sys.executable, "-c", _PARENT, str(told)],
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
    )

    assert killed.returncode == -9, killed.stderr
    child = int(told.read_text().rstrip("."))
    with suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
        psutil.Process(child).wait(timeout=60)
    with suppress(psutil.NoSuchProcess):
        assert psutil.Process(child).status() == psutil.STATUS_ZOMBIE  # dead, and nobody's child
