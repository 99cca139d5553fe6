"""The tables of all rooms, as they were first."""

from alembic import op

revision = "0002_rooms"
down_revision = "0001_kit"

_STATEMENTS = """
CREATE TABLE enterprise (
    enterprise_id UUID NOT NULL,
    display_name TEXT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (enterprise_id)
);

CREATE TABLE business_unit (
    enterprise_id UUID NOT NULL,
    id UUID NOT NULL,
    external_id TEXT NOT NULL,
    display_name TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    currency TEXT NOT NULL,
    version BIGINT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (enterprise_id, id),
    UNIQUE (enterprise_id, external_id),
    FOREIGN KEY(enterprise_id) REFERENCES enterprise (enterprise_id)
);

CREATE TABLE contact (
    enterprise_id UUID NOT NULL,
    member_id UUID NOT NULL,
    label TEXT NOT NULL,
    id UUID NOT NULL,
    business_unit_id UUID NOT NULL,
    value TEXT NOT NULL,
    address_lines TEXT[] NOT NULL,
    "primary" BOOLEAN NOT NULL,
    invalid BOOLEAN NOT NULL,
    arm_purpose BOOLEAN NOT NULL,
    arm_purpose_by_hand BOOLEAN NOT NULL,
    PRIMARY KEY (enterprise_id, member_id, label)
);

CREATE TABLE member (
    enterprise_id UUID NOT NULL,
    id UUID NOT NULL,
    business_unit_id UUID NOT NULL,
    external_id TEXT NOT NULL,
    account_id UUID NOT NULL,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    birth_date DATE,
    time_zone TEXT NOT NULL,
    do_not_call BOOLEAN NOT NULL,
    sms_opt_out BOOLEAN NOT NULL,
    notes TEXT NOT NULL,
    import_hash BYTEA,
    version BIGINT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (enterprise_id, id),
    UNIQUE (enterprise_id, external_id)
);

CREATE TABLE agreement (
    enterprise_id UUID NOT NULL,
    id UUID NOT NULL,
    business_unit_id UUID NOT NULL,
    number TEXT NOT NULL,
    member_id UUID NOT NULL,
    account_id UUID NOT NULL,
    display_name TEXT NOT NULL,
    agreement_type TEXT NOT NULL,
    status TEXT NOT NULL,
    term TEXT NOT NULL,
    start_date DATE NOT NULL,
    obligation_end_date DATE,
    version BIGINT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (enterprise_id, id),
    UNIQUE (enterprise_id, number)
);
CREATE INDEX agreement_member
    ON agreement (enterprise_id, member_id);
CREATE INDEX agreement_to_start
    ON agreement (enterprise_id, start_date)
    WHERE status = 'Pending Start';

CREATE TABLE agreement_line (
    enterprise_id UUID NOT NULL,
    id UUID NOT NULL,
    business_unit_id UUID NOT NULL,
    agreement_id UUID NOT NULL,
    account_id UUID NOT NULL,
    item TEXT NOT NULL,
    item_category TEXT NOT NULL,
    price_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    schedule TEXT NOT NULL,
    anchor_day SMALLINT NOT NULL,
    cycle_no INTEGER NOT NULL,
    next_bill_date DATE,
    due_date DATE,
    remaining_cycles INTEGER,
    term_end_date DATE,
    live BOOLEAN NOT NULL,
    PRIMARY KEY (enterprise_id, id)
);
CREATE INDEX agreement_line_agreement
    ON agreement_line (enterprise_id, agreement_id);
CREATE INDEX agreement_line_due
    ON agreement_line (enterprise_id, business_unit_id, due_date)
    WHERE due_date IS NOT NULL;
CREATE INDEX agreement_line_ended
    ON agreement_line (enterprise_id, business_unit_id, next_bill_date)
    WHERE remaining_cycles = 0 AND next_bill_date IS NOT NULL;
CREATE INDEX agreement_line_to_end
    ON agreement_line (enterprise_id, term_end_date)
    WHERE live AND remaining_cycles = 0;
CREATE INDEX agreement_line_to_list
    ON agreement_line (enterprise_id, business_unit_id, account_id, agreement_id, id)
    INCLUDE (next_bill_date)
    WHERE next_bill_date IS NOT NULL;
COMMENT ON TABLE agreement_line IS
'next_bill_date: the schedule''s own. due_date: with all suspensions, empty while nobody knows.';

CREATE TABLE suspension (
    enterprise_id UUID NOT NULL,
    id UUID NOT NULL,
    business_unit_id UUID NOT NULL,
    agreement_id UUID NOT NULL,
    account_id UUID NOT NULL,
    type TEXT NOT NULL,
    reason TEXT NOT NULL,
    comments TEXT NOT NULL,
    status TEXT NOT NULL,
    start_date DATE NOT NULL,
    end_date DATE,
    stop_billing BOOLEAN NOT NULL,
    entered_by TEXT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (enterprise_id, id)
);
CREATE INDEX suspension_agreement
    ON suspension (enterprise_id, agreement_id);
CREATE INDEX suspension_open
    ON suspension (enterprise_id, start_date)
    WHERE status IN ('pending', 'active');

CREATE TABLE charge_answer (
    enterprise_id UUID NOT NULL,
    line_id UUID NOT NULL,
    cycle_no INTEGER NOT NULL,
    kind TEXT NOT NULL,
    business_unit_id UUID NOT NULL,
    due_date DATE NOT NULL,
    outcome TEXT NOT NULL,
    invoice TEXT NOT NULL,
    reason TEXT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (enterprise_id, line_id, cycle_no, kind)
);
COMMENT ON TABLE charge_answer IS
'What became of each charge: billed or refused, once.';

CREATE TABLE closed_bill_date (
    enterprise_id UUID NOT NULL,
    business_unit_id UUID NOT NULL,
    bill_date DATE NOT NULL,
    previous_date DATE,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (enterprise_id, business_unit_id, bill_date)
);

CREATE TABLE timeline_entry (
    enterprise_id UUID NOT NULL,
    account_id UUID NOT NULL,
    business_date DATE NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    business_unit_id UUID NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    subject TEXT NOT NULL,
    correlation TEXT NOT NULL,
    PRIMARY KEY (enterprise_id, account_id, business_date, create_time, id)
);
"""


def upgrade() -> None:
    """Make them."""
    for statement in _STATEMENTS.split(";"):
        if statement.strip():
            op.execute(statement)
