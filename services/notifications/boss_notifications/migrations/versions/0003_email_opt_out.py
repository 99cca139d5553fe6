"""Who has unsubscribed from email."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Keep the wish beside the do-not-call list; what is known already comes again by a republished fact."""
    op.execute("ALTER TABLE member ADD COLUMN email_opt_out boolean NOT NULL DEFAULT false")
