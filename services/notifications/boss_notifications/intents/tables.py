"""Tables of notifications, and how a row reads."""

from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import UUID as PgUuid

from boss_notifications.intents.rules import Intent, Sender, State

METADATA = sa.MetaData()
_TIME = sa.DateTime(timezone=True)

account = sa.Table(
    "account",
    METADATA,
    sa.Column("enterprise_id", PgUuid, primary_key=True),
    sa.Column("business_unit_id", PgUuid, nullable=False),
    sa.Column("id", PgUuid, primary_key=True),
    comment="The row that whoever publishes about an account locks first, so that its events keep their order.",
)

notification = sa.Table(
    "notification",
    METADATA,
    sa.Column("enterprise_id", PgUuid, primary_key=True),
    sa.Column("business_unit_id", PgUuid, nullable=False),
    sa.Column("id", PgUuid, primary_key=True),
    sa.Column("step_id", PgUuid, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("account_id", PgUuid, nullable=False),
    sa.Column("member_id", PgUuid),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("template_id", PgUuid, nullable=False),
    sa.Column("contact", sa.Text, nullable=False),
    sa.Column("contact_value", sa.Text, nullable=False),
    sa.Column("address_lines", ARRAY(sa.Text), nullable=False),
    sa.Column("placeholders", JSONB, nullable=False),
    sa.Column("recipient_name", sa.Text, nullable=False),
    sa.Column("sender", JSONB, nullable=False),
    sa.Column("send_date", sa.Date, nullable=False),
    sa.Column("time_zone", sa.Text, nullable=False),
    sa.Column("do_not_call", sa.Boolean, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("hold_until", _TIME),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("provider_message_id", sa.Text, nullable=False),
    sa.Column("times_sent", sa.Integer, nullable=False),
    sa.Column("task_id", PgUuid),
    sa.Column("claim_time", _TIME),
    sa.Column("sent_time", _TIME),
    sa.Column("sent_date", sa.Date),
    sa.Column("result_date", sa.Date),
    sa.Column("response", sa.Text, nullable=False),
    sa.Column("response_detail", sa.Text, nullable=False),
    sa.Column("response_time", _TIME),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("correlation", sa.Text, nullable=False),
    sa.Column("traceparent", sa.Text, nullable=False),
    sa.Column("create_time", _TIME, nullable=False),
    sa.Column("update_time", _TIME, nullable=False),
)
N = notification.c


def intent_of(row: "sa.Row[Any]") -> Intent:
    """Read a row."""
    sender = {**row.sender, "return_address_lines": tuple(row.sender.get("return_address_lines", ()))}
    return Intent(
        enterprise_id=row.enterprise_id,
        business_unit_id=row.business_unit_id,
        id=row.id,
        step_id=row.step_id,
        attempt=row.attempt,
        account_id=row.account_id,
        account_number=row.account_number,
        member_id=row.member_id,
        channel=row.channel,
        template_id=row.template_id,
        template_display_name=row.template_display_name,
        contact=row.contact,
        contact_value=row.contact_value,
        address_lines=tuple(row.address_lines),
        placeholders=row.placeholders,
        recipient_name=row.recipient_name,
        sender=Sender(**sender),
        send_date=row.send_date,
        time_zone=row.time_zone,
        do_not_call=row.do_not_call or row.member_do_not_call,
        email_opt_out=row.member_email_opt_out,
        state=State(row.state),
        provider=row.provider,
        provider_message_id=row.provider_message_id,
        sent_time=row.sent_time,
        actor=row.actor,
        correlation=row.correlation,
        traceparent=row.traceparent,
    )


def sender_json(sender: Sender) -> dict[str, Any]:
    """Write a sender for its column."""
    return {**asdict(sender), "return_address_lines": list(sender.return_address_lines)}
