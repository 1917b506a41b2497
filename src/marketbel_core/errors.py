"""Every error that a caller may catch: whose fault it is, and whether trying again helps.

`DomainError`: the caller or the data is at fault, trying again changes nothing.
`PortError`: something outside is at fault; time may cure an `UnavailableError` and nothing else.
Each error carries a stable `code` for machines and a sentence for people.
"""

from datetime import timedelta
from uuid import UUID

__all__ = [
    "DomainError",
    "IllegalTransitionError",
    "ImportNotFoundError",
    "InvalidIdError",
    "ItemNotFoundError",
    "JobNotFoundError",
    "MarketbelError",
    "PortError",
    "ProductNotFoundError",
    "ProtocolError",
    "RefusedError",
    "StaleJobError",
    "StaleSyncError",
    "SupplierNotFoundError",
    "UnavailableError",
]


class MarketbelError(Exception):
    """The root of all errors raised on purpose.

    Attributes:
        code: Stable, lower case, two words with a dot: `job.not_found`.
    """

    code: str = "marketbel.error"


class DomainError(MarketbelError):
    """The caller or the data is at fault; the same call fails again."""

    code = "domain.error"


class PortError(MarketbelError):
    """Something outside this program is at fault."""

    code = "port.error"


class UnavailableError(PortError):
    """A neighbour did not answer, or not now; time may cure it.

    Attributes:
        retry_after: How long to wait at least, as far as that is known.
    """

    code = "port.unavailable"

    def __init__(
        self, message: str, *, code: str | None = None, retry_after: timedelta | None = None
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        if code is not None:
            self.code = code


class ProtocolError(PortError):
    """A neighbour answered, but not what was agreed; asking again gives the same."""

    code = "port.protocol"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class RefusedError(DomainError):
    """A source, a file or a message was looked at and refused; the message names the cure."""

    code = "input.refused"

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class InvalidIdError(DomainError, ValueError):
    """A text that should be an identifier is not one."""

    code = "job.bad_id"

    def __init__(self, *, kind: str, text: str) -> None:
        self.kind = kind
        self.text = text
        article = "an" if kind[:1] in "aeiou" else "a"
        super().__init__(f"{article} {kind} id must be a UUID, got {text[:64]!r}")


class IllegalTransitionError(DomainError):
    """An event does not apply in the phase that the job is in."""

    code = "job.illegal_transition"

    def __init__(self, *, job_id: UUID, phase: str, event: str) -> None:
        self.job_id = job_id
        self.phase = phase
        self.event = event
        super().__init__(f"job {job_id} is {phase}: {event} does not apply")


class JobNotFoundError(DomainError, LookupError):
    """No job is stored under this id."""

    code = "job.not_found"

    def __init__(self, job_id: UUID) -> None:
        self.job_id = job_id
        super().__init__(f"no job {job_id}")


class StaleJobError(DomainError):
    """The job was changed by somebody else in between; nothing was written."""

    code = "job.stale"

    def __init__(self, job_id: UUID, *, expected_version: int, stored_version: int) -> None:
        self.job_id = job_id
        self.expected_version = expected_version
        self.stored_version = stored_version
        super().__init__(
            f"job {job_id} is at version {stored_version}, the write expected {expected_version}"
        )


class StaleSyncError(DomainError):
    """Somebody else has the turn to sync, or had a later one; nothing was written."""

    code = "sync.stale"

    def __init__(self, task_id: str) -> None:
        self.task_id = task_id
        super().__init__(f"the sync {task_id} lost its turn to another one")


class SupplierNotFoundError(DomainError, LookupError):
    """No supplier is known by this id."""

    code = "supplier.not_found"

    def __init__(self, supplier_id: UUID) -> None:
        self.supplier_id = supplier_id
        super().__init__(f"no supplier {supplier_id}")


class ImportNotFoundError(DomainError, LookupError):
    """No import is known by this id."""

    code = "import.not_found"

    def __init__(self, import_id: UUID) -> None:
        self.import_id = import_id
        super().__init__(f"no import {import_id}: `marketbel imports ls` lists them")


class ItemNotFoundError(DomainError, LookupError):
    """No supplier item is known by this id."""

    code = "item.not_found"

    def __init__(self, item_id: UUID) -> None:
        self.item_id = item_id
        super().__init__(f"no supplier item {item_id}")


class ProductNotFoundError(DomainError, LookupError):
    """No product is known by this id."""

    code = "product.not_found"

    def __init__(self, product_id: UUID) -> None:
        self.product_id = product_id
        super().__init__(f"no product {product_id}")
