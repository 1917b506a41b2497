"""What Marketbel does, one class a step, named as the file travels; none calls another."""

from marketbel_core.use_cases._job_mover import JobMover
from marketbel_core.use_cases.clean_up_files import CleanUpFiles, CleanUpResult
from marketbel_core.use_cases.collect_items import CollectItems, CollectResult
from marketbel_core.use_cases.courier import Courier
from marketbel_core.use_cases.import_items import ImportItems, ImportResult, rejection_entries
from marketbel_core.use_cases.match_items import MatchItems, MatchResult
from marketbel_core.use_cases.recalculate_aggregates import (
    RecalculateAggregates,
    RecalculateResult,
)
from marketbel_core.use_cases.rescue_jobs import RescueJobs, RescueResult
from marketbel_core.use_cases.start_ingestion import StartIngestion, StartRequest

__all__ = [
    "CleanUpFiles",
    "CleanUpResult",
    "CollectItems",
    "CollectResult",
    "Courier",
    "ImportItems",
    "ImportResult",
    "JobMover",
    "MatchItems",
    "MatchResult",
    "RecalculateAggregates",
    "RecalculateResult",
    "RescueJobs",
    "RescueResult",
    "StartIngestion",
    "StartRequest",
    "rejection_entries",
]
