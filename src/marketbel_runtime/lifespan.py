"""What is opened and closed around the container: on the real systems, or on nothing at all."""

import random
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass

from dependency_injector import providers

from marketbel_adapters.job_holding import LeasedJobHolds
from marketbel_adapters.memory import (
    CountingIdSource,
    ManualClock,
    MemoryBreaker,
    MemoryCandidateIndex,
    MemoryCatalog,
    MemoryFileSource,
    MemoryFileStore,
    MemoryInbox,
    MemoryJobArchive,
    MemoryJobStore,
    MemoryLeases,
    MemoryMasterSheet,
    MemoryStepQueue,
    MemorySyncBoard,
    MemoryWaitingTriggers,
    RecordingTelemetry,
    ScriptedAnalyzer,
    ScriptedFileInspector,
)
from marketbel_adapters.routing import GuardedAnalyzer, LocalAnalyzer, RoutingAnalyzer
from marketbel_adapters.sources.rows import LocalRowReader
from marketbel_adapters.sync_turns import LeasedSyncTurns
from marketbel_runtime.container import Container
from marketbel_runtime.failpoints import arm
from marketbel_runtime.settings import Settings
from marketbel_runtime.steps import run_step

__all__ = ["InMemory", "desk", "memory", "production"]


@asynccontextmanager
async def production(
    settings: Settings, *, heavy_lane: bool = False, patient: bool = False
) -> AsyncGenerator[Container]:
    """Yield a container on the real systems; whatever was opened is closed again.

    Args:
        settings: The deployment's choices.
        heavy_lane: Whether heavy steps are asked for in a lane of their own: for the worker that
            serves both. Asked for by anybody else, they wait where every worker looks.
        patient: Whether commands wait for a Redis that goes away later on.

    Raises:
        SettingsError: an address is missing.
        PortError: the database is unsuitable or not migrated; it or Redis cannot be reached.
    """
    # Imported here: the in-memory graph needs none of these packages.
    from marketbel_adapters import arq, disk, index, ml_analyze, postgres, system  # noqa: PLC0415
    from marketbel_adapters import redis as redis_adapters  # noqa: PLC0415
    from marketbel_adapters.sources import checking  # noqa: PLC0415
    from marketbel_adapters.sources.master_sheet import FetchedMasterSheet  # noqa: PLC0415
    from marketbel_runtime.fetching import open_sources  # noqa: PLC0415

    uploads = settings.require_uploads_dir()
    async with AsyncExitStack() as stack:
        engine = postgres.create_engine(
            settings.require_database_url(), idle_in_transaction_max=2 * settings.job_lease
        )
        stack.push_async_callback(engine.dispose)
        await postgres.check_database(engine)
        await postgres.check_migrated(engine)
        url = settings.require_redis_url()
        async with aclosing(redis_adapters.create_redis(url)) as first:
            with redis_adapters.translated():
                await first.ping()
        redis = redis_adapters.create_redis(url, patient=patient)
        stack.push_async_callback(redis.aclose)
        pool = arq.pool_on(redis.connection_pool, queue_name=settings.queue_name)
        sources = await stack.enter_async_context(open_sources(settings, local_roots=[uploads]))
        ml = await stack.enter_async_context(ml_analyze.create_ml_client(settings.ml_analyze_url))
        files = disk.DiskFileStore(uploads)
        clock = system.SystemClock()
        inbox = redis_adapters.RedisInbox(redis)
        jobs = redis_adapters.RedisJobStore(redis, dlq_name=settings.dlq_name)
        board = redis_adapters.RedisSyncBoard(redis)
        breaker = redis_adapters.RedisBreaker(redis, name=redis_adapters.ML_ANALYZE_BREAKER)
        telemetry = system.StructlogTelemetry()
        archive = postgres.PostgresJobArchive(engine)
        catalog = postgres.PostgresCatalog(engine)
        queue = arq.ArqStepQueue(
            pool,
            queue_name=settings.queue_name,
            heavy_queue_name=arq.heavy_queue_of(settings.queue_name) if heavy_lane else None,
        )
        # The breaker is asked before each try: what is tried again while it is open never leaves.
        guarded = GuardedAnalyzer(
            ml_analyze.HttpAnalyzer(ml, folder=str(uploads)), breaker=breaker, telemetry=telemetry
        )
        queues = [settings.queue_name, arq.heavy_queue_of(settings.queue_name)]
        analyzer = RoutingAnalyzer(ml=ml_analyze.RetryingAnalyzer(guarded), local=LocalAnalyzer())
        arm(
            {
                "analyzer": analyzer,
                "archive": archive,
                "board": board,
                "catalog": catalog,
                "files": files,
                "inbox": inbox,
                "jobs": jobs,
                "queue": queue,
            }
        )
        container = Container(
            settings=providers.Object(settings),
            analyzer=providers.Object(analyzer),
            archive=providers.Object(archive),
            board=providers.Object(board),
            breaker=providers.Object(breaker),
            candidates=providers.Singleton(index.TantivyCandidateIndex),
            catalog=providers.Object(catalog),
            chance=providers.Object(random.random),
            clock=providers.Object(clock),
            files=providers.Object(files),
            holds=providers.Singleton(LeasedJobHolds, jobs, lease=settings.job_lease),
            ids=providers.Singleton(system.TimeOrderedIdSource),
            inbox=providers.Object(inbox),
            inspector=providers.Singleton(
                checking.ConfinedFileInspector,
                files,
                path_of=files.path_of,
                macros_refused=settings.macros_refused,
            ),
            jobs=providers.Object(jobs),
            journal=providers.Singleton(redis_adapters.RedisJobJournal, redis),
            leases=providers.Singleton(redis_adapters.RedisLeases, redis),
            master_sheet=providers.Singleton(
                FetchedMasterSheet, sources, size_bytes_max=settings.file_size_bytes_max
            ),
            queue=providers.Object(queue),
            reader=providers.Singleton(
                LocalRowReader,
                files,
                path_of=files.path_of,
                cpu_seconds_max=settings.reading_cpu_seconds_max,
            ),
            sources=providers.Object(sources),
            telemetry=providers.Object(telemetry),
            triggers=providers.Singleton(
                redis_adapters.RedisWaitingTriggers, redis, queues=queues
            ),
            turns=providers.Singleton(LeasedSyncTurns, board, lease=settings.sync_lease),
        )
        container.check_dependencies()
        yield container


