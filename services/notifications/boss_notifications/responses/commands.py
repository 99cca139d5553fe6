"""Taking responses: each recorded once, matched, told on (SPEC ARM-9)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from boss_kit.days import business_date
from boss_kit.unit_of_work import Transaction
from boss_notifications.contact_rules import store as contacts
from boss_notifications.intents import store as intents_store
from boss_notifications.intents.rules import ContactInvalidated, Intent, NotificationResult, Outcome, State
from boss_notifications.responses import store
from boss_notifications.responses.rules import (
    UNKNOWN_MESSAGE,
    UNKNOWN_RESPONSE,
    ResponseRule,
    is_conversation,
    marks_invalid,
)
from boss_notifications.timeline import commands as story
from boss_notifications.timeline.rules import response_text, sent_text

OLDEST_RESPONSE = timedelta(days=400)


@dataclass(frozen=True)
class ProviderResponse:
    """What a provider says became of a message; `response_id` is its own and the same for every repeat."""

    response_id: str
    provider_message_id: str
    response: str
    response_detail: str
    response_time: datetime | None = None


@dataclass(frozen=True)
class Taken:
    """How many responses were applied, seen before, kept unmatched."""

    applied: int
    repeated: int
    unmatched: int


def report(tx: Transaction, responses: Sequence[ProviderResponse]) -> Taken:
    """Take responses in any order, any number of times; each has its effect once (SPEC ARM-9)."""
    once = {one.response_id: one for one in responses}
    added = store.add_new(tx.connection, [_row(tx, one) for one in once.values()])
    fresh = sorted((one for one in once.values() if one.response_id in added), key=lambda one: _order(tx, one))
    applied = _apply(tx, fresh)
    return Taken(applied, len(responses) - len(fresh), len(fresh) - applied)


def adopt_orphans(tx: Transaction, intents: Sequence[Intent]) -> None:
    """Apply what was reported about messages before they were known here."""
    found = store.orphans(tx.connection, tx.enterprise_id, [one.provider_message_id for one in intents])
    early = [
        ProviderResponse(row.response_id, row.provider_message_id, row.response, row.response_detail, row.response_time)
        for row in found
    ]
    if early:
        _apply(tx, sorted(early, key=lambda one: _order(tx, one)))


def publish_sent(tx: Transaction, intents: Sequence[Intent], day: date) -> None:
    """Tell that notifications went out."""
    for intent in intents:
        tx.publish(NotificationResult(intent, Outcome.SENT, day), cause=intent.story(day))
    told = [
        (intent, sent_text(intent.channel, intent.template_display_name, intent.recipient_name, intent.attempt))
        for intent in intents
    ]
    story.tell_of(tx, told, day)


def publish_response(
    tx: Transaction, intent: Intent, rule: ResponseRule, response: str, response_detail: str, day: date
) -> None:
    """Tell ARM a result, and agreements that the contact is invalid where the row says so."""
    story = intent.story(day)
    tx.publish(NotificationResult(intent, Outcome.RESPONSE, day, response, response_detail, rule), cause=story)
    if marks_invalid(rule, intent.channel, intent.contact):
        row = {
            "enterprise_id": intent.enterprise_id,
            "business_unit_id": intent.business_unit_id,
            "contact": intent.contact,
            "channel": intent.channel,
        }
        store.add_invalidated(tx.connection, [row])
        tx.publish(ContactInvalidated(intent, day, rule.description), cause=story)


def _apply(tx: Transaction, responses: Sequence[ProviderResponse]) -> int:
    """Apply responses in their order; give how many matched a message and a row."""
    if not responses:
        return 0
    known = intents_store.by_message(tx.connection, tx.enterprise_id, [one.provider_message_id for one in responses])
    found = _lock(tx, known)
    table = store.load_table(tx.connection, tx.enterprise_id)
    zones = contacts.unit_zones(tx.connection, tx.enterprise_id, [intent.business_unit_id for intent in found.values()])
    told: defaultdict[date, list[tuple[Intent, str]]] = defaultdict(list)
    assigned, applied = [], 0
    for one in responses:
        intent = found.get(one.provider_message_id) if one.provider_message_id else None
        rule = table.match(intent.channel, one.response, one.response_detail) if intent else None
        day = _day(tx, intent, one, zones) if intent else None
        if intent is not None and rule is not None and day is not None:
            told[day].append((intent, _apply_one(tx, intent, rule, one, day)))
            found[one.provider_message_id] = _answered(intent)
            applied += 1
        assigned.append(_assignment(one, intent, rule, day))
    for day, texts in told.items():
        story.tell_of(tx, texts, day)
    store.assign(tx.connection, tx.enterprise_id, assigned)
    return applied


def _apply_one(tx: Transaction, intent: Intent, rule: ResponseRule, one: ProviderResponse, day: date) -> str:
    """Keep a response and publish it; give its line of the timeline."""
    at = _happened(tx, one)
    if intent.state in (State.SENDING, State.UNKNOWN):
        # An answer proves that it went out, before the sender could say so.
        intents_store.mark_sent(tx.connection, tx.enterprise_id, [intent.id], day, at)
        publish_sent(tx, [intent], day)
    values = {"response": one.response, "response_detail": one.response_detail, "description": rule.description}
    intents_store.answer(tx.connection, tx.enterprise_id, intent.id, at, tx.now, {**values, "result_date": day})
    if is_conversation(rule):
        row = {
            "enterprise_id": intent.enterprise_id,
            "business_unit_id": intent.business_unit_id,
            "notification_id": intent.id,
            "account_id": intent.account_id,
            "conversation_time": at,
        }
        contacts.add_conversations(tx.connection, [row])
    publish_response(tx, intent, rule, one.response, one.response_detail, day)
    return response_text(intent.channel, intent.template_display_name, rule.description)


def _lock(tx: Transaction, known: dict[str, Intent]) -> dict[str, Intent]:
    """Lock notifications and their accounts, and read them again: a sender may just have recorded."""
    if not known:
        return {}
    ids = [intent.id for intent in known.values()]
    locked = intents_store.lock_in_states(tx.connection, tx.enterprise_id, ids, tuple(State))
    intents_store.lock_accounts(tx.connection, tx.enterprise_id, [intent.account_id for intent in locked])
    return {intent.provider_message_id: intent for intent in locked if intent.provider_message_id}


def _answered(intent: Intent) -> Intent:
    return replace(intent, state=State.ANSWERED)


def _day(tx: Transaction, intent: Intent, one: ProviderResponse, zones: dict[UUID, str]) -> date:
    """Give the business date of a response: of the moment it happened, in the unit's zone; never later than now."""
    if tx.context.business_date is not None:
        return tx.context.business_date
    zone = zones.get(intent.business_unit_id) or intent.time_zone or "UTC"
    return business_date(_happened(tx, one), zone)


