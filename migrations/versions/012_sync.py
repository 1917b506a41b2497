"""The syncs of suppliers that were applied, and the jobs that they have left to be started."""

from typing import Final

from alembic import op

revision: str = "012_sync"
down_revision: str = "011_job_archive"
branch_labels: str | None = None
depends_on: str | None = None

_UPGRADE: Final = (
    """
    CREATE TABLE marketbel.outbox (
        job_id uuid PRIMARY KEY,
        supplier_id uuid NOT NULL UNIQUE REFERENCES suppliers (id) ON DELETE CASCADE,
        run_key text NOT NULL,
        position bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
        created_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX idx_outbox_position ON marketbel.outbox (position)",
    """
    CREATE TABLE marketbel.sync_runs (
        key text PRIMARY KEY,
        task_id text NOT NULL,
        triggered_by text NOT NULL,
        era text NOT NULL,
        token bigint NOT NULL,
        served jsonb NOT NULL,
        applied_at timestamptz NOT NULL,
        figures jsonb NOT NULL
    )
    """,
    "CREATE INDEX idx_sync_runs_applied ON marketbel.sync_runs (applied_at)",
    "CREATE INDEX idx_sync_runs_era ON marketbel.sync_runs (era, token)",
)
_DOWNGRADE: Final = ("DROP TABLE marketbel.sync_runs", "DROP TABLE marketbel.outbox")


def upgrade() -> None:
    for statement in _UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWNGRADE:
        op.execute(statement)
