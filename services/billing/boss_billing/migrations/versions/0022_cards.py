"""Remember which tokens a source had before: a network's limits count attempts by card, not by source (SPEC BIL-5)."""

from alembic import op

revision = "0022"
down_revision = "0020"
branch_labels = None
depends_on = None

CHANGE = """
CREATE TABLE former_token (
    enterprise_id uuid NOT NULL,
    token text NOT NULL,
    funding_source_id uuid NOT NULL,
    PRIMARY KEY (enterprise_id, token, funding_source_id)
);
INSERT INTO former_token (enterprise_id, token, funding_source_id)
SELECT DISTINCT attempt.enterprise_id, attempt.token, attempt.funding_source_id
FROM attempt
JOIN funding_source AS source
    ON source.enterprise_id = attempt.enterprise_id AND source.id = attempt.funding_source_id
WHERE attempt.token <> source.token;
"""


def upgrade() -> None:
    """Make the table, and fill it from what was tried."""
    op.get_bind().exec_driver_sql(CHANGE)
