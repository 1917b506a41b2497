"""Where items' matches stand, read in one statement for any number of items."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, text

from marketbel_adapters.catalog_values import currency_of
from marketbel_adapters.match_states import verdicts_from_json
from marketbel_adapters.postgres.transaction import Transaction
from marketbel_core.catalog import MatchStatus, Money, SupplierItem
from marketbel_core.ids import ProductId, SupplierId, SupplierItemId
from marketbel_core.matching import ItemReview, MatchState, ReviewRow, ReviewStatus

__all__ = ["SELECT_REVIEWS", "review_of", "reviews_of"]

SELECT_REVIEWS: Final = """
    SELECT i.id, i.supplier_id, i.supplier_sku, i.name, i.current_price, i.characteristics,
           i.created_at, i.product_id, i.match_status::text, i.match_score, i.match_candidates,
           q.status::text AS row_status, q.candidate_products, q.created_at AS row_created_at,
           q.expires_at, q.reviewed_at, q.reviewed_by,
           k.product_id AS known_product_id,
           k.product_id IS NULL
               OR EXISTS (SELECT FROM products p WHERE p.id = k.product_id) AS known_exists,
           coalesce((
               SELECT jsonb_agg(jsonb_build_object('product_id', v.product_id,
                          'verdict', v.verdict, 'by', v.decided_by, 'at', v.decided_at,
                          'score', v.score) ORDER BY v.product_id)
                 FROM marketbel.verdicts v WHERE v.supplier_item_id = i.id
           ), '[]') AS verdicts /* more */
      FROM supplier_items i
      LEFT JOIN match_review_queue q ON q.supplier_item_id = i.id
      LEFT JOIN marketbel.known_links k ON k.supplier_item_id = i.id
"""
_OF_ITEMS: Final = text(f"{SELECT_REVIEWS} WHERE i.id = ANY(:item_ids) ORDER BY i.id")


async def reviews_of(
    transaction: Transaction, item_ids: Sequence[SupplierItemId]
) -> list[ItemReview]:
    """Return where the items' matches stand, by id."""
    if not item_ids:
        return []
    rows = await transaction.run(_OF_ITEMS, {"item_ids": list(item_ids)})
    return [review_of(row) for row in rows]


def review_of(row: Row[Any]) -> ItemReview:
    """Return what a row of `SELECT_REVIEWS` says."""
    product_id = None if row.product_id is None else ProductId(row.product_id)
    status = MatchStatus(row.match_status)
    return ItemReview(
        item=SupplierItem(
            id=SupplierItemId(row.id),
            supplier_id=SupplierId(row.supplier_id),
            sku=row.supplier_sku,
            name=row.name,
            price=Money(row.current_price, currency_of(row.characteristics)),
            characteristics=row.characteristics,
            product_id=product_id,
            match_status=status,
            created_at=row.created_at,
        ),
        state=MatchState(
            product_id=product_id,
            status=status,
            score=None if row.match_score is None else float(row.match_score),
            candidates=_candidates(row.match_candidates),
            row=_row(row),
            verdicts=verdicts_from_json(row.verdicts),
        ),
        known_product_id=(
            None if row.known_product_id is None else ProductId(row.known_product_id)
        ),
        known_product_exists=row.known_exists,
    )


def _row(row: Row[Any]) -> ReviewRow | None:
    if row.row_status is None:
        return None
    return ReviewRow(
        status=ReviewStatus(row.row_status),
        candidates=_candidates(row.candidate_products) or (),
        created_at=row.row_created_at,
        expires_at=row.expires_at,
        reviewed_at=row.reviewed_at,
        reviewed_by=row.reviewed_by,
    )


def _candidates(stored: object) -> tuple[dict[str, object], ...] | None:
    """Return stored candidates; what a neighbour wrote and is no candidate is left out."""
    if not isinstance(stored, list):
        return None
    return tuple(one for one in stored if isinstance(one, dict))
