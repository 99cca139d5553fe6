"""Let a person resolve a callback that doesn't fit, and find those that wait for something quickly."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE callback ADD COLUMN resolution text NOT NULL DEFAULT '',
    ADD COLUMN resolution_comment text NOT NULL DEFAULT '',
    ADD COLUMN resolved_by text NOT NULL DEFAULT '',
    ADD COLUMN resolve_time timestamptz;
CREATE INDEX callback_waiting ON callback (enterprise_id, subject_id) WHERE state = 'unmatched';
"""


def upgrade() -> None:
    """Add the columns and the index."""
    op.get_bind().exec_driver_sql(TABLES)
