"""Which use case gets which port. Filled by `production` or by `memory`; no I/O happens here."""

from dependency_injector import containers, providers

from marketbel_core.ports import (
    Analyzer,
    CandidateIndex,
    Catalog,
    Clock,
    FileInspector,
    FileSource,
    FileStore,
    IdSource,
    JobStore,
    Leases,
    RowReader,
    StepQueue,
    Telemetry,
)
from marketbel_core.use_cases import (
    CollectItems,
    Courier,
    ImportItems,
    JobMover,
    MatchItems,
    RecalculateAggregates,
    RescueJobs,
    StartIngestion,
)
from marketbel_runtime.settings import Settings

__all__ = ["Container"]


class Container(containers.DeclarativeContainer):
    """The graph of the product. Ports come from outside, use cases are made for each call."""

    settings: providers.Dependency[Settings] = providers.Dependency(instance_of=Settings)

    # Ports, filled from outside.
    analyzer: providers.Dependency[Analyzer] = providers.Dependency()
    candidates: providers.Dependency[CandidateIndex] = providers.Dependency()
    catalog: providers.Dependency[Catalog] = providers.Dependency()
    clock: providers.Dependency[Clock] = providers.Dependency()
    files: providers.Dependency[FileStore] = providers.Dependency()
    ids: providers.Dependency[IdSource] = providers.Dependency()
    inspector: providers.Dependency[FileInspector] = providers.Dependency()
    jobs: providers.Dependency[JobStore] = providers.Dependency()
    leases: providers.Dependency[Leases] = providers.Dependency()
    queue: providers.Dependency[StepQueue] = providers.Dependency()
    reader: providers.Dependency[RowReader] = providers.Dependency()
    sources: providers.Dependency[FileSource] = providers.Dependency()
    telemetry: providers.Dependency[Telemetry] = providers.Dependency()

    # What the steps share.
    mover = providers.Factory(
        JobMover, jobs=jobs, catalog=catalog, clock=clock, telemetry=telemetry
    )

    # Use cases, as the file travels.
    start_ingestion = providers.Factory(
        StartIngestion,
        jobs=jobs,
        catalog=catalog,
        queue=queue,
        clock=clock,
        ids=ids,
        ml_enabled=settings.provided.use_ml_processing,
    )
    courier = providers.Factory(
        Courier,
        mover=mover,
        sources=sources,
        files=files,
        inspector=inspector,
        analyzer=analyzer,
        queue=queue,
        clock=clock,
        file_size_bytes_max=settings.provided.file_size_bytes_max,
    )
    collect_items = providers.Factory(
        CollectItems,
        mover=mover,
        jobs=jobs,
        leases=leases,
        analyzer=analyzer,
        queue=queue,
        clock=clock,
        telemetry=telemetry,
        analyzing_max=settings.provided.analyzing_max,
    )
    import_items = providers.Factory(
        ImportItems,
        mover=mover,
        files=files,
        reader=reader,
        catalog=catalog,
        queue=queue,
        clock=clock,
    )
    match_items = providers.Factory(
        MatchItems,
        mover=mover,
        catalog=catalog,
        candidates=candidates,
        queue=queue,
        clock=clock,
        thresholds=settings.provided.thresholds,
        batch_size=settings.provided.match_batch_size,
        candidates_max=settings.provided.match_max_candidates,
        review_for=settings.provided.review_for,
    )
    recalculate_aggregates = providers.Factory(
        RecalculateAggregates,
        mover=mover,
        catalog=catalog,
        clock=clock,
        currency=settings.provided.catalogue_currency,
    )
    rescue_jobs = providers.Factory(
        RescueJobs,
        jobs=jobs,
        queue=queue,
        clock=clock,
        telemetry=telemetry,
        download_max=settings.provided.step_max,
    )
