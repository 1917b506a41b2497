"""What people decided, written as sets: any number of items in a handful of statements."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from marketbel_adapters.catalog_values import storable_score
from marketbel_adapters.match_states import product_as_json, state_as_json
from marketbel_adapters.postgres.item_matches import with_free_skus
from marketbel_adapters.postgres.products import PostgresProducts
from marketbel_adapters.postgres.transaction import Transaction
from marketbel_core.ids import ProductId, SupplierItemId
from marketbel_core.matching import MatchState, ReviewDecision

__all__ = ["discard_draft", "found", "known_products", "write_decisions", "write_states"]

_ITEMS: Final = text("""
    UPDATE supplier_items i
       SET product_id = o.product_id, match_status = o.status, match_score = o.score,
           match_candidates = o.candidates, updated_at = CAST(:at AS timestamptz)
      FROM jsonb_to_recordset(CAST(:states AS jsonb))
           AS o (item_id uuid, product_id uuid, status match_status, score numeric,
                 candidates jsonb)
     WHERE i.id = o.item_id
""")
_ROWS: Final = text("""
    INSERT INTO match_review_queue AS q (supplier_item_id, candidate_products, status,
           created_at, expires_at, reviewed_at, reviewed_by)
    SELECT o.item_id, o.candidates, o.status, o.created_at, o.expires_at, o.reviewed_at,
           o.reviewed_by
      FROM jsonb_to_recordset(CAST(:rows AS jsonb))
           AS o (item_id uuid, candidates jsonb, status review_status, created_at timestamptz,
                 expires_at timestamptz, reviewed_at timestamptz, reviewed_by uuid)
    ON CONFLICT (supplier_item_id) DO UPDATE
       SET candidate_products = excluded.candidate_products, status = excluded.status,
           created_at = excluded.created_at, expires_at = excluded.expires_at,
           reviewed_at = excluded.reviewed_at, reviewed_by = excluded.reviewed_by
""")
_NO_ROWS: Final = text("DELETE FROM match_review_queue WHERE supplier_item_id = ANY(:item_ids)")
_NO_VERDICTS: Final = text(
    "DELETE FROM marketbel.verdicts WHERE supplier_item_id = ANY(:item_ids)"
)
_VERDICTS: Final = text("""
    INSERT INTO marketbel.verdicts
           (supplier_item_id, product_id, verdict, score, decided_by, decided_at)
    SELECT o.item_id, o.product_id, o.verdict, o.score, o.by, o.at
      FROM jsonb_to_recordset(CAST(:verdicts AS jsonb))
           AS o (item_id uuid, product_id uuid, verdict text, score numeric, by text,
                 at timestamptz)
""")
_LINKS: Final = text("""
    INSERT INTO marketbel.known_links (supplier_item_id, product_id)
    SELECT item_id, product_id
      FROM jsonb_to_recordset(CAST(:states AS jsonb)) AS o (item_id uuid, product_id uuid)
     WHERE product_id IS NOT NULL
    ON CONFLICT (supplier_item_id) DO UPDATE SET product_id = excluded.product_id
""")
_NO_LINKS: Final = text(
    "DELETE FROM marketbel.known_links WHERE supplier_item_id = ANY(:item_ids)"
)
_DECISIONS: Final = text("""
    INSERT INTO marketbel.review_decisions (id, supplier_item_id, action, product_id, decided_by,
           user_id, decided_at, before, after, founded)
    SELECT id, item_id, action, product_id, by, user_id, at, before, after, founded
      FROM jsonb_to_recordset(CAST(:decisions AS jsonb))
           AS o (id uuid, item_id uuid, action text, product_id uuid, by text, user_id uuid,
                 at timestamptz, before jsonb, after jsonb, founded jsonb)
""")
_DRAFTS: Final = text("""
    INSERT INTO marketbel.drafts (product_id, supplier_item_id, created_at)
    SELECT product_id, item_id, at
      FROM jsonb_to_recordset(CAST(:drafts AS jsonb))
           AS o (product_id uuid, item_id uuid, at timestamptz)
    ON CONFLICT DO NOTHING
""")
_DISCARD: Final = text("""
    DELETE FROM products p
     WHERE p.id = :product_id AND p.status = 'draft'
       AND NOT EXISTS (SELECT FROM supplier_items i WHERE i.product_id = p.id)
