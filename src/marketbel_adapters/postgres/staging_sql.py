# ruff: noqa: S608 - what is put together are constants of this module
"""The statements of an import: rows are staged, compared and merged as sets.

`marketbel_rows` has the constraints of `supplier_items`, so that a row which the table would
refuse is refused by the COPY already, and nothing that was staged can fail later on.
"""

from typing import Final

from sqlalchemy import text

__all__ = [
    "ANALYZE",
    "APPLY_CHANGED",
    "APPLY_INSERTED",
    "CHANGED_BY_POLICY",
    "CHANGED_BY_THE_LIST",
    "CHANGED_WITHOUT_PRICE",
    "COUNT",
    "CREATE",
    "DIFFERENCES",
    "DROP",
    "FINGERPRINT",
    "ID_PREFIX",
    "KEEP_NONE",
    "KEEP_ONLY_NEW",
    "MERGE_DUPLICATES",
    "MISSING",
    "NOTE_MERGED",
    "NOTE_MISSING",
    "ROW_COLUMNS",
    "SAMPLE_FEW",
    "SORT_IN_MEMORY",
    "UNPRICED_COLUMNS",
    "as_listed",
]


def as_listed(characteristics: str) -> str:
    """Return SQL for characteristics as the list said them, without what we added ourselves.

    The same as `marketbel_core.catalog.as_listed`.
    """
    said, added = characteristics, f"({characteristics} -> '_enriched')"
    return f"""
        CASE WHEN jsonb_typeof({added}) = 'object'
             THEN ({said} - '_enriched' - ARRAY(SELECT jsonb_object_keys({added})))
                  || jsonb_strip_nulls({added})
             ELSE {said} END
    """


ROW_COLUMNS: Final = (
    "supplier_sku",
    "name",
    "current_price",
    "characteristics",
    "price_opt",
    "price_rrc",
    "sheet",
    "row_number",
)
UNPRICED_COLUMNS: Final = ("supplier_sku",)

_TABLES: Final = (
    "marketbel_rows",
    "marketbel_unpriced",
    "marketbel_merged",
    "marketbel_missing",
    "marketbel_changed",
)
DROP: Final = text(f"DROP TABLE IF EXISTS {', '.join(f'pg_temp.{name}' for name in _TABLES)}")
CREATE: Final = (
    """
    CREATE TEMPORARY TABLE marketbel_rows (
        LIKE supplier_items INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
        sheet text NOT NULL,
        row_number integer NOT NULL,
        position bigint GENERATED ALWAYS AS IDENTITY
    ) ON COMMIT DROP
    """,
    """
    CREATE TEMPORARY TABLE marketbel_unpriced (supplier_sku varchar(255) NOT NULL) ON COMMIT DROP
    """,
    """
    CREATE TEMPORARY TABLE marketbel_merged (
        supplier_sku text NOT NULL,
        sheet text NOT NULL,
        row_number integer NOT NULL,
        won_by integer NOT NULL
    ) ON COMMIT DROP
    """,
    """
    CREATE TEMPORARY TABLE marketbel_missing (item_id uuid NOT NULL) ON COMMIT DROP
    """,
    """
    CREATE TEMPORARY TABLE marketbel_changed (
        item_id uuid NOT NULL,
        supplier_sku text NOT NULL,
        kind text NOT NULL,
        name text NOT NULL,
        current_price numeric(10,2) NOT NULL,
        characteristics jsonb NOT NULL,
        price_opt numeric(12,2),
        price_rrc numeric(12,2),
        name_before text NOT NULL,
        price_before numeric(10,2) NOT NULL,
        characteristics_before jsonb NOT NULL,
        price_opt_before numeric(12,2),
        price_rrc_before numeric(12,2),
        last_ingested_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        price_id uuid,
        is_moved boolean NOT NULL
    ) ON COMMIT DROP
    """,
)
# New ids begin with the instant of the import, as version 7 of RFC 9562 has it, and end with the
# row's place in the list: indexes on ids then grow at one end, and items are in the list's order.
ID_PREFIX: Final = text("""
    SELECT left(t, 8) || '-' || right(t, 4) || '-7' || substr(r, 16, 3) || '-' || substr(r, 20, 4)
           || '-'
      FROM (SELECT lpad(to_hex(CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)), 12,
                        '0') AS t,
                   CAST(gen_random_uuid() AS text) AS r) x
""")
# A list of a million rows is compared without files of its own.
SORT_IN_MEMORY: Final = text("SET LOCAL work_mem = '64MB'")
# The planner has to know that skus differ, and for that a small sample will do.
SAMPLE_FEW: Final = text("SET LOCAL default_statistics_target = 10")
ANALYZE: Final = text("ANALYZE marketbel_rows (supplier_sku), marketbel_unpriced (supplier_sku)")

