"""What was billed for each charge, and requests to cancel."""

from alembic import op

revision = "0006_cancellations"
down_revision = "0005_catalogue"

_STATEMENTS = """
ALTER TABLE charge_answer
    ADD COLUMN amount_minor BIGINT,
    ADD COLUMN period_start_date DATE,
    ADD COLUMN period_end_date DATE;
ALTER TABLE agreement_line
    ADD COLUMN start_date DATE;

DROP INDEX agreement_line_ended;
CREATE INDEX agreement_line_ended
    ON agreement_line (enterprise_id, business_unit_id, next_bill_date)
    WHERE (remaining_cycles = 0 OR state <> 'live') AND next_bill_date IS NOT NULL;

CREATE TABLE cancellation (
    enterprise_id UUID NOT NULL,
    id UUID NOT NULL,
    business_unit_id UUID NOT NULL,
    agreement_id UUID NOT NULL,
    account_id UUID NOT NULL,
    status TEXT NOT NULL,
    whole BOOLEAN NOT NULL,
    effective_date DATE NOT NULL,
    received_date DATE NOT NULL,
    reason_id UUID NOT NULL,
    reason TEXT NOT NULL,
    refunds TEXT NOT NULL,
    comments TEXT NOT NULL,
    exception_reason TEXT NOT NULL,
    exception_value TEXT NOT NULL,
    exception_comments TEXT NOT NULL,
    funding_source TEXT NOT NULL,
    status_before TEXT NOT NULL,
    return_state TEXT NOT NULL,
    return_destination TEXT NOT NULL,
    return_name TEXT NOT NULL,
    return_error TEXT NOT NULL,
    return_attempts INTEGER NOT NULL,
    awaits_final_bill BOOLEAN NOT NULL,
    actor TEXT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    effect_date DATE,
    complete_date DATE,
    PRIMARY KEY (enterprise_id, id)
);
CREATE INDEX cancellation_agreement
    ON cancellation (enterprise_id, agreement_id);
CREATE UNIQUE INDEX cancellation_whole
    ON cancellation (enterprise_id, agreement_id)
    WHERE whole AND status IN ('Future', 'Final Invoiced');
CREATE INDEX cancellation_to_take_effect
    ON cancellation (enterprise_id, effective_date)
    WHERE status IN ('Future', 'Final Invoiced') AND effect_date IS NULL;

CREATE TABLE cancelled_line (
    enterprise_id UUID NOT NULL,
    cancellation_id UUID NOT NULL,
    line_id UUID NOT NULL,
    number INTEGER NOT NULL,
    item TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    full_refund BOOLEAN NOT NULL,
    split_from_id UUID,
    paid_before_minor BIGINT NOT NULL,
    return_amount_minor BIGINT NOT NULL,
    return_tax_minor BIGINT NOT NULL,
    return_units TEXT NOT NULL,
    PRIMARY KEY (enterprise_id, cancellation_id, line_id)
);
CREATE INDEX cancelled_line_line
    ON cancelled_line (enterprise_id, line_id);
CREATE INDEX cancelled_line_split
    ON cancelled_line (enterprise_id, split_from_id)
    WHERE split_from_id IS NOT NULL;
"""


def upgrade() -> None:
    """Make them."""
    for statement in _STATEMENTS.split(";"):
        if statement.strip():
            op.execute(statement)
