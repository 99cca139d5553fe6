"""Make the tables of accounts receivable management."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE business_unit (
    enterprise_id uuid NOT NULL,
    id uuid NOT NULL,
    display_name text NOT NULL,
    time_zone text NOT NULL,
    currency text NOT NULL,
    PRIMARY KEY (enterprise_id, id)
);
CREATE TABLE member (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid,
    external_id text NOT NULL,
    first_name text NOT NULL,
    last_name text NOT NULL,
    time_zone text NOT NULL,
    do_not_call boolean NOT NULL,
    contacts jsonb NOT NULL,
    PRIMARY KEY (enterprise_id, id)
);
CREATE INDEX member_by_account ON member (enterprise_id, account_id);
CREATE TABLE contact_mark (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    member_id uuid NOT NULL,
    channel text NOT NULL,
    contact text NOT NULL,
    value text NOT NULL,
    mark_date date NOT NULL,
    PRIMARY KEY (enterprise_id, member_id, channel)
);
CREATE TABLE account (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    id uuid NOT NULL,
    number text NOT NULL DEFAULT '',
    open_items jsonb,
    attempt_in_flight boolean NOT NULL DEFAULT false,
    decline_date date,
    handed_over_invoices text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (enterprise_id, id)
);
CREATE TABLE arm_settings (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    enabled boolean NOT NULL DEFAULT false,
    configured boolean NOT NULL DEFAULT false,
    from_address text NOT NULL DEFAULT '',
    reply_to_address text NOT NULL DEFAULT '',
    caller_number text NOT NULL DEFAULT '',
    return_address_lines text[] NOT NULL DEFAULT '{}',
    send_from_hour integer NOT NULL DEFAULT 8,
    send_until_hour integer NOT NULL DEFAULT 21,
    no_response_days integer NOT NULL DEFAULT 7,
    retry_limit integer NOT NULL DEFAULT 3,
    hand_over_agency text NOT NULL DEFAULT '',
    hand_over_after_days integer NOT NULL DEFAULT 0,
    cards_only boolean NOT NULL DEFAULT false,
    PRIMARY KEY (enterprise_id, business_unit_id)
);
CREATE TABLE template (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid,
    id uuid NOT NULL,
    channel text NOT NULL,
    display_name text NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    notification_template text NOT NULL,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (enterprise_id, id)
);
CREATE INDEX template_by_level ON template (enterprise_id, business_unit_id, create_time, id);
CREATE TABLE schedule (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    id uuid NOT NULL,
    version integer NOT NULL,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (enterprise_id, id),
    UNIQUE (enterprise_id, business_unit_id, version)
);
CREATE TABLE schedule_line (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    id uuid NOT NULL,
    schedule_id uuid NOT NULL,
    position integer NOT NULL,
    channel text NOT NULL,
    template_id uuid NOT NULL,
    description text NOT NULL,
    day_offset integer NOT NULL,
    past_due_min_minor bigint,
    past_due_max_minor bigint,
    active boolean NOT NULL,
    PRIMARY KEY (enterprise_id, id),
    UNIQUE (enterprise_id, schedule_id, position)
);
CREATE TABLE cycle (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    number integer NOT NULL,
    schedule_id uuid,
    status text NOT NULL,
    manual boolean NOT NULL,
    sent_date date NOT NULL,
    sent_balance_minor bigint NOT NULL,
    close_date date,
    close_reason text NOT NULL DEFAULT '',
    letters_sent integer NOT NULL DEFAULT 0,
    phone_calls_made integer NOT NULL DEFAULT 0,
    emails_sent integer NOT NULL DEFAULT 0,
    run_date date,
    run_past_due_minor bigint NOT NULL,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (enterprise_id, id),
    UNIQUE (enterprise_id, account_id, number),
    CHECK (status IN ('active', 'suspended', 'closed'))
);
CREATE UNIQUE INDEX cycle_one_open ON cycle (enterprise_id, account_id) WHERE status <> 'closed';
CREATE TABLE step (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    cycle_id uuid NOT NULL,
    line_id uuid NOT NULL,
    channel text NOT NULL,
    member_id uuid,
    contact text NOT NULL DEFAULT '',
    contact_value text NOT NULL DEFAULT '',
    state text NOT NULL,
    request_date date NOT NULL,
    attempt integer NOT NULL DEFAULT 0,
    retries integer NOT NULL DEFAULT 0,
    released_attempt integer NOT NULL DEFAULT -1,
    sent_attempt integer NOT NULL DEFAULT -1,
    sent_date date,
    result_attempt integer,
    result_rank integer,
    result_failed boolean NOT NULL DEFAULT false,
    PRIMARY KEY (enterprise_id, id),
    UNIQUE (enterprise_id, cycle_id, line_id)
);
CREATE INDEX step_silent ON step (enterprise_id, sent_date) WHERE state = 'sent' AND result_rank IS NULL;
CREATE TABLE activity (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    account_id uuid NOT NULL,
    cycle_id uuid NOT NULL,
    cycle_number integer NOT NULL,
    step_id uuid,
    type text NOT NULL,
    activity_date date NOT NULL,
    activity text NOT NULL,
    result_date date,
    result text NOT NULL DEFAULT '',
    days_in_arm integer NOT NULL,
    past_due_minor bigint NOT NULL,
    settled boolean NOT NULL,
    contact_info text NOT NULL DEFAULT '',
    suspension boolean NOT NULL DEFAULT false,
    visible boolean NOT NULL DEFAULT true,
    correlation text NOT NULL DEFAULT '',
    create_time timestamptz NOT NULL
);
CREATE UNIQUE INDEX activity_by_step ON activity (enterprise_id, step_id);
CREATE INDEX activity_by_account ON activity (enterprise_id, account_id, cycle_number, id);
CREATE TABLE delivery_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    enterprise_id uuid NOT NULL,
    business_unit_id uuid,
    account_id uuid NOT NULL,
    step_id uuid NOT NULL,
    attempt integer NOT NULL,
    outcome text NOT NULL,
    result_date date NOT NULL,
    response text NOT NULL,
    response_detail text NOT NULL,
    matched boolean NOT NULL,
    description text NOT NULL,
    create_time timestamptz NOT NULL
);
CREATE INDEX delivery_log_by_step ON delivery_log (enterprise_id, step_id, id);
"""


def upgrade() -> None:
    """Make the tables."""
    for statement in filter(None, map(str.strip, TABLES.split(";"))):
        op.execute(statement)
