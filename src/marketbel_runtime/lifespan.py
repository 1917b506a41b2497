"""What is opened and closed around the container: on the real systems, or on nothing at all."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from dependency_injector import providers

from marketbel_adapters.memory import (
    CountingIdSource,
    ManualClock,
    MemoryCandidateIndex,
    MemoryCatalog,
    MemoryFileSource,
    MemoryFileStore,
    MemoryJobStore,
    MemoryLeases,
    MemoryStepQueue,
    RecordingTelemetry,
    ScriptedAnalyzer,
    ScriptedFileInspector,
)
from marketbel_adapters.routing import LocalAnalyzer, RoutingAnalyzer
from marketbel_adapters.sources.rows import LocalRowReader
from marketbel_runtime.container import Container
from marketbel_runtime.settings import Settings
from marketbel_runtime.steps import run_step

__all__ = ["InMemory", "memory", "production"]


@asynccontextmanager
async def production(settings: Settings) -> AsyncGenerator[Container]:
    """Yield a container on the real systems; whatever was opened is closed again.

    Raises:
        SettingsError: an address is missing.
        PortError: the database is unsuitable or not migrated; it or Redis cannot be reached.
    """
    # Imported here: the in-memory graph needs none of these packages.
    from marketbel_adapters import arq, disk, ml_analyze, postgres, system  # noqa: PLC0415
    from marketbel_adapters import redis as redis_adapters  # noqa: PLC0415
    from marketbel_adapters.sources import checking, http, local, routing  # noqa: PLC0415

    uploads = settings.require_uploads_dir()
    async with AsyncExitStack() as stack:
        engine = postgres.create_engine(settings.require_database_url())
        stack.push_async_callback(engine.dispose)
        await postgres.check_database(engine)
        await postgres.check_migrated(engine)
        redis = redis_adapters.create_redis(settings.require_redis_url())
        stack.push_async_callback(redis.aclose)
        with redis_adapters.translated():
            await redis.ping()
        pool = arq.pool_on(redis.connection_pool, queue_name=settings.queue_name)
        fetch = await stack.enter_async_context(http.create_fetch_client())
        ml = await stack.enter_async_context(ml_analyze.create_ml_client(settings.ml_analyze_url))
        files = disk.DiskFileStore(uploads)
        clock = system.SystemClock()
        container = Container(
            settings=providers.Object(settings),
            analyzer=providers.Singleton(
                RoutingAnalyzer,
                ml=ml_analyze.HttpAnalyzer(ml, folder=str(uploads)),
                local=LocalAnalyzer(),
            ),
            candidates=providers.Singleton(MemoryCandidateIndex),
            catalog=providers.Singleton(postgres.PostgresCatalog, engine),
            clock=providers.Object(clock),
            files=providers.Object(files),
            ids=providers.Singleton(system.TimeOrderedIdSource),
            inspector=providers.Singleton(
                checking.ConfinedFileInspector,
                files,
                path_of=files.path_of,
                macros_refused=settings.macros_refused,
            ),
            jobs=providers.Singleton(redis_adapters.RedisJobStore, redis),
            leases=providers.Singleton(redis_adapters.RedisLeases, redis),
            queue=providers.Singleton(arq.ArqStepQueue, pool, queue_name=settings.queue_name),
            reader=providers.Singleton(
                LocalRowReader, files, cpu_seconds_max=settings.reading_cpu_seconds_max
            ),
            sources=providers.Singleton(
                routing.RoutingFileSource,
                http=http.HttpFileSource(fetch, deadline=settings.download_max),
                local=local.LocalFileSource([uploads]),
            ),
            telemetry=providers.Singleton(system.StructlogTelemetry),
        )
        container.check_dependencies()
        yield container


@dataclass(frozen=True, slots=True, kw_only=True)
class InMemory:
    """Marketbel without a socket: the container, and the adapters that one may look into."""

    container: Container
    analyzer: ScriptedAnalyzer
    catalog: MemoryCatalog
    clock: ManualClock
    files: MemoryFileStore
    inspector: ScriptedFileInspector
    jobs: MemoryJobStore
    queue: MemoryStepQueue
    sources: MemoryFileSource
    telemetry: RecordingTelemetry

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
    files = MemoryFileStore()
    inspector = ScriptedFileInspector(files)
    analyzer = ScriptedAnalyzer()
    catalog = MemoryCatalog()
    jobs = MemoryJobStore()
    queue = MemoryStepQueue()
    sources = MemoryFileSource()
    telemetry = RecordingTelemetry()
    container = Container(
        settings=providers.Object(settings or Settings(_env_file=None)),
        analyzer=providers.Object(RoutingAnalyzer(ml=analyzer, local=LocalAnalyzer())),
        candidates=providers.Singleton(MemoryCandidateIndex),
        catalog=providers.Object(catalog),
        clock=providers.Object(clock),
        files=providers.Object(files),
        ids=providers.Singleton(CountingIdSource),
        inspector=providers.Object(inspector),
        jobs=providers.Object(jobs),
        leases=providers.Singleton(MemoryLeases, clock),
        queue=providers.Object(queue),
        reader=providers.Singleton(LocalRowReader, files),
        sources=providers.Object(sources),
        telemetry=providers.Object(telemetry),
    )
    container.check_dependencies()
    return InMemory(
        container=container,
        analyzer=analyzer,
        catalog=catalog,
        clock=clock,
        files=files,
        inspector=inspector,
        jobs=jobs,
        queue=queue,
        sources=sources,
        telemetry=telemetry,
    )
