"""Which use case gets which port. Filled by `production` or by `memory`; no I/O happens here."""

from collections.abc import Callable

from dependency_injector import containers, providers

from marketbel_core.ports import (
    Analyzer,
    Breaker,
    CandidateIndex,
    Catalog,
    Clock,
    FileInspector,
    FileSource,
    FileStore,
    IdSource,
    Inbox,
    JobArchive,
    JobHolds,
    JobJournal,
    JobStore,
    Leases,
    MasterSheet,
    RowReader,
    StepQueue,
    SyncBoard,
    SyncTurns,
    Telemetry,
    WaitingTriggers,
)
from marketbel_core.use_cases import (
    ApplyImport,
    ApproveImport,
    CancelJob,
    CleanUpFiles,
    CollectItems,
    Courier,
    EnrichItems,
    EnrichSupplier,
    ExpireReviews,
    FollowImports,
    ImportItems,
    JobMover,
    LinkKeeper,
    ListImporter,
    MatchItems,
    PlanImport,
    RecalculateAggregates,
    ReconcileLinks,
    RecoverJobs,
    RelayJournal,
    RelayOutbox,
    ReplayJob,
    RescueJobs,
    RetryJob,
    ReviewMatches,
    StartIngestion,
    SyncSuppliers,
    TakeLists,
    TakeRetries,
    UndoImport,
    UndoReview,
)
from marketbel_runtime.bulkhead import Bulkhead
from marketbel_runtime.settings import Settings

__all__ = ["Container"]


