"""One head again, and the worker's own tables in a schema of their own."""

from typing import Final

from alembic import op

from marketbel_adapters.postgres.waiting import MADE_BY_US

revision: str = "010_marketbel_schema"
down_revision: tuple[str, str] = ("009_add_pricing_fields", "009_semantic_etl_schema")
branch_labels: str | None = None
depends_on: str | None = None

_UPGRADE: Final = (
    # Not IF NOT EXISTS: that wants the right to create schemas even where an administrator
    # has made this one beforehand.
    f"""
    DO $$ BEGIN
        IF to_regnamespace('marketbel') IS NULL THEN
            CREATE SCHEMA marketbel;
            COMMENT ON SCHEMA marketbel IS '{MADE_BY_US}';
        END IF;
    END $$
    """,
    """
    CREATE TABLE marketbel.drafts (
        product_id uuid PRIMARY KEY REFERENCES products (id) ON DELETE CASCADE,
        supplier_item_id uuid UNIQUE REFERENCES supplier_items (id) ON DELETE SET NULL,
        created_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE marketbel.imports (
        id uuid PRIMARY KEY,
        job_id uuid NOT NULL,
        supplier_id uuid NOT NULL REFERENCES suppliers (id) ON DELETE CASCADE,
        attempt integer NOT NULL,
        accepted integer NOT NULL,
        rejected integer NOT NULL,
        inserted integer NOT NULL,
        updated integer NOT NULL,
        unchanged integer NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (job_id, attempt)
    )
    """,
    "CREATE INDEX idx_imports_supplier ON marketbel.imports (supplier_id)",
    """
    CREATE TABLE marketbel.row_rejections (
        log_id uuid PRIMARY KEY REFERENCES parsing_logs (id) ON DELETE CASCADE,
        task_id varchar(255) NOT NULL,
        row_key varchar(64) NOT NULL,
        UNIQUE (task_id, row_key)
    )
    """,
)
_DOWNGRADE: Final = (
    "DROP TABLE marketbel.row_rejections",
    "DROP TABLE marketbel.imports",
    "DROP TABLE marketbel.drafts",
    # A schema that an administrator made beforehand, or that others use by now, stays.
    f"""
    DO $$ BEGIN
        IF obj_description(to_regnamespace('marketbel'), 'pg_namespace') = '{MADE_BY_US}' THEN
            DROP SCHEMA marketbel RESTRICT;
        END IF;
    EXCEPTION
        WHEN dependent_objects_still_exist THEN
            RAISE NOTICE 'the schema marketbel stays: %', SQLERRM;
    END $$
    """,
)


def upgrade() -> None:
    for statement in _UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWNGRADE:
        op.execute(statement)
