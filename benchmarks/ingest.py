"""How fast a price list becomes items, against a row-by-row import and against the bare minimum.

Usage: python benchmarks/ingest.py [--rows N]

Starts PostgreSQL. A workbook of N rows (100,000) is imported as a new list and again, unchanged,
in a file with other bytes; a csv file of N rows and one of 10 N follow. An import is timed from
the file on disk to the commit: it is checked, hashed, read in the confined process, staged,
compared and applied.

Compared with that are, in the same run and on the same server: a row-by-row import of the first
5,000 of the same parsed rows (one session, one transaction; SELECT, every column and
last_ingested_at set, flush, a row of history where the price is new), extrapolated; and the floor:
calamine reading the workbook and nothing else, then COPY of the same rows into copies of
supplier_items and price_history with all their indexes and constraints.

The last line is a JSON object: {"ratio_first", "ratio_unchanged", "rows_s_first",
"rows_s_unchanged", "rows_s_million", "peak_mb", "floor_ratio"}. `peak_mb` is the highest sum of
what this process and its children had in memory while they imported, the database apart.
"""

import argparse
import asyncio
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Final, cast

import asyncpg
from python_calamine import CalamineWorkbook
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from marketbel_adapters.catalog_values import StorableRow, staged_rows
from marketbel_adapters.disk import DiskFileStore
from marketbel_adapters.embedded import services
from marketbel_adapters.postgres import PostgresCatalog, create_engine, migrate
from marketbel_adapters.postgres.tables import PriceRecord, SupplierItem
from marketbel_adapters.sources.checking import check_path
from marketbel_adapters.sources.reading import Wish
from marketbel_adapters.sources.rows import LocalRowReader, read_path
from marketbel_adapters.system import SystemClock, TimeOrderedIdSource
from marketbel_core.catalog import SourceType, Supplier
from marketbel_core.ids import FileKey, SupplierId
from marketbel_core.intake.rows import AcceptedRow
from marketbel_core.ports import ImportState
from marketbel_core.use_cases import ListImporter, ListToImport
from marketbel_runtime.settings import Settings

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for the neighbours below

from benchmarks.price_lists import write_csv, write_workbook
from benchmarks.usage import Memory, Stopwatch

_ITEM_COLUMNS: Final = (
    *("id", "supplier_id", "supplier_sku", "name", "current_price"),
    *("characteristics", "price_opt", "price_rrc"),
)
_BASELINE_ROWS: Final = 5_000
_TIMES_LARGER: Final = 10
_SIZE_LIMIT_MB: Final = 500
_MIB: Final = 1 << 20


