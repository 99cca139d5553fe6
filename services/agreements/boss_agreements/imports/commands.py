"""Take a message of records over: each is imported, known already, or refused with its reason."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from uuid import UUID

from boss_agreements.agreements.rules import EXPIRED, AgreementChanged
from boss_agreements.imports import store
from boss_agreements.imports.rules import Checked, Record, check, fingerprint
from boss_agreements.members.rules import Member, MemberChanged
from boss_agreements.organization import store as organization
from boss_agreements.timeline.store import Entry, tell
from boss_kit.cards import redact
from boss_kit.errors import InvalidArgument
from boss_kit.unit_of_work import Transaction

IMPORTED, ALREADY_THERE, REJECTED = "imported", "already_there", "rejected"


@dataclass(frozen=True, slots=True)
class Numbered:
    """A record and its number in the file."""

    number: int
    record: Record


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a record."""

    number: int
    external_id: str
    outcome: str
    field: str = ""
    reason: str = ""


@dataclass
class Stream:
    """What one import remembers from message to message: where each external id came first."""

    first_at: dict[str, int] = field(default_factory=dict)


def import_records(
    tx: Transaction, enterprise_id: UUID, records: Sequence[Numbered], stream: Stream, *, validate_only: bool
) -> Sequence[Result]:
    """Check records and keep the good ones; with `validate_only` check everything and keep nothing."""
    units = {unit.external_id: unit for unit in organization.units_of(tx.connection, enterprise_id)}
    ids = [one.record.external_id for one in records if "\0" not in one.record.external_id]
    # In this order: what another import commits between the two is then known, and not another agreement's number.
    taken = store.taken_numbers(tx.connection, enterprise_id, ids)
    known = store.known_members(tx.connection, enterprise_id, ids)
    today_in: Callable[[str], date] = lru_cache(tx.today)
    results: list[Result] = []
    good: list[Checked] = []
    for one in records:
        external_id = one.record.external_id
        try:
            _refuse_twice(stream, external_id, one.number)
            outcome = _outcome(one.record, known, taken)
            if outcome == IMPORTED:
                good.append(check(one.record, units, today_in))
            results.append(Result(one.number, external_id, outcome))
        except InvalidArgument as error:
            results.append(Result(one.number, redact(external_id), REJECTED, error.metadata["field"], error.message))
    if good and not validate_only:
        _keep(tx, good)
    return results


def _refuse_twice(stream: Stream, external_id: str, number: int) -> None:
    first = stream.first_at.setdefault(external_id, number)
    if external_id and first != number:
        raise InvalidArgument.field("external_id", f"{external_id[:60]} is in the file twice: first as record {first}.")


def _outcome(record: Record, known: Mapping[str, bytes], taken: frozenset[str]) -> str:
    """Tell whether a record is new. Raises InvalidArgument where it would change what is there."""
    external_id = record.external_id
    if external_id in known:
        if known[external_id] == fingerprint(record):
            return ALREADY_THERE
        raise InvalidArgument.field(
            "external_id",
            f"{external_id} is there already with other values; an import adds members and changes none: "
            "change the member in BOSS, or take the record out of the file.",
        )
    if external_id in taken:
        raise InvalidArgument.field("external_id", f"{external_id} is the number of another agreement already.")
    return IMPORTED


def _keep(tx: Transaction, good: Sequence[Checked]) -> None:
    store.add(tx.connection, good, tx.context.actor.user, tx.now)
    correlation = tx.context.correlation
    tell(tx, [_entry(tx, one, correlation) for one in good])
    for one in good:
        tx.publish(_member_changed(tx, one), _agreement_changed(one))


def _member_changed(tx: Transaction, one: Checked) -> MemberChanged:
    record, unit = one.record, one.unit
    made = Member(
        one.member_id,
        unit.enterprise_id,
        unit.id,
        record.external_id,
        one.account_id,
        record.first_name,
        record.last_name,
        one.birth_date,
        one.time_zone,
        one.do_not_call,
        one.sms_opt_out,
        record.notes,
        1,
        tx.now,
        one.contacts,
    )
    return MemberChanged(made, one.today)


def _agreement_changed(one: Checked) -> AgreementChanged:
    unit, record = one.unit, one.record
    return AgreementChanged(
        one.agreement_id,
        unit.enterprise_id,
        unit.id,
        one.account_id,
        one.member_id,
        record.external_id,
        record.agreement,
        one.status,
        one.line.price,
        1,
        one.today,
    )


def _entry(tx: Transaction, one: Checked, correlation: str) -> Entry:
    record, unit, line = one.record, one.unit, one.line
    terms = f"{record.agreement} at {line.price}, {line.schedule.in_words()}, since {one.start_date}"
    text = f"Imported with {terms}; the next bill date is {line.next_bill_date}."
    if one.status == EXPIRED:
        text = f"Imported with {terms}; it ended before {line.term_end_date}."
    elif line.remaining_cycles == 0:
        text = f"Imported with {terms}; all is billed until it ends before {line.term_end_date}."
    subject = f"enterprises/{unit.enterprise_id}/businessUnits/{unit.id}/agreements/{one.agreement_id}"
    return Entry(
        unit.enterprise_id, unit.id, one.account_id, one.today, "agreement", text, subject, correlation, tx.now
    )
