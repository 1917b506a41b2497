"""By what items are found again beside their names, and the order in which drafts were founded."""

from typing import Final

from alembic import op

revision: str = "015_item_keys"
down_revision: str = "014_imports"
branch_labels: str | None = None
depends_on: str | None = None

_UPGRADE: Final = (
    """
    CREATE TABLE marketbel.item_keys (
        supplier_item_id uuid PRIMARY KEY
            REFERENCES public.supplier_items (id) ON DELETE CASCADE,
        supplier_id uuid NOT NULL,
        name_digest uuid NOT NULL,
        vendor_code text,
        gtin text
    )
    """,
    "CREATE INDEX idx_item_keys_name ON marketbel.item_keys (supplier_id, name_digest)",
    "CREATE INDEX idx_item_keys_gtin ON marketbel.item_keys (gtin) WHERE gtin IS NOT NULL",
    """
    CREATE INDEX idx_item_keys_vendor_code
        ON marketbel.item_keys (vendor_code) WHERE vendor_code IS NOT NULL
    """,
    "ALTER TABLE marketbel.drafts ADD COLUMN position bigint GENERATED ALWAYS AS IDENTITY",
    "CREATE INDEX idx_drafts_position ON marketbel.drafts (position)",
)
_DOWNGRADE: Final = (
    "DROP INDEX marketbel.idx_drafts_position",
    "ALTER TABLE marketbel.drafts DROP COLUMN position",
    "DROP TABLE marketbel.item_keys",
)


def upgrade() -> None:
    for statement in _UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWNGRADE:
        op.execute(statement)
