"""The tables every service has."""

from alembic import op

from boss_kit.schema import create_kit_tables

revision = "0001_kit"
down_revision = None


def upgrade() -> None:
    """Make them."""
    create_kit_tables(op.get_bind())
