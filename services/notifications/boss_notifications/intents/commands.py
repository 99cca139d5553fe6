"""Notifications asked for and taken back by ARM."""

from collections.abc import Sequence

from boss_kit.events.received import Received
from boss_kit.names import parse
from boss_kit.unit_of_work import Transaction
from boss_notifications.intents import store, tables
from boss_notifications.intents.rules import (
    ACCOUNT_NAME,
    MEMBER_NAME,
    NotificationRequested,
    NotificationWithdrawn,
    State,
    intent_id,
)
from boss_notifications.templates.rules import TEMPLATE_NAME


def request_notifications(tx: Transaction, received: Sequence[Received[NotificationRequested]]) -> None:
    """Keep what is to go out; a repeat of a step's attempt changes nothing (SPEC NOT-5)."""
    store.add_requests(tx.connection, [_row(tx, one) for one in received])


def withdraw_notifications(tx: Transaction, received: Sequence[Received[NotificationWithdrawn]]) -> None:
    """Keep unsent steps from going out (SPEC ARM-5)."""
    for one in received:
        store.withdraw(tx.connection, one.event.enterprise_id, one.fact.step_id, one.fact.reason, tx.now)


def _row(tx: Transaction, one: Received[NotificationRequested]) -> dict[str, object]:
    fact, context = one.fact, one.context
    account = parse(ACCOUNT_NAME, fact.account, "account")
    member = parse(MEMBER_NAME, fact.member, "member") if fact.member else None
    return {
        "enterprise_id": account["e"],
        "business_unit_id": account["b"],
        "id": intent_id(fact.step_id, fact.attempt),
        "step_id": fact.step_id,
        "attempt": fact.attempt,
        "account_id": account["a"],
        "member_id": member["m"] if member else None,
        "channel": fact.channel,
        "template_id": parse(TEMPLATE_NAME, fact.template, "template")["t"],
        "contact": fact.contact,
        "contact_value": fact.contact_value,
        "address_lines": list(fact.address_lines),
        "placeholders": dict(fact.placeholders),
        "recipient_name": fact.recipient_name,
        "sender": tables.sender_json(fact.sender),
        "send_date": fact.send_date,
        "time_zone": fact.time_zone,
        "do_not_call": fact.do_not_call,
        "state": State.REQUESTED,
        "actor": context.actor.to_json(),
        "correlation": context.correlation,
        "traceparent": context.traceparent,
        "create_time": tx.now,
        "update_time": tx.now,
    } | _NOTHING_YET


_NOTHING_YET = dict.fromkeys(
    ("rule", "reason", "provider", "provider_message_id", "response", "response_detail", "description"), ""
) | {"times_sent": 0}
