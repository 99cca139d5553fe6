"""Count what a run collects of older invoices by currency: its units may bill in several (SPEC BIL-1)."""

from alembic import op

revision = "0024"
down_revision = "0022"
branch_labels = None
depends_on = None

# `bill_run.collected_minor` stays as it is for runs that counted there; what they collected is in the run's currency.
CHANGE = """
CREATE TABLE bill_run_collected (
    enterprise_id uuid NOT NULL,
    bill_run_id uuid NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    PRIMARY KEY (enterprise_id, bill_run_id, currency)
);
"""


def upgrade() -> None:
    """Make the table."""
    op.get_bind().exec_driver_sql(CHANGE)
