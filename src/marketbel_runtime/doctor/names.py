"""The names of the checks that share a connection; importing this needs no driver."""

from typing import Final

__all__ = ["DATABASE_NAMES", "REDIS_NAMES"]

DATABASE_NAMES: Final = ("database", "migrations", "clock-database")
REDIS_NAMES: Final = (
    "redis",
    "redis-persistence",
    "redis-eviction",
    "clock-redis",
    "queue",
    "foreign-queue",
    "heavy-queue",
    "workers",
    "journal",
    "refused-writes",
    "ml-circuit",
)
