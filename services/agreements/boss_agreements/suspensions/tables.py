"""The tables of suspensions."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

TABLES = sa.MetaData()

suspension = sa.Table(
    "suspension",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("agreement_id", PG_UUID),
    sa.Column("account_id", PG_UUID, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("comments", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("start_date", sa.Date, nullable=False),
    sa.Column("end_date", sa.Date),
    sa.Column("stop_billing", sa.Boolean, nullable=False),
    sa.Column("entered_by", sa.Text, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("applied_to", sa.Text, nullable=False, server_default="Agreement"),
    sa.Column("member_id", PG_UUID),
    sa.Column("reason_id", PG_UUID),
    sa.Column("prevent_activity_use", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("extend_availability", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("extend_obligation", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("freeze_charge", JSONB(none_as_null=True)),
    sa.Column("recurring_charge", JSONB(none_as_null=True)),
    sa.Column("received_date", sa.Date),
    sa.Column("exception_reason", sa.Text, nullable=False, server_default=""),
    sa.Column("exception_value", sa.Text, nullable=False, server_default=""),
    sa.Column("exception_comments", sa.Text, nullable=False, server_default=""),
    sa.Column("adjustment_reason", sa.Text, nullable=False, server_default=""),
    sa.Column("adjustment_credit_date", sa.Date),
    sa.Column("actor", sa.Text, nullable=False, server_default=""),
    sa.Index("suspension_agreement", "enterprise_id", "agreement_id"),
    sa.Index("suspension_member", "enterprise_id", "member_id"),
    sa.Index("suspension_account", "enterprise_id", "account_id", postgresql_where=sa.text("applied_to = 'Account'")),
    sa.Index(
        "suspension_open", "enterprise_id", "start_date", postgresql_where=sa.text("status IN ('pending', 'active')")
    ),
    comment="A suspension as it was asked for: of an agreement, a member or an account.",
)

suspended_agreement = sa.Table(
    "suspended_agreement",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("suspension_id", PG_UUID, primary_key=True),
    sa.Column("agreement_id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("account_id", PG_UUID, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("start_date", sa.Date, nullable=False),
    sa.Column("end_date", sa.Date),
    sa.Column("stop_billing", sa.Boolean, nullable=False),
    sa.Column("prevent_activity_use", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("extend_availability", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("extend_obligation", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("obligation_days", sa.Integer, nullable=False, server_default="0"),
    sa.Index("suspended_agreement_of", "enterprise_id", "agreement_id"),
    comment="A row per agreement that a suspension covers; obligation_days: by how much it moved the obligation date.",
)
