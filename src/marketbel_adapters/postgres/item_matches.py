"""What the matcher decided, written as sets: one statement for each kind of outcome.

Only items that still wait are written: one that somebody linked meanwhile keeps its link.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import ARRAY, String, Uuid, all_, any_, literal, select, text

from marketbel_adapters.catalog_values import candidates_as_json, later_sku, storable_score
from marketbel_adapters.postgres import tables
from marketbel_adapters.postgres.transaction import Transaction
from marketbel_core.catalog import Product
from marketbel_core.ids import ProductId
from marketbel_core.matching import Drafted, ForReview, Linked, MatchOutcome

__all__ = ["record_matches", "with_free_skus"]

_LINK: Final = text("""
    WITH linked AS (
        UPDATE supplier_items i
           SET product_id = o.product_id, match_status = 'auto_matched', match_score = o.score,
               match_candidates = o.candidates, updated_at = CAST(:at AS timestamptz)
          FROM jsonb_to_recordset(CAST(:outcomes AS jsonb))
               AS o (item_id uuid, product_id uuid, score numeric, candidates jsonb)
         WHERE i.id = o.item_id AND i.product_id IS NULL AND i.match_status = 'unmatched'
        RETURNING i.id, i.product_id
    )
    INSERT INTO marketbel.known_links (supplier_item_id, product_id)
    SELECT id, product_id FROM linked
    ON CONFLICT (supplier_item_id) DO UPDATE SET product_id = excluded.product_id
""")
_REVIEW: Final = text("""
    WITH o AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(CAST(:outcomes AS jsonb))
            AS o (item_id uuid, score numeric, candidates jsonb, created_at timestamptz,
                  expires_at timestamptz, status review_status)
    ), doubted AS (
        UPDATE supplier_items i
           SET match_status = 'potential_match', match_score = o.score,
               match_candidates = o.candidates, updated_at = CAST(:at AS timestamptz)
          FROM o
         WHERE i.id = o.item_id AND i.product_id IS NULL AND i.match_status = 'unmatched'
        RETURNING i.id
    )
    INSERT INTO match_review_queue AS q
           (supplier_item_id, candidate_products, status, created_at, expires_at)
    SELECT o.item_id, o.candidates, o.status, o.created_at, o.expires_at
      FROM o JOIN doubted d ON d.id = o.item_id
    ON CONFLICT (supplier_item_id) DO UPDATE
       SET candidate_products = excluded.candidate_products, status = excluded.status,
           reviewed_by = NULL, reviewed_at = NULL,
           created_at = excluded.created_at, expires_at = excluded.expires_at
""")
# The keys between the three tables are checked when the statement ends: by then all is there.
_DRAFT: Final = text("""
    WITH o AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(CAST(:outcomes AS jsonb))
            AS o (item_id uuid, product_id uuid, internal_sku text, name text,
                  category_id uuid, status product_status, created_at timestamptz)
    ), linked AS (
        UPDATE supplier_items i
           SET product_id = o.product_id, match_status = 'auto_matched', match_score = 100,
               match_candidates = '[]', updated_at = CAST(:at AS timestamptz)
          FROM o
         WHERE i.id = o.item_id AND i.product_id IS NULL AND i.match_status = 'unmatched'
        RETURNING i.id, i.product_id
    ), founded AS (
        INSERT INTO products
               (id, internal_sku, name, category_id, status, created_at, updated_at)
        SELECT o.product_id, o.internal_sku, o.name, o.category_id, o.status,
               o.created_at, o.created_at
          FROM o JOIN linked l ON l.id = o.item_id
        ON CONFLICT (id) DO NOTHING
    ), known AS (
        INSERT INTO marketbel.known_links (supplier_item_id, product_id)
        SELECT id, product_id FROM linked
        ON CONFLICT (supplier_item_id) DO UPDATE SET product_id = excluded.product_id
    )
    INSERT INTO marketbel.drafts (product_id, supplier_item_id, created_at)
    SELECT product_id, id, CAST(:at AS timestamptz) FROM linked
    ON CONFLICT DO NOTHING
""")


async def record_matches(
    transaction: Transaction, outcomes: Sequence[MatchOutcome], *, at: datetime
) -> None:
    """Write the outcomes, as `SupplierItems.record_matches` promises."""
    links = [_link(outcome) for outcome in outcomes if isinstance(outcome, Linked)]
    reviews = [_review(outcome) for outcome in outcomes if isinstance(outcome, ForReview)]
    drafted = [outcome for outcome in outcomes if isinstance(outcome, Drafted)]
    if drafted:
        products = await with_free_skus(transaction, [outcome.product for outcome in drafted])
        drafts = [
            _draft(outcome, product) for outcome, product in zip(drafted, products, strict=True)
        ]
        await transaction.run(_DRAFT, {"outcomes": json.dumps(drafts), "at": at})
    if links:
        await transaction.run(_LINK, {"outcomes": json.dumps(links), "at": at})
    if reviews:
        await transaction.run(_REVIEW, {"outcomes": json.dumps(reviews), "at": at})


async def with_free_skus(transaction: Transaction, products: Sequence[Product]) -> list[Product]:
    """Return the products with article numbers that nobody has, later milliseconds if need be.

    Two drafts of one batch share the millisecond, and one in 1.7 million pairs the tail as well.
    """
    ids = literal([product.id for product in products], ARRAY(Uuid))
    pending, free, taken = list(products), dict[ProductId, Product](), set[str]()
    while pending:
        wanted = literal([product.internal_sku for product in pending], ARRAY(String))
        query = select(tables.Product.internal_sku).where(
            tables.Product.internal_sku == any_(wanted), tables.Product.id != all_(ids)
        )
        taken.update(row.internal_sku for row in await transaction.run(query))
        refused = []
        for product in pending:
            sku = product.internal_sku
            if sku in taken:
                refused.append(replace(product, internal_sku=later_sku(sku)))
            else:
                free[product.id] = product
                taken.add(sku)
        pending = refused
    return [free[product.id] for product in products]


def _link(outcome: Linked) -> dict[str, object]:
    return {
        "item_id": str(outcome.item.id),
        "product_id": str(outcome.product_id),
        "score": str(storable_score(outcome.score)),
        "candidates": candidates_as_json(outcome.candidates),
    }


def _review(outcome: ForReview) -> dict[str, object]:
    return {
        "item_id": str(outcome.item.id),
        "score": str(storable_score(outcome.score)),
        "candidates": candidates_as_json(outcome.task.candidates),
        "created_at": outcome.task.created_at.isoformat(),
        "expires_at": outcome.task.expires_at.isoformat(),
        "status": outcome.task.status.value,
    }


def _draft(outcome: Drafted, product: Product) -> dict[str, object]:
    return {
        "item_id": str(outcome.item.id),
        "product_id": str(product.id),
        "internal_sku": product.internal_sku,
        "name": product.name,
        "category_id": product.category_id and str(product.category_id),
        "status": product.status.value,
        "created_at": product.created_at.isoformat(),
    }
