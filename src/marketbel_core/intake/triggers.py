"""What the admin interface leaves in its lists beside requests to read one price list."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, ValidationError

from marketbel_core.errors import RefusedError
from marketbel_core.intake.faults import told_faults
from marketbel_core.intake.parser_configs import LenientModel

__all__ = ["RetryTrigger", "SyncTrigger", "parse_retry_trigger", "parse_sync_trigger"]


class SyncTrigger(LenientModel):
    """A wish for a sync with the master sheet.

    Attributes:
        task_id: What the sync is called in the admin interface.
        triggered_by: `manual`, or `supplier_created`.
        supplier_id: The supplier that was created; it is not deactivated by this sync, although
            the master sheet may not name it yet.
    """

    task_id: Annotated[str, Field(min_length=1, max_length=255)]
    triggered_by: Annotated[str, Field(min_length=1, max_length=50)] = "manual"
    triggered_at: datetime | None = None
    supplier_id: UUID | None = None


class RetryTrigger(LenientModel):
    """A wish to have a failed job tried again."""

    job_id: UUID
    task_id: Annotated[str | None, Field(max_length=255)] = None
    triggered_at: datetime | None = None


def parse_sync_trigger(text: str) -> SyncTrigger:
    """Return the trigger that a JSON text says.

    Raises:
        RefusedError: it is no such trigger (`job.invalid`). Every wrong field is named.
    """
    return _parsed(SyncTrigger, text)


def parse_retry_trigger(text: str) -> RetryTrigger:
    """Return the trigger that a JSON text says.

    Raises:
        RefusedError: it is no such trigger (`job.invalid`). Every wrong field is named.
    """
    return _parsed(RetryTrigger, text)


def _parsed[TriggerT: LenientModel](kind: type[TriggerT], text: str) -> TriggerT:
    try:
        return kind.model_validate_json(text)
    except (ValidationError, UnicodeEncodeError) as error:
        told = told_faults(error) if isinstance(error, ValidationError) else "it is no text"
    raise RefusedError("job.invalid", f"the trigger cannot be used: {told}")
