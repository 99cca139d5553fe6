"""Make what collections knows of accounts and what it decides about them."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE business_unit (
    enterprise_id uuid NOT NULL,
    id uuid NOT NULL,
    display_name text NOT NULL DEFAULT '',
    time_zone text NOT NULL DEFAULT 'UTC',
    PRIMARY KEY (enterprise_id, id)
);
COMMENT ON TABLE business_unit IS
    'A copy of agreements'' units; one we know only by an account''s name waits here in UTC.';

CREATE TABLE account (
    enterprise_id uuid NOT NULL,
    id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    number text COLLATE "C" NOT NULL DEFAULT '',
    display_name text NOT NULL DEFAULT '',
    arm_cycle_id uuid,
    PRIMARY KEY (enterprise_id, id)
);
CREATE INDEX account_by_unit ON account (enterprise_id, business_unit_id, number, id);
COMMENT ON TABLE account IS
    'What the other services said about accounts, in whatever order; arm_cycle_id is the open cycle.';

CREATE TABLE agreement (
    enterprise_id uuid NOT NULL,
    id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    account_id uuid NOT NULL,
    status text NOT NULL,
    initial_service_discount_minor bigint NOT NULL,
    currency text NOT NULL,
    PRIMARY KEY (enterprise_id, id)
);
CREATE INDEX agreement_by_account ON agreement (enterprise_id, account_id, status);

CREATE TABLE balance (
    enterprise_id uuid NOT NULL,
    account_id uuid NOT NULL,
    business_date date NOT NULL,
    version bigint NOT NULL,
    currency text NOT NULL,
    balance_minor bigint NOT NULL,
    oldest_due_date date,
    open_items jsonb NOT NULL,
    PRIMARY KEY (enterprise_id, account_id, business_date)
);
CREATE INDEX balance_by_version ON balance (enterprise_id, account_id, version DESC);
COMMENT ON TABLE balance IS
    'What an account owed from a business date on; the newest version of a day stays.';

CREATE TABLE stage (
    enterprise_id uuid NOT NULL,
    account_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    stage text NOT NULL,
    set_date date NOT NULL,
    set_by text NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (enterprise_id, account_id)
);
CREATE INDEX stage_by_unit ON stage (enterprise_id, business_unit_id, stage);

CREATE TABLE stage_change (
    enterprise_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    previous_stage text NOT NULL,
    stage text NOT NULL,
    set_date date NOT NULL,
    actor jsonb NOT NULL,
    correlation text NOT NULL,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (enterprise_id, id)
);
CREATE INDEX stage_change_by_account ON stage_change (enterprise_id, account_id, set_date, create_time, id);
COMMENT ON TABLE stage_change IS 'Who set which stage; insert only.';

CREATE TABLE hand_over (
    enterprise_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    hand_over_date date NOT NULL,
    past_due_balance_minor bigint NOT NULL,
    currency text NOT NULL,
    agency text NOT NULL,
    correlation text NOT NULL,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (enterprise_id, id)
);
CREATE INDEX hand_over_by_account ON hand_over (enterprise_id, account_id, hand_over_date, create_time, id);
COMMENT ON TABLE hand_over IS 'What ARM gave up, by its cycle''s id; insert only.';
"""


def upgrade() -> None:
    """Make the tables."""
    op.execute(TABLES)
