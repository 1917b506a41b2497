"""arq's side of the steps: strings become ids, errors become retries or results."""

from typing import Final

from marketbel_runtime.tasks.enriching import enrich_item_task, enrich_items_task
from marketbel_runtime.tasks.files import cleanup_shared_files_task
from marketbel_runtime.tasks.ingestion import (
    courier_task,
    download_and_trigger_ml,
    import_items_task,
    parse_task,
    poll_ml_job_status_task,
)
from marketbel_runtime.tasks.matching import (
    match_items_task,
    recalc_aggregates_task,
    recalc_product_aggregates_task,
)
from marketbel_runtime.tasks.retrying import retry_job_task
from marketbel_runtime.tasks.reviewing import (
    expire_review_queue_task,
    handle_manual_match_event,
)
from marketbel_runtime.tasks.running import Context, Task
from marketbel_runtime.tasks.syncing import (
    master_sync_task,
    scheduled_sync_task,
    trigger_master_sync_task,
)

__all__ = [
    "TASKS",
    "Context",
    "cleanup_shared_files_task",
    "courier_task",
    "download_and_trigger_ml",
    "enrich_item_task",
    "enrich_items_task",
    "expire_review_queue_task",
    "handle_manual_match_event",
    "import_items_task",
    "master_sync_task",
    "match_items_task",
    "parse_task",
    "poll_ml_job_status_task",
    "recalc_aggregates_task",
    "recalc_product_aggregates_task",
    "retry_job_task",
    "scheduled_sync_task",
    "trigger_master_sync_task",
]

TASKS: Final[tuple[Task, ...]] = (
    cleanup_shared_files_task,
    courier_task,
    download_and_trigger_ml,
    enrich_item_task,
    enrich_items_task,
    expire_review_queue_task,
    handle_manual_match_event,
    import_items_task,
    master_sync_task,
    match_items_task,
    parse_task,
    poll_ml_job_status_task,
    recalc_aggregates_task,
    recalc_product_aggregates_task,
    retry_job_task,
    scheduled_sync_task,
    trigger_master_sync_task,
)
"""Every task of the deployment, under every name that it has."""