class Bench:
    """The measurements, one after another, on one server."""

    def __init__(self, settings: Settings, engine: AsyncEngine, folder: Path) -> None:
        self._settings = settings
        self._engine = engine
        self._folder = folder
        files = DiskFileStore(folder)
        self._ids = TimeOrderedIdSource()
        self._importer = ListImporter(
            reader=LocalRowReader(
                files,
                path_of=files.path_of,
                cpu_seconds_max=settings.reading_cpu_seconds_max,
            ),
            catalog=PostgresCatalog(engine),
            clock=SystemClock(),
            ids=self._ids,
            rules=settings.import_rules,
        )

    async def ingest(
        self, name: str, supplier: Supplier, *, inserted: int, unchanged: int
    ) -> None:
        """Import a file of the folder, from its bytes to the commit."""
        path = self._folder / name
        if path.stat().st_size > self._settings.file_size_bytes_max:
            raise SystemExit(f"{name} is larger than {self._settings.max_file_size_mb} MB")
        facts = await check_path(path)
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        record = await self._importer.carry_out(
            ListToImport(
                supplier=supplier,
                key=FileKey(name),
                file_type=facts.file_type,
                source_name=name,
                sha256=sha256,
            )
        )
        figures = record.figures
        wanted = (ImportState.APPLIED, inserted, unchanged, 0)
        if (record.state, figures.inserted, figures.unchanged, figures.rejected) != wanted:
            raise SystemExit(f"{name} was not imported as it should be: {record}")

    async def parsed(self, name: str) -> list[AcceptedRow]:
        """Return the first rows of a file, enough for the row-by-row import."""
        rows: list[AcceptedRow] = []
        async with aclosing(read_path(self._folder / name, wish=Wish())) as batches:
            async for batch in batches:
                rows += [event for event in batch.told if isinstance(event, AcceptedRow)]
                if len(rows) >= _BASELINE_ROWS:
                    break
        return rows[:_BASELINE_ROWS]

    async def row_by_row(self, rows: Sequence[StorableRow], supplier_id: SupplierId) -> None:
        """Import the rows one by one, in one session and one transaction."""
        clock = SystemClock()
        async with AsyncSession(self._engine) as session, session.begin():
            for row in rows:
                found = await session.execute(
                    select(SupplierItem).where(
                        SupplierItem.supplier_id == supplier_id,
                        SupplierItem.supplier_sku == row.sku,
                    )
                )
                item = found.scalar_one_or_none()
                is_repriced = item is None or item.current_price != row.amount
                if item is None:
                    item = SupplierItem(supplier_id=supplier_id, supplier_sku=row.sku)
                    session.add(item)
                item.name = row.name
                item.current_price = row.amount
                item.characteristics = json.loads(row.characteristics)
                item.price_opt, item.price_rrc = row.price_opt, row.price_rrc
                item.last_ingested_at = clock.now()
                await session.flush()
                if is_repriced:
                    session.add(PriceRecord(supplier_item_id=item.id, price=row.amount))
                    await session.flush()

    async def stored_supplier(self, name: str) -> SupplierId:
        """Store a new supplier and return its id."""
        async with PostgresCatalog(self._engine).unit() as unit:
            return (await unit.suppliers.add(self.supplier(name))).id

    async def copies(self) -> None:
        """Make copies of the two tables, with all indexes and constraints."""
        async with self._engine.begin() as connection:
            for table in ("supplier_items", "price_history"):
                await connection.execute(
                    text(f"CREATE TABLE floor_{table} (LIKE {table} INCLUDING ALL)")
                )
                keys = await connection.execute(
                    text(
                        "SELECT pg_get_constraintdef(oid) FROM pg_constraint "
                        "WHERE contype = 'f' AND conrelid = CAST(:name AS regclass)"
                    ),
                    {"name": table},
                )
                for (key,) in keys:
                    told = key.replace(
                        "REFERENCES supplier_items", "REFERENCES floor_supplier_items"
                    )
                    await connection.execute(text(f"ALTER TABLE floor_{table} ADD {told}"))

    async def copy(
        self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]
    ) -> None:
        """COPY the rows into a table, in one transaction."""
        async with self._engine.begin() as connection:
            await connection.execute(text("SELECT 1"))  # begins it
            raw = await connection.get_raw_connection()
            driver = cast("asyncpg.Connection[asyncpg.Record]", raw.driver_connection)
            await driver.copy_records_to_table(table, records=rows, columns=list(columns))

    async def stored(self, supplier_id: SupplierId) -> list[tuple[object, ...]]:
        """Return the supplier's items as they are to be copied."""
        async with self._engine.connect() as connection:
            raw = await connection.get_raw_connection()
            driver = cast("asyncpg.Connection[asyncpg.Record]", raw.driver_connection)
            found = await driver.fetch(
                "SELECT id, supplier_id, supplier_sku, name, current_price, "
                "characteristics::text, price_opt, price_rrc "
                "FROM supplier_items WHERE supplier_id = $1 ORDER BY supplier_sku",
                supplier_id,
            )
        return [tuple(row) for row in found]

    def supplier(self, name: str) -> Supplier:
        """Return a new supplier."""
        return Supplier(id=SupplierId(self._ids.new_id()), name=name, source_type=SourceType.EXCEL)

    async def setting(self, name: str) -> str:
        """Return a setting of the server."""
        async with self._engine.connect() as connection:
            return str((await connection.execute(text(f"SHOW {name}"))).scalar_one())


