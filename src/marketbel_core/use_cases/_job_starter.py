"""How every step that starts a job makes it: known for good first, then to the workers."""

from collections.abc import Sequence
from dataclasses import replace

from marketbel_core.catalog import SourceRef, Supplier
from marketbel_core.errors import JobNotFoundError, RefusedError
from marketbel_core.ids import JobId
from marketbel_core.intake import read_source_config
from marketbel_core.intake.supplier_plan import source_of_entry
from marketbel_core.jobs import Job, choose_reading, new_job
from marketbel_core.ports import Clock, JobArchive, JobStore, StepQueue
from marketbel_core.use_cases._job_mover import step_of

__all__ = ["JobStarter", "own_source"]


class JobStarter:
    """Makes jobs, and asks for their first step. Safe to run twice with one job id."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        archive: JobArchive,
        queue: StepQueue,
        clock: Clock,
        ml_enabled: bool,
    ) -> None:
        self._jobs = jobs
        self._archive = archive
        self._queue = queue
        self._clock = clock
        self._ml_enabled = ml_enabled

    async def known(self, job_id: JobId | None, *, source: SourceRef | None = None) -> Job | None:
        """Return the job when an earlier delivery made it; complete its address by `source`."""
        if job_id is None:
            return None
        try:
            job = await self._jobs.get(job_id)
        except JobNotFoundError:
            return None
        if job.source.is_shortened and source is not None:
            await self._archive.record(replace(job, source=source))
        return job

    async def start(
        self,
        job_id: JobId,
        *,
        supplier: Supplier,
        source: SourceRef,
        read_here: bool = False,
        attempts_max: int = 4,
        ask: bool = True,
    ) -> Job:
        """Return the job, stored; `ask` says whether its step is asked for."""
        job = self.planned(
            job_id,
            supplier=supplier,
            source=source,
            read_here=read_here,
            attempts_max=attempts_max,
        )
        await self._archive.record(job)  # first: what Redis may lose is known here
        await self._jobs.add(job)
        return await self.set_out(await self._jobs.get(job.id), ask=ask)

    async def start_all(self, jobs: Sequence[Job]) -> list[Job]:
        """Do for each of the planned jobs what `start` does; return them as they are stored."""
        await self._archive.record_all(jobs)
        known = await self._jobs.add_all(jobs)
        new = [job for job in jobs if job.id not in known]
        await self._queue.ask_all([step for job in new if (step := step_of(job)) is not None])
        return [
            await self.set_out(await self._jobs.get(job.id)) if job.id in known else job
            for job in jobs
        ]

    def planned(
        self,
        job_id: JobId,
        *,
        supplier: Supplier,
        source: SourceRef,
        read_here: bool = False,
        attempts_max: int = 4,
    ) -> Job:
        """Return the job as it is before anybody knows of it."""
        return new_job(
            job_id,
            supplier_id=supplier.id,
            supplier_name=supplier.name,
            source=source,
            reading=choose_reading(
                local_asked=read_here,
                supplier_wish=supplier.use_ml_processing,
                ml_enabled=self._ml_enabled,
            ),
            now=self._clock.now(),
            attempts_max=attempts_max,
        )

    async def set_out(self, job: Job, *, ask: bool = True) -> Job:
        """Ask for the step that the job waits for, if it waits for one and `ask` says so."""
        step = step_of(job) if ask else None
        if step is not None:
            await self._queue.ask(step, not_before=job.not_before)
        return job


def own_source(supplier: Supplier) -> SourceRef:
    """Return the source and the layout that the neighbours keep with the supplier.

    Raises:
        RefusedError: there is none (`supplier.no_source`), or what is said of it is wrong
            (`job.invalid`).
    """
    if not source_of_entry(supplier):
        raise RefusedError(
            "supplier.no_source",
            f"supplier {supplier.name!r} has no source_url: set it, or name the file",
        )
    places = ("file_path", "file_url", "sheet_url", "spreadsheet_url")
    said = {name: value for name, value in supplier.metadata.items() if name not in places}
    name = f"the entry of supplier {supplier.name!r}"
    return read_source_config(said, source_type=supplier.source_type, name=name).source
