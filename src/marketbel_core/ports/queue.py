"""How a step asks for the next one."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from marketbel_core.ids import JobId, ProductId, SupplierId, SupplierItemId

__all__ = [
    "CourierStep",
    "EnrichStep",
    "ImportStep",
    "MatchStep",
    "RecalculateStep",
    "RetryStep",
    "Step",
    "StepQueue",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class CourierStep:
    """Fetch the job's file and hand it over.

    Attributes:
        delivery: Which delivery of the step it is, from 0: tries after trouble and after vanished
            workers have names of their own, so that no earlier one stands in their way.
    """

    job_id: JobId
    attempt: int
    delivery: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportStep:
    """Read the job's file here and import its items.

    Attributes:
        delivery: Which delivery of the step it is, from 0: tries after trouble and after vanished
            workers have names of their own, so that no earlier one stands in their way.
    """

    job_id: JobId
    attempt: int
    delivery: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchStep:
    """Match a supplier's whole backlog.

    Attributes:
        job_id: The job that brought the items; `None` when no job waits.
        delivery: As in `CourierStep`.
        asked_at: As in `RecalculateStep`.
    """

    job_id: JobId | None = None
    attempt: int = 1
    supplier_id: SupplierId
    delivery: int = 0
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecalculateStep:
    """Recompute aggregates: of every product that a supplier offers, and of those named.

    Attributes:
        job_id: The job that completes with it; `None` when no job waits.
        supplier_id: Whose products; with a job, its supplier is meant.
        product_ids: At most 100, used without a job.
        asked_at: Without a job, the instant of the ask: what was linked while an earlier ask for
            the same products runs must not be taken for that one.
        delivery: As in `CourierStep`.
    """

    job_id: JobId | None = None
    attempt: int = 1
    delivery: int = 0
    supplier_id: SupplierId | None = None
    product_ids: tuple[ProductId, ...] = ()
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryStep:
    """Give a failed job a further attempt.

    Attributes:
        attempt: The one that failed.
    """

    job_id: JobId
    attempt: int
    delivery: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrichStep:
    """Add facts to the items of a supplier, some hundred of them; no job waits for it.

    Attributes:
        after: Only to items past this one, by id.
        asked_at: As in `RecalculateStep`.
    """

    supplier_id: SupplierId
    after: SupplierItemId | None = None
    asked_at: datetime | None = None


type Step = CourierStep | ImportStep | MatchStep | RecalculateStep | RetryStep | EnrichStep


@runtime_checkable
class StepQueue(Protocol):
    """Takes asks for steps; each is run at least once. Contract: `…testing.queue`."""

    @abstractmethod
    async def ask(self, step: Step, *, not_before: datetime | None = None) -> bool:
        """Ask for `step`; return `False` when the very same step already waits or runs.

        Args:
            step: What is to be done.
            not_before: It is run at this instant (aware) or later; `None` means at once.

        Raises:
            UnavailableError: the queue cannot be reached; nothing was asked.
        """

    @abstractmethod
    async def ask_all(self, steps: Sequence[Step]) -> None:
        """Ask for each of the steps at once, in their order; those that wait or run stay as they
        are.

        Raises:
            UnavailableError: the queue cannot be reached; some may have been asked for.
        """
