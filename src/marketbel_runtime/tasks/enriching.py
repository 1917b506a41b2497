"""The tasks that give items the facts which their names state."""

from collections.abc import Sequence
from typing import Final

from marketbel_core.ids import parse_item_id, parse_supplier_id
from marketbel_core.ports import EnrichStep
from marketbel_runtime.container import Container
from marketbel_runtime.tasks.running import Result, as_task, tell_unknown

__all__ = ["enrich_item_task", "enrich_items_task"]

_EXTRACTORS: Final = ("electronics", "dimensions")


@as_task()
async def enrich_item_task(
    container: Container,
    *,
    task_id: str | None = None,
    supplier_item_id: str | None = None,
    extractors: Sequence[str] | None = None,
    preserve_existing: bool = True,
    **unknown: object,
) -> Result:
    """Add what the item's name states to its characteristics; those that are there stay."""
    tell_unknown(container, "enrich_item_task", unknown)
    item_id = parse_item_id(str(supplier_item_id))
    wanted = tuple(extractors) if extractors is not None else _EXTRACTORS
    result = await container.enrich_items()(
        [item_id], extractors=wanted, preserve_existing=preserve_existing
    )
    stated, added = result.stated[item_id], result.added.get(item_id, {})
    return {
        "task_id": task_id,
        "status": "success",
        "supplier_item_id": str(item_id),
        "features_extracted": stated,
        "characteristics_updated": sorted(added),
        "extractors_applied": list(wanted),
    }


@as_task()
async def enrich_items_task(
    container: Container,
    *,
    task_id: str | None = None,
    supplier_id: str | None = None,
    after: str | None = None,
    **unknown: object,
) -> Result:
    """Add what names state to some hundred of a supplier's items, and ask for the next ones."""
    tell_unknown(container, "enrich_items_task", unknown)
    step = EnrichStep(
        supplier_id=parse_supplier_id(str(supplier_id)),
        after=parse_item_id(after) if after else None,
    )
    added = await container.enrich_supplier()(step)
    return {"task_id": task_id, "status": "success", "items_enriched": added}
