"""The tasks about people's decisions: an event of the admin interface, and the nightly expiry."""

from typing import Final
from uuid import UUID, uuid5

from marketbel_core.errors import RefusedError
from marketbel_core.ids import parse_item_id, parse_product_id
from marketbel_core.matching import Action, Reviewer
from marketbel_core.use_cases import ReviewRequest
from marketbel_runtime.container import Container
from marketbel_runtime.tasks.running import Result, as_task, tell_unknown

__all__ = ["expire_review_queue_task", "handle_manual_match_event"]

_EVENTS: Final = UUID("b7f3a9f6-6a8e-5b0c-8a55-7b1e7a0f3c21")
_ACTIONS: Final = {
    **{
        action.value: action
        for action in Action
        if action not in {Action.EXPIRE, Action.API_LINK, Action.API_UNLINK}
    },
    "approve": Action.APPROVE,
    "reject": Action.REJECT,
    "reset": Action.RESET,
}


@as_task()
async def handle_manual_match_event(
    container: Container,
    *,
    supplier_item_id: str | None = None,
    action: str | None = None,
    product_id: str | None = None,
    user_id: str | None = None,
    new_product_name: str | None = None,
    task_id: str | None = None,
    event_id: str | None = None,
    previous_product_id: str | None = None,  # noqa: ARG001 - told by producers, known to us
    timestamp: str | None = None,  # noqa: ARG001 - of the event; the decision's own is used
    **unknown: object,
) -> Result:
    """Do what a person decided: link, unlink, reset_match, approve_match or reject_match.

    The same `event_id`, or else `task_id`, is done once.
    """
    tell_unknown(container, "handle_manual_match_event", unknown)
    name = event_id or task_id
    wanted = _ACTIONS.get(str(action).strip().lower())
    if wanted is None:
        raise RefusedError(
            "review.unknown_action",
            f"the action {str(action)[:40]!r} is unknown: use link, unlink, reset_match, "
            "approve_match, reject_match or unsure",
        )
    decision = await container.review_matches()(
        ReviewRequest(
            item_id=parse_item_id(str(supplier_item_id)),
            action=wanted,
            by=_reviewer(user_id),
            product_id=parse_product_id(product_id) if product_id else None,
            new_product_name=new_product_name,
            decision_id=uuid5(_EVENTS, name) if name else None,
        )
    )
    before, after = decision.before.product_id, decision.after.product_id
    return {
        "task_id": name,
        "status": "success",
        "action": action,
        "supplier_item_id": str(decision.item_id),
        "product_id": None if after is None else str(after),
        "previous_product_id": None if before is None else str(before),
        "user_id": user_id,
        "decision_id": str(decision.id),
    }


@as_task()
async def expire_review_queue_task(
    container: Container, *, task_id: str | None = None, **unknown: object
) -> Result:
    """Give items that nobody reviewed in time back to the matcher."""
    tell_unknown(container, "expire_review_queue_task", unknown)
    count = await container.expire_reviews()()
    return {"task_id": task_id, "status": "success", "expired_count": count}


def _reviewer(user_id: str | None) -> Reviewer:
    """Return who decided; what is no id of a user is kept as the name that it is."""
    if not user_id:
        return Reviewer(name="admin")
    try:
        return Reviewer(name=user_id[:255], user_id=UUID(user_id))
    except ValueError:
        return Reviewer(name=user_id[:255])
