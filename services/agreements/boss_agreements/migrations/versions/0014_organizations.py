"""Members that are organizations, such as the owners of corporate agreements."""

from alembic import op

revision = "0014_organizations"
down_revision = "0013_batch_cancels"


def upgrade() -> None:
    """Say who is one."""
    op.execute("ALTER TABLE member ADD COLUMN organization BOOLEAN NOT NULL DEFAULT false")
