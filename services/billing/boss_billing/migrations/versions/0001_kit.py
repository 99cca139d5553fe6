"""Make the tables every service has."""

from alembic import op

from boss_kit.schema import create_kit_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the kit's tables."""
    create_kit_tables(op.get_bind())
