"""The catalogue: what is sold, under which rules, and why it ends or rests."""

from alembic import op

revision = "0005_catalogue"
down_revision = "0004_history"

_STATEMENTS = """
CREATE TABLE item (
    enterprise_id UUID NOT NULL,
    id UUID NOT NULL,
    business_unit_id UUID,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    kind TEXT NOT NULL,
    basis TEXT NOT NULL,
    units INTEGER,
    validity_days INTEGER,
    term_months INTEGER,
    price_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    taxes TEXT[] NOT NULL,
    category TEXT NOT NULL,
    version BIGINT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (enterprise_id, id),
    UNIQUE NULLS NOT DISTINCT (enterprise_id, business_unit_id, name)
);

CREATE TABLE bundle (
    enterprise_id UUID NOT NULL,
    id UUID NOT NULL,
    business_unit_id UUID,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    lines JSONB NOT NULL,
    billing TEXT NOT NULL,
    schedule TEXT NOT NULL,
    obligation_months INTEGER NOT NULL,
    version BIGINT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (enterprise_id, id),
    UNIQUE NULLS NOT DISTINCT (enterprise_id, business_unit_id, name)
);

CREATE TABLE classification (
    enterprise_id UUID NOT NULL,
    id UUID NOT NULL,
    business_unit_id UUID,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (enterprise_id, id),
    UNIQUE NULLS NOT DISTINCT (enterprise_id, business_unit_id, name)
);

CREATE TABLE agreement_rules (
    enterprise_id UUID NOT NULL,
    id UUID NOT NULL,
    business_unit_id UUID,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    sale_past_days INTEGER,
    sale_future_days INTEGER,
    cancellation_past_days INTEGER,
    cancellation_future_days INTEGER,
    suspension_future_days INTEGER,
    suspension_days_max INTEGER,
    renewal_before_days INTEGER,
    renewal_after_days INTEGER,
    version BIGINT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (enterprise_id, id),
    UNIQUE NULLS NOT DISTINCT (enterprise_id, business_unit_id, name)
);

CREATE TABLE agreement_group (
    enterprise_id UUID NOT NULL,
    id UUID NOT NULL,
    business_unit_id UUID,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    type TEXT NOT NULL,
    add_ons_allowed BOOLEAN NOT NULL,
    add_ons_max INTEGER,
    on_suspension TEXT NOT NULL,
    on_expiry TEXT NOT NULL,
    on_batch_cancel TEXT NOT NULL,
    payer TEXT NOT NULL,
    primary_percent INTEGER NOT NULL,
    version BIGINT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (enterprise_id, id),
    UNIQUE NULLS NOT DISTINCT (enterprise_id, business_unit_id, name)
);

CREATE TABLE tax (
    enterprise_id UUID NOT NULL,
    id UUID NOT NULL,
    business_unit_id UUID,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    percent NUMERIC(7, 4) NOT NULL,
    version BIGINT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (enterprise_id, id),
    UNIQUE NULLS NOT DISTINCT (enterprise_id, business_unit_id, name)
);

CREATE TABLE template (
    enterprise_id UUID NOT NULL,
    id UUID NOT NULL,
    business_unit_id UUID,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    signature_text TEXT NOT NULL,
    version BIGINT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (enterprise_id, id),
    UNIQUE NULLS NOT DISTINCT (enterprise_id, business_unit_id, name)
);

CREATE TABLE template_version (
    enterprise_id UUID NOT NULL,
    template_id UUID NOT NULL,
    version BIGINT NOT NULL,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    signature_text TEXT NOT NULL,
    PRIMARY KEY (enterprise_id, template_id, version)
);

CREATE TABLE promotion (
    enterprise_id UUID NOT NULL,
    id UUID NOT NULL,
    business_unit_id UUID,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    start_date DATE NOT NULL,
    end_date DATE,
    kind TEXT NOT NULL,
    percent NUMERIC(7, 4) NOT NULL,
    amount_minor BIGINT NOT NULL,
    item_ids UUID[] NOT NULL,
    definition_ids UUID[] NOT NULL,
    code TEXT NOT NULL,
    version BIGINT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (enterprise_id, id),
    UNIQUE NULLS NOT DISTINCT (enterprise_id, business_unit_id, name)
);

CREATE TABLE definition (
    enterprise_id UUID NOT NULL,
    id UUID NOT NULL,
    business_unit_id UUID,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    agreement_type TEXT NOT NULL,
    classification_id UUID,
    start_date DATE NOT NULL,
    end_date DATE,
    owner_qualifies_as_member BOOLEAN NOT NULL,
    barcode_required BOOLEAN NOT NULL,
    online_only BOOLEAN NOT NULL,
    manual_funding_source_allowed BOOLEAN NOT NULL,
    qualified_members_only BOOLEAN NOT NULL,
    tag TEXT NOT NULL,
    agreement_rules_id UUID,
    parts JSONB NOT NULL,
    version BIGINT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (enterprise_id, id),
    UNIQUE NULLS NOT DISTINCT (enterprise_id, business_unit_id, name)
);

CREATE TABLE definition_application (
    enterprise_id UUID NOT NULL,
    business_unit_id UUID NOT NULL,
    definition_id UUID NOT NULL,
    start_date DATE NOT NULL,
    end_date DATE,
    template_id UUID NOT NULL,
    PRIMARY KEY (enterprise_id, business_unit_id, definition_id)
);

CREATE TABLE cancel_reason (
    enterprise_id UUID NOT NULL,
    id UUID NOT NULL,
    business_unit_id UUID,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    agreements BOOLEAN NOT NULL,
    invoices BOOLEAN NOT NULL,
    rewrite BOOLEAN NOT NULL,
    admin_adjustment BOOLEAN NOT NULL,
    refund BOOLEAN NOT NULL,
    no_refund BOOLEAN NOT NULL,
    immediate_allowed BOOLEAN NOT NULL,
    future_allowed BOOLEAN NOT NULL,
    prior_to_first_billing BOOLEAN NOT NULL,
    keep_same_billing_schedule BOOLEAN NOT NULL,
    approver_roles TEXT[] NOT NULL,
    version BIGINT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (enterprise_id, id),
    UNIQUE NULLS NOT DISTINCT (enterprise_id, business_unit_id, name)
);

CREATE TABLE reason_link (
    enterprise_id UUID NOT NULL,
    definition_id UUID NOT NULL,
    kind TEXT NOT NULL,
    reason_id UUID NOT NULL,
    PRIMARY KEY (enterprise_id, definition_id, kind, reason_id)
);
CREATE INDEX reason_link_reason ON reason_link (enterprise_id, kind, reason_id);

CREATE TABLE suspension_reason (
    enterprise_id UUID NOT NULL,
    id UUID NOT NULL,
    business_unit_id UUID,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    type TEXT NOT NULL,
    must_start_on_key_item_bill_date BOOLEAN NOT NULL,
    days_min INTEGER NOT NULL,
    days_max INTEGER NOT NULL,
    open_ended BOOLEAN NOT NULL,
    approver_roles TEXT[] NOT NULL,
    stop_billing BOOLEAN NOT NULL,
    freeze_charge_item_id UUID,
    recurring_charge_item_id UUID,
    prevent_activity_use BOOLEAN NOT NULL,
    extend_availability BOOLEAN NOT NULL,
    extend_obligation_date BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (enterprise_id, id),
    UNIQUE NULLS NOT DISTINCT (enterprise_id, business_unit_id, name)
);
"""


def upgrade() -> None:
    """Make them."""
    for statement in _STATEMENTS.split(";"):
        if statement.strip():
            op.execute(statement)
