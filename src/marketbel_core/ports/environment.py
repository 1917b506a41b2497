"""What the machine gives: the time, and fresh identifiers."""

from abc import abstractmethod
from datetime import datetime
from typing import Protocol, runtime_checkable
from uuid import UUID

__all__ = ["Clock", "IdSource"]


@runtime_checkable
class Clock(Protocol):
    """Tells the time."""

    @abstractmethod
    def now(self) -> datetime:
        """Return the present instant (aware, UTC)."""


@runtime_checkable
class IdSource(Protocol):
    """Makes identifiers."""

    @abstractmethod
    def new_id(self) -> UUID:
        """Return an id never given before; later ids sort after earlier ones."""
