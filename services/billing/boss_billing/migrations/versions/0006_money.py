"""Flags of funding sources, and the documents behind movements of money (SPEC BIL-10, BIL-11)."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

EVERY_ENTERPRISE = "00000000-0000-0000-0000-000000000000"

SOURCES = """
ALTER TABLE funding_source
    ADD COLUMN is_active boolean NOT NULL DEFAULT true,
    ADD COLUMN is_on_account boolean NOT NULL DEFAULT false;
"""

INVOICES = """
ALTER TABLE invoice_line ADD COLUMN principal_invoice_id uuid;
"""

LEDGER = """
ALTER TABLE transfer ADD COLUMN reference_id uuid;
CREATE INDEX transfer_of_reference ON transfer (enterprise_id, reference_id) WHERE reference_id IS NOT NULL;
DROP INDEX transfer_of_account;
CREATE INDEX transfer_of_account ON transfer (enterprise_id, account_id, business_date);
"""

MOVEMENTS = """
CREATE TABLE movement (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    kind text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency text NOT NULL,
    business_date date NOT NULL,
    reason text NOT NULL,
    agreement_id uuid,
    invoice_id uuid,
    payment_id uuid,
    origin_id uuid,
    entered_by text NOT NULL,
    approved_by text NOT NULL,
    correlation text NOT NULL,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (enterprise_id, id)
);
CREATE INDEX movement_of_account ON movement (enterprise_id, account_id, business_date);
CREATE INDEX movement_by_day ON movement (enterprise_id, business_date, id);
CREATE TRIGGER movement_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON movement
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TABLE approval_limit (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    limit_minor bigint CHECK (limit_minor >= 0),
    PRIMARY KEY (enterprise_id, business_unit_id)
);
CREATE TABLE return_line (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    return_id uuid NOT NULL,
    line_no smallint NOT NULL,
    description text NOT NULL,
    item_category text NOT NULL,
    item text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    tax_minor bigint NOT NULL CHECK (tax_minor >= 0),
    PRIMARY KEY (enterprise_id, return_id, line_no)
);
CREATE TABLE refund (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    destination text NOT NULL,
    funding_source_id uuid,
    tender text NOT NULL,
    token text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency text NOT NULL,
    state text NOT NULL,
    response_code text NOT NULL,
    response_message text NOT NULL,
    transaction_id text NOT NULL,
    final_date date,
    PRIMARY KEY (enterprise_id, id)
);
CREATE INDEX refund_of_account ON refund (enterprise_id, account_id);
CREATE INDEX refund_on_its_way ON refund (enterprise_id, id) WHERE state IN ('created', 'unknown');
"""

CODES = (
    ("refunds_in_transit", 2300, "Refunds on their way", "credit", "tender"),
    ("adjustments", 4900, "Credits, debits and waived fees", "debit", "kind"),
    ("write_off", 6100, "Written off", "debit", ""),
)


def upgrade() -> None:
    """Make the tables, and the accounts the new movements are booked on."""
    for part in (SOURCES, INVOICES, LEDGER, MOVEMENTS):
        op.get_bind().exec_driver_sql(part)
    for code, number, name, side, detail in CODES:
        op.get_bind().exec_driver_sql(
            "INSERT INTO ledger_account (enterprise_id, code, number, name, side, detail) "
            f"VALUES ('{EVERY_ENTERPRISE}', '{code}', {number}, '{name}', '{side}', '{detail}')"
        )
