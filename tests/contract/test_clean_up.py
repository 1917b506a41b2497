"""Any sequence of stores, crashes, uploads and clean-ups: what must stay stays, the rest goes."""

import asyncio
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Final
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    multiple,
    rule,
    run_state_machine_as_test,
)

from marketbel_adapters.disk import DiskFileStore
from marketbel_adapters.memory import (
    ManualClock,
    MemoryFileStore,
    MemoryJobStore,
    MemoryWaitingTriggers,
    RecordingTelemetry,
)
from marketbel_adapters.testing.builders import a_job, fresh_id
from marketbel_adapters.testing.files import a_sidecar, chunks_of
from marketbel_core.catalog import SourceRef, SourceType
from marketbel_core.ids import FileKey, JobId, SupplierId
from marketbel_core.intake import FileKind, FoundFile, file_key
from marketbel_core.jobs import AttemptFailed, Failure, Job, JobEvent, Replayed, advance
from marketbel_core.ports import FileStore
from marketbel_core.use_cases import CleanUpFiles

TTL: Final = timedelta(hours=24)
_FILENAMES: Final = ["list.csv", "прайс.xlsx", "list.part"]
_FAILURE: Final = Failure(code="http.denied", message="no")
_HOURS: Final = st.sampled_from([0, 1, 23, 24, 50]).map(lambda hours: timedelta(hours=hours))
_COPIED: Final = timedelta(days=365)
"""A file that was copied keeps the time of what it was copied from."""


class Yard(ABC):
    """A file store, and how things come to lie in it without its help."""

    store: FileStore

    @abstractmethod
    def leave(self, name: str, kind: FileKind, *, at: datetime) -> None:
        """Have something lie there that a crash or a stranger left at that instant."""

    @abstractmethod
    def lose(self, key: FileKey, *, at: datetime) -> None:
        """Take the file away from its sidecar, which was attached at that instant."""

    @abstractmethod
    def settle(self, name: str, *, at: datetime) -> None:
        """See that what was just written, with its sidecar, was written at that instant."""


class MemoryYard(Yard):
    def __init__(self, clock: ManualClock) -> None:
        self.store: MemoryFileStore = MemoryFileStore(clock)

    def leave(self, name: str, kind: FileKind, *, at: datetime) -> None:
        self.store.plant(FoundFile(name=name, kind=kind, size_bytes=4, modified_at=at))

    def lose(self, key: FileKey, *, at: datetime) -> None:
        asyncio.run(self.store.delete(key))
        self.leave(f"{key}.meta.json", FileKind.SIDECAR, at=at)

    def settle(self, name: str, *, at: datetime) -> None:
        """Nothing is left to do: the store has the clock."""


