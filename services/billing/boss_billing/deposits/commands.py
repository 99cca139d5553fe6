"""Take deposits, from a statement file or a callback, and book them from clearing to bank (SPEC BIL-8 to BIL-10)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from boss_billing.accounts.rules import AccountRef
from boss_billing.deposits import store
from boss_billing.deposits.rules import (
    NO_UNIT,
    Deposit,
    DepositNotice,
    Outcome,
    Statement,
    Taken,
    parts_of,
    says_the_same,
)
from boss_billing.deposits.source import DepositSource, check_source
from boss_billing.ledger import store as ledger
from boss_billing.ledger.rules import NO_ACCOUNT, Transfer, deposited
from boss_kit.errors import FieldViolation, InvalidArgument
from boss_kit.ids import new_id
from boss_kit.unit_of_work import Transaction

_NEW = Taken(Outcome.NEW)
_REPEATED = Taken(Outcome.REPEATED)


@dataclass(frozen=True)
class ImportStatement:
    """A statement file that was read; `business_unit_id` is whose it is, where it is one unit's."""

    enterprise_id: UUID
    business_unit_id: UUID | None
    source: str
    file_name: str
    content_hash: bytes
    currency: str
    notices: Sequence[DepositNotice]
    validate_only: bool


@dataclass(frozen=True)
class Imported:
    """A statement, how many of its deposits were new, and whether the file had been taken before."""

    statement: Statement
    new_deposits: int
    already_there: bool


def take_deposits(
    tx: Transaction, notices: Sequence[DepositNotice], business_unit_id: UUID | None = None
) -> Sequence[Taken]:
    """Take deposits, each once by its source and key; say what became of each (SPEC BIL-8).

    A deposit for a batch nobody knows is kept, too: the reconciliation lists it.
    """
    return _take(tx, notices, business_unit_id, None)


def import_statement(tx: Transaction, command: ImportStatement) -> Imported:
    """Take a statement file: whole or not at all, and the same file once.

    Raises InvalidArgument naming the lines that contradict what is known.
    """
    store.lock_source(tx.connection, command.enterprise_id, command.source)
    known = store.find_statement(tx.connection, command.enterprise_id, command.source, command.content_hash)
    if known is not None:
        return Imported(known, 0, already_there=True)
    _check_units(tx, command)
    statement = _statement(command)
    if command.validate_only:
        taken: Sequence[Taken] = _compare(tx, command.notices)
    else:
        store.add_statement(tx.connection, statement, tx.context.correlation, tx.now)
        taken = _take(tx, command.notices, command.business_unit_id, statement.id)
    _refuse_conflicts(command.notices, taken)
    return Imported(statement, sum(one.outcome is Outcome.NEW for one in taken), already_there=False)


def update_source(tx: Transaction, enterprise_id: UUID, source: DepositSource) -> DepositSource:
    """Set how a source writes its statements. Raises InvalidArgument for one no statement could be read by."""
    check_source(source)
    store.save_source(tx.connection, enterprise_id, source)
    return source


def _take(
    tx: Transaction, notices: Sequence[DepositNotice], unit_id: UUID | None, statement_id: UUID | None
) -> Sequence[Taken]:
    found = _compare(tx, notices)
    new = [notice for notice, taken in zip(notices, found, strict=True) if taken.outcome is Outcome.NEW]
    deposits = _deposits(tx, new, unit_id)
    if deposits:
        store.add(tx.connection, tx.enterprise_id, deposits, statement_id, tx.context.correlation, tx.now)
        ledger.add(tx.connection, [move for one in deposits for move in _moves(tx.enterprise_id, one)], tx.now)
    return found


def _compare(tx: Transaction, notices: Sequence[DepositNotice]) -> list[Taken]:
    """Compare notices with their batches, with what is kept, and with those before them in the same call."""
    numbers = {one.batch_number for one in notices}
    currencies = store.currencies_of_batches(tx.connection, tx.enterprise_id, numbers)
    seen: dict[tuple[str, str], list[DepositNotice]] = {}
    for source in sorted({one.source for one in notices}):
        store.lock_source(tx.connection, tx.enterprise_id, source)
        keys = {one.deposit_key for one in notices if one.source == source}
        kept = store.kept(tx.connection, tx.enterprise_id, source, keys)
        seen.update({(source, key): parts for key, parts in kept.items()})
    found = []
    for one in notices:
        name = f"Deposit {one.deposit_key} of {one.source}"
        before = seen.setdefault((one.source, one.deposit_key), [])
        currency = currencies.get(one.batch_number, one.currency)
        if one.currency != currency:
            text = f"{name} is in {one.currency}, batch {one.batch_number} in {currency}."
            found.append(Taken(Outcome.CONFLICT, text))
        elif not before:
            before.append(one)
            found.append(_NEW)
        elif says_the_same(one, before):
            found.append(_REPEATED)
        else:
            found.append(Taken(Outcome.CONFLICT, f"{name} was told before, and otherwise."))
    return found


def _deposits(tx: Transaction, notices: Sequence[DepositNotice], unit_id: UUID | None) -> list[Deposit]:
    numbers = {one.batch_number for one in notices}
    units = store.units_of_batches(tx.connection, tx.enterprise_id, numbers)
    awaited = store.awaited(tx.connection, tx.enterprise_id, numbers)
    found: list[Deposit] = []
    for notice in notices:
        mine = awaited.setdefault(notice.batch_number, {})
        parts = parts_of(notice, units.get(notice.batch_number, unit_id or NO_UNIT), mine)
        for part in parts:
            mine[part.notice.tender] = mine.get(part.notice.tender, 0) - part.notice.gross_minor
        found.extend(parts)
    return found


def _moves(enterprise_id: UUID, one: Deposit) -> list[Transfer]:
    told = one.notice
    account = AccountRef(enterprise_id, one.business_unit_id, NO_ACCOUNT)
    amounts = (told.gross_minor, told.fee_minor)
    return deposited(account, told.source, told.tender, *amounts, told.currency, told.deposit_date)


def _check_units(tx: Transaction, command: ImportStatement) -> None:
    if command.business_unit_id is None:
        return
    numbers = {one.batch_number for one in command.notices}
    units: Mapping[int, UUID] = store.units_of_batches(tx.connection, command.enterprise_id, numbers)
    wrong = [
        FieldViolation(
            f"content[line {one.line_no}]", f"is of batch {one.batch_number}, which another business unit's is."
        )
        for one in command.notices
        if units.get(one.batch_number, command.business_unit_id) != command.business_unit_id
    ]
    _refuse(wrong)


def _refuse_conflicts(notices: Sequence[DepositNotice], taken: Sequence[Taken]) -> None:
    _refuse(
        [
            FieldViolation(f"content[line {notice.line_no}]", one.reason)
            for notice, one in zip(notices, taken, strict=True)
            if one.outcome is Outcome.CONFLICT
        ]
    )


def _refuse(wrong: Sequence[FieldViolation]) -> None:
    if wrong:
        text = f"Nothing of the file was taken: {wrong[0].field} {wrong[0].description}"
        raise InvalidArgument(
            "STATEMENT_REFUSED", text, metadata={"field": wrong[0].field}, violations=list(wrong)[:50]
        )


def _statement(command: ImportStatement) -> Statement:
    return Statement(
        new_id(),
        command.enterprise_id,
        command.source,
        command.file_name,
        command.content_hash,
        len(command.notices),
        sum(one.gross_minor for one in command.notices),
        sum(one.fee_minor for one in command.notices),
        command.currency,
    )
