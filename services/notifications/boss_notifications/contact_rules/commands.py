"""What this service keeps of members and business units, and the decision about a page of notifications."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from boss_kit.days import parse_zone
from boss_kit.errors import InvalidArgument
from boss_kit.events.received import Received
from boss_kit.unit_of_work import Transaction
from boss_notifications.contact_rules import rules, store
from boss_notifications.contact_rules.contacts import is_email_address, possible_number
from boss_notifications.intents.rules import Intent

UTC_NAME = "UTC"


@dataclass(frozen=True)
class MemberChanged:
    """Agreements' fact: the newest state of a member, as far as contact depends on it."""

    business_unit_id: UUID
    member_id: UUID
    account_id: UUID | None
    external_id: str
    time_zone: str
    do_not_call: bool
    email_opt_out: bool


@dataclass(frozen=True)
class BusinessUnitChanged:
    """Agreements' fact: the newest state of a business unit."""

    business_unit_id: UUID
    display_name: str
    time_zone: str


def keep_members(tx: Transaction, received: Sequence[Received[MemberChanged]]) -> None:
    """Keep members' zones, numbers and wishes."""
    rows = [
        {
            "enterprise_id": one.event.enterprise_id,
            "business_unit_id": one.fact.business_unit_id,
            "id": one.fact.member_id,
            "account_id": one.fact.account_id,
            "external_id": one.fact.external_id,
            "time_zone": one.fact.time_zone,
            "do_not_call": one.fact.do_not_call,
            "email_opt_out": one.fact.email_opt_out,
        }
        for one in received
    ]
    store.save_members(tx.connection, rows)


def keep_units(tx: Transaction, received: Sequence[Received[BusinessUnitChanged]]) -> None:
    """Keep units' names and zones."""
    rows = [
        {
            "enterprise_id": one.event.enterprise_id,
            "id": one.fact.business_unit_id,
            "display_name": one.fact.display_name,
            "time_zone": one.fact.time_zone,
        }
        for one in received
    ]
    store.save_units(tx.connection, rows)


def decide(
    tx: Transaction, day: date, intents: Sequence[Intent], *, place: bool
) -> list[tuple[Intent, rules.Decision]]:
    """Decide about notifications of one channel, in their order (SPEC NOT-4).

    With `place` the allowed calls are written as attempts in the same transaction, and count for those behind them; the
    caller holds the accounts' locks.
    """
    enterprise_id = tx.enterprise_id
    profile = store.load_profile(tx.connection, enterprise_id, day)
    zones = _zones(tx, intents)
    contacts = {intent.id: _contact(intent, zones[intent.id]) for intent in intents}
    calls = store.Calls()
    if any(intent.channel == "Phone" for intent in intents):
        calls = _calls(tx, profile, intents, contacts, place=place)
    decided, attempts = [], []
    for intent in intents:
        contact = contacts[intent.id]
        history = _history(calls, intent, contact, tx)
        decision = rules.may_contact(profile, contact, history, tx.now)
        decided.append((intent, decision))
        if place and intent.channel == "Phone" and decision.verdict is rules.Verdict.ALLOW:
            calls.add(intent.account_id, contact.number, tx.now)
            attempts.append(_attempt(tx, intent, contact.number))
    store.add_attempts(tx.connection, attempts)
    return decided


def _calls(
    tx: Transaction,
    profile: rules.Profile,
    intents: Sequence[Intent],
    contacts: dict[UUID, rules.Contact],
    *,
    place: bool,
) -> store.Calls:
    numbers = [contact.number for contact in contacts.values() if contact.number]
    if place:
        store.lock_numbers(tx.connection, tx.enterprise_id, numbers)
    accounts = [intent.account_id for intent in intents]
    return store.load_calls(tx.connection, profile, tx.enterprise_id, accounts, numbers, tx.now)


def _history(calls: store.Calls, intent: Intent, contact: rules.Contact, tx: Transaction) -> rules.CallHistory:
    if intent.channel != "Phone":
        return rules.CallHistory()
    today = tx.now.astimezone(contact.zone).date()
    called = any(at.astimezone(contact.zone).date() == today for at in calls.by_number.get(contact.number, ()))
    return rules.CallHistory(
        attempts=calls.attempts.get(intent.account_id, ()),
        conversations=calls.conversations.get(intent.account_id, ()),
        called_today=called,
    )


def _attempt(tx: Transaction, intent: Intent, number: str) -> dict[str, object]:
    return {
        "enterprise_id": intent.enterprise_id,
        "business_unit_id": intent.business_unit_id,
        "notification_id": intent.id,
        "account_id": intent.account_id,
        "number": number,
        "attempt_time": tx.now,
    }


def _contact(intent: Intent, zone: ZoneInfo) -> rules.Contact:
    phone, email = intent.channel == "Phone", intent.channel == "Email"
    return rules.Contact(
        channel=intent.channel,
        zone=zone,
        value=intent.contact_value,
        number=possible_number(intent.contact_value) if phone else "",
        has_address=any(line.strip() for line in intent.address_lines),
        valid_email=not email or is_email_address(intent.contact_value),
        do_not_call=intent.do_not_call,
        email_opt_out=intent.email_opt_out,
    )


def _zones(tx: Transaction, intents: Sequence[Intent]) -> dict[UUID, ZoneInfo]:
    """Give the member's own zone, the unit's where that is unknown."""
    units = store.unit_zones(tx.connection, tx.enterprise_id, [intent.business_unit_id for intent in intents])
    return {intent.id: _first_zone(intent.time_zone, units.get(intent.business_unit_id, "")) for intent in intents}


def _first_zone(*names: str) -> ZoneInfo:
    for name in names:
        try:
            if name:
                return parse_zone(name)
        except InvalidArgument:
            continue
    return parse_zone(UTC_NAME)
