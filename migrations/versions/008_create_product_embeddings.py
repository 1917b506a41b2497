"""ml-analyze's embeddings of items, where the extension `vector` is installed."""

from alembic import op

from marketbel_adapters.postgres.waiting import ENSURE_EMBEDDINGS

revision: str = "008_create_product_embeddings"
down_revision: str | None = "007_enable_pgvector"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    for statement in ENSURE_EMBEDDINGS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE IF EXISTS product_embeddings")
