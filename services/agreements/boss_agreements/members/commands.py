"""Mark contacts, by hand or because a provider or a cycle says so."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar
from uuid import UUID

from boss_agreements.members import rules, store
from boss_agreements.members.rules import Member, MemberChanged
from boss_agreements.organization.queries import get_unit, zones_of
from boss_agreements.timeline.store import Entry, tell
from boss_kit.errors import NotFound
from boss_kit.events.received import Received
from boss_kit.unit_of_work import Transaction

Fact = TypeVar("Fact")


@dataclass(frozen=True)
class ContactName:
    """A contact, by the ids of its name."""

    enterprise_id: UUID
    business_unit_id: UUID
    member_id: UUID
    contact_id: UUID


@dataclass(frozen=True)
class ContactInvalidated:
    """A provider found a contact invalid."""

    contact: ContactName
    reason: str


@dataclass(frozen=True)
class CycleOpened:
    """An account entered ARM, which chose these contacts."""

    contacts: tuple[ContactName, ...]


def mark_contact(tx: Transaction, name: ContactName, *, invalid: bool) -> Member:
    """Set or clear a contact's invalid mark, addresses too (SPEC ARM-9). Raises NotFound."""
    today = tx.today(get_unit(tx, name.enterprise_id, name.business_unit_id).time_zone)
    found = store.lock_members(tx.connection, name.enterprise_id, [name.member_id])
    before = next((one for one in found if one.business_unit_id == name.business_unit_id), None)
    contact = next((one for one in before.contacts if one.id == name.contact_id), None) if before else None
    if before is None or contact is None:
        raise not_found(name)
    after = rules.mark(before, name.contact_id, invalid=invalid)
    if not rules.changed(before, after):
        return before
    saved = _save(tx, [before], [after])[0]
    tx.publish(MemberChanged(saved, today))
    text = f"The contact {contact.label} was marked invalid by {tx.context.actor.user}."
    if not invalid:
        text = f"The contact {contact.label} counts as valid again, says {tx.context.actor.user}."
    tell(tx, [entry(tx, saved, today, text, tx.context.correlation)])
    return saved


def take_invalidated(tx: Transaction, page: Sequence[Received[ContactInvalidated]]) -> None:
    """Mark what providers found invalid; never addresses."""

    def change(member: Member, events: Sequence[Received[ContactInvalidated]]) -> Member:
        return rules.mark_by_provider(member, frozenset(one.fact.contact.contact_id for one in events))

    def tell_of(one: Received[ContactInvalidated], before: Member, after: Member) -> str | None:
        known = {contact.id: contact for contact in before.contacts}
        contact = known.get(one.fact.contact.contact_id)
        if contact is None or contact.invalid or contact.type == rules.ADDRESS:
            return None
        return (
            f"The contact {contact.label} was marked invalid: {one.fact.reason or 'the provider refused it'}".rstrip(
                "."
            )
            + "."
        )

    _change(tx, [(received.fact.contact, received) for received in page], change, tell_of)


def take_cycles(tx: Transaction, page: Sequence[Received[CycleOpened]]) -> None:
    """Give the contacts a cycle chose the ARM purpose (SPEC ARM-8)."""

    def change(member: Member, events: Sequence[Received[CycleOpened]]) -> Member:
        return rules.choose_for_arm(member, frozenset(name.contact_id for one in events for name in one.fact.contacts))

    _change(tx, [(name, received) for received in page for name in received.fact.contacts], change, lambda *_: None)


def ignore_cycles(tx: Transaction, page: Sequence[Received[str]]) -> None:
    """Keep the ARM purpose when a cycle closes: the next one uses the same contacts."""


def republish_members(tx: Transaction, enterprise_id: UUID, after: UUID | None, limit: int) -> Sequence[UUID]:
    """Publish the state of the members after an id again; give their ids."""
    zones = zones_of(tx, enterprise_id)
    members = store.members_after(tx.connection, enterprise_id, after, limit)
    tx.publish(*(MemberChanged(one, tx.today(zones[one.business_unit_id])) for one in members))
    return [one.id for one in members]


def not_found(name: ContactName) -> NotFound:
    """Make the error for a missing contact."""
    return NotFound(
        "CONTACT_NOT_FOUND",
        f"There is no contact {name.contact_id} of member {name.member_id} in this business unit.",
        metadata={"contact_id": str(name.contact_id), "member_id": str(name.member_id)},
    )


def _change(
    tx: Transaction,
    named: Sequence[tuple[ContactName, Received[Fact]]],
    change: Callable[[Member, Sequence[Received[Fact]]], Member],
    tell_of: Callable[[Received[Fact], Member, Member], str | None],
) -> None:
    """Change the members that events name, each once, and publish those that differ; unknown members are left out."""
    events: dict[tuple[UUID, UUID], list[Received[Fact]]] = defaultdict(list)
    for name, received in named:
        if received not in events[name.enterprise_id, name.member_id]:
            events[name.enterprise_id, name.member_id].append(received)
    for enterprise_id in sorted({enterprise_id for enterprise_id, _ in events}):
        member_ids = [member_id for enterprise, member_id in events if enterprise == enterprise_id]
        members = store.lock_members(tx.connection, enterprise_id, member_ids)
        _change_members(tx, members, {one.id: events[enterprise_id, one.id] for one in members}, change, tell_of)


def _change_members(
    tx: Transaction,
    members: Sequence[Member],
    events: Mapping[UUID, Sequence[Received[Fact]]],
    change: Callable[[Member, Sequence[Received[Fact]]], Member],
    tell_of: Callable[[Received[Fact], Member, Member], str | None],
) -> None:
    pairs = [(before, after) for before in members if rules.changed(before, after := change(before, events[before.id]))]
    if not pairs:
        return
    saved = _save(tx, [before for before, _ in pairs], [after for _, after in pairs])
    entries = []
    for (before, _), after in zip(pairs, saved, strict=True):
        last = events[after.id][-1]
        tx.publish(MemberChanged(after, last.event.business_date), cause=last)
        for one in events[after.id]:
            text = tell_of(one, before, after)
            if text is not None:
                entries.append(entry(tx, after, one.event.business_date, text, one.event.correlation))
    tell(tx, entries)


def _save(tx: Transaction, before: Sequence[Member], after: Sequence[Member]) -> Sequence[Member]:
    saved = [replace(one, version=one.version + 1) for one in after]
    store.save_marks(tx.connection, before, saved)
    return saved


def entry(tx: Transaction, member: Member, day: date, text: str, correlation: str) -> Entry:
    """Make a line of the story of a member's account."""
    subject = f"enterprises/{member.enterprise_id}/businessUnits/{member.business_unit_id}/members/{member.id}"
    return Entry(
        member.enterprise_id,
        member.business_unit_id,
        member.account_id,
        day,
        "contact",
        text,
        subject,
        correlation,
        tx.now,
    )
