"""What units charge for items of the enterprise, and the versions of enterprises."""

from alembic import op

revision = "0017_unit_prices"
down_revision = "0016_request_reasons"


def upgrade() -> None:
    """Keep a unit's price beside the item it is for."""
    op.execute(
        """
        CREATE TABLE item_unit_price (
            enterprise_id UUID NOT NULL,
            business_unit_id UUID NOT NULL,
            item_id UUID NOT NULL,
            price_minor BIGINT NOT NULL,
            currency TEXT NOT NULL,
            PRIMARY KEY (enterprise_id, business_unit_id, item_id)
        )
        """
    )
    op.execute("ALTER TABLE enterprise ADD COLUMN version BIGINT NOT NULL DEFAULT 1")
