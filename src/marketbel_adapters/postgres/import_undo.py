# ruff: noqa: S608 - what is put together are constants of this module
"""An import taken back: what it changed is restored, unless somebody changed it since."""

from datetime import datetime
from typing import Final

from sqlalchemy import text

from marketbel_adapters.postgres.staging_sql import as_listed
from marketbel_adapters.postgres.transaction import Transaction
from marketbel_core.ids import ImportId, ProductId
from marketbel_core.ports import UndoOutcome

__all__ = ["undo_changes"]

_KEPT_TOLD_MAX: Final = 100

# An outer join admits no lock on the side that may be missing: locked beforehand, in one order.
_LOCK: Final = """
    SELECT count(*) FROM (
        SELECT i.id FROM supplier_items i
         WHERE i.id IN (SELECT item_id FROM marketbel.import_changes
                         WHERE import_id = CAST(:import_id AS uuid)
                        UNION ALL
                        SELECT unnest(item_ids) FROM marketbel.import_insertions
                         WHERE import_id = CAST(:import_id AS uuid))
         ORDER BY i.id FOR UPDATE
    ) locked
"""
_DROP: Final = "DROP TABLE IF EXISTS pg_temp.marketbel_undo, pg_temp.marketbel_undo_drafts"
# Untouched is an item that still says what the import wrote, and that no later import changed.
_UNTOUCHED: Final = f"""
    hash_record_extended(
        ROW(i.name, i.current_price, {as_listed("i.characteristics")}, i.price_opt, i.price_rrc),
        0) = c.digest
    AND NOT EXISTS (
        SELECT FROM marketbel.import_changes later
          JOIN marketbel.imports m ON m.id = later.import_id AND m.state = 'applied'
         WHERE later.item_id = i.id AND m.supplier_id = CAST(:supplier_id AS uuid)
           AND m.position > (SELECT position FROM marketbel.imports
                              WHERE id = CAST(:import_id AS uuid)))
"""
# What the matcher made of an item may go with it; what a person or a neighbour said of it may not.
_IS_NOBODYS: Final = """
    i.category_id IS NULL
    AND (i.product_id IS NULL AND i.match_status IN ('unmatched', 'potential_match')
         OR i.match_status = 'auto_matched' AND EXISTS (
             SELECT FROM marketbel.known_links k
              WHERE k.supplier_item_id = i.id AND k.product_id = i.product_id))
    AND NOT EXISTS (SELECT FROM marketbel.verdicts v WHERE v.supplier_item_id = i.id)
    AND NOT EXISTS (SELECT FROM marketbel.review_decisions d
                     WHERE d.supplier_item_id = i.id AND d.action <> 'expire')
    AND NOT EXISTS (SELECT FROM match_review_queue q
                     WHERE q.supplier_item_id = i.id
                       AND (q.reviewed_by IS NOT NULL OR q.status IN ('approved', 'rejected')))
    AND NOT EXISTS (SELECT FROM marketbel.drafts d JOIN products p ON p.id = d.product_id
                     WHERE d.supplier_item_id = i.id AND p.status = 'active')
"""
_JUDGE: Final = f"""
    CREATE TEMPORARY TABLE marketbel_undo ON COMMIT DROP AS
    SELECT c.item_id, c.is_new, c.price_id, i.id IS NULL AS is_gone, i.supplier_sku, i.product_id,
           coalesce({_UNTOUCHED} AND (NOT c.is_new OR {_IS_NOBODYS}), false) AS is_untouched
      FROM (
        SELECT item_id, digest, price_id, false AS is_new
          FROM marketbel.import_changes WHERE import_id = CAST(:import_id AS uuid)
        UNION ALL
        SELECT u.item_id, u.digest, NULL, true
          FROM marketbel.import_insertions n,
               LATERAL unnest(n.item_ids, n.digests) AS u (item_id, digest)
         WHERE n.import_id = CAST(:import_id AS uuid)
      ) c
      LEFT JOIN supplier_items i ON i.id = c.item_id
"""
_RESTORE: Final = """
    UPDATE supplier_items i
       SET name = c.name, current_price = c.current_price, characteristics = c.characteristics,
           price_opt = c.price_opt, price_rrc = c.price_rrc,
           last_ingested_at = c.last_ingested_at, updated_at = c.updated_at
      FROM marketbel.import_changes c JOIN marketbel_undo u USING (item_id)
     WHERE c.import_id = CAST(:import_id AS uuid) AND i.id = c.item_id
       AND u.is_untouched AND NOT u.is_new
"""
_FORGET_PRICES: Final = """
    DELETE FROM price_history h USING marketbel_undo u
     WHERE h.id = u.price_id AND u.is_untouched
"""
# Whoever links an item to a draft holds on to its row until the link is there: once it is locked,
# all links to it can be seen.
_NAME_DRAFTS: Final = """
    CREATE TEMPORARY TABLE marketbel_undo_drafts ON COMMIT DROP AS
    SELECT p.id
      FROM marketbel.drafts d
      JOIN marketbel_undo u ON u.item_id = d.supplier_item_id
      JOIN products p ON p.id = d.product_id
     WHERE u.is_untouched AND u.is_new AND p.status = 'draft'
     ORDER BY p.id
       FOR UPDATE OF p
"""
_DELETE: Final = """
    DELETE FROM supplier_items i USING marketbel_undo u
     WHERE i.id = u.item_id AND u.is_untouched AND u.is_new
"""
_FORGET_LINKS: Final = """
    DELETE FROM marketbel.known_links k USING marketbel_undo u
     WHERE k.supplier_item_id = u.item_id AND u.is_untouched AND u.is_new
"""
# A draft stays where anything else speaks of it: an item, a verdict, a decision, a waiting review.
_DELETE_DRAFTS: Final = """
    DELETE FROM products p USING marketbel_undo_drafts n
     WHERE p.id = n.id AND p.status = 'draft'
       AND coalesce(p.retail_price, p.wholesale_price, p.mrp) IS NULL
       AND NOT EXISTS (SELECT FROM supplier_items i WHERE i.product_id = p.id)
       AND NOT EXISTS (SELECT FROM marketbel.verdicts v WHERE v.product_id = p.id)
       AND NOT EXISTS (SELECT FROM marketbel.review_decisions d WHERE d.product_id = p.id)
       AND NOT EXISTS (
           SELECT FROM match_review_queue q,
                  LATERAL jsonb_array_elements(q.candidate_products) AS c (candidate)
            WHERE c.candidate ->> 'product_id' = CAST(p.id AS text))
"""
_FORGET_MISSING: Final = (
    """
    DELETE FROM marketbel.missing_items
     WHERE supplier_id = CAST(:supplier_id AS uuid)
       AND since_import_id = CAST(:import_id AS uuid)
    """,
    """
    UPDATE marketbel.missing_items SET until_import_id = NULL
     WHERE supplier_id = CAST(:supplier_id AS uuid)
       AND until_import_id = CAST(:import_id AS uuid)
    """,
)
_NOTE: Final = """
    UPDATE marketbel.imports SET state = 'undone', undone_at = CAST(:at AS timestamptz)
     WHERE id = CAST(:import_id AS uuid)
"""
_TELL: Final = text("""
    SELECT count(*) FILTER (WHERE is_untouched OR is_gone AND is_new) AS reversed,
           count(*) FILTER (WHERE NOT is_untouched AND NOT is_gone) AS kept,
           count(*) FILTER (WHERE is_gone AND NOT is_new) AS failed,
           (SELECT coalesce(array_agg(k.supplier_sku), '{}') FROM (
               SELECT supplier_sku FROM marketbel_undo
                WHERE NOT is_untouched AND NOT is_gone
                ORDER BY supplier_sku COLLATE "C" LIMIT :told_max) k) AS kept_skus,
           coalesce(array_agg(DISTINCT product_id)
                    FILTER (WHERE is_untouched AND EXISTS (
                        SELECT FROM products p WHERE p.id = product_id)), '{}') AS product_ids,
           (SELECT count(*) FROM marketbel_undo_drafts n
             WHERE NOT EXISTS (SELECT FROM products p WHERE p.id = n.id)) AS drafts
      FROM marketbel_undo
""")


async def undo_changes(
    transaction: Transaction, import_id: ImportId, values: dict[str, object], *, at: datetime
) -> UndoOutcome:
    """Take the changes of an applied import back; the supplier is held by the caller.

    Args:
        transaction: That of the unit.
        import_id: The import.
        values: The supplier's id, under `supplier_id`.
        at: When it is undone (aware, UTC).
    """
    given = {**values, "import_id": import_id, "at": at}
    for statement in (
        *(_LOCK, _DROP, _JUDGE, _RESTORE, _FORGET_PRICES),
        *(_NAME_DRAFTS, _DELETE, _FORGET_LINKS, _DELETE_DRAFTS),
        *_FORGET_MISSING,
        _NOTE,
    ):
        named = {key: value for key, value in given.items() if f":{key}" in statement}
        await transaction.run(text(statement), named)
    row = (await transaction.run(_TELL, {"told_max": _KEPT_TOLD_MAX})).one()
    return UndoOutcome(
        reversed=row.reversed,
        kept=row.kept,
        failed=row.failed,
        kept_skus=tuple(row.kept_skus),
        drafts=row.drafts,
        product_ids=tuple(sorted(ProductId(each) for each in row.product_ids)),
    )
