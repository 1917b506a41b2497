"""How long a sync with a large master sheet takes, and how much memory.

Usage: python benchmarks/sync.py [--suppliers N]

Starts PostgreSQL and Valkey. The sheet is an xlsx file; each supplier in it is new at first, then
one in ten has changed. The last line is a JSON object: {"suppliers", "plan_s", "plan_cpu_s",
"apply_s", "apply_cpu_s", "change_s", "start_jobs_s", "start_jobs_cpu_s", "peak_mb"}. `plan_s` is
fetching, reading and planning, as `marketbel sync run --plan` does; `apply_s` is a whole sync,
reading and planning included, until its changes and the outbox are committed, and `change_s` that
of the second one; `start_jobs_s` is what the jobs of the first one took to be stored and asked
for. `…_cpu_s` is the processor time of the process and of the child that opens the workbook, which
a busy machine stretches less; `peak_mb` is the most that both have had in memory at once.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import re
import resource
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
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

_LOOK_SECONDS = 0.01
_HEADER = ("Supplier Name", "Source URL", "Format", "Active", "Notes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the syncs took, in seconds, and the memory of their process, in mebibytes."""

    plan_s: float
    plan_cpu_s: float
    apply_s: float
    apply_cpu_s: float
    change_s: float
    start_jobs_s: float
    start_jobs_cpu_s: float
    peak_mb: int


@dataclass(frozen=True, slots=True)
class _Instant:
    """A point in time and in processor time, in seconds."""

    wall: float
    cpu: float

    def since(self, earlier: "_Instant") -> tuple[float, float]:
        """Return what has gone by, both rounded to hundredths."""
        return round(self.wall - earlier.wall, 2), round(self.cpu - earlier.cpu, 2)


def _now() -> _Instant:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return _Instant(time.perf_counter(), sum(each.ru_utime + each.ru_stime for each in used))


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
    with _watched_memory() as peak:
        async with production(settings) as container:
            syncing = container.sync_suppliers()
            begin = _now()
            plan = await syncing.plan(SyncRequest(wish=_wish("plan"), location="new.xlsx"))
            planned = _now().since(begin)
            if len(plan.creations) != suppliers:
                raise SystemExit(f"planned {len(plan.creations)} suppliers of {suppliers}")
            board, factory = container.board(), container.sync_suppliers
            applied, jobs = await _synced(board, factory, "new.xlsx")
            changed, _ = await _synced(board, factory, "changed.xlsx")
    return Figures(
        plan_s=planned[0],
        plan_cpu_s=planned[1],
        apply_s=applied[0],
        apply_cpu_s=applied[1],
        change_s=changed[0],
        start_jobs_s=jobs[0],
        start_jobs_cpu_s=jobs[1],
        peak_mb=max(peak),
    )


async def _synced(
    board: SyncBoard, factory: Callable[[], SyncSuppliers], location: str
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return what a sync took until its commit, and from there to its end."""
    committed: list[_Instant] = []
    tell = board.tell

    async def noted(turn: SyncTurn, state: SyncState, *, current: int = 0, total: int = 0) -> bool:
        committed.append(_now())
        return await tell(turn, state, current=current, total=total)

    board.tell = noted  # type: ignore[method-assign]  # the instant is nobody else's business
    begin = _now()
    report = await factory()(SyncRequest(wish=_wish(location), location=location))
    end = _now()
    board.tell = tell  # type: ignore[method-assign]
    if not isinstance(report, SyncReport) or report.run.figures.errors or report.drained.errors:
        raise SystemExit(f"the sync went wrong: {report}")
    return committed[0].since(begin), end.since(committed[0])


def _wish(name: str) -> AtOnce:
    return AtOnce(task_id=f"sync-{name}", key=name)


@contextmanager
def _watched_memory() -> Iterator[list[int]]:
    """Yield a list that gets, every few milliseconds, what this process and its children have."""
    peak = [0]
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(_LOOK_SECONDS):
            peak.append(max(peak.pop(), _resident_mb()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        is_over.set()
        watcher.join()


def _resident_mb() -> int:
    kilobytes = 0
    for process in {str(os.getpid()), *_children()}:
        with suppress(OSError):  # it has ended meanwhile
            status = Path(f"/proc/{process}/status").read_text()
            found = re.search(r"VmRSS:\s+(\d+) kB", status)
            kilobytes += int(found.group(1)) if found else 0
    return kilobytes // 1024


def _children() -> set[str]:
    found: set[str] = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):
            found |= set((task / "children").read_text().split())
    return found


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
