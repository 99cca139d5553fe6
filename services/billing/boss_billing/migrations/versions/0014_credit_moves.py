"""Find the few transfers that move credit of accounts among all that don't (SPEC BIL-10)."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index; a bill run's own transfers are rarely in it."""
    op.get_bind().exec_driver_sql(
        "CREATE INDEX transfer_of_credit ON transfer (enterprise_id, account_id, business_date) "
        "WHERE debit = 'account_credit' OR credit = 'account_credit'"
    )
