"""Make agreements and keep their statuses true."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import count
from uuid import UUID

from boss_agreements.agreements import rules, store
from boss_agreements.agreements.queries import not_found
from boss_agreements.agreements.schedules import parse_schedule
from boss_agreements.agreements.store import Agreement
from boss_agreements.members import store as members
from boss_agreements.members.rules import Member
from boss_agreements.organization import store as organization
from boss_agreements.organization.queries import get_unit, zones_of
from boss_agreements.organization.queries import not_found as unit_not_found
from boss_agreements.timeline.store import Entry, tell
from boss_kit.days import check_year
from boss_kit.errors import InvalidArgument, NotFound
from boss_kit.ids import derived_id, new_id
from boss_kit.money import Money
from boss_kit.unit_of_work import Transaction

NUMBERS_TRIED = 50


@dataclass(frozen=True)
class CreateAgreement:
    """An agreement as it is asked for; without an account the member's own pays."""

    enterprise_id: UUID
    business_unit_id: UUID
    member_id: UUID
    account_id: UUID | None
    display_name: str
    agreement_type: str
    price: Money
    schedule: str
    term: str
    start_date: date
    obligation_end_date: date | None


def create_agreement(tx: Transaction, command: CreateAgreement) -> Agreement:
    """Make an agreement with one recurring line.

    Raises NotFound without the member, InvalidArgument for what an agreement can't be.
    """
    unit = get_unit(tx, command.enterprise_id, command.business_unit_id)
    _check(command, unit.currency)
    schedule = parse_schedule(command.schedule, command.start_date, "agreement.schedule")
    term_months = rules.parse_term(command.term, "agreement.term")
    owner = _owner(tx, command)
    agreement_id, today = new_id(), tx.today(unit.time_zone)
    start = command.start_date
    line = replace(
        rules.open_line(derived_id(agreement_id, "line", "1"), schedule, command.price, start, term_months, start),
        item=command.display_name,
        item_category=command.agreement_type,
        list_price=command.price,
    )
    made = Agreement(
        agreement_id,
        command.enterprise_id,
        command.business_unit_id,
        free_number(tx, command.enterprise_id, owner.external_id),
        owner.id,
        command.account_id or owner.account_id,
        command.display_name,
        command.agreement_type,
        rules.status_on(today, start, [line], frozenset()),
        command.term,
        start,
        command.obligation_end_date,
        1,
        tx.now,
        (line,),
    )
    store.add(tx.connection, made)
    tx.publish(made.changed(today))
    tell(
        tx,
        [
            entry(
                tx,
                made,
                today,
                f"{title(made)} was made at {line.price}, {schedule.in_words()}, from {made.start_date}.",
            )
        ],
    )
    return made


def save_statuses(
    tx: Transaction, day: date, agreements: Sequence[Agreement], active_types: Mapping[UUID, frozenset[str]]
) -> Sequence[Agreement]:
    """Derive the statuses of locked agreements, save and publish those that changed; give the newly expired ones."""
    changed: list[Agreement] = []
    for one in agreements:
        status = rules.status_on(day, one.start_date, one.lines, active_types.get(one.id, frozenset()))
        if status == rules.EXPIRED and one.is_cancelled_before(one.term_end_date or day):
            continue
        if status != one.status and one.status in rules.LIVE_STATUSES:
            changed.append(_with_status(one, status))
    expired = [one for one in changed if one.status == rules.EXPIRED]
    store.save(tx.connection, changed)
    if agreements:
        enterprise_id = agreements[0].enterprise_id
        store.end_lines(tx.connection, enterprise_id, [one.id for one in expired])
        store.end_terms(tx.connection, enterprise_id, [one.id for one in agreements], day)
    tx.publish(*(one.changed(day) for one in changed))
    tell(tx, [entry(tx, one, day, f"{title(one)} ended: its term is over.") for one in expired])
    return expired


