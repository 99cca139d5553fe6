"""Drafts, sales on their way, and whom an agreement is for."""

from alembic import op

revision = "0008_writer"
down_revision = "0007_hierarchy"

_STATEMENTS = """
CREATE TABLE draft (
    enterprise_id UUID NOT NULL,
    id UUID NOT NULL,
    business_unit_id UUID NOT NULL,
    owner_id UUID NOT NULL,
    state TEXT NOT NULL,
    content JSONB NOT NULL,
    signature TEXT NOT NULL,
    sign_date DATE,
    signed_by TEXT NOT NULL,
    sale JSONB,
    sold_by TEXT NOT NULL,
    agreement_id UUID,
    agreement_number TEXT NOT NULL,
    invoice TEXT NOT NULL,
    payment TEXT NOT NULL,
    version BIGINT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    update_time TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (enterprise_id, id)
);
CREATE INDEX draft_agreement
    ON draft (enterprise_id, agreement_id)
    WHERE agreement_id IS NOT NULL;
CREATE INDEX draft_open
    ON draft (enterprise_id, business_unit_id, id)
    WHERE state = 'Draft';
CREATE INDEX draft_on_its_way
    ON draft (enterprise_id, id)
    WHERE state = 'Finalizing';

CREATE TABLE sale_line (
    enterprise_id UUID NOT NULL,
    line_id UUID NOT NULL,
    draft_id UUID NOT NULL,
    PRIMARY KEY (enterprise_id, line_id)
);
COMMENT ON TABLE sale_line IS
'Lines whose first charges their sale answers itself: billing may tell of them before the sale is done.';

CREATE TABLE agreement_party (
    enterprise_id UUID NOT NULL,
    agreement_id UUID NOT NULL,
    member_id UUID NOT NULL,
    is_owner BOOLEAN NOT NULL,
    PRIMARY KEY (enterprise_id, agreement_id, member_id)
);
CREATE INDEX agreement_party_member
    ON agreement_party (enterprise_id, member_id);

CREATE INDEX agreement_barcode
    ON agreement (enterprise_id, barcode)
    WHERE barcode <> '';
"""


def upgrade() -> None:
    """Make them."""
    for statement in _STATEMENTS.split(";"):
        if statement.strip():
            op.execute(statement)
