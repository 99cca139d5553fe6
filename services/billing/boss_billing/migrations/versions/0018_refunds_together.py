"""Say with which other one a refund goes out, where a processor takes several at once.

Those that are on their way keep the file of their own that they may have; stop the `run` processes that know of no
other kind before new ones start.
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; a refund that may have been sent alone is only ever sent alone."""
    op.get_bind().exec_driver_sql("ALTER TABLE refund ADD COLUMN sent_with uuid")
    op.get_bind().exec_driver_sql("CREATE INDEX refund_sent_with ON refund (enterprise_id, sent_with)")
    op.get_bind().exec_driver_sql("UPDATE refund SET sent_with = id WHERE state IN ('created', 'unknown')")