def republish_agreements(tx: Transaction, enterprise_id: UUID, after: UUID | None, limit: int) -> Sequence[UUID]:
    """Publish the state of the agreements after an id again; give their ids."""
    zones = zones_of(tx, enterprise_id)
    agreements = store.lock_after(tx.connection, enterprise_id, after, limit)
    tx.publish(*(one.changed(tx.today(zones[one.business_unit_id])) for one in agreements))
    return [one.id for one in agreements]


def hold_day(tx: Transaction, enterprise_id: UUID, unit_id: UUID) -> date:
    """Keep bill dates of a unit from being closed meanwhile, and tell its business date. Raises NotFound."""
    unit = organization.hold_unit(tx.connection, enterprise_id, unit_id)
    if unit is None:
        raise unit_not_found(unit_id)
    return tx.today(unit.time_zone)


def lock_agreement(tx: Transaction, enterprise_id: UUID, unit_id: UUID, agreement_id: UUID) -> Agreement:
    """Read an agreement of a unit and keep others from changing it. Raises NotFound."""
    found = next(iter(store.lock(tx.connection, enterprise_id, [agreement_id])), None)
    if found is None or found.business_unit_id != unit_id:
        raise not_found(agreement_id)
    return found


def title(one: Agreement) -> str:
    """Name an agreement in a sentence."""
    return f"{one.display_name} (agreement {one.number})"


def entry(tx: Transaction, one: Agreement, day: date, text: str, kind: str = "agreement") -> Entry:
    """Make a line of the story of an agreement's account."""
    subject = f"enterprises/{one.enterprise_id}/businessUnits/{one.business_unit_id}/agreements/{one.id}"
    return Entry(
        one.enterprise_id,
        one.business_unit_id,
        one.account_id,
        day,
        kind,
        text,
        subject,
        tx.context.correlation,
        tx.now,
    )


def _with_status(one: Agreement, status: str) -> Agreement:
    """Give an agreement another status; what has expired is not to be cancelled any more: an agreement ends once."""
    changed = replace(one, status=status, version=one.version + 1)
    return replace(changed, pending_cancellation=False, cancel_date=None) if status == rules.EXPIRED else changed


def _check(command: CreateAgreement, currency: str) -> None:
    if command.agreement_type not in rules.AGREEMENT_TYPES:
        raise InvalidArgument.field(
            "agreement.agreement_type", f"{command.agreement_type[:40]!r} is not a type; use Membership or Service."
        )
    if command.price.currency != currency:
        raise InvalidArgument.field(
            "agreement.price", f"is in {command.price.currency}, but the business unit bills in {currency}."
        )
    rules.check_price(command.price.amount_minor, "agreement.price")
    check_year(command.start_date, "agreement.start_date")
    end = command.obligation_end_date
    if end is not None and check_year(end, "agreement.obligation_end_date") < command.start_date:
        raise InvalidArgument.field(
            "agreement.obligation_end_date", f"{end} lies before the start, {command.start_date}."
        )


def _owner(tx: Transaction, command: CreateAgreement) -> Member:
    found = members.lock_members(tx.connection, command.enterprise_id, [command.member_id])
    owner = next((one for one in found if one.business_unit_id == command.business_unit_id), None)
    if owner is None:
        raise NotFound(
            "MEMBER_NOT_FOUND",
            f"There is no member {command.member_id} in this business unit; import or create the member first.",
            metadata={"member_id": str(command.member_id)},
        )
    return owner


def free_number(tx: Transaction, enterprise_id: UUID, stem: str) -> str:
    """Give the member's next agreement number: the club's own number, then with -2, -3 and so on."""
    for first in count(1, NUMBERS_TRIED):
        numbers = [stem if n == 1 else f"{stem}-{n}" for n in range(first, first + NUMBERS_TRIED)]
        taken = store.taken_numbers(tx.connection, enterprise_id, numbers)
        free = next((number for number in numbers if number not in taken), None)
        if free is not None:
            return free
    raise AssertionError("there is always another number")
