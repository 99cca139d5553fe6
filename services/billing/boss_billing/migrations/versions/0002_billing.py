"""Make billing's own tables, with the decline table, the attempt limits and the chart of accounts."""

import csv
from collections.abc import Iterator
from importlib import resources

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Rows under the nil UUID hold for every enterprise that has none of its own.
EVERY_ENTERPRISE = "00000000-0000-0000-0000-000000000000"
NO_ARM_ENTRY = ("D09", "D14")
NEVER_REBILLED = ("D04", "D10", "D11", "D13")
NOT_TRIED = ("D14",)
STOPS_THE_SOURCE = ("D13",)

PARTIES = """
CREATE TABLE business_unit (
    enterprise_id uuid NOT NULL,
    id uuid NOT NULL,
    display_name text NOT NULL,
    time_zone text NOT NULL,
    currency text NOT NULL,
    PRIMARY KEY (enterprise_id, id)
);
CREATE TABLE billing_settings (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    card_updater boolean NOT NULL,
    rebill_after_days integer NOT NULL,
    rebill_attempts_max integer NOT NULL,
    PRIMARY KEY (enterprise_id, business_unit_id)
);
CREATE TABLE suspension (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    id uuid NOT NULL,
    agreement_id uuid NOT NULL,
    account_id uuid NOT NULL,
    start_date date NOT NULL,
    end_date date,
    stop_billing boolean NOT NULL,
    PRIMARY KEY (enterprise_id, id)
);
CREATE INDEX suspension_of_account ON suspension (enterprise_id, account_id);
CREATE TABLE account (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    id uuid NOT NULL,
    number text NOT NULL,
    currency text NOT NULL,
    credit_minor bigint NOT NULL DEFAULT 0 CHECK (credit_minor >= 0),
    invoice_count integer NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 0,
    record_hash bytea,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (enterprise_id, id),
    UNIQUE (enterprise_id, number)
);
CREATE INDEX account_of_unit ON account (enterprise_id, business_unit_id, number);
CREATE TABLE funding_source (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    tender text NOT NULL,
    token text NOT NULL,
    last4 text NOT NULL,
    expiry_month smallint NOT NULL,
    expiry_year smallint NOT NULL,
    is_primary boolean NOT NULL,
    is_recurring boolean NOT NULL,
    is_valid boolean NOT NULL,
    responsibility_percent smallint NOT NULL,
    version bigint NOT NULL,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (enterprise_id, id)
);
CREATE INDEX funding_source_of_account ON funding_source (enterprise_id, account_id);
CREATE TABLE funding_source_change (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    funding_source_id uuid NOT NULL,
    tender text NOT NULL,
    previous_last4 text NOT NULL,
    last4 text NOT NULL,
    reason text NOT NULL,
    business_date date NOT NULL,
    correlation text NOT NULL,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (enterprise_id, id)
);
CREATE INDEX funding_source_change_of_account ON funding_source_change (enterprise_id, account_id);
"""

INVOICES = """
CREATE TABLE invoice (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    agreement_id uuid,
    number text NOT NULL,
    kind text NOT NULL,
    description text NOT NULL,
    invoice_date date NOT NULL,
    due_date date NOT NULL,
    currency text NOT NULL,
    total_minor bigint NOT NULL CHECK (total_minor >= 0),
    balance_minor bigint NOT NULL CHECK (balance_minor BETWEEN 0 AND total_minor),
    is_declined boolean NOT NULL DEFAULT false,
    attempts integer NOT NULL DEFAULT 0,
    failed_attempts integer NOT NULL DEFAULT 0,
    declines integer NOT NULL DEFAULT 0,
    next_attempt_date date,
    bill_run_id uuid,
    correlation text NOT NULL,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (enterprise_id, id),
    UNIQUE (enterprise_id, number)
);
CREATE INDEX invoice_of_account ON invoice (enterprise_id, account_id);
CREATE INDEX invoice_open ON invoice (enterprise_id, account_id) WHERE balance_minor > 0;
CREATE INDEX invoice_to_collect ON invoice (enterprise_id, next_attempt_date)
    WHERE balance_minor > 0 AND next_attempt_date IS NOT NULL;
CREATE TABLE invoice_line (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    line_no smallint NOT NULL,
    charge_key text,
    description text NOT NULL,
    item_category text NOT NULL,
    item text NOT NULL,
    amount_minor bigint NOT NULL,
    tax_minor bigint NOT NULL,
    period_start_date date,
    period_end_date date,
    PRIMARY KEY (enterprise_id, invoice_id, line_no)
);
CREATE UNIQUE INDEX invoice_line_charge ON invoice_line (enterprise_id, charge_key);
"""

