"""A progress bar a job, fed from the job store as the admin interface is."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from marketbel_core.errors import JobNotFoundError, PortError
from marketbel_core.ids import JobId
from marketbel_core.jobs import Job, Phase
from marketbel_core.ports import JobStore
from marketbel_runtime.demo.scenario import PriceList

__all__ = ["JobsUnfinishedError", "watch"]

_LOOK_SECONDS: Final = 0.1
_FULL: Final = 100
_START_OF: Final = {
    Phase.DOWNLOADING: 0,
    Phase.ANALYZING: 20,
    Phase.MATCHING: 80,
    Phase.COMPLETE: _FULL,
    Phase.FAILED: _FULL,
}
_ANALYZING_SPAN: Final = _START_OF[Phase.MATCHING] - _START_OF[Phase.ANALYZING]


class JobsUnfinishedError(PortError):
    """Jobs were still on their way when the time was up."""

    code = "demo.unfinished"


class _Bars:
    """Bars on a terminal; elsewhere a line for each phase that a job enters."""

    def __init__(self, console: Console, lists: Sequence[PriceList]) -> None:
        self._console = console
        self._progress: Progress | None = None
        self._bars: dict[JobId, TaskID] = {}
        self._seen: dict[JobId, Phase] = {}
        self._names = {
            entry.job_id: f"{entry.supplier.name}: {entry.file.name}" for entry in lists
        }
        if console.is_terminal:
            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[phase]}"),
                TimeElapsedColumn(),
                console=console,
            )
            for job_id, name in self._names.items():
                self._bars[job_id] = self._progress.add_task(name, total=_FULL, phase="waiting")

    def context(self) -> Progress | nullcontext[None]:
        return self._progress if self._progress is not None else nullcontext()

    def show(self, job: Job) -> None:
        if self._progress is not None:
            self._progress.update(
                self._bars[job.id], completed=_percent(job), phase=str(job.phase)
            )
        elif self._seen.get(job.id) is not job.phase:
            self._console.print(f"{self._names[job.id]}: {job.phase}", soft_wrap=True)
        self._seen[job.id] = job.phase


async def watch(
    jobs: JobStore,
    lists: Sequence[PriceList],
    *,
    console: Console,
    seconds_max: float,
    check: Callable[[], None],
) -> list[Job]:
    """Return the jobs of `lists` once all are complete or failed.

    Args:
        jobs: Where they are kept.
        lists: What was sent.
        console: Where people look.
        seconds_max: How long to wait.
        check: Raises when a process that the jobs need has ended.

    Raises:
        JobsUnfinishedError: the time was up.
    """
    bars = _Bars(console, lists)
    running = asyncio.get_running_loop()
    deadline = running.time() + seconds_max
    ended: dict[JobId, Job] = {}
    with bars.context():
        while len(ended) < len(lists):
            if running.time() > deadline:
                missing = ", ".join(
                    entry.file.name for entry in lists if entry.job_id not in ended
                )
                raise JobsUnfinishedError(f"not finished after {seconds_max:.0f} s: {missing}")
            check()
            await asyncio.sleep(_LOOK_SECONDS)
            for entry in lists:
                job = await _job(jobs, entry.job_id)
                if job is None:
                    continue
                bars.show(job)
                if not job.is_active:
                    ended[job.id] = job
    return [ended[entry.job_id] for entry in lists]


async def _job(jobs: JobStore, job_id: JobId) -> Job | None:
    try:
        return await jobs.get(job_id)
    except JobNotFoundError:
        return None  # its task has not begun


def _percent(job: Job) -> float:
    start = _START_OF[job.phase]
    total = job.progress.items_total
    if job.phase is Phase.ANALYZING and total:
        return start + _ANALYZING_SPAN * min(1.0, job.progress.items_processed / total)
    return start
