"""Imports that are planned, held and undone: what they changed, and which items lists left out."""

from typing import Final

from alembic import op

revision: str = "014_imports"
down_revision: str = "013_reviews"
branch_labels: str | None = None
depends_on: str | None = None

_UPGRADE: Final = (
    """
    ALTER TABLE marketbel.imports
        ALTER job_id DROP NOT NULL,
        DROP CONSTRAINT imports_job_id_attempt_key,
        ADD position bigint GENERATED ALWAYS AS IDENTITY,
        ADD state text NOT NULL DEFAULT 'applied',
        ADD task_id varchar(255) NOT NULL DEFAULT '',
        ADD content_key varchar(64) NOT NULL DEFAULT '',
        ADD source_name text NOT NULL DEFAULT '',
        ADD merged integer NOT NULL DEFAULT 0,
        ADD repriced integer NOT NULL DEFAULT 0,
        ADD moved integer NOT NULL DEFAULT 0,
        ADD no_price integer NOT NULL DEFAULT 0,
        ADD unavailable integer NOT NULL DEFAULT 0,
        ADD missing integer NOT NULL DEFAULT 0,
        ADD reasons jsonb NOT NULL DEFAULT '[]',
        ADD layouts jsonb NOT NULL DEFAULT '{}',
        ADD approved_at timestamptz,
        ADD approved_by text,
        ADD undone_at timestamptz,
        ADD CONSTRAINT check_import_state
            CHECK (state IN ('applied', 'held', 'repeated', 'undone'))
    """,
    """
    UPDATE marketbel.imports
       SET merged = accepted - inserted - updated - unchanged, task_id = CAST(job_id AS text)
    """,
    "DROP INDEX marketbel.idx_imports_supplier",
    "CREATE INDEX idx_imports_supplier ON marketbel.imports (supplier_id, position)",
    """
    CREATE TABLE marketbel.import_changes (
        import_id uuid NOT NULL REFERENCES marketbel.imports (id) ON DELETE CASCADE,
        item_id uuid NOT NULL,
        digest bigint NOT NULL,
        price_id uuid,
        price_after numeric(10,2) NOT NULL,
        name text NOT NULL,
        current_price numeric(10,2) NOT NULL,
        characteristics jsonb NOT NULL,
        price_opt numeric(12,2),
        price_rrc numeric(12,2),
        last_ingested_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        PRIMARY KEY (import_id, item_id)
    )
    """,
    """
    CREATE TABLE marketbel.import_insertions (
        import_id uuid NOT NULL REFERENCES marketbel.imports (id) ON DELETE CASCADE,
        part bigint NOT NULL,
        item_ids uuid[] NOT NULL,
        digests bigint[] NOT NULL,
        PRIMARY KEY (import_id, part)
    )
    """,
    """
    CREATE TABLE marketbel.import_merges (
        import_id uuid NOT NULL REFERENCES marketbel.imports (id) ON DELETE CASCADE,
        sheet text NOT NULL,
        row_number integer NOT NULL,
        supplier_sku text NOT NULL,
        won_by integer NOT NULL,
        PRIMARY KEY (import_id, sheet, row_number)
    )
    """,
    """
    CREATE TABLE marketbel.missing_items (
        item_id uuid NOT NULL,
        since_import_id uuid NOT NULL,
        supplier_id uuid NOT NULL REFERENCES suppliers (id) ON DELETE CASCADE,
        until_import_id uuid,
        PRIMARY KEY (item_id, since_import_id)
    )
    """,
    "CREATE INDEX idx_missing_items_supplier ON marketbel.missing_items (supplier_id)",
)
_DOWNGRADE: Final = (
    "DROP TABLE marketbel.missing_items",
    "DROP TABLE marketbel.import_merges",
    "DROP TABLE marketbel.import_insertions",
    "DROP TABLE marketbel.import_changes",
    # The table before knew neither other states nor imports without a job, and one an attempt.
    """
    DELETE FROM marketbel.imports i
     WHERE i.state <> 'applied' OR i.job_id IS NULL
        OR EXISTS (SELECT FROM marketbel.imports later
                    WHERE later.job_id = i.job_id AND later.attempt = i.attempt
                      AND later.state = 'applied' AND later.position > i.position)
    """,
    "DROP INDEX marketbel.idx_imports_supplier",
    "CREATE INDEX idx_imports_supplier ON marketbel.imports (supplier_id)",
    """
    ALTER TABLE marketbel.imports
        DROP CONSTRAINT check_import_state,
        DROP position, DROP state, DROP task_id, DROP content_key, DROP source_name,
        DROP merged, DROP repriced, DROP moved, DROP no_price, DROP unavailable, DROP missing,
        DROP reasons, DROP layouts, DROP approved_at, DROP approved_by, DROP undone_at,
        ALTER job_id SET NOT NULL,
        ADD UNIQUE (job_id, attempt)
    """,
)


def upgrade() -> None:
    for statement in _UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWNGRADE:
        op.execute(statement)
