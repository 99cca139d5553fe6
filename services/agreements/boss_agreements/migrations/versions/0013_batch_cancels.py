"""Past-due batch cancels and their rows."""

from alembic import op

revision = "0013_batch_cancels"
down_revision = "0012_purchases"

_STATEMENTS = """
CREATE TABLE batch_cancel (
    enterprise_id UUID NOT NULL,
    id UUID NOT NULL,
    business_unit_id UUID NOT NULL,
    state TEXT NOT NULL,
    reason_id UUID NOT NULL,
    reason TEXT NOT NULL,
    days_past_due INTEGER NOT NULL,
    minimum_minor BIGINT NOT NULL,
    paid_from DATE,
    paid_to DATE,
    exclude_corporate_add_ons BOOLEAN NOT NULL,
    exclude_suspended BOOLEAN NOT NULL,
    business_date DATE NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (enterprise_id, id)
);

CREATE TABLE batch_cancel_row (
    enterprise_id UUID NOT NULL,
    batch_id UUID NOT NULL,
    number INTEGER NOT NULL,
    agreement_id UUID NOT NULL,
    agreement_number TEXT NOT NULL,
    display_name TEXT NOT NULL,
    account_id UUID NOT NULL,
    past_due_minor BIGINT NOT NULL,
    oldest_due_date DATE NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (enterprise_id, batch_id, number)
);
"""


def upgrade() -> None:
    """Make them."""
    for statement in _STATEMENTS.split(";"):
        if statement.strip():
            op.execute(statement)
