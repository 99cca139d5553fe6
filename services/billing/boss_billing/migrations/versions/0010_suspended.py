"""A suspension of a member or an account covers several agreements."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Name the agreement in the key."""
    op.execute(
        """
        ALTER TABLE suspension DROP CONSTRAINT suspension_pkey, ADD PRIMARY KEY (enterprise_id, id, agreement_id);

        COMMENT ON TABLE suspension IS
            'agreement_id: what is suspended, the account itself where the suspension covers no agreement of it.'
        """
    )
