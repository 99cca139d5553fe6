"""Let a run put full pages of payments into batches at once, and keep no index that another one does the work of."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

PLANNED = """
CREATE TABLE planned_batch (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    id uuid NOT NULL,
    bill_run_id uuid NOT NULL,
    account_number text NOT NULL,
    due_date date NOT NULL,
    invoice_number text NOT NULL,
    attempt_no integer NOT NULL,
    PRIMARY KEY (enterprise_id, bill_run_id, id)
);
"""

# Attempts may be there before their batch is.
MARKS = """
CREATE FUNCTION mark_new_batches() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO report_mark (enterprise_id, business_unit_id, batch_id)
    SELECT enterprise_id, business_unit_id, id FROM changed;
    RETURN NULL;
END $$;
CREATE TRIGGER batch_added AFTER INSERT ON batch REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION mark_new_batches();
"""

# One index of an account's invoices, the open ones together; attempts are found by their payment, which has an account.
INDEXES = """
CREATE INDEX invoice_by_account ON invoice (enterprise_id, account_id, (balance_minor > 0));
DROP INDEX invoice_of_account, invoice_open, attempt_of_account, attempt_to_cut;
CREATE INDEX attempt_to_cut ON attempt (enterprise_id, bill_run_id) WHERE batch_id IS NULL;
"""


def upgrade() -> None:
    """Make the table of planned batches, and change the indexes."""
    for part in (PLANNED, MARKS, INDEXES):
        op.get_bind().exec_driver_sql(part)
