"""The clean-up: what is old goes, and nothing that somebody needs or that is not ours."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from marketbel_adapters.testing.builders import a_job
from marketbel_adapters.testing.files import a_sidecar, chunks_of
from marketbel_core.catalog import SourceRef, SourceType
from marketbel_core.errors import ProtocolError, RefusedError, UnavailableError
from marketbel_core.ids import FileKey, JobId
from marketbel_core.intake import FileKind, FoundFile, KeepReason, file_key
from marketbel_core.jobs import Job, Phase
from marketbel_core.use_cases import CleanUpResult
from marketbel_runtime.lifespan import InMemory, memory

TTL = timedelta(hours=24)
SUPPLIER = UUID("0c5f39a1-6d3d-4c5e-9f5f-0f2f0e7b1a12")
ON_THEIR_WAY = [Phase.DOWNLOADING, Phase.ANALYZING, Phase.MATCHING]
ENDED = [Phase.COMPLETE, Phase.FAILED]


async def carry(world: InMemory, job: Job, *, name: str = "list.csv") -> FileKey:
    """Store a file of the job, with its sidecar."""
    key = file_key(job.id, at=world.clock.now(), filename=name)
    await world.files.store(key, chunks_of(b"bytes"), size_bytes_max=100)
    sidecar = replace(a_sidecar(), job_id=job.id, downloaded_at=world.clock.now())
    await world.files.attach(key, sidecar)
    return key


async def upload(world: InMemory, *, owner: UUID = SUPPLIER) -> FileKey:
    """Store a file as the admin interface does: named after the supplier, without a sidecar."""
    key = file_key(JobId(owner), at=world.clock.now(), filename="list.csv")
    await world.files.store(key, chunks_of(b"bytes"), size_bytes_max=100)
    return key


async def clean_up(world: InMemory, *, dry_run: bool = False) -> CleanUpResult:
    return await world.container.clean_up_files()(dry_run=dry_run)


async def names(world: InMemory) -> list[str]:
    return [found.name for found in await world.files.survey()]


async def test_a_file_goes_when_it_has_been_kept_for_long_enough() -> None:
    world = memory()
    old = await carry(world, a_job(phase=Phase.COMPLETE))
    world.clock.tick(timedelta(seconds=1))
    young = await carry(world, a_job(phase=Phase.COMPLETE))
    world.clock.tick(TTL - timedelta(seconds=1))

    result = await clean_up(world)

    assert await names(world) == [young]
    assert result == CleanUpResult(
        files_found=1,
        bytes_found=5,
        names=(old,),
        files_deleted=1,
        bytes_freed=5,
        kept={KeepReason.YOUNG: 1},
    )
    assert world.telemetry.counts["cleanup.deleted"] == 1
    assert world.telemetry.events[-1] == (
        "files.cleaned_up",
        {
            "dry_run": False,
            "found": 1,
            "deleted": 1,
            "bytes_freed": 5,
            "errors": 0,
            "kept_young": 1,
        },
    )


async def test_a_dry_run_tells_what_would_go_and_takes_nothing() -> None:
    world = memory()
    old = await carry(world, a_job())
    world.clock.tick(TTL)

    result = await clean_up(world, dry_run=True)

    assert await names(world) == [old]
    assert (result.files_found, result.bytes_found, result.names) == (1, 5, (old,))
    assert (result.files_deleted, result.bytes_freed) == (0, 0)
    assert not world.telemetry.counts["cleanup.deleted"]


@pytest.mark.parametrize("phase", ON_THEIR_WAY)
async def test_a_file_of_a_job_on_its_way_stays_however_old(phase: Phase) -> None:
    world = memory()
    job = a_job(phase=phase)
    await world.jobs.add(job)
    key = await carry(world, job)
    unmarked = await upload(world, owner=job.id)
    world.clock.tick(TTL * 30)

    result = await clean_up(world)

    assert {key, unmarked} == set(await names(world))
    assert result.kept == {KeepReason.ACTIVE_JOB: len({key, unmarked})}


@pytest.mark.parametrize("phase", ENDED)
async def test_a_file_of_a_job_that_has_ended_goes(phase: Phase) -> None:
    world = memory()
    job = a_job(phase=phase)
    await world.jobs.add(job)
    await carry(world, job)
    world.clock.tick(TTL)

    assert (await clean_up(world)).files_deleted == 1


async def test_a_file_that_a_job_reads_under_another_jobs_name_stays() -> None:
    world = memory()
    key = await carry(world, a_job())
    await world.jobs.add(a_job(phase=Phase.ANALYZING, file_key=key))
    world.clock.tick(TTL)

    assert (await clean_up(world)).kept == {KeepReason.ACTIVE_JOB: 1}


@pytest.mark.parametrize("folder", ["/shared/uploads/", "", "uploads\\"])
async def test_an_upload_stays_while_a_job_on_its_way_has_it_as_its_source(folder: str) -> None:
    world = memory()
    key = await upload(world)
    source = SourceRef(type=SourceType.CSV, location=f"{folder}{key}")
    await world.jobs.add(a_job(source=source))
    world.clock.tick(TTL)

    assert (await clean_up(world)).kept == {KeepReason.ACTIVE_JOB: 1}


async def test_an_upload_goes_when_its_job_has_ended() -> None:
    world = memory()
    key = await upload(world)
    source = SourceRef(type=SourceType.CSV, location=f"/shared/uploads/{key}")
    await world.jobs.add(a_job(source=source, phase=Phase.COMPLETE))
    world.clock.tick(TTL)

    assert (await clean_up(world)).files_deleted == 1


async def test_an_upload_stays_while_a_trigger_waits_for_it() -> None:
    world = memory()
    key = await upload(world)
    world.clock.tick(TTL)
    world.triggers.wait_for(f"/shared/uploads/{key}")

    assert (await clean_up(world)).kept == {KeepReason.AWAITED: 1}
    world.triggers.taken(f"/shared/uploads/{key}")
    assert (await clean_up(world)).files_deleted == 1


async def test_a_file_stays_while_a_retry_of_its_job_waits() -> None:
    world = memory()
    job = a_job(phase=Phase.FAILED)
    await world.jobs.add(job)
    await carry(world, job)
    world.clock.tick(TTL)
    world.triggers.wait_for(str(job.id))

    assert (await clean_up(world)).kept == {KeepReason.AWAITED: 1}


@pytest.mark.parametrize("kind", [FileKind.SIDECAR, FileKind.PART])
async def test_what_a_crash_left_goes_when_it_is_old(kind: FileKind) -> None:
    world = memory()
    job = a_job(phase=Phase.ANALYZING)
    await world.jobs.add(job)
    for owner, at in ((SUPPLIER, timedelta()), (SUPPLIER, TTL), (job.id, timedelta())):
        name = file_key(JobId(owner), at=world.clock.now() + at, filename="list.csv.part")
        modified_at = world.clock.now() + at
        world.files.plant(FoundFile(name=name, kind=kind, size_bytes=3, modified_at=modified_at))
    world.clock.tick(TTL)

    result = await clean_up(world)

    assert (result.files_deleted, result.bytes_freed) == (1, 3)
    assert result.kept == {KeepReason.YOUNG: 1, KeepReason.ACTIVE_JOB: 1}


async def test_strangers_are_counted_and_left() -> None:
    world = memory()
    for kind in (FileKind.STRANGER, FileKind.SYMLINK, FileKind.DIRECTORY):
        world.files.plant(
            FoundFile(name=kind, kind=kind, size_bytes=3, modified_at=world.clock.now())
        )
    world.clock.tick(TTL * 30)

    result = await clean_up(world)

    assert len(await names(world)) == 3
    assert result.files_found == 0
    assert result.kept == {
        KeepReason.STRANGER: 1,
        KeepReason.SYMLINK: 1,
        KeepReason.DIRECTORY: 1,
    }


async def test_a_file_that_changes_meanwhile_is_counted_and_left() -> None:
    world = memory()
    await carry(world, a_job())
    world.clock.tick(TTL)
    remove = world.files.remove

    async def late(found: FoundFile) -> bool:
        await world.files.attach(FileKey(found.name), a_sidecar())
        return await remove(found)

    world.files.remove = late  # type: ignore[method-assign] # a writer comes in between
    result = await clean_up(world)

    assert (result.files_found, result.files_deleted) == (1, 0)
    assert result.kept == {KeepReason.CHANGED: 1}


async def test_a_file_that_cannot_be_removed_is_told_and_the_others_go() -> None:
    world = memory()
    stuck, _ = await carry(world, a_job()), await carry(world, a_job())
    world.clock.tick(TTL)
    remove = world.files.remove

    async def failing(found: FoundFile) -> bool:
        if found.name == stuck:
            raise UnavailableError("not permitted", code="storage.unavailable")
        return await remove(found)

    world.files.remove = failing  # type: ignore[method-assign] # as a sticky folder would
    result = await clean_up(world)

    assert (result.files_found, result.files_deleted) == (2, 1)
    assert result.errors == (f"{stuck}: not permitted (storage.unavailable)",)


async def test_a_job_that_cannot_be_read_may_be_on_its_way() -> None:
    world = memory()
    key = await carry(world, a_job())
    world.clock.tick(TTL)

    async def corrupt(job_id: JobId) -> Job:
        raise ProtocolError(f"job {job_id} is garbage", code="jobs.corrupt")

    world.jobs.get = corrupt  # type: ignore[method-assign] # a damaged hash
    result = await clean_up(world)

    assert await names(world) == [key]
    assert result.kept == {KeepReason.ACTIVE_JOB: 1}
    assert "jobs.corrupt" in result.errors[0]


@pytest.mark.parametrize("port", ["triggers", "jobs"])
async def test_nothing_goes_while_it_is_not_known_what_is_needed(port: str) -> None:
    world = memory()
    await carry(world, a_job())
    world.clock.tick(TTL)

    async def away(*_: object, **__: object) -> frozenset[str]:
        raise UnavailableError("Redis is away", code="redis.unavailable")

    setattr(getattr(world, port), "mentions" if port == "triggers" else "list_in", away)
    with pytest.raises(UnavailableError):
        await clean_up(world)

    assert len(await names(world)) == 1


async def test_nothing_goes_when_there_are_more_jobs_than_can_be_looked_at() -> None:
    world = memory()
    await carry(world, a_job())
    world.clock.tick(TTL)
    job = a_job()

    async def crowd(phase: Phase, *, limit: int) -> list[Job]:
        return [replace(job, phase=phase)] * limit

    world.jobs.list_in = crowd  # type: ignore[method-assign] # too many to make
    with pytest.raises(UnavailableError) as fault:
        await clean_up(world)

    assert fault.value.code == "cleanup.too_many_jobs"
    assert len(await names(world)) == 1


async def test_a_time_below_an_hour_is_refused() -> None:
    world = memory()
    key = await upload(world)

    with pytest.raises(RefusedError) as refusal:
        await world.container.clean_up_files()(ttl=timedelta(minutes=59))

    assert refusal.value.code == "cleanup.ttl"
    assert await names(world) == [key]


async def test_a_time_of_ones_own_wins_over_the_setting() -> None:
    world = memory()
    await carry(world, a_job())
    world.clock.tick(timedelta(hours=2))

    assert (await world.container.clean_up_files()(ttl=timedelta(hours=3))).files_found == 0
    assert (await world.container.clean_up_files()(ttl=timedelta(hours=2))).files_deleted == 1


async def test_a_name_that_cannot_be_written_is_told_all_the_same() -> None:
    world = memory()
    at = world.clock.now()
    name = file_key(JobId(SUPPLIER), at=at, filename="list.csv") + "\udcff"
    world.files.plant(FoundFile(name=name, kind=FileKind.DATA, size_bytes=1, modified_at=at))
    world.clock.tick(TTL)

    result = await clean_up(world)

    assert result.names == (name.replace("\udcff", "?"),)
    assert result.files_deleted == 1


async def test_hundreds_of_errors_and_names_are_told_a_hundred_times() -> None:
    world = memory()
    for _ in range(150):
        await carry(world, a_job())
    world.clock.tick(TTL)

    async def failing(found: FoundFile) -> bool:
        raise UnavailableError(f"{found.kind} not permitted", code="storage.unavailable")

    world.files.remove = failing  # type: ignore[method-assign] # as a folder of others would
    result = await clean_up(world)

    assert (result.files_found, len(result.names), len(result.errors)) == (150, 100, 100)


async def test_a_file_of_a_job_that_only_the_archive_remembers_is_kept() -> None:
    """After a total loss of Redis, until somebody brings its jobs back."""
    world = memory()
    lost, ended = a_job(phase=Phase.ANALYZING), a_job(phase=Phase.COMPLETE)
    for job in (lost, ended):
        await world.archive.record(job)
    kept = await carry(world, lost)
    await carry(world, ended)
    world.clock.tick(TTL)

    result = await clean_up(world)

    assert await names(world) == [kept]
    assert result.kept == {KeepReason.ACTIVE_JOB: 1}
