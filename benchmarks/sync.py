"""How long a sync with a large master sheet takes, and how much memory.

Usage: python benchmarks/sync.py [--suppliers N]

Starts PostgreSQL and Valkey. The sheet is an xlsx file; each supplier in it is new at first, then
one in ten has changed. The last line is a JSON object: {"suppliers", "plan_s", "apply_s",
"change_s", "start_jobs_s", "peak_mb"}. `plan_s` is fetching, reading and planning, as `marketbel
sync run --plan` does; `apply_s` is a sync until its changes and the outbox are committed, and
`change_s` that of the second one; `start_jobs_s` is what the jobs of the first one took to be
stored and asked for; `peak_mb` is the most that the process has had in memory, without the child
that opens the workbook.
"""

import argparse
import asyncio
import json
import multiprocessing
import re
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from openpyxl import Workbook

from marketbel_adapters.embedded import services
from marketbel_adapters.postgres import migrate
from marketbel_core.ports import AtOnce, SyncBoard, SyncState, SyncTurn
from marketbel_core.use_cases import SyncReport, SyncRequest, SyncSuppliers
from marketbel_runtime.lifespan import production
from marketbel_runtime.settings import Settings

__all__ = ["Figures", "measure"]

_HEADER = ("Supplier Name", "Source URL", "Format", "Active", "Notes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the syncs took, in seconds, and the memory of their process, in mebibytes."""

    plan_s: float
    apply_s: float
    change_s: float
    start_jobs_s: float
    peak_mb: int


def write_sheet(path: Path, suppliers: int, *, changed: bool) -> None:
    """Write a master sheet of so many suppliers; `changed` gives one in ten other notes."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Suppliers")
    sheet.append(_HEADER)
    for number in range(suppliers):
        notes = "new notes" if changed and number % 10 == 0 else "weekly"
        url = f"https://supplier-{number}.example/price-list.xlsx"
        sheet.append((f"Supplier {number}", url, "xlsx", "yes", notes))
    book.save(path)


async def measure(settings: Settings, *, suppliers: int) -> Figures:
    """Return the figures of two syncs; the sheets are in the shared folder."""
    async with production(settings) as container:
        syncing = container.sync_suppliers()
        begin = time.perf_counter()
        plan = await syncing.plan(SyncRequest(wish=_wish("plan"), location="new.xlsx"))
        planned = time.perf_counter() - begin
        if len(plan.creations) != suppliers:
            raise SystemExit(f"planned {len(plan.creations)} suppliers of {suppliers}")
        applied, jobs = await _synced(container.board(), container.sync_suppliers, "new.xlsx")
        changed, _ = await _synced(container.board(), container.sync_suppliers, "changed.xlsx")
    return Figures(
        plan_s=round(planned, 2),
        apply_s=round(applied, 2),
        change_s=round(changed, 2),
        start_jobs_s=round(jobs, 2),
        peak_mb=_peak_mb(),
    )


async def _synced(
    board: SyncBoard, factory: Callable[[], SyncSuppliers], location: str
) -> tuple[float, float]:
    """Return how long a sync took until its commit, and from there to its end."""
    committed: list[float] = []
    tell = board.tell

    async def noted(turn: SyncTurn, state: SyncState, *, current: int = 0, total: int = 0) -> bool:
        committed.append(time.perf_counter())
        return await tell(turn, state, current=current, total=total)

    board.tell = noted  # type: ignore[method-assign]  # the instant is nobody else's business
    begin = time.perf_counter()
    report = await factory()(SyncRequest(wish=_wish(location), location=location))
    end = time.perf_counter()
    board.tell = tell  # type: ignore[method-assign]
    if not isinstance(report, SyncReport) or report.run.figures.errors or report.drained.errors:
        raise SystemExit(f"the sync went wrong: {report}")
    return committed[0] - begin, end - committed[0]


def _wish(name: str) -> AtOnce:
    return AtOnce(task_id=f"sync-{name}", key=name)


def _peak_mb() -> int:
    status = Path("/proc/self/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found.group(1)) // 1024 if found else 0


def _measured(settings: Settings, suppliers: int) -> Figures:
    return asyncio.run(measure(settings, suppliers=suppliers))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--suppliers", type=int, default=10_000)
    suppliers = parser.parse_args().suppliers
    with (
        tempfile.TemporaryDirectory() as folder,
        services(database_url=None, redis_url=None) as own,
    ):
        asyncio.run(migrate(own.database_url))
        uploads = Path(folder)
        write_sheet(uploads / "new.xlsx", suppliers, changed=False)
        write_sheet(uploads / "changed.xlsx", suppliers, changed=True)
        settings = Settings.model_validate(
            {
                "database_url": own.database_url,
                "redis_url": own.redis_url,
                "uploads_dir": uploads,
                "log_level": "WARNING",
            }
        )
        # A process of its own: what this one has had in memory is not counted.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
            figures = pool.submit(_measured, settings, suppliers).result()
    print(json.dumps({"suppliers": suppliers, **asdict(figures)}))


if __name__ == "__main__":
    main()
