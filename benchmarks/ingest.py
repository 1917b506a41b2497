"""How fast lists become items: beside importing row by row, and beside what cannot be faster.

Usage: python benchmarks/ingest.py [--rows N]

Starts PostgreSQL. Measured as `marketbel ingest --apply` imports, in a process of its own: from
the first look into a workbook of N rows (100,000 unless named) to committed items with their price
history; the same rows again in a file with other bytes; csv files of N and of ten times N rows.

- ratio_first, ratio_unchanged: our rate beside that of importing 5,000 of the same rows one by
  one through the ORM, parsed beforehand, in one session and one transaction: SELECT, set every
  column and last_ingested_at, flush, and a row of history for a new item or another price.
- floor_ratio: the first import's seconds beside the floor: calamine reading the workbook and
  nothing else, then a COPY of the same rows into copies of supplier_items and price_history with
  all their indexes and constraints.
- peak_mb: the highest sum of the resident memory of the importing process and its children,
  over all four imports; the database is apart.

The last line is a JSON object: {"ratio_first", "ratio_unchanged", "rows_s_first",
"rows_s_unchanged", "rows_s_million", "peak_mb", "floor_ratio"}.
"""

import argparse
import asyncio
import csv
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
import psutil
import xlsxwriter
from python_calamine import CalamineWorkbook
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketbel_adapters.catalog_values import StorableRow, staged_rows
from marketbel_adapters.embedded import services
from marketbel_adapters.postgres import create_engine, migrate
from marketbel_adapters.postgres.tables import PriceRecord, Supplier, SupplierItem
from marketbel_adapters.sources.reading import Wish
from marketbel_adapters.sources.rows import read_path
from marketbel_adapters.system import SystemClock, TimeOrderedIdSource
from marketbel_core.intake.rows import AcceptedRow
from marketbel_core.use_cases import ApplyImport
from marketbel_runtime.importing import importer_of, list_at, open_catalog
from marketbel_runtime.settings import Settings

_ROWS: Final = 100_000
_BASELINE_ROWS: Final = 5_000
_SAMPLE_SECONDS: Final = 0.02
_MIB: Final = 1024 * 1024
_HEADS: Final = (
    *("Артикул", "Наименование", "Категория", "Бренд", "Цена опт", "Цена", "Наличие", "Штрихкод"),
)
_KINDS: Final = ("Дрель ударная", "Насос погружной", "Краска акриловая", "Кабель силовой")
_BRANDS: Final = ("Bosch", "Makita", "Ромашка", "Gigant", "Интерскол")

