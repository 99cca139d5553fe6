"""What an account owes and how its member is reached; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

EMAIL, PHONE, LETTER = "Email", "Phone", "Letter"
CHANNELS = (EMAIL, PHONE, LETTER)
CARD_TENDERS = frozenset({"VISA", "MC", "DISC", "AMEX"})


@dataclass(frozen=True, slots=True)
class OpenItem:
    """One open invoice."""

    invoice: str
    number: str
    due_date: date
    balance_minor: int
    declined: bool


@dataclass(frozen=True, slots=True)
class BusinessUnit:
    """A unit as agreements tells it."""

    enterprise_id: UUID
    id: UUID
    display_name: str
    time_zone: str
    currency: str


@dataclass(frozen=True, slots=True)
class Contact:
    """One way to reach a member; `name` is its resource name, `channel` what it is used for."""

    name: str
    channel: str
    label: str
    value: str
    address_lines: tuple[str, ...]
    primary: bool
    invalid: bool
    arm_purpose: bool

    @property
    def is_blank(self) -> bool:
        """Tell whether there is nothing to send to."""
        return not (any(line.strip() for line in self.address_lines) if self.channel == LETTER else self.value.strip())

    @property
    def shown(self) -> str:
        """Give what the history shows: of an address only its first line (SPEC ARM-7)."""
        return next(iter(self.address_lines), "") if self.channel == LETTER else self.value


@dataclass(frozen=True, slots=True)
class Member:
    """A member as agreements tells it; `account_id` is the account the member is responsible for."""

    enterprise_id: UUID
    business_unit_id: UUID
    id: UUID
    account_id: UUID | None
    external_id: str
    first_name: str
    last_name: str
    time_zone: str
    do_not_call: bool
    contacts: tuple[Contact, ...]

    @property
    def full_name(self) -> str:
        """Give the whole name."""
        return f"{self.first_name} {self.last_name}".strip()


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account owes as billing tells it."""

    enterprise_id: UUID
    business_unit_id: UUID
    account_id: UUID
    number: str
    open_items: tuple[OpenItem, ...]
    attempt_in_flight: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """A contact that a result called invalid, before agreements says so (SPEC ARM-9)."""

    enterprise_id: UUID
    business_unit_id: UUID
    member_id: UUID
    channel: str
    contact: str
    value: str
    mark_date: date


def past_due_minor(items: Iterable[OpenItem], day: date) -> int:
    """Add up what is past due on a day: finally declined, or due before it (SPEC 0)."""
    return sum(item.balance_minor for item in items if item.declined or item.due_date < day)


def due_by_minor(items: Iterable[OpenItem], day: date) -> int:
    """Add up what is declined or due by a day, that day included.

    This is the sent balance of an entry. Billing changes only the declined flag of an item that is due by then, so the
    sum is the same whether the balance or the decline of one transaction arrives first (SPEC ARM-4).
    """
    return sum(item.balance_minor for item in items if item.declined or item.due_date <= day)


def choose_contact(contacts: Sequence[Contact], channel: str) -> Contact | None:
    """Choose the one contact of a channel: the one with the ARM purpose, else the primary one (SPEC ARM-8).

    There is no fallback to another contact (SPEC ARM-9): the chosen one may be invalid.
    """
    of_channel = sorted(
        (contact for contact in contacts if contact.channel == channel), key=lambda contact: contact.name
    )
    chosen = [contact for contact in of_channel if contact.arm_purpose] or [
        contact for contact in of_channel if contact.primary
    ]
    return chosen[0] if chosen else None


def is_invalid(contact: Contact | None, mark: Mark | None) -> bool:
    """Tell whether nothing more goes to a contact: its flag, or a result's mark on this very contact and value."""
    if contact is None:
        return mark is not None and mark.contact == ""
    return contact.invalid or (mark is not None and (mark.contact, mark.value) == (contact.name, contact.value))


def invalid_contacts(member: Member | None, marks: Iterable[Mark]) -> list[str]:
    """List the invalid contacts as the summary shows them, such as `Phone (cell)` (SPEC ARM-6)."""
    if member is None:
        return []
    by_channel = {mark.channel: mark for mark in marks}
    shown = {LETTER: "Address"}
    return [
        f"{shown.get(contact.channel, contact.channel)} ({contact.label})"
        for contact in sorted(member.contacts, key=lambda contact: (CHANNELS.index(contact.channel), contact.label))
        if is_invalid(contact, by_channel.get(contact.channel))
    ]
