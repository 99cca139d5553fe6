"""Make the notifications' own tables, with the response table and the default contact rules."""

import csv
from importlib import resources

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Rows under the nil UUID hold for every enterprise that has none of its own.
EVERY_ENTERPRISE = "00000000-0000-0000-0000-000000000000"

TABLES = """
CREATE TABLE business_unit (
    enterprise_id uuid NOT NULL,
    id uuid NOT NULL,
    display_name text NOT NULL,
    time_zone text NOT NULL,
    PRIMARY KEY (enterprise_id, id)
);
CREATE TABLE member (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid,
    external_id text NOT NULL,
    time_zone text NOT NULL,
    do_not_call boolean NOT NULL,
    PRIMARY KEY (enterprise_id, id)
);
CREATE TABLE account (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    id uuid NOT NULL,
    PRIMARY KEY (enterprise_id, id)
);
CREATE TABLE template (
    enterprise_id uuid NOT NULL,
    id uuid NOT NULL,
    channel text NOT NULL,
    display_name text NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    placeholders text[] NOT NULL,
    audio bytea,
    audio_duration_ms integer NOT NULL DEFAULT 0,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (enterprise_id, id)
);
CREATE INDEX template_by_time ON template (enterprise_id, create_time, id);
CREATE TABLE notification (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    id uuid NOT NULL,
    step_id uuid NOT NULL,
    attempt integer NOT NULL,
    account_id uuid NOT NULL,
    member_id uuid,
    channel text NOT NULL,
    template_id uuid NOT NULL,
    contact text NOT NULL,
    contact_value text NOT NULL,
    address_lines text[] NOT NULL,
    placeholders jsonb NOT NULL,
    recipient_name text NOT NULL,
    sender jsonb NOT NULL,
    send_date date NOT NULL,
    time_zone text NOT NULL,
    do_not_call boolean NOT NULL,
    state text NOT NULL DEFAULT 'requested',
    hold_until timestamptz,
    rule text NOT NULL DEFAULT '',
    reason text NOT NULL DEFAULT '',
    provider text NOT NULL DEFAULT '',
    provider_message_id text NOT NULL DEFAULT '',
    times_sent integer NOT NULL DEFAULT 0,
    task_id uuid,
    claim_time timestamptz,
    sent_time timestamptz,
    sent_date date,
    result_date date,
    response text NOT NULL DEFAULT '',
    response_detail text NOT NULL DEFAULT '',
    response_time timestamptz,
    description text NOT NULL DEFAULT '',
    actor text NOT NULL DEFAULT '',
    correlation text NOT NULL DEFAULT '',
    traceparent text NOT NULL DEFAULT '',
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    PRIMARY KEY (enterprise_id, id)
);
CREATE INDEX notification_waiting ON notification (enterprise_id, channel, send_date)
    WHERE state IN ('requested', 'held');
CREATE INDEX notification_sending ON notification (enterprise_id, channel) WHERE state = 'sending';
CREATE INDEX notification_unanswered ON notification (enterprise_id, sent_date) WHERE state = 'sent';
CREATE INDEX notification_by_step ON notification (enterprise_id, step_id);
CREATE INDEX notification_by_account ON notification (enterprise_id, account_id, send_date);
CREATE INDEX notification_by_date ON notification (enterprise_id, send_date, id);
CREATE UNIQUE INDEX notification_by_message ON notification (enterprise_id, provider_message_id)
    WHERE provider_message_id <> '';
CREATE TABLE call_attempt (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    notification_id uuid NOT NULL,
    account_id uuid NOT NULL,
    number text NOT NULL,
    attempt_time timestamptz NOT NULL,
    PRIMARY KEY (enterprise_id, notification_id)
);
CREATE INDEX call_attempt_by_account ON call_attempt (enterprise_id, account_id, attempt_time);
CREATE INDEX call_attempt_by_number ON call_attempt (enterprise_id, number, attempt_time);
CREATE TABLE conversation (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    notification_id uuid NOT NULL,
    account_id uuid NOT NULL,
    conversation_time timestamptz NOT NULL,
    PRIMARY KEY (enterprise_id, notification_id)
);
CREATE INDEX conversation_by_account ON conversation (enterprise_id, account_id, conversation_time);
CREATE TABLE contact_profile (
    enterprise_id uuid NOT NULL,
    name text NOT NULL,
    version integer NOT NULL,
    start_date date NOT NULL,
    first_hour integer NOT NULL,
    last_hour integer NOT NULL,
    quiet_channels text[] NOT NULL,
    call_attempts_max integer NOT NULL,
    window_days integer NOT NULL,
    conversation_days integer NOT NULL,
    PRIMARY KEY (enterprise_id, name, version)
);
CREATE TABLE response_rule (
    enterprise_id uuid NOT NULL,
    number integer NOT NULL,
    channel text NOT NULL,
    response text NOT NULL,
    response_detail text NOT NULL,
    include_in_activity boolean NOT NULL,
    completed boolean NOT NULL,
    status text NOT NULL,
    retry boolean NOT NULL,
    show_in_ui boolean NOT NULL,
    mark_invalid boolean NOT NULL,
    description text NOT NULL,
    PRIMARY KEY (enterprise_id, number)
);
CREATE UNIQUE INDEX response_rule_once
    ON response_rule (enterprise_id, lower(channel), lower(response), lower(response_detail));
CREATE TABLE provider_response (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid,
    response_id text NOT NULL,
    provider_message_id text NOT NULL,
    notification_id uuid,
    response text NOT NULL,
    response_detail text NOT NULL,
    response_time timestamptz NOT NULL,
    result_date date,
    rule_number integer,
    unmatched_reason text NOT NULL DEFAULT '',
    create_time timestamptz NOT NULL,
    PRIMARY KEY (enterprise_id, response_id)
);
CREATE INDEX provider_response_unmatched ON provider_response (enterprise_id, create_time, response_id)
    WHERE unmatched_reason <> '';
CREATE INDEX provider_response_orphan ON provider_response (enterprise_id, provider_message_id)
    WHERE notification_id IS NULL;
CREATE INDEX provider_response_by_notification ON provider_response (enterprise_id, notification_id);
CREATE TABLE timeline_entry (
    enterprise_id uuid NOT NULL,
    id bigint GENERATED BY DEFAULT AS IDENTITY,
    business_unit_id uuid NOT NULL,
    account_id uuid NOT NULL,
    business_date date NOT NULL,
    kind text NOT NULL,
    text text NOT NULL,
    subject text NOT NULL,
    correlation text NOT NULL,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (enterprise_id, id)
);
CREATE INDEX timeline_entry_by_account ON timeline_entry (enterprise_id, account_id, business_date, create_time, id);
CREATE TABLE invalidated_contact (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    contact text NOT NULL,
    channel text NOT NULL,
    PRIMARY KEY (enterprise_id, contact)
);
"""