type _Line = tuple[str, str, str, str, float, float, int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One import: its seconds, the rows that were accepted, and the memory at its highest."""

    seconds: float
    rows: int
    peak_mb: float
    figures: dict[str, int]

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds


def lines(count: int) -> Iterator[_Line]:
    """Yield the rows of the list."""
    for n in range(count):
        kind, brand = _KINDS[n % len(_KINDS)], _BRANDS[n % len(_BRANDS)]
        price = round(1 + n * 7919 % 500_000 / 100, 2)
        yield (
            f"A-{n:07d}",
            f"{kind} {brand} {n % 997}-{n} RE, {n % 50 + 1} шт.",
            f"Категория {n % 40}",
            brand,
            round(price * 0.8, 2),
            price,
            n % 30,
            f"48100000{n:05d}"[-13:],
        )


def write_workbook(path: Path, count: int, *, title: str) -> None:
    """Write the list as a workbook; another title gives other bytes."""
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        book.set_properties({"title": title})
        sheet = book.add_worksheet("Прайс")
        sheet.write_row(0, 0, _HEADS)
        for place, line in enumerate(lines(count), start=1):
            sheet.write_row(place, 0, line)


def write_csv(path: Path, count: int) -> None:
    """Write the list as a csv file."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(_HEADS)
        writer.writerows(lines(count))


async def import_one(settings: Settings, path: str, supplier: str) -> dict[str, object]:
    """Import a file, as a process of its own does, and return what it took."""
    async with (
        list_at(settings, path, supplier_name=supplier, sheet_name=None) as (place, wanted),
        open_catalog(settings) as catalog,
    ):
        importer = importer_of(settings, catalog, place)
        begin = time.perf_counter()
        record = await ApplyImport(importer=importer)(wanted)
        seconds = time.perf_counter() - begin
    figures = {
        name: getattr(record.figures, name)
        for name in ("accepted", "inserted", "updated", "unchanged", "rejected")
    }
    return {"seconds": seconds, "state": record.state.value, "figures": figures}


def taken(settings: Settings, path: Path, supplier: str) -> Taken:
    """Import a file in a process of its own, and watch its memory."""
    process = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
        [sys.executable, __file__, "--import-one", str(path), "--supplier", supplier],
        env={
            **os.environ,
            "DATABASE_URL": settings.require_database_url(),
            "MAX_FILE_SIZE_MB": str(settings.max_file_size_mb),
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    with _watched(process.pid) as peak:
        said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"importing {path.name} went wrong")
    told: dict[str, Any] = json.loads(said.rstrip().rpartition("\n")[2])
    if told["state"] != "applied":
        raise SystemExit(f"importing {path.name}: {told}")
    return Taken(
        seconds=told["seconds"],
        rows=told["figures"]["accepted"],
        peak_mb=peak[0] / _MIB,
        figures=told["figures"],
    )


@contextmanager
def _watched(pid: int) -> Iterator[list[int]]:
    """Keep the highest sum of resident bytes of a process and its children in the one element."""
    peak, done = [0], threading.Event()

    def watch() -> None:
        parent = psutil.Process(pid)
        while not done.wait(_SAMPLE_SECONDS):
            total = 0
            try:
                for each in (parent, *parent.children(recursive=True)):
                    total += each.memory_info().rss
            except psutil.Error:
                continue  # one of them has just ended
            peak[0] = max(peak[0], total)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield peak
    finally:
        done.set()
        watching.join()


async def parsed(path: Path, count: int) -> list[StorableRow]:
    """Return the first rows of the file as they are stored."""
    found: list[AcceptedRow] = []
    async with aclosing(read_path(path, wish=Wish())) as batches:
        async for batch in batches:
            found += [event for event in batch.events if isinstance(event, AcceptedRow)]
            if len(found) >= count:
                break
    return list(staged_rows(found[:count], position=0).rows)


async def row_by_row(database_url: str, rows: list[StorableRow]) -> tuple[float, float]:
    """Return rows a second of importing one by one: all new, and all unchanged."""
    engine = create_engine(database_url)
    supplier_id = TimeOrderedIdSource().new_id()
    async with AsyncSession(engine) as session, session.begin():
        session.add(Supplier(id=supplier_id, name="row by row", source_type="excel", meta={}))
    rates = []
    for _ in range(2):
        begin = time.perf_counter()
        async with AsyncSession(engine) as session, session.begin():
            for row in rows:
                await _upsert(session, supplier_id, row)
        rates.append(len(rows) / (time.perf_counter() - begin))
    await engine.dispose()
    return rates[0], rates[1]


async def _upsert(session: AsyncSession, supplier_id: UUID, row: StorableRow) -> None:
    query = select(SupplierItem).where(
        SupplierItem.supplier_id == supplier_id, SupplierItem.supplier_sku == row.sku
    )
    item = (await session.execute(query)).scalar_one_or_none()
    price = None if item is None else item.current_price
    if item is None:
        item = SupplierItem(supplier_id=supplier_id, supplier_sku=row.sku)
        session.add(item)
    item.name = row.name
    item.current_price = row.amount
    item.characteristics = json.loads(row.characteristics)
    item.price_opt = row.price_opt
    item.price_rrc = row.price_rrc
    item.last_ingested_at = SystemClock().now()
    await session.flush()
    if price != row.amount:
        session.add(PriceRecord(supplier_item_id=item.id, price=row.amount))
        await session.flush()


async def floor(database_url: str, path: Path, count: int) -> tuple[float, float]:
    """Return the seconds of calamine alone, and of the COPY into copies of the two tables."""
    begin = time.perf_counter()
    CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    reading = time.perf_counter() - begin
    rows = await parsed(path, count)
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    supplier_id = await connection.fetchval(
        "INSERT INTO suppliers (name, source_type) VALUES ('floor', 'excel') RETURNING id"
    )
    for statement in _COPIES:
        await connection.execute(statement)
    new_id = TimeOrderedIdSource().new_id
    ids = [new_id() for _ in rows]
    items = [(key, supplier_id, *row[:6]) for key, row in zip(ids, rows, strict=True)]
    prices: list[tuple[UUID, Decimal]] = [
        (key, row.amount) for key, row in zip(ids, rows, strict=True)
    ]
    begin = time.perf_counter()
    async with connection.transaction():
        await connection.copy_records_to_table(
            "floor_items",
            records=items,
            columns=[
                *("id", "supplier_id", "supplier_sku", "name", "current_price"),
                *("characteristics", "price_opt", "price_rrc"),
            ],
        )
        await connection.copy_records_to_table(
            "floor_prices", records=prices, columns=["supplier_item_id", "price"]
        )
    copying = time.perf_counter() - begin
    await connection.close()
    return reading, copying


_COPIES: Final = (
    "CREATE TABLE floor_items (LIKE supplier_items INCLUDING ALL)",
    """
    ALTER TABLE floor_items
        ADD FOREIGN KEY (supplier_id) REFERENCES suppliers ON DELETE CASCADE,
        ADD FOREIGN KEY (product_id) REFERENCES products ON DELETE SET NULL,
        ADD FOREIGN KEY (category_id) REFERENCES categories ON DELETE SET NULL
    """,
    "CREATE TABLE floor_prices (LIKE price_history INCLUDING ALL)",
    """
    ALTER TABLE floor_prices
        ADD FOREIGN KEY (supplier_item_id) REFERENCES floor_items ON DELETE CASCADE
    """,
)


async def _fsync(database_url: str) -> str:
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    told = await connection.fetchval("SHOW fsync")
    await connection.close()
    return str(told)


async def _rested(database_url: str) -> None:
    """Have the server put its house in order, so that no run pays for the one before."""
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("CHECKPOINT")
    await connection.close()


def measure(settings: Settings, folder: Path, rows: int) -> dict[str, float]:
    """Return all figures."""
    url = settings.require_database_url()
    print(f"fsync is {asyncio.run(_fsync(url))}; {rows} rows; {os.cpu_count()} processors")
    first_file, second_file = folder / "march.xlsx", folder / "april.xlsx"
    write_workbook(first_file, rows, title="march")
    write_workbook(second_file, rows, title="april")
    sizes = {"hundred": rows, "million": 10 * rows}
    for name, count in sizes.items():
        write_csv(folder / f"{name}.csv", count)
    first = _told("first", taken(settings, first_file, "Acme"))
    asyncio.run(_rested(url))
    unchanged = _told("unchanged", taken(settings, second_file, "Acme"))
    some = asyncio.run(parsed(first_file, min(_BASELINE_ROWS, rows)))
    one_by_one, again = asyncio.run(row_by_row(url, some))
    print(f"row by row: {one_by_one:.0f} rows/s new, {again:.0f} rows/s unchanged")
    reading, copying = asyncio.run(floor(url, first_file, rows))
    print(f"floor: calamine {reading:.2f} s, COPY {copying:.2f} s")
    asyncio.run(_rested(url))
    hundred = _told("csv", taken(settings, folder / "hundred.csv", "Hundred"))
    asyncio.run(_rested(url))
    million = _told("csv, ten times as long", taken(settings, folder / "million.csv", "Million"))
    print(f"the long csv's rate is {million.rate / hundred.rate:.2f} of the short one's")
    return {
        "ratio_first": round(first.rate / one_by_one, 1),
        "ratio_unchanged": round(unchanged.rate / again, 1),
        "rows_s_first": round(first.rate),
        "rows_s_unchanged": round(unchanged.rate),
        "rows_s_million": round(million.rate),
        "peak_mb": round(max(each.peak_mb for each in (first, unchanged, hundred, million)), 1),
        "floor_ratio": round(first.seconds / (reading + copying), 2),
    }


def _told(name: str, one: Taken) -> Taken:
    print(
        f"{name}: {one.seconds:.2f} s, {one.rate:.0f} rows/s, {one.peak_mb:.0f} MiB, "
        f"{one.figures}",
        flush=True,
    )
    return one


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=_ROWS)
    parser.add_argument("--import-one", help=argparse.SUPPRESS)
    parser.add_argument("--supplier", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.import_one:
        one = import_one(Settings(), arguments.import_one, arguments.supplier)
        print(json.dumps(asyncio.run(one)))
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        services(database_url=None, redis_url=None) as own,
    ):
        asyncio.run(migrate(own.database_url))
        settings = Settings.model_validate(
            {"database_url": own.database_url, "max_file_size_mb": 500}
        )
        figures = measure(settings, Path(folder), arguments.rows)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