PAYMENTS = """
CREATE TABLE payment (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    invoice_id uuid,
    funding_source_id uuid,
    bill_run_id uuid,
    kind text NOT NULL,
    state text NOT NULL,
    tender text NOT NULL,
    is_primary boolean NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency text NOT NULL,
    payment_date date NOT NULL,
    final_date date,
    response_code text NOT NULL DEFAULT '',
    response_message text NOT NULL DEFAULT '',
    is_recovered boolean NOT NULL DEFAULT false,
    correlation text NOT NULL,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (enterprise_id, id)
);
CREATE INDEX payment_of_account ON payment (enterprise_id, account_id);
CREATE INDEX payment_by_day ON payment (enterprise_id, payment_date, id);
CREATE UNIQUE INDEX payment_in_flight ON payment (enterprise_id, account_id, invoice_id, funding_source_id)
    WHERE state IN ('created', 'pending', 'unknown', 'declined');
CREATE TABLE attempt (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    payment_id uuid NOT NULL,
    funding_source_id uuid NOT NULL,
    bill_run_id uuid,
    batch_id uuid,
    label text NOT NULL,
    account_number text NOT NULL,
    due_date date NOT NULL,
    invoice_number text NOT NULL,
    description text NOT NULL,
    attempt_no integer NOT NULL,
    tender text NOT NULL,
    token text NOT NULL,
    expiry_month smallint NOT NULL,
    expiry_year smallint NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    business_date date NOT NULL,
    state text NOT NULL,
    response_code text NOT NULL DEFAULT '',
    response_message text NOT NULL DEFAULT '',
    transaction_id text NOT NULL DEFAULT '',
    result_date date,
    result_time timestamptz,
    correlation text NOT NULL,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (enterprise_id, id),
    UNIQUE (enterprise_id, payment_id, label)
);
CREATE INDEX attempt_of_source ON attempt (enterprise_id, funding_source_id, business_date);
CREATE INDEX attempt_of_batch ON attempt (enterprise_id, batch_id);
CREATE INDEX attempt_of_account ON attempt (enterprise_id, account_id);
CREATE INDEX attempt_to_cut ON attempt (enterprise_id, bill_run_id) WHERE batch_id IS NULL AND state = 'created';
CREATE TABLE bill_run (
    enterprise_id uuid NOT NULL,
    id uuid NOT NULL,
    scope_id uuid NOT NULL,
    bill_date date NOT NULL,
    state text NOT NULL,
    is_planned boolean NOT NULL,
    currency text NOT NULL,
    collected_payments bigint NOT NULL DEFAULT 0,
    collected_minor bigint NOT NULL DEFAULT 0,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (enterprise_id, id),
    UNIQUE (enterprise_id, scope_id, bill_date)
);
CREATE TABLE bill_run_shard (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    bill_run_id uuid NOT NULL,
    shard integer NOT NULL,
    shard_count integer NOT NULL,
    is_done boolean NOT NULL DEFAULT false,
    page_token text NOT NULL DEFAULT '',
    invoices bigint NOT NULL DEFAULT 0,
    invoiced_minor bigint NOT NULL DEFAULT 0,
    payments bigint NOT NULL DEFAULT 0,
    payments_minor bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (enterprise_id, bill_run_id, business_unit_id, shard)
);
CREATE TABLE skipped_charge (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    bill_run_id uuid NOT NULL,
    agreement_number text NOT NULL,
    reason text NOT NULL,
    subject text NOT NULL,
    description text NOT NULL,
    PRIMARY KEY (enterprise_id, bill_run_id, agreement_number, reason, subject)
);
CREATE TABLE batch (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    id uuid NOT NULL,
    bill_run_id uuid NOT NULL,
    number bigint NOT NULL,
    label text NOT NULL,
    part integer NOT NULL,
    bill_date date NOT NULL,
    state text NOT NULL,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (enterprise_id, id),
    UNIQUE (enterprise_id, number, label, part)
);
CREATE INDEX batch_of_run ON batch (enterprise_id, bill_run_id);
CREATE INDEX batch_unanswered ON batch (enterprise_id, id) WHERE state IN ('submitting', 'unknown');
CREATE TABLE batch_counter (
    enterprise_id uuid PRIMARY KEY,
    last_number bigint NOT NULL
);
CREATE TABLE card_inquiry (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    payment_id uuid NOT NULL,
    funding_source_id uuid NOT NULL,
    state text NOT NULL,
    outcome text NOT NULL DEFAULT '',
    business_date date NOT NULL,
    sent_date date,
    answer_date date,
    correlation text NOT NULL,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (enterprise_id, id),
    UNIQUE (enterprise_id, payment_id)
);
CREATE INDEX card_inquiry_open ON card_inquiry (enterprise_id, id) WHERE state <> 'answered';
CREATE INDEX card_inquiry_of_account ON card_inquiry (enterprise_id, account_id);
CREATE TABLE callback (
    enterprise_id uuid NOT NULL,
    kind text NOT NULL,
    callback_id text NOT NULL,
    state text NOT NULL,
    reason text NOT NULL DEFAULT '',
    subject_id uuid,
    body jsonb NOT NULL,
    correlation text NOT NULL,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (enterprise_id, kind, callback_id)
);
CREATE INDEX callback_unmatched ON callback (enterprise_id, create_time, callback_id)
    WHERE state IN ('unmatched', 'exception');
CREATE INDEX callback_received ON callback (enterprise_id, kind) WHERE state = 'received';
"""

