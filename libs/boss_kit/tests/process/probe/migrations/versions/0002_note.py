"""One table of the probe's own."""

import sqlalchemy as sa
from alembic import op

revision = "0002_note"
down_revision = "0001_kit"


def upgrade() -> None:
    """Make it."""
    op.create_table("note", sa.Column("text", sa.Text, nullable=False))
