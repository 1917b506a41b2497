"""What Marketbel does, one class a step, named as the file travels; none calls another."""

from marketbel_core.use_cases._job_mover import JobMover, step_of
from marketbel_core.use_cases._link_keeper import LinkKeeper, Reconciled
from marketbel_core.use_cases._list_importer import ListImporter
from marketbel_core.use_cases._list_reading import rejection_entries
from marketbel_core.use_cases._list_to_import import ImportPlan, ListToImport
from marketbel_core.use_cases.clean_up_files import CleanUpFiles, CleanUpResult
from marketbel_core.use_cases.collect_items import CollectItems, CollectResult
from marketbel_core.use_cases.courier import Courier
from marketbel_core.use_cases.enrich_items import EnrichItems, EnrichResult, EnrichSupplier
from marketbel_core.use_cases.follow_imports import FollowImports
from marketbel_core.use_cases.import_items import ImportItems, ImportResult
from marketbel_core.use_cases.imports import ApplyImport, ApproveImport, PlanImport, UndoImport
from marketbel_core.use_cases.match_items import MatchItems, MatchResult
from marketbel_core.use_cases.recalculate_aggregates import (
    RecalculateAggregates,
    RecalculateResult,
)
from marketbel_core.use_cases.recover_jobs import RecoverJobs, RecoverResult
from marketbel_core.use_cases.relay_journal import RelayJournal, RelayResult
from marketbel_core.use_cases.relay_outbox import RelayedOutbox, RelayOutbox
from marketbel_core.use_cases.rescue_jobs import RescueJobs, RescueResult
from marketbel_core.use_cases.retry_job import CancelJob, ReplayJob, RetryJob
from marketbel_core.use_cases.review_matches import (
    ExpireReviews,
    ReconcileLinks,
    ReviewMatches,
    ReviewRequest,
    UndoReview,
)
from marketbel_core.use_cases.start_ingestion import StartIngestion, StartRequest
from marketbel_core.use_cases.sync_suppliers import SyncReport, SyncRequest, SyncSuppliers
from marketbel_core.use_cases.take_lists import TakeLists, TakenLists
from marketbel_core.use_cases.take_retries import TakenRetries, TakeRetries

__all__ = [
    "ApplyImport",
    "ApproveImport",
    "CancelJob",
    "CleanUpFiles",
    "CleanUpResult",
    "CollectItems",
    "CollectResult",
    "Courier",
    "EnrichItems",
    "EnrichResult",
    "EnrichSupplier",
    "ExpireReviews",
    "FollowImports",
    "ImportItems",
    "ImportPlan",
    "ImportResult",
    "JobMover",
    "LinkKeeper",
    "ListImporter",
    "ListToImport",
    "MatchItems",
    "MatchResult",
    "PlanImport",
    "RecalculateAggregates",
    "RecalculateResult",
    "ReconcileLinks",
    "Reconciled",
    "RecoverJobs",
    "RecoverResult",
    "RelayJournal",
    "RelayOutbox",
    "RelayResult",
    "RelayedOutbox",
    "ReplayJob",
    "RescueJobs",
    "RescueResult",
    "RetryJob",
    "ReviewMatches",
    "ReviewRequest",
    "StartIngestion",
    "StartRequest",
    "SyncReport",
    "SyncRequest",
    "SyncSuppliers",
    "TakeLists",
    "TakeRetries",
    "TakenLists",
    "TakenRetries",
    "UndoImport",
    "UndoReview",
    "rejection_entries",
    "step_of",
]
