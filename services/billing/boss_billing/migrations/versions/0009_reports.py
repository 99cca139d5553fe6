"""Make the report rollups, and let payments, attempts and invoices mark what of them has changed."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ROLLUPS = """
CREATE TABLE report_mark (
    enterprise_id uuid NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    business_unit_id uuid NOT NULL,
    day date,
    batch_id uuid,
    PRIMARY KEY (enterprise_id, id)
);
CREATE TABLE report_day (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    day date NOT NULL,
    kind text NOT NULL,
    tender text NOT NULL,
    state text NOT NULL,
    is_recovered boolean NOT NULL,
    item_category text NOT NULL,
    item text NOT NULL,
    currency text NOT NULL,
    payments bigint NOT NULL,
    amount_minor bigint NOT NULL,
    PRIMARY KEY (
        enterprise_id, day, business_unit_id, kind, tender, state, is_recovered, item_category, item, currency
    )
);
CREATE TABLE report_batch (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    batch_id uuid NOT NULL,
    bill_date date NOT NULL,
    number bigint NOT NULL,
    label text NOT NULL,
    tender text NOT NULL,
    state text NOT NULL,
    currency text NOT NULL,
    payments bigint NOT NULL,
    amount_minor bigint NOT NULL,
    errors bigint NOT NULL,
    open bigint NOT NULL,
    open_minor bigint NOT NULL,
    first_date date NOT NULL,
    last_date date NOT NULL,
    PRIMARY KEY (enterprise_id, batch_id, tender, state, currency)
);
CREATE INDEX report_batch_by_day ON report_batch (enterprise_id, bill_date, business_unit_id);
"""

# The card updater's last word changes a payment and none of its attempts. An approval always changes both.
# A mark is a row of its own and never waits for another transaction: bill runs write them by the thousand side by side.
MARKS = """
CREATE FUNCTION mark_payment_days() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO report_mark (enterprise_id, business_unit_id, day)
    SELECT DISTINCT enterprise_id, business_unit_id, payment_date FROM changed WHERE kind <> 'Point of Sale';
    RETURN NULL;
END $$;
CREATE TRIGGER payment_added AFTER INSERT ON payment REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION mark_payment_days();
CREATE TRIGGER payment_changed AFTER UPDATE ON payment REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION mark_payment_days();
CREATE FUNCTION mark_batches_of_payments() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO report_mark (enterprise_id, business_unit_id, batch_id)
    SELECT DISTINCT attempt.enterprise_id, attempt.business_unit_id, attempt.batch_id
    FROM changed
    JOIN attempt ON attempt.enterprise_id = changed.enterprise_id AND attempt.payment_id = changed.id
    WHERE changed.state IN ('created', 'declined', 'finally_declined') AND attempt.batch_id IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER payment_decided AFTER UPDATE ON payment REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION mark_batches_of_payments();
CREATE FUNCTION mark_invoice_days() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO report_mark (enterprise_id, business_unit_id, day)
    SELECT DISTINCT enterprise_id, business_unit_id, invoice_date FROM changed WHERE kind <> 'opening balance';
    RETURN NULL;
END $$;
CREATE TRIGGER invoice_added AFTER INSERT ON invoice REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION mark_invoice_days();
CREATE FUNCTION mark_batches() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO report_mark (enterprise_id, business_unit_id, batch_id)
    SELECT DISTINCT enterprise_id, business_unit_id, batch_id FROM changed WHERE batch_id IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER attempt_added AFTER INSERT ON attempt REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION mark_batches();
CREATE TRIGGER attempt_changed AFTER UPDATE ON attempt REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION mark_batches();
"""

# What is there already is rolled up by the next run of the job.
ALL_THERE_IS = """
INSERT INTO report_mark (enterprise_id, business_unit_id, day)
    SELECT DISTINCT enterprise_id, business_unit_id, payment_date FROM payment
    UNION SELECT DISTINCT enterprise_id, business_unit_id, invoice_date FROM invoice;
INSERT INTO report_mark (enterprise_id, business_unit_id, batch_id)
    SELECT enterprise_id, business_unit_id, id FROM batch;
"""


def upgrade() -> None:
    """Make the rollups and their marks."""
    for part in (ROLLUPS, MARKS, ALL_THERE_IS):
        op.get_bind().exec_driver_sql(part)
