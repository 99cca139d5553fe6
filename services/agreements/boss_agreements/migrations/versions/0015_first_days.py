"""Definitions that charge the days before the first bill date."""

from alembic import op

revision = "0015_first_days"
down_revision = "0014_organizations"


def upgrade() -> None:
    """Say which do; none of those that are there."""
    op.execute("ALTER TABLE definition ADD COLUMN prorates_first_days BOOLEAN NOT NULL DEFAULT false")
