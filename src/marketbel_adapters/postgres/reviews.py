"""What people decide, in PostgreSQL: the shared columns and queue, and our record of decisions."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text

from marketbel_adapters.match_states import (
    on_known_products,
    product_from_json,
    state_from_json,
)
from marketbel_adapters.postgres.review_rows import SELECT_REVIEWS, review_of, reviews_of
from marketbel_adapters.postgres.review_writes import (
    discard_draft,
    found,
    known_products,
    write_decisions,
    write_states,
)
from marketbel_adapters.postgres.transaction import Transaction
from marketbel_core.catalog import Product, ProductStatus, is_in_stock
from marketbel_core.errors import ItemNotFoundError
from marketbel_core.ids import CategoryId, ProductId, SupplierId, SupplierItemId
from marketbel_core.matching import Action, ItemReview, ReviewDecision, Reviewer
from marketbel_core.ports import ReviewQueue, Reviews, WaitingReview

__all__ = ["PostgresReviews"]

_LOCK: Final = text("SELECT id FROM supplier_items WHERE id = :item_id FOR UPDATE")
_DECISIONS: Final = """
    SELECT id, supplier_item_id, action, product_id, decided_by, user_id, decided_at,
           before, after, founded, undone_at
      FROM marketbel.review_decisions
"""
_DECISION: Final = text(f"{_DECISIONS} WHERE id = :id")
_LATEST: Final = text(f"{_DECISIONS} ORDER BY position DESC LIMIT :limit")
_LATEST_OF: Final = text(
    f"{_DECISIONS} WHERE supplier_item_id = :item_id ORDER BY position DESC LIMIT :limit"
)
_MARK_UNDONE: Final = text("""
    UPDATE marketbel.review_decisions
       SET undone_at = CAST(:at AS timestamptz), undone_by = :by
     WHERE id = :id
""")
_COUNTS: Final = text("SELECT status::text, count(*) AS lines FROM match_review_queue GROUP BY 1")
_OVERDUE: Final = text("""
    SELECT i.id FROM supplier_items i JOIN match_review_queue q ON q.supplier_item_id = i.id
     WHERE q.status = 'pending' AND q.expires_at < CAST(:at AS timestamptz)
     ORDER BY q.expires_at, i.id LIMIT :limit
       FOR UPDATE OF i SKIP LOCKED
""")
# The words for "in stock" and the currency are looked at for the order alone.
_SELECT_WAITING: Final = SELECT_REVIEWS.replace(
    "/* more */", ", s.name AS supplier_name, l.lowers_price"
)
_WAITING: Final = text(
    _SELECT_WAITING  # noqa: S608 - nothing but constants
    + """
      JOIN suppliers s ON s.id = i.supplier_id
      LEFT JOIN products best ON best.id = CASE
          WHEN q.candidate_products -> 0 ->> 'product_id' ~ '^[0-9a-fA-F-]{36}$'
          THEN CAST(q.candidate_products -> 0 ->> 'product_id' AS uuid)
      END
      CROSS JOIN LATERAL (
          SELECT best.id IS NOT NULL
                 AND coalesce(i.characteristics ->> '_currency', '') IN ('', 'BYN')
                 AND (best.min_price IS NULL OR i.current_price < best.min_price) AS lowers_price
      ) l
     WHERE q.status = 'pending'
     ORDER BY EXISTS (
                  SELECT FROM marketbel.verdicts v
                   WHERE v.supplier_item_id = i.id AND v.verdict = 'unsure'
              ),
              lower(btrim(coalesce(i.characteristics ->> 'in_stock', '')))
                  NOT IN ('true', 'yes', '1'),
              NOT l.lowers_price, coalesce(i.match_score, 0) DESC, q.created_at, i.id
     LIMIT :limit
"""
)
_PRODUCT: Final = text("""
    SELECT p.id, p.internal_sku, p.name, p.status::text, p.created_at, p.category_id, i.supplier_id
      FROM products p
      LEFT JOIN marketbel.drafts d ON d.product_id = p.id
      LEFT JOIN supplier_items i ON i.id = d.supplier_item_id
     WHERE p.id = :product_id
