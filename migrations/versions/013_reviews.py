"""What people say of pairs, what they decided about items, and the links as we wrote them last."""

from typing import Final

from alembic import op

revision: str = "013_reviews"
down_revision: str = "012_sync"
branch_labels: str | None = None
depends_on: str | None = None

_UPGRADE: Final = (
    """
    CREATE TABLE marketbel.verdicts (
        supplier_item_id uuid NOT NULL REFERENCES public.supplier_items (id) ON DELETE CASCADE,
        product_id uuid NOT NULL REFERENCES public.products (id) ON DELETE CASCADE,
        verdict text NOT NULL,
        score numeric(5,2),
        decided_by text NOT NULL,
        decided_at timestamptz NOT NULL,
        PRIMARY KEY (supplier_item_id, product_id),
        CONSTRAINT check_verdict CHECK (verdict IN ('same', 'different', 'unsure'))
    )
    """,
    "CREATE INDEX idx_verdicts_product ON marketbel.verdicts (product_id)",
    """
    CREATE TABLE marketbel.review_decisions (
        id uuid PRIMARY KEY,
        position bigint GENERATED ALWAYS AS IDENTITY,
        supplier_item_id uuid NOT NULL REFERENCES public.supplier_items (id) ON DELETE CASCADE,
        action text NOT NULL,
        product_id uuid,
        decided_by text NOT NULL,
        user_id uuid,
        decided_at timestamptz NOT NULL,
        before jsonb NOT NULL,
        after jsonb NOT NULL,
        founded jsonb,
        undone_at timestamptz,
        undone_by text
    )
    """,
    """
    CREATE INDEX idx_review_decisions_item
        ON marketbel.review_decisions (supplier_item_id, position)
    """,
    "CREATE INDEX idx_review_decisions_position ON marketbel.review_decisions (position)",
    # No keys: a link that lost its item or its product is what is looked for.
    """
    CREATE TABLE marketbel.known_links (
        supplier_item_id uuid PRIMARY KEY,
        product_id uuid NOT NULL
    )
    """,
    """
    INSERT INTO marketbel.known_links (supplier_item_id, product_id)
    SELECT id, product_id FROM public.supplier_items
     WHERE product_id IS NOT NULL AND match_status IN ('auto_matched', 'verified_match')
    """,
    """
    CREATE TABLE marketbel.supplier_activity (
        supplier_id uuid PRIMARY KEY REFERENCES public.suppliers (id) ON DELETE CASCADE,
        is_active boolean NOT NULL
    )
    """,
    # An item whose own draft was refused founds another one.
    "ALTER TABLE marketbel.drafts DROP CONSTRAINT drafts_supplier_item_id_key",
    "CREATE INDEX idx_drafts_item ON marketbel.drafts (supplier_item_id)",
)
_DOWNGRADE: Final = (
    "DROP INDEX marketbel.idx_drafts_item",
    """
    DELETE FROM marketbel.drafts d USING marketbel.drafts later
     WHERE later.supplier_item_id = d.supplier_item_id
       AND (later.created_at, later.product_id) > (d.created_at, d.product_id)
    """,
    """
    ALTER TABLE marketbel.drafts
        ADD CONSTRAINT drafts_supplier_item_id_key UNIQUE (supplier_item_id)
    """,
    "DROP TABLE marketbel.supplier_activity",
    "DROP TABLE marketbel.known_links",
    "DROP TABLE marketbel.review_decisions",
    "DROP TABLE marketbel.verdicts",
)


def upgrade() -> None:
    for statement in _UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWNGRADE:
        op.execute(statement)
