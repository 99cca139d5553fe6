"""One locked account while a command moves money on it: its invoices, credit and transfers, written by `save`."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from boss_billing.accounts.commands import announce, require_account
from boss_billing.accounts.rules import AccountRef
from boss_billing.invoices import store as invoices
from boss_billing.invoices.commands import make_invoices
from boss_billing.invoices.rules import Invoice, NewInvoice
from boss_billing.ledger import store as ledger
from boss_billing.ledger.rules import CREDIT, OWED, Document, Side, Source, Transfer, moved
from boss_billing.movements import store
from boss_billing.movements.rules import Movement, check_amount, check_approval
from boss_billing.payments.rules import allocate
from boss_kit.errors import NotFound
from boss_kit.ids import new_id
from boss_kit.money import Money
from boss_kit.unit_of_work import Transaction

APPLIED = Document(Source.CREDIT_APPLIED)


class Sheet:
    """What becomes of one account in this transaction."""

    def __init__(self, tx: Transaction, ref: AccountRef) -> None:
        """Lock the account. Raises NotFound."""
        self.tx = tx
        self.account = require_account(tx, ref)
        self.day: date = tx.today(self.account.time_zone)
        self._invoices = {one.id: one for one in invoices.open_of(tx.connection, ref)}
        self._changed: set[UUID] = set()
        self._transfers: list[Transfer] = []

    @property
    def open_invoices(self) -> list[Invoice]:
        """Give what is owed, oldest first."""
        return [one for one in self._invoices.values() if one.balance_minor > 0]

    def money(self, amount_minor: int) -> Money:
        """Give an amount in the account's currency."""
        return Money(amount_minor, self.account.currency)

    def invoice(self, invoice_id: UUID) -> Invoice:
        """Give an invoice of the account, open or not. Raises NotFound."""
        if invoice_id not in self._invoices:
            ref = self.account.ref
            found = invoices.find(self.tx.connection, ref.enterprise_id, [invoice_id]).get(invoice_id)
            if found is None or found.account != ref:
                raise NotFound(
                    "INVOICE_NOT_FOUND",
                    f"There is no invoice {invoice_id} on this account.",
                    metadata={"invoice_id": str(invoice_id)},
                )
            self._invoices[invoice_id] = found
        return self._invoices[invoice_id]

    def record(
        self,
        kind: Source,
        amount: Money,
        reason: str,
        *,
        agreement_id: UUID | None = None,
        invoice_id: UUID | None = None,
        payment_id: UUID | None = None,
        origin_id: UUID | None = None,
        by_staff: bool = True,
    ) -> Movement:
        """Write the document of a movement. What staff decide needs a second person above the limit (SPEC BIL-11).

        Raises InvalidArgument for another currency or an amount not above zero, FailedPrecondition without approval.
        """
        check_amount(amount, self.account.currency)
        actor = self.tx.context.actor
        if by_staff:
            limit = store.limit_of(self.tx.connection, self.account.ref)
            check_approval(amount, limit, approved=actor.approver is not None)
        about = (agreement_id, invoice_id, payment_id, origin_id)
        one = Movement(
            new_id(), self.account.ref, kind, amount.amount_minor, amount.currency, self.day, reason.strip(), *about
        )
        store.add(self.tx.connection, one, actor, self.tx.context.correlation, self.tx.now)
        return one

    def move(self, debit: Side, credit: Side, amount_minor: int, of: Document, invoice_id: UUID | None = None) -> None:
        """Book a movement; nothing is booked for nothing."""
        if amount_minor > 0:
            amount = self.money(amount_minor)
            self._transfers.append(moved(self.account.ref, debit, credit, amount, self.day, of, invoice_id))

    def reduce(self, invoice_id: UUID, amount_minor: int, debit: Side, of: Document) -> None:
        """Let less be owed on an invoice."""
        self.move(debit, OWED, amount_minor, of, invoice_id)
        self._change(invoice_id, -amount_minor)

    def restore(self, invoice_id: UUID, amount_minor: int, credit: Side, of: Document) -> None:
        """Let an invoice be owed again as if nothing had happened to it."""
        self.move(OWED, credit, amount_minor, of, invoice_id)
        self._change(invoice_id, amount_minor)

    def reopen(self, invoice_id: UUID, amount_minor: int, credit: Side, of: Document) -> None:
        """Let an invoice be owed again: it is past due from now on, and no run collects it until `plan` says so."""
        self.restore(invoice_id, amount_minor, credit, of)
        self._invoices[invoice_id] = self._invoices[invoice_id]._replace(is_declined=True, next_attempt_date=None)

    def plan(self, invoice_id: UUID, declines: int, attempt: date | None) -> None:
        """Count a decline of an invoice, and plan the next attempt at it."""
        before = self.invoice(invoice_id)
        self._invoices[invoice_id] = before._replace(declines=declines, next_attempt_date=attempt)
        self._changed.add(invoice_id)

    def give_credit(self, amount_minor: int, debit: Side, of: Document) -> None:
        """Add to the account's credit."""
        self.move(debit, CREDIT, amount_minor, of)
        self.account = self.account._replace(credit_minor=self.account.credit_minor + amount_minor)

    def take_credit(self, amount_minor: int, credit: Side, of: Document) -> None:
        """Take from the account's credit, of which there must be enough."""
        self.move(CREDIT, credit, amount_minor, of)
        self.account = self.account._replace(credit_minor=self.account.credit_minor - amount_minor)

    def pay(self, amount_minor: int, debit: Side, of: Document, first: UUID | None = None) -> None:
        """Spread money over the named invoice, then the oldest open ones; the rest is credit (SPEC BIL-12)."""
        left = amount_minor
        if first is not None:
            part = min(left, self.invoice(first).balance_minor)
            self.reduce(first, part, debit, of)
            left -= part
        parts, credit = allocate(left, self.open_invoices)
        for invoice, part in parts:
            self.reduce(invoice.id, part, debit, of)
        self.give_credit(credit, debit, of)

    def apply_credit(self) -> None:
        """Let credit pay what is open, oldest first."""
        parts, credit = allocate(self.account.credit_minor, self.open_invoices)
        for invoice, part in parts:
            self.reduce(invoice.id, part, CREDIT, APPLIED)
        self.account = self.account._replace(credit_minor=credit)

    def make_invoice(self, new: NewInvoice, of: Document, against: Side | None = None) -> Invoice:
        """Write a new invoice, for which the account's credit pays at once."""
        ref = self.account.ref
        changed, (made,) = make_invoices(self.tx, {ref.id: self.account}, [new], of, against)
        self.account = changed[ref.id]
        self._invoices[made.id] = made
        return made

    def write(self) -> None:
        """Write what was done so far; the account itself is written when it is announced."""
        changed: Sequence[Invoice] = [self._invoices[one] for one in sorted(self._changed)]
        invoices.save(self.tx.connection, self.account.ref.enterprise_id, changed)
        ledger.add(self.tx.connection, self._transfers, self.tx.now)
        self._changed.clear()
        self._transfers.clear()

    def save(self) -> None:
        """Write everything and tell what the account owes now."""
        self.write()
        announce(self.tx, {self.account.ref.id: self.account})

    def _change(self, invoice_id: UUID, by_minor: int) -> None:
        before = self.invoice(invoice_id)
        self._invoices[invoice_id] = before._replace(balance_minor=before.balance_minor + by_minor)
        if by_minor:
            self._changed.add(invoice_id)
