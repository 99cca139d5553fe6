"""Roll up anew the days of invoices for returned payments: they don't count as invoiced."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

MARKS = """
INSERT INTO report_mark (enterprise_id, business_unit_id, day)
    SELECT DISTINCT enterprise_id, business_unit_id, invoice_date FROM invoice WHERE kind = 'returned payment';
"""


def upgrade() -> None:
    """Mark the days."""
    op.get_bind().exec_driver_sql(MARKS)