class Container(containers.DeclarativeContainer):
    """The graph of the product. Ports come from outside, use cases are made for each call."""

    settings: providers.Dependency[Settings] = providers.Dependency(instance_of=Settings)

    # Ports, filled from outside.
    analyzer: providers.Dependency[Analyzer] = providers.Dependency()
    archive: providers.Dependency[JobArchive] = providers.Dependency()
    board: providers.Dependency[SyncBoard] = providers.Dependency()
    breaker: providers.Dependency[Breaker] = providers.Dependency()
    candidates: providers.Dependency[CandidateIndex] = providers.Dependency()
    catalog: providers.Dependency[Catalog] = providers.Dependency()
    chance: providers.Dependency[Callable[[], float]] = providers.Dependency()
    clock: providers.Dependency[Clock] = providers.Dependency()
    files: providers.Dependency[FileStore] = providers.Dependency()
    holds: providers.Dependency[JobHolds] = providers.Dependency()
    ids: providers.Dependency[IdSource] = providers.Dependency()
    inbox: providers.Dependency[Inbox] = providers.Dependency()
    inspector: providers.Dependency[FileInspector] = providers.Dependency()
    jobs: providers.Dependency[JobStore] = providers.Dependency()
    journal: providers.Dependency[JobJournal] = providers.Dependency()
    leases: providers.Dependency[Leases] = providers.Dependency()
    master_sheet: providers.Dependency[MasterSheet] = providers.Dependency()
    queue: providers.Dependency[StepQueue] = providers.Dependency()
    reader: providers.Dependency[RowReader] = providers.Dependency()
    sources: providers.Dependency[FileSource] = providers.Dependency()
    telemetry: providers.Dependency[Telemetry] = providers.Dependency()
    triggers: providers.Dependency[WaitingTriggers] = providers.Dependency()
    turns: providers.Dependency[SyncTurns] = providers.Dependency()

    # What the steps share.
    bulkhead = providers.Singleton(Bulkhead)
    mover = providers.Factory(
        JobMover,
        jobs=jobs,
        holds=holds,
        catalog=catalog,
        queue=queue,
        clock=clock,
        telemetry=telemetry,
        chance=chance,
    )

    importer = providers.Factory(
        ListImporter,
        reader=reader,
        catalog=catalog,
        clock=clock,
        ids=ids,
        rules=settings.provided.import_rules,
    )
    links = providers.Factory(
        LinkKeeper,
        catalog=catalog,
        clock=clock,
        ids=ids,
        rates=settings.provided.exchange_rates,
    )

    # Use cases, as the file travels.
    start_ingestion = providers.Factory(
        StartIngestion,
        jobs=jobs,
        archive=archive,
        catalog=catalog,
        queue=queue,
        clock=clock,
        ids=ids,
        ml_enabled=settings.provided.use_ml_processing,
    )
    courier = providers.Factory(
        Courier,
        mover=mover,
        archive=archive,
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
        files=files,
        analyzer=analyzer,
        queue=queue,
        clock=clock,
        telemetry=telemetry,
        chance=chance,
        analyzing_max=settings.provided.analyzing_max,
    )
    import_items = providers.Factory(
        ImportItems,
        mover=mover,
        files=files,
        importer=importer,
        queue=queue,
    )
    match_items = providers.Factory(
        MatchItems,
        mover=mover,
        links=links,
        catalog=catalog,
        candidates=candidates,
        queue=queue,
        clock=clock,
        rates=settings.provided.exchange_rates,
        thresholds=settings.provided.thresholds,
        batch_size=settings.provided.match_batch_size,
        candidates_max=settings.provided.match_max_candidates,
        review_for=settings.provided.review_for,
        needs_category=settings.provided.match_needs_category,
    )
    recalculate_aggregates = providers.Factory(
        RecalculateAggregates,
        mover=mover,
        catalog=catalog,
        clock=clock,
        rates=settings.provided.exchange_rates,
    )
    rescue_jobs = providers.Factory(
        RescueJobs,
        mover=mover,
        jobs=jobs,
        queue=queue,
        clock=clock,
        telemetry=telemetry,
    )
    relay_journal = providers.Factory(
        RelayJournal, journal=journal, archive=archive, leases=leases, clock=clock
    )
    recover_jobs = providers.Factory(
        RecoverJobs, jobs=jobs, archive=archive, queue=queue, clock=clock, telemetry=telemetry
    )

    enrich_items = providers.Factory(EnrichItems, catalog=catalog, clock=clock)
    enrich_supplier = providers.Factory(EnrichSupplier, catalog=catalog, queue=queue, clock=clock)

    # What people do with imports.
    plan_import = providers.Factory(PlanImport, importer=importer)
    apply_import = providers.Factory(ApplyImport, importer=importer)
    approve_import = providers.Factory(ApproveImport, catalog=catalog, clock=clock)
    follow_imports = providers.Factory(FollowImports, catalog=catalog, queue=queue, clock=clock)
    undo_import = providers.Factory(UndoImport, catalog=catalog, links=links, clock=clock)

    # What people decide about matches.
    review_matches = providers.Factory(
        ReviewMatches,
        catalog=catalog,
        links=links,
        clock=clock,
        ids=ids,
        review_for=settings.provided.review_for,
    )
    undo_review = providers.Factory(UndoReview, catalog=catalog, links=links, clock=clock)
    expire_reviews = providers.Factory(ExpireReviews, catalog=catalog, clock=clock, ids=ids)
    reconcile_links = providers.Factory(ReconcileLinks, links=links)
    # The suppliers.
    sync_suppliers = providers.Factory(
        SyncSuppliers,
        turns=turns,
        board=board,
        sheet=master_sheet,
        catalog=catalog,
        archive=archive,
        jobs=jobs,
        queue=queue,
        clock=clock,
        ids=ids,
        telemetry=telemetry,
        location=settings.provided.master_sheet_url,
        missing_share_max=settings.provided.sync_missing_share_max,
        ml_enabled=settings.provided.use_ml_processing,
    )
    relay_outbox = providers.Factory(
        RelayOutbox,
        board=board,
        catalog=catalog,
        jobs=jobs,
        archive=archive,
        leases=leases,
        queue=queue,
        clock=clock,
        telemetry=telemetry,
        ml_enabled=settings.provided.use_ml_processing,
    )

    # What people ask of a job.
    retry_job = providers.Factory(RetryJob, mover=mover, queue=queue)
    replay_job = providers.Factory(ReplayJob, mover=mover, queue=queue)
    cancel_job = providers.Factory(CancelJob, mover=mover, queue=queue)
    take_lists = providers.Factory(
        TakeLists,
        inbox=inbox,
        catalog=catalog,
        jobs=jobs,
        archive=archive,
        leases=leases,
        queue=queue,
        clock=clock,
        ids=ids,
        telemetry=telemetry,
        ml_enabled=settings.provided.use_ml_processing,
    )
    take_retries = providers.Factory(
        TakeRetries, inbox=inbox, jobs=jobs, leases=leases, queue=queue, telemetry=telemetry
    )
    clean_up_files = providers.Factory(
        CleanUpFiles,
        archive=archive,
        files=files,
        jobs=jobs,
        triggers=triggers,
        clock=clock,
        telemetry=telemetry,
        ttl=settings.provided.file_ttl,
    )