""")


class PostgresReviews(Reviews):
    """Items as people decide about them, inside one transaction.

    The item's row is locked by a statement of its own: what is read after it is what the other
    unit left, which waited for.
    """

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def open(self, item_id: SupplierItemId) -> ItemReview:
        locked = await self._transaction.run(_LOCK, {"item_id": item_id})
        if locked.one_or_none() is None:
            raise ItemNotFoundError(item_id)
        [review] = await reviews_of(self._transaction, [item_id])
        return review

    async def record(self, decisions: Sequence[ReviewDecision]) -> None:
        await found(self._transaction, decisions)
        known = await known_products(self._transaction, [one.after for one in decisions])
        kept = [replace(one, after=on_known_products(one.after, known)) for one in decisions]
        await write_states(
            self._transaction,
            {decision.item_id: decision.after for decision in kept},
            at=max((decision.at for decision in kept), default=None),
        )
        await write_decisions(self._transaction, kept)

    async def decisions(
        self, item_id: SupplierItemId | None = None, *, limit: int
    ) -> list[ReviewDecision]:
        values: dict[str, object] = {"limit": limit}
        if item_id is None:
            rows = await self._transaction.run(_LATEST, values)
        else:
            rows = await self._transaction.run(_LATEST_OF, {**values, "item_id": item_id})
        return [_decision(row) for row in rows]

    async def decision(self, decision_id: UUID) -> ReviewDecision | None:
        row = (await self._transaction.run(_DECISION, {"id": decision_id})).one_or_none()
        return None if row is None else _decision(row)

    async def take_back(self, decision: ReviewDecision, *, by: str, at: datetime) -> None:
        known = await known_products(self._transaction, [decision.before])
        before = on_known_products(decision.before, known)
        await write_states(self._transaction, {decision.item_id: before}, at=at)
        await self._transaction.run(_MARK_UNDONE, {"id": decision.id, "by": by, "at": at})
        if decision.founded is not None:
            await discard_draft(self._transaction, decision.founded.id)

    async def waiting(self, *, limit: int) -> ReviewQueue:
        rows = await self._transaction.run(_WAITING, {"limit": limit})
        counts = await self._transaction.run(_COUNTS)
        return ReviewQueue(
            waiting=tuple(_waiting(row) for row in rows),
            counts={row.status: row.lines for row in counts},
        )

    async def overdue(self, *, at: datetime, limit: int) -> list[ItemReview]:
        locked = await self._transaction.run(_OVERDUE, {"at": at, "limit": limit})
        return await reviews_of(self._transaction, [row.id for row in locked])

    async def product(self, product_id: ProductId) -> Product | None:
        found_row = await self._transaction.run(_PRODUCT, {"product_id": product_id})
        row = found_row.one_or_none()
        if row is None:
            return None
        return Product(
            id=ProductId(row.id),
            internal_sku=row.internal_sku,
            name=row.name,
            status=ProductStatus(row.status),
            created_at=row.created_at,
            category_id=None if row.category_id is None else CategoryId(row.category_id),
            drafted_for=None if row.supplier_id is None else SupplierId(row.supplier_id),
        )


def _waiting(row: Row[Any]) -> WaitingReview:
    review = review_of(row)
    return WaitingReview(
        review=review,
        supplier_name=row.supplier_name,
        in_stock=is_in_stock(review.item.characteristics),
        lowers_price=row.lowers_price,
    )


def _decision(row: Row[Any]) -> ReviewDecision:
    return ReviewDecision(
        id=row.id,
        item_id=SupplierItemId(row.supplier_item_id),
        action=Action(row.action),
        by=Reviewer(name=row.decided_by, user_id=row.user_id),
        at=row.decided_at,
        before=state_from_json(row.before),
        after=state_from_json(row.after),
        product_id=None if row.product_id is None else ProductId(row.product_id),
        founded=None if row.founded is None else product_from_json(row.founded),
        undone_at=row.undone_at,
    )