def calamine_alone(path: Path) -> int:
    """Read the workbook into cells, and nothing else; return the number of rows."""
    sheet = CalamineWorkbook.from_path(path).get_sheet_by_index(0)
    return sum(1 for _ in sheet.iter_rows())


async def measure(bench: Bench, folder: Path, rows: int) -> dict[str, float]:
    """Return the figures."""
    memory, watch = Memory(), Stopwatch()
    shop, texts, large = (bench.supplier(name) for name in ("workbooks", "texts", "large texts"))
    with memory.watched():
        with watch.time("first"):
            await bench.ingest("first.xlsx", shop, inserted=rows, unchanged=0)
        with watch.time("unchanged"):
            await bench.ingest("again.xlsx", shop, inserted=0, unchanged=rows)
        with watch.time("csv"):
            await bench.ingest("list.csv", texts, inserted=rows, unchanged=0)
        more = rows * _TIMES_LARGER
        with watch.time("large csv"):
            await bench.ingest("large.csv", large, inserted=more, unchanged=0)
    await row_by_row(bench, watch)
    await floor(bench, watch, folder / "first.xlsx", shop)
    took = watch.seconds
    by_rows = rows / min(rows, _BASELINE_ROWS)
    return {
        "ratio_first": round(took["row by row, first"] * by_rows / took["first"], 1),
        "ratio_unchanged": round(took["row by row, unchanged"] * by_rows / took["unchanged"], 1),
        "rows_s_first": round(rows / took["first"]),
        "rows_s_unchanged": round(rows / took["unchanged"]),
        "rows_s_million": round(more / took["large csv"]),
        "peak_mb": round(memory.peak_bytes / _MIB),
        "floor_ratio": round(took["first"] / (took["calamine alone"] + took["copy alone"]), 2),
    }


async def row_by_row(bench: Bench, watch: Stopwatch) -> None:
    """Import the first rows one by one, and the same once more."""
    rows = staged_rows(await bench.parsed("first.xlsx")).rows
    supplier = await bench.stored_supplier("row by row")
    for which in ("first", "unchanged"):
        with watch.time(f"row by row, {which}"):
            await bench.row_by_row(rows, supplier)


async def floor(bench: Bench, watch: Stopwatch, path: Path, shop: Supplier) -> None:
    """Do the least that any import does."""
    with watch.time("calamine alone"):
        calamine_alone(path)
    await bench.copies()
    items = await bench.stored(shop.id)
    history = [(item[0], item[4]) for item in items]
    with watch.time("copy alone"):
        await bench.copy("floor_supplier_items", _ITEM_COLUMNS, items)
        await bench.copy("floor_price_history", ("supplier_item_id", "price"), history)


async def run(database_url: str, folder: Path, rows: int) -> dict[str, float]:
    """Measure on a database that has nothing in it."""
    await migrate(database_url)
    settings = Settings.model_validate(
        {"database_url": database_url, "max_file_size_mb": _SIZE_LIMIT_MB}
    )
    engine = create_engine(database_url)
    try:
        bench = Bench(settings, engine, folder)
        print(f"{rows} rows; fsync {await bench.setting('fsync')}, ", end="")
        print(f"synchronous_commit {await bench.setting('synchronous_commit')}; ", end="")
        print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}", flush=True)
        return await measure(bench, folder, rows)
    finally:
        await engine.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    with (
        tempfile.TemporaryDirectory() as name,
        services(database_url=None, redis_url=None) as own,
    ):
        folder = Path(name)
        write_workbook(folder / "first.xlsx", rows, comments="the first")
        write_workbook(folder / "again.xlsx", rows, comments="the second")
        write_csv(folder / "list.csv", rows)
        write_csv(folder / "large.csv", rows * _TIMES_LARGER)
        print(json.dumps(asyncio.run(run(own.database_url, folder, rows))))


if __name__ == "__main__":
    main()
