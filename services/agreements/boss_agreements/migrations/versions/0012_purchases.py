"""Who bought something outside an agreement, as billing's invoices tell."""

from alembic import op

revision = "0012_purchases"
down_revision = "0011_documents"


def upgrade() -> None:
    """Make it."""
    op.execute("""
        CREATE TABLE purchase (
            enterprise_id UUID NOT NULL,
            account_id UUID NOT NULL,
            first_date DATE NOT NULL,
            PRIMARY KEY (enterprise_id, account_id)
        )
    """)