@asynccontextmanager
async def desk(settings: Settings, *, database: bool = True) -> AsyncGenerator[Container]:
    """Yield what a person needs who looks at jobs and moves them by hand: no files, no readers.

    The database is not looked at first. When it is away, a job's history and a line in the row
    log are missed, and the rest goes on.

    Args:
        settings: The deployment's choices.
        database: Whether `archive` and `catalog` are there, and with them the moves.

    Raises:
        SettingsError: an address is missing.
        PortError: Redis cannot be reached.
    """
    from marketbel_adapters import arq, system  # noqa: PLC0415
    from marketbel_adapters import redis as redis_adapters  # noqa: PLC0415

    async with AsyncExitStack() as stack:
        redis = redis_adapters.create_redis(settings.require_redis_url())
        stack.push_async_callback(redis.aclose)
        with redis_adapters.translated():
            await redis.ping()
        pool = arq.pool_on(redis.connection_pool, queue_name=settings.queue_name)
        jobs = redis_adapters.RedisJobStore(redis, dlq_name=settings.dlq_name)
        kept: dict[str, providers.Provider[object]] = {}
        if database:
            from marketbel_adapters import postgres  # noqa: PLC0415 - slow to import

            engine = postgres.create_engine(settings.require_database_url())
            stack.push_async_callback(engine.dispose)
            kept["archive"] = providers.Singleton(postgres.PostgresJobArchive, engine)
            kept["catalog"] = providers.Singleton(postgres.PostgresCatalog, engine)
        yield Container(
            settings=providers.Object(settings),
            board=providers.Singleton(redis_adapters.RedisSyncBoard, redis),
            chance=providers.Object(random.random),
            clock=providers.Singleton(system.SystemClock),
            holds=providers.Singleton(LeasedJobHolds, jobs),
            jobs=providers.Object(jobs),
            queue=providers.Singleton(arq.ArqStepQueue, pool, queue_name=settings.queue_name),
            telemetry=providers.Singleton(system.StructlogTelemetry),
            **kept,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class InMemory:
    """Marketbel without a socket: the container, and the adapters that one may look into."""

    container: Container
    analyzer: ScriptedAnalyzer
    archive: MemoryJobArchive
    board: MemorySyncBoard
    catalog: MemoryCatalog
    clock: ManualClock
    files: MemoryFileStore
    inbox: MemoryInbox
    inspector: ScriptedFileInspector
    jobs: MemoryJobStore
    master_sheet: MemoryMasterSheet
    queue: MemoryStepQueue
    sources: MemoryFileSource
    telemetry: RecordingTelemetry
    triggers: MemoryWaitingTriggers

    async def run(self) -> int:
        """Run the steps that were asked for until none is left; return how many ran."""
        ran = 0
        while (step := await self.queue.take()) is not None:
            await run_step(self.container, step)
            await self.queue.done(step)
            ran += 1
        return ran


def memory(settings: Settings | None = None) -> InMemory:
    """Return the same graph on in-memory adapters: nothing to open, nothing to close.

    Files are not judged unless the scripted inspector is told to; those for ml-analyze go to a
    scripted analyzer, and all others are read for real.
    """
    clock = ManualClock()
    files = MemoryFileStore(clock)
    inspector = ScriptedFileInspector(files)
    analyzer = ScriptedAnalyzer()
    catalog = MemoryCatalog()
    archive = MemoryJobArchive()
    inbox = MemoryInbox()
    jobs = MemoryJobStore(clock)
    queue = MemoryStepQueue(clock)
    sources = MemoryFileSource()
    telemetry = RecordingTelemetry()
    board = MemorySyncBoard(clock)
    breaker = MemoryBreaker(clock)
    master_sheet = MemoryMasterSheet()
    guarded = GuardedAnalyzer(analyzer, breaker=breaker, telemetry=telemetry)
    triggers = MemoryWaitingTriggers()
    container = Container(
        settings=providers.Object(settings or Settings(_env_file=None)),
        archive=providers.Object(archive),
        analyzer=providers.Object(RoutingAnalyzer(ml=guarded, local=LocalAnalyzer())),
        board=providers.Object(board),
        breaker=providers.Object(breaker),
        candidates=providers.Singleton(MemoryCandidateIndex),
        catalog=providers.Object(catalog),
        chance=providers.Object(lambda: 0.5),
        clock=providers.Object(clock),
        files=providers.Object(files),
        holds=providers.Singleton(LeasedJobHolds, jobs),
        ids=providers.Singleton(CountingIdSource),
        inbox=providers.Object(inbox),
        inspector=providers.Object(inspector),
        jobs=providers.Object(jobs),
        journal=providers.Object(jobs.journal),
        leases=providers.Singleton(MemoryLeases, clock),
        master_sheet=providers.Object(master_sheet),
        queue=providers.Object(queue),
        reader=providers.Singleton(LocalRowReader, files),
        sources=providers.Object(sources),
        telemetry=providers.Object(telemetry),
        triggers=providers.Object(triggers),
        turns=providers.Singleton(LeasedSyncTurns, board),
    )
    container.check_dependencies()
    return InMemory(
        container=container,
        analyzer=analyzer,
        archive=archive,
        board=board,
        catalog=catalog,
        clock=clock,
        files=files,
        inbox=inbox,
        inspector=inspector,
        jobs=jobs,
        master_sheet=master_sheet,
        queue=queue,
        sources=sources,
        telemetry=telemetry,
        triggers=triggers,
    )
