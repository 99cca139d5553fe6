"""Suspensions of members and accounts with their reasons and fees; activities and check-ins."""

from alembic import op

revision = "0010_activities"
down_revision = "0009_members"

_STATEMENTS = """
ALTER TABLE suspension
    ALTER COLUMN agreement_id DROP NOT NULL,
    ADD COLUMN applied_to TEXT NOT NULL DEFAULT 'Agreement',
    ADD COLUMN member_id UUID,
    ADD COLUMN reason_id UUID,
    ADD COLUMN prevent_activity_use BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN extend_availability BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN extend_obligation BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN freeze_charge JSONB,
    ADD COLUMN recurring_charge JSONB,
    ADD COLUMN received_date DATE,
    ADD COLUMN exception_reason TEXT NOT NULL DEFAULT '',
    ADD COLUMN exception_value TEXT NOT NULL DEFAULT '',
    ADD COLUMN exception_comments TEXT NOT NULL DEFAULT '',
    ADD COLUMN adjustment_reason TEXT NOT NULL DEFAULT '',
    ADD COLUMN adjustment_credit_date DATE,
    ADD COLUMN actor TEXT NOT NULL DEFAULT '';

UPDATE suspension SET member_id = agreement.member_id
FROM agreement
WHERE agreement.enterprise_id = suspension.enterprise_id AND agreement.id = suspension.agreement_id;

CREATE INDEX suspension_member ON suspension (enterprise_id, member_id);

CREATE INDEX suspension_account ON suspension (enterprise_id, account_id) WHERE applied_to = 'Account';

COMMENT ON TABLE suspension IS 'A suspension as it was asked for: of an agreement, a member or an account.';

CREATE TABLE suspended_agreement (
    enterprise_id UUID NOT NULL,
    suspension_id UUID NOT NULL,
    agreement_id UUID NOT NULL,
    business_unit_id UUID NOT NULL,
    account_id UUID NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    start_date DATE NOT NULL,
    end_date DATE,
    stop_billing BOOLEAN NOT NULL,
    prevent_activity_use BOOLEAN NOT NULL DEFAULT false,
    extend_availability BOOLEAN NOT NULL DEFAULT false,
    extend_obligation BOOLEAN NOT NULL DEFAULT false,
    obligation_days INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (enterprise_id, suspension_id, agreement_id)
);

CREATE INDEX suspended_agreement_of ON suspended_agreement (enterprise_id, agreement_id);

COMMENT ON TABLE suspended_agreement IS
    'A row per agreement that a suspension covers; obligation_days: by how much it moved the obligation date.';

INSERT INTO suspended_agreement (
    enterprise_id, suspension_id, agreement_id, business_unit_id, account_id, type, status, start_date, end_date,
    stop_billing
)
SELECT enterprise_id, id, agreement_id, business_unit_id, account_id, type, status, start_date, end_date, stop_billing
FROM suspension;

CREATE TABLE activity (
    enterprise_id UUID NOT NULL,
    id UUID NOT NULL,
    business_unit_id UUID NOT NULL,
    member_id UUID NOT NULL,
    agreement_id UUID,
    line_id UUID,
    source TEXT NOT NULL,
    item TEXT NOT NULL,
    kind TEXT NOT NULL,
    granted NUMERIC(14, 3),
    remaining NUMERIC(14, 3),
    valid_from DATE NOT NULL,
    paid_expiry_date DATE NOT NULL,
    expiry_date DATE NOT NULL,
    revoked_date DATE,
    revoke_reason TEXT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (enterprise_id, id),
    CHECK (remaining >= 0 AND remaining <= granted)
);

CREATE INDEX activity_of_member ON activity (enterprise_id, member_id, expiry_date);

CREATE INDEX activity_of_agreement ON activity (enterprise_id, agreement_id, expiry_date);

CREATE INDEX activity_of_line ON activity (enterprise_id, line_id);

COMMENT ON TABLE activity IS
    'granted and remaining are empty for unlimited use; paid_expiry_date is the expiry without suspensions.';

CREATE TABLE check_in (
    enterprise_id UUID NOT NULL,
    id UUID NOT NULL,
    business_unit_id UUID NOT NULL,
    member_id UUID NOT NULL,
    kind TEXT NOT NULL,
    item TEXT NOT NULL,
    units NUMERIC(14, 3) NOT NULL,
    business_date DATE NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    text TEXT NOT NULL,
    activity_id UUID,
    entered_by TEXT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (enterprise_id, id)
);

CREATE INDEX check_in_of_member ON check_in (enterprise_id, member_id, create_time);

CREATE INDEX check_in_of_unit ON check_in (enterprise_id, business_unit_id, create_time);

COMMENT ON TABLE check_in IS 'Every check-in and redemption that was asked for, the denied ones with their reason.';

CREATE TABLE activity_use (
    enterprise_id UUID NOT NULL,
    check_in_id UUID NOT NULL,
    activity_id UUID NOT NULL,
    units NUMERIC(14, 3) NOT NULL,
    PRIMARY KEY (enterprise_id, check_in_id, activity_id)
);

COMMENT ON TABLE activity_use IS 'What a check-in or redemption took of which activity.';

CREATE TABLE check_in_action (
    enterprise_id UUID NOT NULL,
    business_unit_id UUID NOT NULL,
    status TEXT NOT NULL,
    action TEXT NOT NULL,
    PRIMARY KEY (enterprise_id, business_unit_id, status)
);

COMMENT ON TABLE check_in_action IS
    'What a business unit does with people of a status who check in; None where there is no row.';
"""


def upgrade() -> None:
    """Make them."""
    for statement in _STATEMENTS.split(";\n"):
        if statement.strip():
            op.execute(statement)
