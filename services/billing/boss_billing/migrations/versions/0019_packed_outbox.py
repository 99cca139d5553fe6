"""Let a row of the outbox hold many events."""

from alembic import op

from boss_kit.schema import let_outbox_rows_hold_many_events

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add how many events a row holds."""
    let_outbox_rows_hold_many_events(op.get_bind())
