"""The levels of the hierarchy, and what each decides."""

from alembic import op

revision = "0007_hierarchy"
down_revision = "0006_cancellations"

_STATEMENTS = """
ALTER TABLE business_unit ADD COLUMN division_id UUID;

CREATE TABLE division (
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

CREATE TABLE location (
    enterprise_id UUID NOT NULL,
    id UUID NOT NULL,
    business_unit_id UUID,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    address_lines TEXT[] NOT NULL,
    phone TEXT NOT NULL,
    version BIGINT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (enterprise_id, id),
    UNIQUE NULLS NOT DISTINCT (enterprise_id, business_unit_id, name)
);

CREATE TABLE workstation (
    enterprise_id UUID NOT NULL,
    id UUID NOT NULL,
    business_unit_id UUID,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    location_id UUID NOT NULL,
    version BIGINT NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (enterprise_id, id),
    UNIQUE NULLS NOT DISTINCT (enterprise_id, business_unit_id, name)
);

CREATE TABLE work_role (
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

CREATE TABLE inherited_setting (
    enterprise_id UUID NOT NULL,
    node_id UUID NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (enterprise_id, node_id, key)
);
"""


def upgrade() -> None:
    """Make them."""
    for statement in _STATEMENTS.split(";"):
        if statement.strip():
            op.execute(statement)