def _happened(tx: Transaction, one: ProviderResponse) -> datetime:
    """Give the moment of a response; a provider's clock may be wrong, but not by years, and never ahead of ours."""
    if one.response_time is None or one.response_time < tx.now - OLDEST_RESPONSE:
        return tx.now
    return min(one.response_time, tx.now)


def _order(tx: Transaction, one: ProviderResponse) -> tuple[datetime, str]:
    return _happened(tx, one), one.response_id


def _row(tx: Transaction, one: ProviderResponse) -> dict[str, object]:
    return {
        "enterprise_id": tx.enterprise_id,
        "response_id": one.response_id,
        "provider_message_id": one.provider_message_id,
        "response": one.response,
        "response_detail": one.response_detail,
        "response_time": _happened(tx, one),
        "unmatched_reason": UNKNOWN_MESSAGE,
        "create_time": tx.now,
    }


def _assignment(
    one: ProviderResponse, intent: Intent | None, rule: ResponseRule | None, day: date | None
) -> dict[str, object]:
    reason = "" if rule else (UNKNOWN_RESPONSE if intent else UNKNOWN_MESSAGE)
    return {
        "b_response_id": one.response_id,
        "b_notification_id": intent.id if intent else None,
        "b_business_unit_id": intent.business_unit_id if intent else None,
        "b_rule_number": rule.number if rule else None,
        "b_result_date": day,
        "b_unmatched_reason": reason,
    }