LEDGER = """
CREATE TABLE ledger_account (
    enterprise_id uuid NOT NULL,
    code text NOT NULL,
    number integer NOT NULL,
    name text NOT NULL,
    side text NOT NULL,
    detail text NOT NULL,
    PRIMARY KEY (enterprise_id, code)
);
CREATE TABLE transfer (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    account_id uuid NOT NULL,
    invoice_id uuid,
    payment_id uuid,
    debit text NOT NULL,
    debit_detail text NOT NULL,
    credit text NOT NULL,
    credit_detail text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency text NOT NULL,
    business_date date NOT NULL,
    source text NOT NULL,
    create_time timestamptz NOT NULL,
    CHECK ((debit, debit_detail) <> (credit, credit_detail))
);
CREATE INDEX transfer_of_account ON transfer (enterprise_id, account_id);
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the ledger is append-only: write a new transfer that corrects the old one'; END $$;
CREATE TRIGGER transfer_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON transfer
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

DECLINES = """
CREATE TABLE decline_code (
    enterprise_id uuid NOT NULL,
    code text NOT NULL,
    class text NOT NULL,
    message text NOT NULL,
    is_tried boolean NOT NULL,
    is_updatable boolean NOT NULL,
    rebill boolean NOT NULL,
    invalidate_after integer NOT NULL,
    invalidate_months integer NOT NULL,
    fee_minor bigint NOT NULL,
    arm_entry boolean NOT NULL,
    alert boolean NOT NULL,
    PRIMARY KEY (enterprise_id, code)
);
CREATE TABLE attempt_limit (
    enterprise_id uuid NOT NULL,
    tender text NOT NULL,
    per text NOT NULL,
    attempts_max integer NOT NULL,
    window_days integer NOT NULL,
    note text NOT NULL,
    PRIMARY KEY (enterprise_id, tender, per, window_days)
);
"""

SANDBOX = """
CREATE TABLE sandbox_attempt (
    enterprise_id uuid NOT NULL,
    attempt_id uuid NOT NULL,
    batch_key text NOT NULL,
    label text NOT NULL,
    account_number text NOT NULL,
    due_date date NOT NULL,
    description text NOT NULL,
    attempt_no integer NOT NULL,
    business_date date NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    code text NOT NULL,
    message text NOT NULL,
    is_delivered boolean NOT NULL DEFAULT false,
    PRIMARY KEY (enterprise_id, attempt_id)
);
CREATE INDEX sandbox_attempt_outstanding ON sandbox_attempt (enterprise_id, label) WHERE NOT is_delivered;
CREATE INDEX sandbox_attempt_batch ON sandbox_attempt (enterprise_id, batch_key);
CREATE TABLE sandbox_inquiry (
    enterprise_id uuid NOT NULL,
    inquiry_id uuid NOT NULL,
    account_number text NOT NULL,
    token text NOT NULL,
    expiry_month smallint NOT NULL,
    expiry_year smallint NOT NULL,
    business_date date NOT NULL,
    outcome text NOT NULL,
    new_token text NOT NULL,
    new_last4 text NOT NULL,
    new_expiry_month smallint NOT NULL,
    new_expiry_year smallint NOT NULL,
    is_delivered boolean NOT NULL DEFAULT false,
    PRIMARY KEY (enterprise_id, inquiry_id)
);
CREATE INDEX sandbox_inquiry_outstanding ON sandbox_inquiry (enterprise_id) WHERE NOT is_delivered;
"""


def upgrade() -> None:
    """Make the tables and fill those that are data."""
    for part in (PARTIES, INVOICES, PAYMENTS, LEDGER, DECLINES, SANDBOX):
        op.get_bind().exec_driver_sql(part)
    _fill("decline_code", [_decline_code(row) for row in _rows("decline_codes.csv")])
    _fill("attempt_limit", list(_rows("attempt_limits.csv")))
    _fill("ledger_account", list(_rows("ledger_accounts.csv")))


def _decline_code(row: dict[str, str]) -> dict[str, object]:
    """Give a code its defaults (SPEC BIL-5)."""
    code, is_decline = row["code"], row["code"].startswith("D")
    return {
        "code": code,
        "class": row["class"],
        "message": row["message"],
        "is_tried": not code.startswith("E") and code not in NOT_TRIED,
        "is_updatable": row["updatable"] == "yes",
        "rebill": (row["class"] == "soft" or code == "D14") and code not in NEVER_REBILLED,
        "invalidate_after": 1 if code in STOPS_THE_SOURCE else 0,
        "invalidate_months": 1 if code in STOPS_THE_SOURCE else 0,
        "fee_minor": 0,
        "arm_entry": is_decline and code not in NO_ARM_ENTRY,
        "alert": False,
    }


def _rows(file: str) -> Iterator[dict[str, str]]:
    with (resources.files("boss_billing") / "data" / file).open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def _fill(table: str, rows: list[dict[str, object]] | list[dict[str, str]]) -> None:
    columns = list(rows[0])
    places = ", ".join(f"CAST(:{column} AS {_TYPES.get(column, 'text')})" for column in columns)
    statement = f"INSERT INTO {table} (enterprise_id, {', '.join(columns)}) VALUES ('{EVERY_ENTERPRISE}', {places})"
    op.get_bind().execute(sa.text(statement), rows)


_TYPES = {
    **dict.fromkeys(
        ("attempts_max", "window_days", "number", "invalidate_after", "invalidate_months", "fee_minor"), "integer"
    ),
    **dict.fromkeys(("is_tried", "is_updatable", "rebill", "arm_entry", "alert"), "boolean"),
}
