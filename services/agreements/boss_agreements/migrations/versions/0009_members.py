"""Profiles: preferences, purposes of contacts, numbers for new members, and who might be the same person."""

from alembic import op

revision = "0009_members"
down_revision = "0008_writer"

_STATEMENTS = """
ALTER TABLE member
    ADD COLUMN email_opt_out BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN preferred_channel TEXT NOT NULL DEFAULT '';
ALTER TABLE contact ADD COLUMN purposes TEXT[] NOT NULL DEFAULT '{}';
CREATE INDEX member_birth ON member (enterprise_id, birth_date);
CREATE INDEX member_account ON member (enterprise_id, account_id);
CREATE INDEX contact_value ON contact (enterprise_id, value);
CREATE SEQUENCE member_number START 100001;
"""


def upgrade() -> None:
    """Make them."""
    for statement in _STATEMENTS.split(";"):
        if statement.strip():
            op.execute(statement)
