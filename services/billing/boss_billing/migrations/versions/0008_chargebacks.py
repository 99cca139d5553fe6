"""Payments that a bank took back (SPEC BIL-8, BIL-11)."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

CHARGEBACKS = """
CREATE TABLE chargeback (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    return_key text NOT NULL,
    kind text NOT NULL,
    payment_id uuid NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency text NOT NULL,
    code text NOT NULL,
    message text NOT NULL,
    PRIMARY KEY (enterprise_id, id),
    UNIQUE (enterprise_id, return_key)
);
CREATE INDEX chargeback_of_payment ON chargeback (enterprise_id, payment_id);
CREATE INDEX chargeback_of_account ON chargeback (enterprise_id, account_id);
CREATE TRIGGER chargeback_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON chargeback
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    """Make the table."""
    op.get_bind().exec_driver_sql(CHARGEBACKS)
