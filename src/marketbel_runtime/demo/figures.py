"""What the demo's run came to, asked of the database by SQL and of nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

__all__ = ["Figures", "read_figures", "remember_prices"]

_REMEMBER: Final = (
    "CREATE TABLE marketbel.demo_prices_before AS SELECT id, min_price FROM public.products"
)
_FORGET: Final = "DROP TABLE IF EXISTS marketbel.demo_prices_before"

_COUNTS: Final = {
    "suppliers": "SELECT count(DISTINCT supplier_id) FROM supplier_items",
    "complete": "SELECT count(DISTINCT task_id) FROM parsing_logs WHERE error_type = 'SUCCESS'",
    "failed": "SELECT count(DISTINCT task_id) FROM parsing_logs WHERE error_type = 'ERROR'",
    "items": "SELECT count(*) FROM supplier_items",
    "rejected": "SELECT count(*) FROM parsing_logs WHERE error_type = 'ValidationError'",
    "linked": (
        "SELECT count(*) FROM supplier_items i WHERE i.match_status = 'auto_matched' AND NOT"
        " EXISTS (SELECT FROM marketbel.drafts d WHERE d.supplier_item_id = i.id)"
    ),
    "review": (
        "SELECT count(*) FROM supplier_items i JOIN match_review_queue q"
        " ON q.supplier_item_id = i.id"
        " WHERE i.match_status = 'potential_match' AND q.status = 'pending'"
    ),
    "drafts": (
        "SELECT count(*) FROM supplier_items i"
        " JOIN marketbel.drafts d ON d.supplier_item_id = i.id"
        " JOIN products p ON p.id = d.product_id AND p.status = 'draft'"
    ),
    "products": (
        "SELECT count(*) FROM products p"
        " LEFT JOIN marketbel.demo_prices_before b ON b.id = p.id"
        " WHERE p.min_price IS DISTINCT FROM b.min_price"
    ),
}
_REASONS: Final = (
    "SELECT coalesce(row_data->>'code', 'unknown') AS code, count(*) FROM parsing_logs"
    " WHERE error_type = 'ValidationError' GROUP BY 1 ORDER BY 2 DESC, 1"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The run in numbers.

    Attributes:
        reasons: Why rows were rejected, with how many, the most frequent first.
    """

    suppliers: int
    complete: int
    failed: int
    items: int
    rejected: int
    linked: int
    review: int
    drafts: int
    products: int
    reasons: tuple[tuple[str, int], ...]


async def remember_prices(engine: AsyncEngine) -> None:
    """Keep the lowest prices as they are now, to compare with later."""
    async with engine.begin() as connection:
        await connection.execute(text(_FORGET))
        await connection.execute(text(_REMEMBER))


async def read_figures(engine: AsyncEngine) -> Figures:
    """Return what the database says."""
    async with engine.connect() as connection:
        counts = {name: await _count(connection, sql) for name, sql in _COUNTS.items()}
        rows: Sequence[tuple[str, int]] = [
            (str(code), int(count))
            for code, count in (await connection.execute(text(_REASONS))).all()
        ]
    return Figures(**counts, reasons=tuple(rows))


async def _count(connection: AsyncConnection, sql: str) -> int:
    return int(await connection.scalar(text(sql)) or 0)
