"""Let the simulator misbehave, and remember when a processor was asked for a result."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE sandbox_attempt ADD COLUMN behaviour text NOT NULL DEFAULT 'prompt',
    ADD COLUMN deliveries integer NOT NULL DEFAULT 0;
CREATE TABLE sandbox_lost_batch (
    enterprise_id uuid NOT NULL,
    batch_key text NOT NULL,
    PRIMARY KEY (enterprise_id, batch_key)
);
CREATE TABLE result_question (
    enterprise_id uuid NOT NULL,
    attempt_id uuid NOT NULL,
    asked_time timestamptz NOT NULL,
    PRIMARY KEY (enterprise_id, attempt_id)
);
"""


def upgrade() -> None:
    """Make the tables."""
    op.get_bind().exec_driver_sql(TABLES)
