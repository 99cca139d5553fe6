"""Take items back and send money back, each to its right place (SPEC BIL-11)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from boss_billing.accounts import store as accounts
from boss_billing.accounts.rules import AccountRef
from boss_billing.declines import store as declines
from boss_billing.funding import store as funding
from boss_billing.funding.rules import MANUAL, FundingSource
from boss_billing.ledger.rules import TAX, Code, Source
from boss_billing.movements.rules import Movement
from boss_billing.movements.sheet import Sheet
from boss_billing.refunds import store
from boss_billing.refunds.rules import (
    ON_ITS_WAY,
    SEND_TASK,
    SENT_TOGETHER,
    TO_SEND,
    Destination,
    Refund,
    RefundAnswer,
    RefundState,
    ReturnLine,
    check_credit,
    check_lines,
    check_refunded,
    check_returned,
)
from boss_kit.errors import FailedPrecondition, InvalidArgument, NotFound
from boss_kit.money import Money
from boss_kit.unit_of_work import Transaction

CASH = "CASH"


@dataclass(frozen=True)
class CreateReturn:
    """Items that come back, with all currencies their amounts are in."""

    account: AccountRef
    agreement_id: UUID | None
    lines: Sequence[ReturnLine]
    currencies: Collection[str]
    destination: Destination
    funding_source_id: UUID | None
    reason: str


@dataclass(frozen=True)
class CreateRefund:
    """Credit of an account that is paid back."""

    account: AccountRef
    amount: Money
    destination: Destination
    funding_source_id: UUID | None
    reason: str


def create_return(tx: Transaction, command: CreateReturn) -> UUID:
    """Take items back: revenue and tax become credit, which pays open invoices or goes back; give the return's id.

    Raises NotFound without account or source, InvalidArgument for amounts that can't be, FailedPrecondition for more
    than was invoiced or paid, or without a needed approval.
    """
    sheet = Sheet(tx, command.account)
    if set(command.currencies) - {sheet.account.currency}:
        text = f"must be {sheet.account.currency}, the account's currency."
        raise InvalidArgument.field("lines.amount.currency_code", text)
    total = sheet.money(check_lines(command.lines))
    ref = sheet.account.ref
    check_returned(total, store.returnable_minor(tx.connection, ref, command.agreement_id))
    returned = sheet.record(Source.RETURN, total, command.reason, agreement_id=command.agreement_id)
    store.add_lines(tx.connection, ref, returned.id, command.lines)
    for line in command.lines:
        sheet.give_credit(line.amount_minor, (Code.REVENUE, line.item_category), returned.document)
        sheet.give_credit(line.tax_minor, TAX, returned.document)
    if command.destination is Destination.ACCOUNT_CREDIT:
        sheet.apply_credit()
    else:
        if command.agreement_id is not None:
            paid = store.paid_for_agreement_minor(tx.connection, ref, command.agreement_id)
            check_refunded(total, paid, "for this agreement")
        _refund(sheet, total, command.destination, command.funding_source_id, command.reason, returned)
    sheet.save()
    return returned.id


def create_refund(tx: Transaction, command: CreateRefund) -> UUID:
    """Pay credit back; give the refund's id.

    Raises NotFound without account or source, InvalidArgument for an amount that can't be, FailedPrecondition for more
    than the credit or than was paid that way, or without a needed approval.
    """
    sheet = Sheet(tx, command.account)
    refund = _refund(sheet, command.amount, command.destination, command.funding_source_id, command.reason, None)
    sheet.save()
    return refund.id


def gather(tx: Transaction, refund_id: UUID) -> bool:
    """Put all that waits in a refund's unit into one file with it, unless it is in one already; tell whether it did.

    From then on the file may have been sent.
    """
    refund = store.lock(tx.connection, tx.enterprise_id, refund_id)
    if refund is None or not refund.waits_for_company:
        return False
    store.gather(tx.connection, refund, SENT_TOGETHER)
    return True


def scatter(tx: Transaction, refund_id: UUID) -> None:
    """Let the refunds of a file that surely never left wait again, for the next one."""
    store.scatter(tx.connection, tx.enterprise_id, refund_id)


def mark(tx: Transaction, refund_ids: Collection[UUID], state: RefundState) -> None:
    """Note that the processor has refunds, or that nobody knows whether it has; an answer that was faster stays."""
    found = store.find_all(tx.connection, tx.enterprise_id, refund_ids)
    accounts.lock(tx.connection, tx.enterprise_id, {one.account.id for one in found.values()})
    found = store.find_all(tx.connection, tx.enterprise_id, refund_ids)
    store.set_state(tx.connection, tx.enterprise_id, [one.id for one in found.values() if one.state in TO_SEND], state)


def take_answer(tx: Transaction, refund_id: UUID, answer: RefundAnswer) -> None:
    """Take what the processor says of a refund: the money is back, or credit of the account again. Once."""
    sheet = Sheet(tx, _find(tx, refund_id).account)
    refund = _find(tx, refund_id)
    if refund.state not in ON_ITS_WAY:
        return
    code = declines.decline_table(tx.connection, tx.enterprise_id).find(answer.code)
    document = Movement(
        refund.id, refund.account, Source.REFUND, refund.amount_minor, refund.currency, sheet.day, ""
    ).document
    transit = (Code.REFUNDS_IN_TRANSIT, refund.tender)
    if code.is_good:
        sheet.move(transit, (Code.CLEARING, refund.tender), refund.amount_minor, document)
    else:
        sheet.give_credit(refund.amount_minor, transit, document)
    state = RefundState.APPROVED if code.is_good else RefundState.DECLINED
    said = (answer.code, answer.message or code.message, answer.transaction_id)
    store.save(tx.connection, _answered(refund, state, said, sheet))
    sheet.save()


def _find(tx: Transaction, refund_id: UUID) -> Refund:
    found = store.find(tx.connection, tx.enterprise_id, refund_id)
    if found is None:
        raise LookupError(f"there is no refund {refund_id}")
    return found


def _answered(refund: Refund, state: RefundState, said: tuple[str, str, str], sheet: Sheet) -> Refund:
    code, message, transaction_id = said
    return replace(
        refund,
        state=state,
        response_code=code,
        response_message=message,
        transaction_id=transaction_id,
        final_date=sheet.day,
    )


def _refund(
    sheet: Sheet,
    amount: Money,
    destination: Destination,
    source_id: UUID | None,
    reason: str,
    origin: Movement | None,
) -> Refund:
    tx, ref = sheet.tx, sheet.account.ref
    source = _source(tx, ref, destination, source_id)
    movement = sheet.record(
        Source.REFUND,
        amount,
        reason,
        agreement_id=origin.agreement_id if origin else None,
        origin_id=origin.id if origin else None,
    )
    check_credit(amount, sheet.account.credit_minor)
    paid = store.paid_from_minor(tx.connection, ref, source.id if source else None)
    check_refunded(amount, paid, f"with {source.tender} ending in {source.last4}" if source else "at the desk")
    about: tuple[UUID | None, str, str] = (source.id, source.tender, source.token) if source else (None, CASH, "")
    state = RefundState.CREATED if source else RefundState.APPROVED
    refund = Refund(movement.id, ref, destination, *about, amount.amount_minor, amount.currency, state)
    store.add(tx.connection, refund if source else replace(refund, final_date=sheet.day))
    into = (Code.REFUNDS_IN_TRANSIT, source.tender) if source else (Code.CASH, CASH)
    sheet.take_credit(amount.amount_minor, into, movement.document)
    if source is not None:
        tx.enqueue(SEND_TASK, key=str(refund.id), args={"refund": str(refund.id)}, business_date=sheet.day)
    return refund


def _source(tx: Transaction, ref: AccountRef, destination: Destination, source_id: UUID | None) -> FundingSource | None:
    if destination is Destination.CASH:
        if source_id is not None:
            raise InvalidArgument.field("funding_source", "must be empty for a refund in cash.")
        return None
    if source_id is None:
        raise InvalidArgument.field("funding_source", "is needed: the source the money came from.")
    found = funding.find(tx.connection, ref.enterprise_id, [source_id]).get(source_id)
    if found is None or found.account != ref:
        raise NotFound(
            "FUNDING_SOURCE_NOT_FOUND",
            f"There is no funding source {source_id} on this account.",
            metadata={"funding_source_id": str(source_id)},
        )
    if found.tender == MANUAL:
        raise FailedPrecondition(
            "NOT_REFUNDABLE",
            "Statement billing has no card and no bank account; refund in cash or leave it as credit of the account.",
            metadata={"funding_source": found.name},
        )
    return found
