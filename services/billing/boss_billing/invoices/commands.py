"""Make invoices outside a run: sales and fees, always new ones (SPEC BIL-11)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from boss_billing.accounts.commands import announce, require_account
from boss_billing.accounts.rules import Account, AccountRef
from boss_billing.invoices import store
from boss_billing.invoices.rules import ChargeBilled, Invoice, InvoiceCreated, Kind, NewInvoice, NewLine
from boss_billing.ledger import store as ledger
from boss_billing.ledger.rules import OWED, TAX, Code, Document, Side, Source, Transfer, credit_applied, moved
from boss_kit.errors import AlreadyExists, InvalidArgument
from boss_kit.ids import new_id
from boss_kit.money import Money
from boss_kit.unit_of_work import Transaction

LINE_MINOR_MAX = 10**12
SALE = Document(Source.INVOICE)


@dataclass(frozen=True)
class CreateInvoice:
    """An invoice as somebody asks for it, with all currencies its amounts are in; without a due date it is due now."""

    account: AccountRef
    agreement_id: UUID | None
    kind: Kind
    due_date: date | None
    lines: Sequence[NewLine]
    currencies: Collection[str]


def create_invoice(tx: Transaction, command: CreateInvoice) -> Invoice:
    """Make one invoice and tell what the account owes.

    Raises NotFound without the account, InvalidArgument for amounts that can't be, AlreadyExists if a charge of it is
    on an invoice already.
    """
    account = require_account(tx, command.account)
    _check(tx, account, command)
    day = tx.today(account.time_zone)
    new = NewInvoice(account.ref.id, command.agreement_id, command.kind, command.due_date or day, command.lines)
    changed, (made,) = make_invoices(tx, {account.ref.id: account}, [new])
    announce(tx, changed)
    return made


def make_invoices(
    tx: Transaction,
    accounts: Mapping[UUID, Account],
    new: Sequence[NewInvoice],
    of: Document = SALE,
    against: Side | None = None,
) -> tuple[dict[UUID, Account], list[Invoice]]:
    """Write invoices of locked accounts, inside the caller's transaction; give the accounts and invoices as they are.

    Their lines are booked against revenue, or whatever account of the books `against` names. Credit pays for them at
    once. What is left is collected by the first run from the due date on. The caller announces the accounts; charge
    keys must be free.
    """
    changed = dict(accounts)
    made: list[Invoice] = []
    lines: list[tuple[Invoice, int, NewLine]] = []
    transfers: list[Transfer] = []
    for one in new:
        account = changed[one.account_id]
        invoice, booked, credit = _make(account, one, tx.today(account.time_zone), of, against)
        made.append(invoice)
        lines += [(invoice, line_no, line) for line_no, line in enumerate(one.lines, 1)]
        transfers += booked
        changed[one.account_id] = account._replace(
            credit_minor=account.credit_minor - credit, invoice_count=account.invoice_count + 1
        )
    store.add(tx.connection, made, tx.context.correlation, tx.now)
    store.add_new_lines(tx.connection, lines)
    ledger.add(tx.connection, transfers, tx.now)
    tx.publish(*(InvoiceCreated(one, one.invoice_date) for one in made))
    tx.publish(*(_billed(of, line) for of, _, line in lines if line.charge_key))
    return changed, made


def _make(
    account: Account, new: NewInvoice, day: date, of: Document, against: Side | None
) -> tuple[Invoice, list[Transfer], int]:
    total = new.total_minor
    credit = min(account.credit_minor, total)
    invoice = Invoice(
        new.id or new_id(),
        account.ref,
        new.agreement_id,
        account.invoice_number(account.invoice_count + 1),
        new.kind,
        new.lines[0].description,
        day,
        new.due_date,
        account.currency,
        total,
        total - credit,
        is_declined=new.is_declined,
        next_attempt_date=max(day, new.due_date) if total > credit and not new.is_declined else None,
    )
    booked = [
        moved(account.ref, OWED, side, Money(amount, account.currency), day, of, invoice.id)
        for line in new.lines
        for side, amount in (
            (against or (Code.REVENUE, line.item_category), line.amount_minor),
            (TAX, line.tax_minor),
        )
        if amount > 0
    ]
    if credit > 0:
        booked.append(credit_applied(account.ref, invoice.id, credit, account.currency, day))
    return invoice, booked, credit


def _billed(invoice: Invoice, line: NewLine) -> ChargeBilled:
    assert invoice.agreement_id is not None, "a charge key comes with its agreement"
    amount_minor = line.amount_minor + line.tax_minor
    place = (invoice.account, line.charge_key, invoice.agreement_id, invoice.id)
    return ChargeBilled(*place, amount_minor, invoice.currency, invoice.invoice_date)


def _check(tx: Transaction, account: Account, command: CreateInvoice) -> None:
    if set(command.currencies) - {account.currency}:
        raise InvalidArgument.field(
            "lines.amount.currency_code", f"must be {account.currency}, the account's currency."
        )
    for place, line in enumerate(command.lines):
        for field, amount in (("amount", line.amount_minor), ("tax", line.tax_minor)):
            if not 0 <= amount <= LINE_MINOR_MAX:
                text = "must not be below zero, nor more than an account can owe; give a credit or a return instead."
                raise InvalidArgument.field(f"lines[{place}].{field}", text)
    _check_principals(tx, account, command.lines)
    keys = [line.charge_key for line in command.lines if line.charge_key]
    if not keys:
        return
    if command.agreement_id is None:
        raise InvalidArgument.field("agreement", "is needed with a charge key: the charge is one of its lines'.")
    if len(set(keys)) < len(keys):
        raise InvalidArgument.field("lines.charge_key", "stands on two lines; a charge is billed once.")
    for key, billed in store.billed_charges(tx.connection, account.ref.enterprise_id, keys).items():
        raise AlreadyExists(
            "CHARGE_BILLED",
            f"The charge {key} is on an invoice already; a charge is billed once, for ever.",
            metadata={"charge_key": key, "invoice": f"{account.ref.name}/invoices/{billed.invoice_id}"},
        )


def _check_principals(tx: Transaction, account: Account, lines: Sequence[NewLine]) -> None:
    wanted = {line.principal_invoice_id for line in lines if line.principal_invoice_id is not None}
    found = store.find(tx.connection, account.ref.enterprise_id, wanted)
    if any(one not in found or found[one].account != account.ref for one in wanted):
        raise InvalidArgument.field("lines.principal_invoice", "names an invoice that this account doesn't have.")