# Of rows that share a sku the last wins.
MERGE_DUPLICATES: Final = text("""
    WITH winners AS (
        SELECT supplier_sku, max(position) AS position
          FROM marketbel_rows GROUP BY supplier_sku HAVING count(*) > 1
    ), losers AS (
        DELETE FROM marketbel_rows r
         USING winners w
         WHERE r.supplier_sku = w.supplier_sku AND r.position < w.position
        RETURNING r.supplier_sku, r.sheet, r.row_number, w.position
    )
    INSERT INTO marketbel_merged (supplier_sku, sheet, row_number, won_by)
    SELECT l.supplier_sku, l.sheet, l.row_number, r.row_number
      FROM losers l JOIN marketbel_rows r USING (position)
""")
# One statement, so that all counts are of one moment: how many rows are of known items.
MISSING: Final = text("""
    WITH mine AS (
        SELECT id, supplier_sku FROM supplier_items
         WHERE supplier_id = CAST(:supplier_id AS uuid)
    ), unnamed AS MATERIALIZED (
        SELECT i.id, i.supplier_sku
          FROM mine i
         WHERE NOT EXISTS (SELECT FROM marketbel_rows n WHERE n.supplier_sku = i.supplier_sku)
    ), missing AS (
        INSERT INTO marketbel_missing (item_id)
        SELECT i.id
          FROM unnamed i
         WHERE NOT EXISTS (SELECT FROM marketbel_unpriced n
                            WHERE n.supplier_sku = i.supplier_sku)
    )
    SELECT (SELECT count(*) FROM mine) - (SELECT count(*) FROM unnamed) AS known,
           (SELECT count(*) FROM marketbel_rows) AS named
""")
_CHANGED: Final = """
    INSERT INTO marketbel_changed
"""
# What is the same stays unwritten. The rows are locked before they are compared with what they
# were, in one order, so that a price changed by a neighbour in between is neither lost nor
# recorded twice.
CHANGED_BY_THE_LIST: Final = text(f"""
    {_CHANGED}
    SELECT c.*,
           CASE WHEN (c.price_before, c.characteristics_before -> '_currency')
                     IS DISTINCT FROM (c.current_price, c.characteristics -> '_currency')
                THEN gen_random_uuid() END,
           (c.characteristics_before -> '_currency') IS DISTINCT FROM
           (c.characteristics -> '_currency')
           OR abs(c.current_price - c.price_before) * 100
              > c.price_before * CAST(:price_move_max AS numeric)
      FROM (
        SELECT i.id, i.supplier_sku, 'updated', n.name, n.current_price, n.characteristics,
               n.price_opt, n.price_rrc, i.name AS name_before, i.current_price AS price_before,
               i.characteristics AS characteristics_before, i.price_opt AS price_opt_before,
               i.price_rrc AS price_rrc_before, i.last_ingested_at, i.updated_at
          FROM marketbel_rows n
          JOIN supplier_items i
            ON i.supplier_id = CAST(:supplier_id AS uuid) AND i.supplier_sku = n.supplier_sku
         WHERE (i.name, i.current_price, {as_listed("i.characteristics")}, i.price_opt,
                i.price_rrc)
               IS DISTINCT FROM
               (n.name, n.current_price, n.characteristics, n.price_opt, n.price_rrc)
         ORDER BY i.id
           FOR NO KEY UPDATE OF i
      ) c
""")
_CHARACTERISTICS_ALONE: Final = f"""
    {_CHANGED}
    SELECT i.id, i.supplier_sku, CAST(:kind AS text), i.name, i.current_price,
           i.characteristics || CAST(:told AS jsonb), i.price_opt, i.price_rrc,
           i.name, i.current_price, i.characteristics, i.price_opt, i.price_rrc,
           i.last_ingested_at, i.updated_at, NULL, false
      FROM supplier_items i
     WHERE i.supplier_id = CAST(:supplier_id AS uuid)
       AND NOT i.characteristics @> CAST(:told AS jsonb)
"""
CHANGED_WITHOUT_PRICE: Final = text(f"""
    {_CHARACTERISTICS_ALONE}
       AND EXISTS (SELECT FROM marketbel_unpriced n WHERE n.supplier_sku = i.supplier_sku)
       AND NOT EXISTS (SELECT FROM marketbel_rows n WHERE n.supplier_sku = i.supplier_sku)
     ORDER BY i.id
       FOR NO KEY UPDATE OF i
""")
_OPEN: Final = "m.item_id = i.id AND m.until_import_id IS NULL"
CHANGED_BY_POLICY: Final = text(f"""
    {_CHARACTERISTICS_ALONE}
       AND EXISTS (SELECT FROM marketbel_missing n WHERE n.item_id = i.id)
       AND NOT EXISTS (SELECT FROM marketbel.missing_items m WHERE {_OPEN})
     ORDER BY i.id
       FOR NO KEY UPDATE OF i
""")
KEEP_NONE: Final = text("TRUNCATE marketbel_rows")
KEEP_ONLY_NEW: Final = text("""
    DELETE FROM marketbel_rows n
     USING supplier_items i
     WHERE i.supplier_id = CAST(:supplier_id AS uuid) AND i.supplier_sku = n.supplier_sku
""")
COUNT: Final = text("""
    SELECT (SELECT count(*) FROM marketbel_rows) AS inserted,
           (SELECT count(*) FROM marketbel_merged) AS merged,
           (SELECT count(*) FROM marketbel_missing) AS missing,
           count(*) FILTER (WHERE kind = 'updated') AS updated,
           count(price_id) AS repriced,
           count(*) FILTER (WHERE is_moved) AS moved,
           count(*) FILTER (WHERE kind = 'unavailable') AS unavailable
      FROM marketbel_changed
""")
# The largest moves first; what is missing and what is new by sku.
DIFFERENCES: Final = text("""
    (SELECT CASE WHEN price_id IS NULL THEN kind ELSE 'repriced' END AS kind,
            supplier_sku, name, price_before, characteristics_before -> '_currency' AS was,
            CASE WHEN kind = 'updated' THEN current_price END AS price_after,
            characteristics -> '_currency' AS is
       FROM marketbel_changed
      ORDER BY is_moved DESC, price_id IS NULL,
               abs(current_price - price_before) / greatest(price_before, 0.01) DESC, supplier_sku
      LIMIT :limit)
    UNION ALL
    (SELECT 'inserted', supplier_sku, name, NULL, NULL, current_price,
            characteristics -> '_currency'
       FROM marketbel_rows ORDER BY position LIMIT :limit)
    UNION ALL
    (SELECT 'missing', i.supplier_sku, i.name, i.current_price,
            i.characteristics -> '_currency', NULL, NULL
       FROM marketbel_missing m JOIN supplier_items i ON i.id = m.item_id
      ORDER BY i.supplier_sku LIMIT :limit)
""")
FINGERPRINT: Final = text(f"""
    SELECT CAST(count(*) AS text) || ':' || coalesce(CAST(sum(hash_record_extended(
               ROW(id, supplier_sku, name, current_price, {as_listed("characteristics")},
                   price_opt, price_rrc),
               0)) AS text), '') AS items,
           (SELECT CAST(id AS text) || state FROM marketbel.imports
             WHERE supplier_id = CAST(:supplier_id AS uuid)
             ORDER BY position DESC LIMIT 1) AS last_import
      FROM supplier_items
     WHERE supplier_id = CAST(:supplier_id AS uuid)
""")

