"""Imports by hand are followed by a worker: which of them it has asked the next steps for."""

from typing import Final

from alembic import op

revision: str = "016_followed_imports"
down_revision: str = "015_item_keys"
branch_labels: str | None = None
depends_on: str | None = None

_UPGRADE: Final = (
    "ALTER TABLE marketbel.imports ADD followed_at timestamptz",
    """
    CREATE INDEX idx_imports_to_follow ON marketbel.imports (position)
     WHERE job_id IS NULL AND followed_at IS NULL AND state = 'applied'
    """,
)
_DOWNGRADE: Final = (
    "DROP INDEX marketbel.idx_imports_to_follow",
    "ALTER TABLE marketbel.imports DROP followed_at",
)


def upgrade() -> None:
    for statement in _UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWNGRADE:
        op.execute(statement)
