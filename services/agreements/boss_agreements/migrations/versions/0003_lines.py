"""An agreement has many lines, each with what was sold and how it bills."""

from alembic import op

revision = "0003_lines"
down_revision = "0002_rooms"

_STATEMENTS = """
ALTER TABLE agreement
    ADD COLUMN definition_id UUID,
    ADD COLUMN group_id UUID,
    ADD COLUMN group_type TEXT NOT NULL DEFAULT 'Individual',
    ADD COLUMN classification TEXT NOT NULL DEFAULT '',
    ADD COLUMN role TEXT NOT NULL DEFAULT 'Primary',
    ADD COLUMN primary_agreement_id UUID,
    ADD COLUMN rewritten_from_id UUID,
    ADD COLUMN rewritten_to_id UUID,
    ADD COLUMN pending_cancellation BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN pending_suspension BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN cancel_date DATE,
    ADD COLUMN qualifies_member BOOLEAN NOT NULL DEFAULT true,
    ADD COLUMN signature TEXT NOT NULL DEFAULT '',
    ADD COLUMN barcode TEXT NOT NULL DEFAULT '',
    ADD COLUMN location_id UUID;
CREATE INDEX agreement_primary
    ON agreement (enterprise_id, primary_agreement_id)
    WHERE primary_agreement_id IS NOT NULL;

ALTER TABLE agreement_line
    ADD COLUMN item_id UUID,
    ADD COLUMN bundle_id UUID,
    ADD COLUMN bundle TEXT NOT NULL DEFAULT '',
    ADD COLUMN is_key_item BOOLEAN NOT NULL DEFAULT true,
    ADD COLUMN is_required BOOLEAN NOT NULL DEFAULT true,
    ADD COLUMN item_kind TEXT NOT NULL DEFAULT 'access',
    ADD COLUMN basis TEXT NOT NULL DEFAULT 'time',
    ADD COLUMN billing TEXT NOT NULL DEFAULT 'perpetual',
    ADD COLUMN quantity INTEGER NOT NULL DEFAULT 1,
    ADD COLUMN units_per_cycle NUMERIC,
    ADD COLUMN validity_days INTEGER,
    ADD COLUMN tax_rate NUMERIC NOT NULL DEFAULT 0,
    ADD COLUMN taxes JSONB NOT NULL DEFAULT '[]'::jsonb,
    ADD COLUMN list_price_minor BIGINT,
    ADD COLUMN promotion TEXT NOT NULL DEFAULT '',
    ADD COLUMN final_date DATE,
    ADD COLUMN state TEXT NOT NULL DEFAULT 'live',
    ADD COLUMN suspension_id UUID;
UPDATE agreement_line SET state = 'ended' WHERE NOT live;
UPDATE agreement_line SET billing = 'instalment' WHERE term_end_date IS NOT NULL;
UPDATE agreement_line SET list_price_minor = price_minor;
DROP INDEX agreement_line_to_end;
ALTER TABLE agreement_line DROP COLUMN live;
CREATE INDEX agreement_line_to_end
    ON agreement_line (enterprise_id, term_end_date)
    WHERE state = 'live' AND remaining_cycles = 0;
"""


def upgrade() -> None:
    """Make them."""
    for statement in _STATEMENTS.split(";"):
        if statement.strip():
            op.execute(statement)