_DIGEST: Final = (
    f"hash_record_extended(ROW(name, current_price, {as_listed('characteristics')}, price_opt,"
    " price_rrc), 0)"
)
APPLY_CHANGED: Final = (
    # Kept only for imports that can be undone.
    f"""
    INSERT INTO marketbel.import_changes (import_id, item_id, digest, price_id, price_after, name,
           current_price, characteristics, price_opt, price_rrc, last_ingested_at, updated_at)
    SELECT CAST(:import_id AS uuid), item_id, {_DIGEST}, price_id, current_price, name_before,
           price_before, characteristics_before, price_opt_before, price_rrc_before,
           last_ingested_at, updated_at
      FROM marketbel_changed
     WHERE CAST(:import_id AS uuid) IS NOT NULL
    """,
    """
    UPDATE supplier_items i
       SET name = c.name, current_price = c.current_price,
           characteristics = c.characteristics, price_opt = c.price_opt,
           price_rrc = c.price_rrc, last_ingested_at = CAST(:at AS timestamptz),
           updated_at = CAST(:at AS timestamptz)
      FROM marketbel_changed c
     WHERE i.id = c.item_id
    """,
    """
    INSERT INTO price_history (id, supplier_item_id, price, recorded_at)
    SELECT price_id, item_id, current_price, CAST(:at AS timestamptz)
      FROM marketbel_changed
     WHERE price_id IS NOT NULL
    """,
)
_ID: Final = "CAST(:id_prefix || lpad(to_hex(position), 12, '0') AS uuid)"
# The first price of an item has the item's own id: the two are ids of different tables.
APPLY_INSERTED: Final = (
    f"""
    INSERT INTO supplier_items (id, supplier_id, supplier_sku, name, current_price,
           characteristics, price_opt, price_rrc, last_ingested_at, created_at, updated_at)
    SELECT {_ID}, CAST(:supplier_id AS uuid), supplier_sku, name, current_price, characteristics,
           price_opt, price_rrc,
           CAST(:at AS timestamptz), CAST(:at AS timestamptz), CAST(:at AS timestamptz)
      FROM marketbel_rows
    """,
    f"""
    INSERT INTO price_history (id, supplier_item_id, price, recorded_at)
    SELECT {_ID}, {_ID}, current_price, CAST(:at AS timestamptz) FROM marketbel_rows
    """,
    f"""
    INSERT INTO marketbel.import_insertions (import_id, part, item_ids, digests)
    SELECT CAST(:import_id AS uuid), position / 1000, array_agg({_ID}), array_agg({_DIGEST})
      FROM marketbel_rows
     WHERE CAST(:import_id AS uuid) IS NOT NULL
     GROUP BY position / 1000
    """,
)
NOTE_MERGED: Final = (
    """
    INSERT INTO marketbel.import_merges (import_id, sheet, row_number, supplier_sku, won_by)
    SELECT CAST(:import_id AS uuid), sheet, row_number, supplier_sku, won_by
      FROM marketbel_merged
    ON CONFLICT DO NOTHING
    """,
)
NOTE_MISSING: Final = (
    """
    UPDATE marketbel.missing_items m
       SET until_import_id = CAST(:import_id AS uuid)
     WHERE m.supplier_id = CAST(:supplier_id AS uuid) AND m.until_import_id IS NULL
       AND NOT EXISTS (SELECT FROM marketbel_missing n WHERE n.item_id = m.item_id)
    """,
    """
    INSERT INTO marketbel.missing_items (item_id, supplier_id, since_import_id)
    SELECT n.item_id, CAST(:supplier_id AS uuid), CAST(:import_id AS uuid)
      FROM marketbel_missing n
     WHERE NOT EXISTS (SELECT FROM marketbel.missing_items m
                        WHERE m.item_id = n.item_id AND m.until_import_id IS NULL)
    """,
)
