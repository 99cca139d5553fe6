"""The documents of agreements."""

from alembic import op

revision = "0011_documents"
down_revision = "0010_activities"

_TABLE = """
CREATE TABLE agreement_document (
    enterprise_id UUID NOT NULL,
    agreement_id UUID NOT NULL,
    version BIGINT NOT NULL,
    business_unit_id UUID NOT NULL,
    template_id UUID NOT NULL,
    template_version BIGINT NOT NULL,
    content BYTEA NOT NULL,
    create_time TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (enterprise_id, agreement_id, version)
)
"""
_COMMENT = (
    "COMMENT ON TABLE agreement_document IS "
    "'A document per version of its agreement that was handed out; none is ever overwritten.'"
)


def upgrade() -> None:
    """Make it."""
    op.execute(_TABLE)
    op.execute(_COMMENT)