def upgrade() -> None:
    """Make the tables and fill in what every enterprise begins with."""
    for statement in filter(None, map(str.strip, TABLES.split(";"))):
        op.execute(statement)
    _seed_response_rules()
    op.execute(
        f"""
        INSERT INTO contact_profile VALUES
            ('{EVERY_ENTERPRISE}', 'us', 1, '2000-01-01', 8, 21, ARRAY['Email', 'Phone', 'SMS'], 7, 7, 7)
        """
    )


def _seed_response_rules() -> None:
    text = resources.files("boss_notifications").joinpath("data/response_codes.csv").read_text("utf-8")
    flags = ("include_in_activity", "completed", "retry", "show_in_ui", "mark_invalid")
    texts = ("channel", "response", "response_detail", "status", "description")
    names = ("number", *texts, *flags)
    statement = sa.text(
        f"INSERT INTO response_rule (enterprise_id, {', '.join(names)})"
        f" VALUES ('{EVERY_ENTERPRISE}', {', '.join(f':{name}' for name in names)})"
    )
    for number, row in enumerate(csv.DictReader(text.splitlines()), start=1):
        values: dict[str, object] = {"number": number} | {name: row[name] for name in texts}
        values |= {name: row[name] == "yes" for name in flags}  # A blank cell means no (SPEC ARM-9).
        op.get_bind().execute(statement, values)
