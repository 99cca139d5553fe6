"""Find the returns of a payment quickly, also when they were handed over."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

INDEX = """
CREATE INDEX callback_of_returned ON callback (enterprise_id, subject_id) WHERE kind = 'payment_return';
"""


def upgrade() -> None:
    """Make the index."""
    op.get_bind().exec_driver_sql(INDEX)
