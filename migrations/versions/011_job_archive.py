"""The durable memory of jobs: what each is, whole address included, and what happened to it."""

from typing import Final

from alembic import op

revision: str = "011_job_archive"
down_revision: str = "010_marketbel_schema"
branch_labels: str | None = None
depends_on: str | None = None

_UPGRADE: Final = (
    # No key to suppliers: what happened stays told when the supplier is gone.
    """
    CREATE TABLE marketbel.jobs (
        id uuid PRIMARY KEY,
        supplier_id uuid NOT NULL,
        supplier_name text NOT NULL,
        source jsonb NOT NULL,
        state jsonb NOT NULL,
        phase text NOT NULL,
        attempt integer NOT NULL,
        token bigint NOT NULL,
        version bigint NOT NULL,
        position text COLLATE "C",
        created_at timestamptz NOT NULL,
        changed_at timestamptz NOT NULL
    )
    """,
    """
    CREATE INDEX idx_jobs_unfinished ON marketbel.jobs (id)
        WHERE phase NOT IN ('complete', 'failed')
    """,
    """
    CREATE TABLE marketbel.job_journal (
        position text COLLATE "C" PRIMARY KEY,
        job_id uuid NOT NULL,
        at timestamptz NOT NULL,
        event text NOT NULL,
        before text,
        after text NOT NULL,
        attempt integer NOT NULL,
        token bigint NOT NULL,
        version bigint NOT NULL,
        code text,
        state jsonb NOT NULL
    )
    """,
    "CREATE INDEX idx_job_journal_job ON marketbel.job_journal (job_id, position)",
    "CREATE INDEX idx_job_journal_at ON marketbel.job_journal (at)",
)
_DOWNGRADE: Final = ("DROP TABLE marketbel.job_journal", "DROP TABLE marketbel.jobs")


def upgrade() -> None:
    for statement in _UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWNGRADE:
        op.execute(statement)
