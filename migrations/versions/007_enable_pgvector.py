"""The extension `vector`, where the server has it and the role may create it."""

from alembic import op

from marketbel_adapters.postgres.waiting import DROP_UNUSED_VECTOR, ENSURE_VECTOR

revision: str = "007_enable_pgvector"
down_revision: str | None = "002_add_matching_pipeline"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    for statement in ENSURE_VECTOR:
        op.execute(statement)


def downgrade() -> None:
    for statement in DROP_UNUSED_VECTOR:
        op.execute(statement)
