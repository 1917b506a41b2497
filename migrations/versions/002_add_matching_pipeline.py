"""Match columns of items, aggregates of products, and the queue of reviews.

The queue refers to `users`, which the admin API makes. Where it has not yet, the foreign key
waits for it.
"""

from typing import Final

from alembic import op

from marketbel_adapters.postgres.waiting import ENSURE_REVIEWER_KEY

revision: str = "002_add_matching_pipeline"
down_revision: str | None = "001_initial_schema"
branch_labels: str | None = None
depends_on: str | None = None

_UPGRADE: Final = (
    """
    CREATE TYPE match_status AS ENUM
        ('unmatched', 'auto_matched', 'potential_match', 'verified_match')
    """,
    """
    CREATE TYPE review_status AS ENUM
        ('pending', 'approved', 'rejected', 'expired', 'needs_category')
    """,
    """
    ALTER TABLE products
        ADD COLUMN min_price numeric(10, 2),
        ADD COLUMN availability boolean NOT NULL DEFAULT false,
        ADD COLUMN mrp numeric(10, 2)
    """,
    """
    CREATE INDEX idx_products_min_price ON products (min_price)
        WHERE min_price IS NOT NULL
    """,
    "CREATE INDEX idx_products_availability ON products (availability)",
    """
    ALTER TABLE supplier_items
        ADD COLUMN match_status match_status NOT NULL DEFAULT 'unmatched',
        ADD COLUMN match_score numeric(5, 2)
            CONSTRAINT check_match_score CHECK (match_score >= 0 AND match_score <= 100),
        ADD COLUMN match_candidates jsonb
    """,
    "CREATE INDEX idx_supplier_items_match_status ON supplier_items (match_status)",
    """
    CREATE INDEX idx_supplier_items_unmatched ON supplier_items (product_id)
        WHERE product_id IS NULL AND match_status = 'unmatched'
    """,
    """
    CREATE INDEX idx_supplier_items_match_score ON supplier_items (match_score DESC)
        WHERE match_score IS NOT NULL
    """,
    """
    CREATE TABLE match_review_queue (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        supplier_item_id uuid NOT NULL UNIQUE
            REFERENCES supplier_items (id) ON DELETE CASCADE,
        candidate_products jsonb NOT NULL DEFAULT '[]'::jsonb,
        status review_status NOT NULL DEFAULT 'pending',
        reviewed_by uuid,
        reviewed_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX idx_review_queue_status ON match_review_queue (status)",
    """
    CREATE INDEX idx_review_queue_expires ON match_review_queue (expires_at)
        WHERE status = 'pending'
    """,
    "CREATE INDEX idx_review_queue_created ON match_review_queue (created_at DESC)",
    """
    CREATE INDEX idx_review_queue_status_expires ON match_review_queue (status, expires_at)
        WHERE status = 'pending'
    """,
    *ENSURE_REVIEWER_KEY,
)
_DOWNGRADE: Final = (
    "DROP TABLE match_review_queue",
    "DROP INDEX idx_supplier_items_unmatched",
    """
    ALTER TABLE supplier_items
        DROP COLUMN match_candidates, DROP COLUMN match_score, DROP COLUMN match_status
    """,
    "ALTER TABLE products DROP COLUMN mrp, DROP COLUMN availability, DROP COLUMN min_price",
    "DROP TYPE review_status",
    "DROP TYPE match_status",
)


def upgrade() -> None:
    for statement in _UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWNGRADE:
        op.execute(statement)