""")
_PRODUCTS: Final = text("SELECT id FROM products WHERE id = ANY(:product_ids)")
_HAS_USERS: Final = text("SELECT to_regclass('public.users') IS NOT NULL")
_USERS: Final = text("SELECT id FROM public.users WHERE id = ANY(:user_ids)")


async def found(transaction: Transaction, decisions: Sequence[ReviewDecision]) -> None:
    """Store the products that the decisions founded, as drafts of their items."""
    founders = [one for one in decisions if one.founded is not None]
    if not founders:
        return
    products = [one.founded for one in founders if one.founded is not None]
    await PostgresProducts(transaction).add(await with_free_skus(transaction, products))
    drafts = [
        {"product_id": str(product.id), "item_id": str(one.item_id), "at": one.at.isoformat()}
        for one, product in zip(founders, products, strict=True)
    ]
    await transaction.run(_DRAFTS, {"drafts": json.dumps(drafts)})


async def known_products(
    transaction: Transaction, states: Sequence[MatchState]
) -> frozenset[ProductId]:
    """Return which of the products that the states' verdicts are about are stored."""
    named = {said.product_id for state in states for said in state.verdicts}
    rows = await transaction.run(_PRODUCTS, {"product_ids": list(named)})
    return frozenset(ProductId(row.id) for row in rows)


async def write_states(
    transaction: Transaction,
    states: Mapping[SupplierItemId, MatchState],
    *,
    at: datetime | None,
) -> None:
    """Bring items, queue, verdicts and known links to these states."""
    if not states:
        return
    told = [{"item_id": str(key), **state_as_json(state)} for key, state in states.items()]
    values = {"item_ids": list(states)}
    for state in told:
        state["score"] = None if state["score"] is None else str(_score(state["score"]))
    await transaction.run(_ITEMS, {"states": json.dumps(told), "at": at})
    await _write_rows(transaction, states)
    await transaction.run(_NO_VERDICTS, values)
    verdicts = [
        {
            "item_id": str(item_id),
            "product_id": str(one.product_id),
            "verdict": one.verdict.value,
            "score": one.score,
            "by": one.by,
            "at": one.at.isoformat(),
        }
        for item_id, state in states.items()
        for one in state.verdicts
    ]
    await transaction.run(_VERDICTS, {"verdicts": json.dumps(verdicts)})
    free = [item_id for item_id, state in states.items() if state.product_id is None]
    await transaction.run(_LINKS, {"states": json.dumps(told)})
    await transaction.run(_NO_LINKS, {"item_ids": free})


async def write_decisions(transaction: Transaction, decisions: Sequence[ReviewDecision]) -> None:
    """Keep the decisions."""
    told = [
        {
            "id": str(one.id),
            "item_id": str(one.item_id),
            "action": one.action.value,
            "product_id": one.product_id and str(one.product_id),
            "by": one.by.name,
            "user_id": one.by.user_id and str(one.by.user_id),
            "at": one.at.isoformat(),
            "before": state_as_json(one.before),
            "after": state_as_json(one.after),
            "founded": one.founded and product_as_json(one.founded),
        }
        for one in decisions
    ]
    await transaction.run(_DECISIONS, {"decisions": json.dumps(told)})


async def discard_draft(transaction: Transaction, product_id: ProductId) -> None:
    """Delete the product if it is still a draft to which no item is linked."""
    await transaction.run(_DISCARD, {"product_id": product_id})


async def _write_rows(
    transaction: Transaction, states: Mapping[SupplierItemId, MatchState]
) -> None:
    rows = {key: state.row for key, state in states.items() if state.row is not None}
    named = {row.reviewed_by for row in rows.values() if row.reviewed_by is not None}
    users = await _known_users(transaction, named)
    told = [
        {
            "item_id": str(item_id),
            "candidates": list(row.candidates),
            "status": row.status.value,
            "created_at": row.created_at.isoformat(),
            "expires_at": row.expires_at.isoformat(),
            "reviewed_at": row.reviewed_at and row.reviewed_at.isoformat(),
            "reviewed_by": str(row.reviewed_by) if row.reviewed_by in users else None,
        }
        for item_id, row in rows.items()
    ]
    await transaction.run(_ROWS, {"rows": json.dumps(told)})
    await transaction.run(_NO_ROWS, {"item_ids": [key for key in states if key not in rows]})


async def _known_users(transaction: Transaction, user_ids: Collection[UUID]) -> set[UUID]:
    """Return which users the admin API's table has; all, as long as it has none."""
    if not user_ids or not (await transaction.run(_HAS_USERS)).scalar_one():
        return set(user_ids)
    rows = await transaction.run(_USERS, {"user_ids": list(user_ids)})
    return {row.id for row in rows}


def _score(score: object) -> object:
    return storable_score(float(str(score)))
