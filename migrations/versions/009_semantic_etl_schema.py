"""What reading by a language model adds: item prices and categories, review of categories."""

from typing import Final

from alembic import op

from marketbel_adapters.postgres.waiting import ENSURE_PARENTS

revision: str = "009_semantic_etl_schema"
down_revision: str | None = "008_create_product_embeddings"
branch_labels: str | None = None
depends_on: str | None = None

_UPGRADE: Final = (
    "ALTER TABLE suppliers ADD COLUMN use_semantic_etl boolean NOT NULL DEFAULT false",
    """
    CREATE INDEX idx_suppliers_use_semantic_etl ON suppliers (use_semantic_etl)
        WHERE use_semantic_etl = true
    """,
    """
    ALTER TABLE categories
        ADD COLUMN needs_review boolean NOT NULL DEFAULT false,
        ADD COLUMN is_active boolean NOT NULL DEFAULT true,
        ADD COLUMN supplier_id uuid REFERENCES suppliers (id) ON DELETE SET NULL,
        ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now()
    """,
    *ENSURE_PARENTS,
    """
    CREATE INDEX idx_categories_needs_review ON categories (needs_review)
        WHERE needs_review = true
    """,
    """
    CREATE INDEX idx_categories_supplier_id ON categories (supplier_id)
        WHERE supplier_id IS NOT NULL
    """,
    "CREATE INDEX idx_categories_is_active ON categories (is_active) WHERE is_active = true",
    """
    ALTER TABLE supplier_items
        ADD COLUMN price_opt numeric(12, 2)
            CONSTRAINT chk_price_opt_positive CHECK (price_opt >= 0),
        ADD COLUMN price_rrc numeric(12, 2)
            CONSTRAINT chk_price_rrc_positive CHECK (price_rrc >= 0),
        ADD COLUMN category_id uuid REFERENCES categories (id) ON DELETE SET NULL
    """,
    """
    CREATE INDEX idx_supplier_items_category ON supplier_items (category_id)
        WHERE category_id IS NOT NULL
    """,
    """
    ALTER TABLE parsing_logs
        ADD COLUMN chunk_id integer,
        ADD COLUMN extraction_phase varchar(50)
    """,
    """
    CREATE INDEX idx_parsing_logs_extraction_phase ON parsing_logs (extraction_phase)
        WHERE extraction_phase IS NOT NULL
    """,
)
_DOWNGRADE: Final = (
    "ALTER TABLE parsing_logs DROP COLUMN extraction_phase, DROP COLUMN chunk_id",
    """
    ALTER TABLE supplier_items
        DROP COLUMN category_id, DROP COLUMN price_rrc, DROP COLUMN price_opt
    """,
    """
    ALTER TABLE categories
        DROP CONSTRAINT IF EXISTS chk_no_self_reference,
        DROP COLUMN updated_at,
        DROP COLUMN supplier_id,
        DROP COLUMN is_active,
        DROP COLUMN needs_review
    """,
    "ALTER TABLE suppliers DROP COLUMN use_semantic_etl",
)


def upgrade() -> None:
    for statement in _UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWNGRADE:
        op.execute(statement)
