"""Let a bill run be drafted, approved, cancelled and resumed, for a division too."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

CHANGES = """
ALTER TABLE business_unit ADD COLUMN division_id uuid;
ALTER TABLE bill_run
    ADD COLUMN scope_kind text NOT NULL DEFAULT 'unit',
    ADD COLUMN round integer NOT NULL DEFAULT 1,
    ADD COLUMN created_by text NOT NULL DEFAULT '',
    ADD COLUMN approved_by text NOT NULL DEFAULT '',
    ADD COLUMN start_time timestamptz;
UPDATE bill_run SET scope_kind = 'enterprise' WHERE scope_id = enterprise_id;
UPDATE bill_run SET approved_by = 'SYS', created_by = 'SYS';
ALTER TABLE bill_run_shard
    ADD COLUMN round integer NOT NULL DEFAULT 1,
    ADD COLUMN page_time timestamptz,
    DROP CONSTRAINT bill_run_shard_pkey,
    ADD PRIMARY KEY (enterprise_id, bill_run_id, round, business_unit_id, shard);
"""


def upgrade() -> None:
    """Add what a run's life needs."""
    op.get_bind().exec_driver_sql(CHANGES)