class DiskYard(Yard):
    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self.store = DiskFileStore(folder)

    def leave(self, name: str, kind: FileKind, *, at: datetime) -> None:
        path = self._folder / name
        match kind:
            case FileKind.DIRECTORY:
                path.mkdir()
            case FileKind.SYMLINK:
                path.symlink_to("/etc/hostname")
            case _:
                path.write_bytes(b"left")
        self._set_time(name, at)

    def lose(self, key: FileKey, *, at: datetime) -> None:
        self.settle(key, at=at)
        (self._folder / key).unlink()

    def settle(self, name: str, *, at: datetime) -> None:
        # Without a sidecar, what is called a part is as old as its time says.
        self._set_time(name, at if name.endswith(".part") else at - _COPIED)
        with suppress(FileNotFoundError):
            self._set_time(f"{name}.meta.json", at)

    def _set_time(self, name: str, at: datetime) -> None:
        seconds = at.timestamp()
        os.utime(self._folder / name, (seconds, seconds), follow_symlinks=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the model knows of something of ours: whose it is, and since when it is kept."""

    owner: UUID
    since: datetime
    is_upload: bool = False
    is_committed: bool = False


class CleanUpMachine(RuleBasedStateMachine):
    """Any work at any time; the model is a dict of what must be there."""

    jobs = Bundle("jobs")
    files = Bundle("files")
    uploads = Bundle("uploads")

    def __init__(self, make_yard: Callable[[ManualClock], Yard]) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.yard = make_yard(self.clock)
        self.job_store = MemoryJobStore()
        self.triggers = MemoryWaitingTriggers()
        self.clean_up = CleanUpFiles(
            files=self.yard.store,
            jobs=self.job_store,
            triggers=self.triggers,
            clock=self.clock,
            telemetry=RecordingTelemetry(),
            ttl=TTL,
        )
        self.runner = asyncio.Runner()
        self.numbers = count()
        self.known: dict[JobId, Job] = {}
        self.ours: dict[str, Entry] = {}
        self.strangers: set[str] = set()
        self.awaited: set[str] = set()

    def teardown(self) -> None:
        self.runner.close()

    @rule(by=_HOURS)
    def time_passes(self, by: timedelta) -> None:
        self.clock.tick(by)

    @initialize(target=jobs)
    def the_first_job_begins(self) -> JobId:
        return self._begin(a_job())

    @rule(target=jobs)
    def a_job_begins(self) -> JobId:
        return self._begin(a_job())

    @rule()
    def all_jobs_end(self) -> None:
        for job_id, job in self.known.items():
            if job.is_active:
                self._move(job_id)

    @rule(job_id=jobs)
    def a_job_ends_or_is_taken_up_again(self, job_id: JobId) -> None:
        self._move(job_id)

    @rule(target=files, job_id=jobs, filename=st.sampled_from(_FILENAMES), commit=st.booleans())
    def a_file_is_stored(self, job_id: JobId, filename: str, commit: bool) -> FileKey:
        """Without a commit: the worker is killed in between."""
        filename = f"{next(self.numbers)}-{filename}"
        key = self._store(job_id, self.clock.now(), filename, content=b"bytes")
        self.ours[key] = Entry(owner=job_id, since=self.clock.now())
        if commit:
            self._attach(key, job_id)
        return key

    @rule(key=files)
    def a_sidecar_is_attached(self, key: FileKey) -> None:
        entry = self.ours.get(key)
        if entry is not None:
            self._attach(key, JobId(entry.owner))

    @rule(job_id=jobs, ending=st.sampled_from([".0123456789abcdef.part", ".part"]))
    def a_worker_is_killed_while_it_writes(self, job_id: JobId, ending: str) -> None:
        filename = f"{next(self.numbers)}-x.csv"
        name = f".{file_key(job_id, at=self.clock.now(), filename=filename)}{ending}"
        self.yard.leave(name, FileKind.PART, at=self.clock.now())
        self.ours[name] = Entry(owner=job_id, since=self.clock.now())

    @rule(key=files)
    def a_file_is_taken_away(self, key: FileKey) -> None:
        if key in self.ours and self.ours[key].is_committed:
            entry = self.ours.pop(key)
            self.yard.lose(key, at=entry.since)
            self.ours[f"{key}.meta.json"] = entry

    @rule(target=uploads, ahead=st.integers(-30, 3), trigger=st.booleans())
    def a_list_is_uploaded(self, ahead: int, trigger: bool) -> FileKey:
        """By an interface whose clock may be wrong, and which may crash before its trigger."""
        supplier = SupplierId(fresh_id())
        since = self.clock.now() + timedelta(hours=ahead)
        key = self._store(JobId(supplier), since, "list.csv", content=b"up")
        self.ours[key] = Entry(owner=supplier, since=since, is_upload=True)
        if trigger:
            self.triggers.wait_for(f"/shared/uploads/{key}")
            self.awaited.add(key)
        return key

    @rule(target=jobs, key=uploads)
    def an_upload_becomes_a_job(self, key: FileKey) -> object:
        if key not in self.ours:
            return multiple()
        source = SourceRef(type=SourceType.CSV, location=f"/shared/uploads/{key}")
        job_id = self._begin(a_job(source=source))
        self.triggers.taken(f"/shared/uploads/{key}")
        self.awaited.discard(key)
        return job_id

    @rule(
        name=st.sampled_from(["notes.txt", "list.xlsx", ".gitkeep", "x.part"]),
        kind=st.sampled_from([FileKind.STRANGER, FileKind.SYMLINK, FileKind.DIRECTORY]),
    )
    def a_stranger_leaves_something(self, name: str, kind: FileKind) -> None:
        if name not in self.strangers:
            self.yard.leave(name, kind, at=self.clock.now())
            self.strangers.add(name)

    @rule(hours=st.sampled_from([1, 24, 48]), dry_run=st.booleans())
    def a_clean_up_runs(self, hours: int, dry_run: bool) -> None:
        ttl = timedelta(hours=hours)
        due = {name for name in self.ours if self._may_go(name, ttl=ttl)}

        result = self.runner.run(self.clean_up(ttl=ttl, dry_run=dry_run))

        assert set(result.names) == due
        assert result.files_found == len(due)
        assert result.files_deleted == (0 if dry_run else len(due))
        assert result.errors == ()
        assert sum(result.kept.values()) == len(self.ours) - len(due) + len(self.strangers)
        if not dry_run:
            for name in due:
                del self.ours[name]
        left = {found.name for found in self.runner.run(self.yard.store.survey())}
        assert left == self.ours.keys() | self.strangers

    def _may_go(self, name: str, *, ttl: timedelta) -> bool:
        entry = self.ours[name]
        job = self.known.get(JobId(entry.owner))
        needed = any(
            each.is_active and each.source.location.endswith(name) for each in self.known.values()
        )
        return not (
            entry.since > self.clock.now()
            or self.clock.now() - entry.since < ttl
            or (job is not None and job.is_active)
            or (entry.is_upload and needed)
            or name in self.awaited
        )

    def _begin(self, job: Job) -> JobId:
        self.runner.run(self.job_store.add(job))
        self.known[job.id] = job
        return job.id

    def _move(self, job_id: JobId) -> None:
        before = self.known[job_id]
        event: JobEvent = AttemptFailed(failure=_FAILURE) if before.is_active else Replayed()
        after = advance(before, event, now=self.clock.now())
        self.runner.run(self.job_store.save(after, read=before, event=type(event)))
        self.known[job_id] = after

    def _store(self, owner: JobId, at: datetime, filename: str, *, content: bytes) -> FileKey:
        key = file_key(owner, at=at, filename=filename)
        self.runner.run(self.yard.store.store(key, chunks_of(content), size_bytes_max=9))
        self.yard.settle(key, at=self.clock.now())
        return key

    def _attach(self, key: FileKey, job_id: JobId) -> None:
        now = self.clock.now()
        name = key.split("_", maxsplit=2)[2]
        sidecar = replace(a_sidecar(), job_id=job_id, original_filename=name, downloaded_at=now)
        self.runner.run(self.yard.store.attach(key, sidecar))
        self.yard.settle(key, at=now)
        self.ours[key] = replace(self.ours[key], since=now, is_committed=True)


@pytest.mark.parametrize(("where", "examples"), [("memory", 150), ("disk", 60)])
def test_what_must_stay_stays_and_the_rest_goes(where: str, examples: int, tmp_path: Path) -> None:
    class Machine(CleanUpMachine):
        def __init__(self) -> None:
            folder = tmp_path / str(fresh_id())
            super().__init__(MemoryYard if where == "memory" else lambda _: DiskYard(folder))

    run_state_machine_as_test(Machine, settings=settings(max_examples=examples))
