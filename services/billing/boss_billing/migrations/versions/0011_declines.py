"""Let enterprises change their decline table and rebill schedules; keep why an attempt is planned for its day."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

CHANGES = """
ALTER TABLE decline_code ADD COLUMN timing text NOT NULL DEFAULT 'schedule';
UPDATE decline_code SET timing = 'likely_funds' WHERE code = 'D03';
UPDATE decline_code SET timing = 'limit_reset' WHERE code = 'D15';
CREATE TABLE decline_alert (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    payment_id uuid NOT NULL,
    account_id uuid NOT NULL,
    code text NOT NULL,
    message text NOT NULL,
    business_date date NOT NULL,
    resolved_by text NOT NULL,
    comment text NOT NULL,
    create_time timestamptz NOT NULL,
    resolve_time timestamptz,
    PRIMARY KEY (enterprise_id, payment_id)
);
CREATE TABLE rebill_schedule (
    enterprise_id uuid NOT NULL,
    level_id uuid NOT NULL,
    tender text NOT NULL,
    after_days integer[] NOT NULL,
    is_smart boolean NOT NULL,
    paydays integer[] NOT NULL,
    PRIMARY KEY (enterprise_id, level_id, tender)
);
ALTER TABLE payment
    ADD COLUMN next_attempt_date date,
    ADD COLUMN next_attempt_reason text NOT NULL DEFAULT '';
"""


def upgrade() -> None:
    """Add the columns and tables."""
    op.get_bind().exec_driver_sql(CHANGES)
