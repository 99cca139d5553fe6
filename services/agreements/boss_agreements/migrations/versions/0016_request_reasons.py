"""The listed reasons of exceptions and adjustments."""

from alembic import op

revision = "0016_request_reasons"
down_revision = "0015_first_days"


def upgrade() -> None:
    """Keep them like every entry of the catalogue; the name is unique for its owner."""
    op.execute(
        """
        CREATE TABLE request_reason (
            enterprise_id UUID NOT NULL,
            id UUID NOT NULL,
            business_unit_id UUID,
            name TEXT NOT NULL,
            description TEXT NOT NULL,
            active BOOLEAN NOT NULL,
            use TEXT NOT NULL,
            version BIGINT NOT NULL,
            create_time TIMESTAMP WITH TIME ZONE NOT NULL,
            PRIMARY KEY (enterprise_id, id),
            UNIQUE NULLS NOT DISTINCT (enterprise_id, business_unit_id, name)
        )
        """
    )
