"""When syncs are run: when one is due, and when a trigger of the admin interface waits."""

import hashlib
from typing import Final

from marketbel_core.errors import RefusedError
from marketbel_core.ids import SupplierId
from marketbel_core.intake.triggers import SyncTrigger, parse_sync_trigger
from marketbel_core.ports import AtOnce, Inbox, Tray, WhenDue
from marketbel_core.use_cases import SyncReport, SyncRequest
from marketbel_runtime.container import Container

__all__ = ["sync_when_due", "sync_when_triggered"]

_TRIGGERS_MAX: Final = 100


async def sync_when_due(container: Container) -> None:
    """Run a sync if the last successful one is an interval ago; another one under way will do.

    Raises:
        StaleSyncError: the turn was lost on the way.
        UnavailableError: a store cannot be reached.
    """
    wish = WhenDue(every=container.settings().sync_interval)
    await container.sync_suppliers()(SyncRequest(wish=wish, triggered_by="schedule"))


async def sync_when_triggered(container: Container, *, inbox: Inbox | None = None) -> None:
    """Run one sync for the triggers that wait, and acknowledge those that it was for.

    While another sync runs, they wait. After a crash the same run is found by the oldest of them.

    Args:
        container: What the sync is made of.
        inbox: Where triggers wait; `None` takes the container's.

    Raises:
        StaleSyncError: the turn was lost on the way.
        UnavailableError: a store cannot be reached; what was not acknowledged comes again.
    """
    inbox = inbox or container.inbox()
    waiting: dict[str, tuple[str, SyncTrigger]] = {}
    for message in await inbox.take(Tray.SYNC_TRIGGER, limit=_TRIGGERS_MAX):
        try:
            waiting.setdefault(_digest(message), (message, parse_sync_trigger(message)))
        except RefusedError as error:
            container.telemetry().event("trigger.rejected", reason=str(error)[:200])
            reason = f"{error.code}: {error}"[:500]
            await inbox.reject(Tray.SYNC_TRIGGER, message, reason=reason)
    if not waiting:
        return
    oldest = next(iter(waiting))
    _, trigger = waiting[oldest]
    spared = [each.supplier_id for _, each in waiting.values() if each.supplier_id]
    outcome = await container.sync_suppliers()(
        SyncRequest(
            wish=AtOnce(task_id=trigger.task_id, key=f"trigger:{oldest}"),
            triggered_by=trigger.triggered_by,
            spared=[SupplierId(supplier_id) for supplier_id in spared],
            served=tuple(waiting),
        )
    )
    if not isinstance(outcome, SyncReport):
        return
    # The oldest last: until it is acknowledged, the others are known to be served by its run.
    for digest in reversed(waiting):
        if digest in outcome.run.served:
            await inbox.done(Tray.SYNC_TRIGGER, waiting[digest][0])


def _digest(message: str) -> str:
    return hashlib.sha256(message.encode(errors="surrogateescape")).hexdigest()
