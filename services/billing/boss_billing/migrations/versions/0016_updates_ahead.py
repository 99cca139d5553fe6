"""Inquiries to the card updater ahead of a bill day, and sources by their token."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

CHANGE = """
ALTER TABLE billing_settings ADD COLUMN updater_days_before integer NOT NULL DEFAULT 0;
ALTER TABLE card_inquiry ALTER COLUMN payment_id DROP NOT NULL;
ALTER TABLE card_inquiry ADD COLUMN bill_date date;
CREATE INDEX funding_source_of_token ON funding_source (enterprise_id, token);
"""


def upgrade() -> None:
    """Make the columns and the index."""
    op.get_bind().exec_driver_sql(CHANGE)
