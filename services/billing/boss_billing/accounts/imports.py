"""Take a page of exported accounts: set by set, one transaction (DESIGN 4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from boss_billing.accounts import store
from boss_billing.accounts.commands import announce
from boss_billing.accounts.records import AccountRecord, NewAccount, read_record
from boss_billing.accounts.rules import Account, AccountRef, account_id
from boss_billing.funding import store as funding
from boss_billing.funding.rules import WHOLE_PERCENT, FundingSource, FundingSourceChanged, source_id
from boss_billing.invoices import store as invoices
from boss_billing.invoices.rules import OPENING_BALANCE, Invoice, InvoiceCreated, Kind
from boss_billing.ledger import store as ledger
from boss_billing.ledger.rules import opening
from boss_billing.rebills import store as rebills
from boss_billing.rebills.rules import RebillSchedule, effective
from boss_billing.units import store as units
from boss_billing.units.rules import Unit
from boss_kit.errors import BossError
from boss_kit.ids import new_id
from boss_kit.unit_of_work import Transaction


class Outcome(StrEnum):
    """What became of a record."""

    IMPORTED = "imported"
    ALREADY_THERE = "already there"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a record, and why it was refused."""

    record: int
    external_id: str
    outcome: Outcome
    field: str = ""
    reason: str = ""


class Import:
    """One stream of records: remembers what it has seen, because a number may stand in it once."""

    def __init__(self, enterprise_id: UUID, *, validate_only: bool) -> None:
        self._enterprise_id = enterprise_id
        self._validate_only = validate_only
        self._seen: set[str] = set()

    def take(
        self, tx: Transaction, records: Sequence[AccountRecord], refused: Mapping[int, tuple[str, str]]
    ) -> list[Result]:
        """Take a page; `refused` holds the positions the door refused already, with field and reason."""
        known_units = units.units_of(tx.connection, self._enterprise_id)
        ids = {record.external_id: account_id(self._enterprise_id, record.external_id) for record in records}
        present = store.record_hashes(tx.connection, self._enterprise_id, list(ids.values()))
        results: list[Result] = []
        accepted: list[NewAccount] = []
        for position, record in enumerate(records):
            read = self._read(record, known_units, refused.get(position))
            if isinstance(read, NewAccount):
                result = _compare(record, read, present.get(ids[record.external_id]))
                if result.outcome is Outcome.IMPORTED:
                    accepted.append(read)
                results.append(result)
            else:
                results.append(read)
        if accepted and not self._validate_only:
            _write(tx, self._enterprise_id, accepted)
        return results

    def _read(
        self, record: AccountRecord, known_units: Mapping[UUID, Unit], refused: tuple[str, str] | None
    ) -> NewAccount | Result:
        if refused is not None:
            return _rejected(record, *refused)
        if record.external_id in self._seen:
            reason = f"external_id: {record.external_id!r} stands in this file before; give each account one record."
            return _rejected(record, "external_id", reason)
        self._seen.add(record.external_id)
        try:
            return read_record(record, known_units, self._enterprise_id)
        except BossError as error:
            return _rejected(record, error.metadata.get("field", ""), error.message)


def _rejected(record: AccountRecord, field: str, reason: str) -> Result:
    return Result(record.record, record.external_id, Outcome.REJECTED, field, reason)


def _compare(record: AccountRecord, new: NewAccount, present: bytes | None) -> Result:
    if present is None:
        return Result(record.record, record.external_id, Outcome.IMPORTED)
    if present == new.record_hash:
        return Result(record.record, record.external_id, Outcome.ALREADY_THERE)
    return _rejected(
        record,
        "external_id",
        f"external_id: {record.external_id!r} is there already with other values; change the account itself.",
    )


def _write(tx: Transaction, enterprise_id: UUID, accepted: Sequence[NewAccount]) -> None:
    accounts: dict[UUID, Account] = {}
    hashes: list[tuple[Account, bytes]] = []
    sources: list[FundingSource] = []
    openings: list[Invoice] = []
    schedules = (
        rebills.schedules_of(tx.connection, enterprise_id) if any(one.past_due_minor for one in accepted) else {}
    )
    for new in accepted:
        account = _account(enterprise_id, new)
        accounts[account.ref.id] = account
        hashes.append((account, new.record_hash))
        sources.append(_source(account.ref, new))
        if new.past_due_minor > 0:
            openings.append(_opening(tx, account, new, schedules))
    store.add(tx.connection, hashes, tx.now)
    funding.add(tx.connection, sources, tx.now)
    changes = [
        FundingSourceChanged(one, "", "imported", tx.today(accounts[one.account.id].time_zone)) for one in sources
    ]
    funding.add_changes(tx.connection, changes, tx.context.correlation, tx.now)
    tx.publish(*changes)
    _write_openings(tx, openings)
    announce(tx, accounts)


def _write_openings(tx: Transaction, openings: Sequence[Invoice]) -> None:
    invoices.add(tx.connection, openings, tx.context.correlation, tx.now)
    invoices.add_opening_lines(tx.connection, openings, OPENING_BALANCE)
    transfers = [opening(one.account, one.id, one.total_minor, one.currency, one.invoice_date) for one in openings]
    ledger.add(tx.connection, transfers, tx.now)
    tx.publish(*(InvoiceCreated(one, one.invoice_date) for one in openings))


def _account(enterprise_id: UUID, new: NewAccount) -> Account:
    ref = AccountRef(enterprise_id, new.unit.id, account_id(enterprise_id, new.external_id))
    invoice_count = 1 if new.past_due_minor > 0 else 0
    return Account(ref, new.external_id, new.unit.currency, new.unit.time_zone, 0, invoice_count)


def _source(ref: AccountRef, new: NewAccount) -> FundingSource:
    return FundingSource(
        source_id(ref.id),
        ref,
        new.tender,
        new.token,
        new.last4,
        new.expiry_month,
        new.expiry_year,
        is_primary=new.is_primary,
        is_recurring=True,
        is_valid=True,
        responsibility_percent=WHOLE_PERCENT,
        version=1,
    )


def _opening(
    tx: Transaction, account: Account, new: NewAccount, schedules: Mapping[tuple[UUID, str], RebillSchedule]
) -> Invoice:
    """Make the opening invoice: it counts as declined once, so that it takes part in rebilling as Past Due."""
    day = tx.today(account.time_zone)
    after_days = effective(new.unit, schedules, new.tender).schedule.after_days
    planned = day + timedelta(days=after_days[0]) if after_days else None
    return Invoice(
        new_id(),
        account.ref,
        None,
        account.invoice_number(1),
        Kind.OPENING_BALANCE,
        OPENING_BALANCE,
        day,
        new.oldest_due_date or day,
        account.currency,
        new.past_due_minor,
        new.past_due_minor,
        declines=1,
        next_attempt_date=planned,
    )
