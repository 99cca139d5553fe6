"""Mark a batch for every change of a payment that may leave its attempts as they were."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# An approval, and being on the way, always change the attempt in the same transaction.
MARKS = """
CREATE OR REPLACE FUNCTION mark_batches_of_payments() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO report_mark (enterprise_id, business_unit_id, batch_id)
    SELECT DISTINCT attempt.enterprise_id, attempt.business_unit_id, attempt.batch_id
    FROM changed
    JOIN attempt ON attempt.enterprise_id = changed.enterprise_id AND attempt.payment_id = changed.id
    WHERE changed.state NOT IN ('approved', 'pending', 'unknown') AND attempt.batch_id IS NOT NULL;
    RETURN NULL;
END $$;
"""


def upgrade() -> None:
    """Widen what is marked."""
    op.get_bind().exec_driver_sql(MARKS)
