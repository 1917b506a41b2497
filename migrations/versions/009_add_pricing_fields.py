"""Retail and wholesale prices of products, and their currency."""

from alembic import op

revision: str = "009_add_pricing_fields"
down_revision: str | None = "008_create_product_embeddings"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE products
            ADD COLUMN retail_price numeric(10, 2)
                CONSTRAINT check_retail_price_non_negative CHECK (retail_price >= 0),
            ADD COLUMN wholesale_price numeric(10, 2)
                CONSTRAINT check_wholesale_price_non_negative CHECK (wholesale_price >= 0),
            ADD COLUMN currency_code varchar(3)
        """
    )


def downgrade() -> None:
    op.execute(
        """
        ALTER TABLE products
            DROP COLUMN currency_code, DROP COLUMN wholesale_price, DROP COLUMN retail_price
        """
    )
