"""What a sync has done, as tasks and commands tell it."""

from marketbel_core.intake.supplier_plan import SupplierPlan
from marketbel_core.ports import SyncBusy, SyncNotDue, SyncRun
from marketbel_core.use_cases import SyncReport

__all__ = ["plan_result", "run_result", "sync_result"]


def sync_result(outcome: SyncReport | SyncBusy | SyncNotDue) -> dict[str, object]:
    """Return the metrics of a sync, or why it was not run."""
    match outcome:
        case SyncBusy(task_id=task_id):
            message = f"a sync is already in progress: {task_id}"
            return {"status": "error", "code": "sync.in_progress", "error": message}
        case SyncNotDue(next_at=next_at):
            return {"status": "skipped", "next_at": next_at.isoformat()}
        case SyncReport():
            drained = outcome.drained
            errors = [*outcome.run.figures.errors, *drained.errors]
            result = run_result(outcome.run)
            return {
                **result,
                "status": "partial_success" if errors else result["status"],
                "parse_tasks_enqueued": len(drained.local_job_ids),
                "ml_jobs_triggered": len(drained.ml_job_ids),
                "ml_job_ids": list(drained.ml_job_ids),
                "errors": errors,
                "repeated": outcome.repeated,
            }


def run_result(run: SyncRun) -> dict[str, object]:
    """Return what was noted of a sync."""
    figures = run.figures
    well = not figures.errors and not figures.held
    return {
        "task_id": run.task_id,
        "status": "success" if well else "partial_success",
        "triggered_by": run.triggered_by,
        "applied_at": run.applied_at.isoformat(),
        "master_sheet_parsed": figures.parsed,
        "suppliers_created": figures.created,
        "suppliers_updated": figures.updated,
        "suppliers_deactivated": figures.deactivated,
        "suppliers_unchanged": figures.unchanged,
        "suppliers_skipped": figures.skipped,
        "suppliers_missing": figures.missing,
        "jobs_queued": figures.queued,
        "jobs_on_their_way": figures.waiting,
        "held": figures.held,
        "errors": list(figures.errors),
    }


def plan_result(plan: SupplierPlan, *, held: bool) -> dict[str, object]:
    """Return a plan as JSON has it."""
    return {
        "held": held,
        "create": [
            {"row": row.row_number, "name": row.name, "source_type": row.source_type.value}
            for row in plan.creations
        ],
        "update": [
            {"supplier_id": str(one.supplier_id), "name": one.name, "changed": list(one.changed)}
            for one in plan.updates
        ],
        "deactivate": [
            {"supplier_id": str(one.supplier_id), "name": one.name} for one in plan.deactivations
        ],
        "skip": [
            {"row": row.row_number, "name": row.name, "code": row.code, "reason": row.message}
            for row in plan.skipped
        ],
        "unchanged": plan.unchanged,
    }
