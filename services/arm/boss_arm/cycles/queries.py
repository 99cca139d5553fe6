"""Reading where an account stands, and the counts."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from boss_arm.configuration import queries as configuration
from boss_arm.cycles import store
from boss_arm.cycles.rules import Status
from boss_arm.debtors import store as debtors
from boss_arm.debtors.queries import unit
from boss_arm.debtors.rules import invalid_contacts, past_due_minor
from boss_kit.money import Money
from boss_kit.unit_of_work import Transaction

SHOWN_STATUS = {Status.ACTIVE: "Active", Status.SUSPENDED: "Suspended", Status.CLOSED: "Not in ARM"}


@dataclass(frozen=True)
class Summary:
    """Where an account stands (SPEC ARM-6); counts are those of its last cycle."""

    status: str
    sent_date: date | None
    days_in_arm: int
    sent_balance: Money | None
    past_due_balance: Money
    letters_sent: int
    phone_calls_made: int
    emails_sent: int
    invalid_contacts: list[str]


def summary(tx: Transaction, unit_id: UUID, account_id: UUID) -> Summary:
    """Give an account's summary; one that was never in ARM is `Not in ARM`."""
    configuration.settings(tx, unit_id)
    place = unit(tx, unit_id)
    day = tx.today(place.time_zone)
    account = debtors.find_account(tx.connection, tx.enterprise_id, unit_id, account_id)
    items = debtors.read_items(account.open_items) if account is not None else ()
    cycle = store.last_cycle(tx.connection, tx.enterprise_id, unit_id, account_id)
    return Summary(
        status=SHOWN_STATUS[Status(cycle.status)] if cycle else SHOWN_STATUS[Status.CLOSED],
        sent_date=cycle.sent_date if cycle else None,
        days_in_arm=cycle.days_on(day) if cycle and cycle.is_open else 0,
        sent_balance=Money(cycle.sent_balance_minor, place.currency) if cycle else None,
        past_due_balance=Money(past_due_minor(items, day), place.currency),
        letters_sent=cycle.letters_sent if cycle else 0,
        phone_calls_made=cycle.phone_calls_made if cycle else 0,
        emails_sent=cycle.emails_sent if cycle else 0,
        invalid_contacts=_invalid_contacts(tx, account_id) if account is not None or cycle is not None else [],
    )


def statistics(tx: Transaction, unit_id: UUID | None) -> tuple[int, int, int, int]:
    """Count cycles opened, closed, open, and accounts with more than one open, of a unit or the whole enterprise."""
    configuration.require_level(tx, unit_id)
    return store.statistics(tx.connection, tx.enterprise_id, unit_id)


def _invalid_contacts(tx: Transaction, account_id: UUID) -> list[str]:
    member = debtors.responsible_members(tx.connection, tx.enterprise_id, [account_id]).get(account_id)
    marks = debtors.marks_of(tx.connection, tx.enterprise_id, [member.id]) if member is not None else {}
    return invalid_contacts(member, marks.values())
