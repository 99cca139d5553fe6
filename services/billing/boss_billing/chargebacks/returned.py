"""One payment that goes back: its invoices are open and past due again; a bank's return counts as a decline."""

from collections.abc import Sequence
from dataclasses import replace

from boss_billing.chargebacks.rules import PaidPayment, ReturnKind, ReturnNotice
from boss_billing.declines import store as declines
from boss_billing.declines.rules import Code as DeclineCode
from boss_billing.funding import store as funding
from boss_billing.funding.rules import FundingSourceChanged
from boss_billing.invoices.commands import SALE
from boss_billing.invoices.rules import Invoice, Kind, NewInvoice, NewLine
from boss_billing.ledger.rules import Document, Source
from boss_billing.movements.sheet import Sheet
from boss_billing.payments import open_attempts
from boss_billing.payments.rules import Payment, PaymentDeclined
from boss_billing.payments.settlement import FEE_CATEGORY, FEE_ITEM
from boss_billing.rebills.planning import plan_attempts
from boss_billing.rebills.rules import Declined
from boss_billing.units import store as units

ITEM = {ReturnKind.CHARGEBACK: "Chargeback", ReturnKind.RETURN: "Returned payment"}
CATEGORY = {ReturnKind.CHARGEBACK: "Chargebacks", ReturnKind.RETURN: "Returned payments"}


class Returned:
    """What goes back of one payment by one notice."""

    def __init__(self, sheet: Sheet, notice: ReturnNotice, payment: PaidPayment, document: Document) -> None:
        self._sheet = sheet
        self._notice = notice
        self._payment = payment
        self._document = document
        self._code = declines.decline_table(sheet.tx.connection, sheet.tx.enterprise_id).find(notice.code)

    def take_back(self, taken: Sequence[tuple[Invoice | None, int]], *, tell: bool) -> None:
        """Undo what the payment paid; a bank's first return of it is told as its decline (SPEC BIL-7, ARM-4)."""
        for invoice, amount in taken:
            if invoice is None:
                self._take_credit(amount)
            else:
                self._sheet.reopen(invoice.id, amount, self._payment.side, self._document)
                self._plan(invoice)
        if self._notice.kind is ReturnKind.RETURN and not self._payment.is_desk:
            self._invalidate_source()
            if tell:
                self._charge_fee([invoice for invoice, _ in taken if invoice is not None])
                self._tell()

    def _take_credit(self, amount_minor: int) -> None:
        """Take what became credit; what was spent of it is owed on a new invoice."""
        credit = min(self._sheet.account.credit_minor, amount_minor)
        self._sheet.take_credit(credit, self._payment.side, self._document)
        rest = amount_minor - credit
        if rest > 0:
            kind = self._notice.kind
            line = NewLine(ITEM[kind], CATEGORY[kind], CATEGORY[kind], rest)
            day, account_id = self._sheet.day, self._sheet.account.ref.id
            new = NewInvoice(account_id, None, Kind.RETURNED_PAYMENT, day, [line], is_declined=True)
            document = replace(self._document, source=Source.RETURNED_PAYMENT)
            self._sheet.make_invoice(new, document, self._payment.side)

    def _plan(self, invoice: Invoice) -> None:
        """Count a bank's return as a decline and plan the next attempt; a disputed payment isn't tried again."""
        payment, source_id = self._payment, self._payment.funding_source_id
        if self._notice.kind is not ReturnKind.RETURN or source_id is None:
            return
        tx, ref = self._sheet.tx, self._sheet.account.ref
        count = invoice.declines + 1
        place = (payment.id, ref.business_unit_id, ref.id, invoice.id, source_id)
        declined = Declined(*place, payment.tender, self._code, count, self._sheet.day)
        plan = plan_attempts(tx, units.units_of(tx.connection, ref.enterprise_id), [declined])[payment.id]
        self._sheet.plan(invoice.id, count, plan.day)
        open_attempts.save_plan(tx.connection, ref.enterprise_id, payment.id, plan.day, plan.reason)

    def _charge_fee(self, invoices: Sequence[Invoice]) -> None:
        """Put the fee of the decline on a new invoice; a returned fee has none (SPEC BIL-5)."""
        principal = next((one for one in invoices if one.kind is not Kind.FEE), None)
        if principal is None or self._code.fee_minor == 0:
            return
        due_date = self._sheet.invoice(principal.id).next_attempt_date or self._sheet.day
        text = f"Decline fee: {self._code.message} on {principal.number}"
        line = NewLine(text, FEE_CATEGORY, FEE_ITEM, self._code.fee_minor, principal_invoice_id=principal.id)
        account_id = self._sheet.account.ref.id
        self._sheet.make_invoice(NewInvoice(account_id, principal.agreement_id, Kind.FEE, due_date, [line]), SALE)

    def _invalidate_source(self) -> None:
        """Charge a source no more whose account a bank says is closed or lost."""
        source_id = self._payment.funding_source_id
        if source_id is None or not _stops(self._code):
            return
        tx, ref = self._sheet.tx, self._sheet.account.ref
        before = funding.find(tx.connection, ref.enterprise_id, [source_id]).get(source_id)
        if before is None or not before.is_valid:
            return
        after = before._replace(is_valid=False, version=before.version + 1)
        fact = FundingSourceChanged(after, before.last4, "declined", self._sheet.day, before)
        funding.save(tx.connection, ref.enterprise_id, [after])
        funding.add_changes(tx.connection, [fact], tx.context.correlation, tx.now)
        tx.publish(fact)

    def _tell(self) -> None:
        tx, notice, payment = self._sheet.tx, self._notice, self._payment
        told = Payment(payment.id, self._sheet.account.ref, payment.kind, notice.amount.amount_minor, payment.currency)
        message = notice.message or self._code.message
        about = (payment.is_primary, notice.code or self._code.code, message, self._code.arm_entry, payment.tender)
        story = replace(tx.context, correlation=notice.correlation or tx.context.correlation)
        tx.for_context(story).publish(PaymentDeclined(told, *about, self._sheet.day))


def _stops(code: DeclineCode) -> bool:
    return code.invalidate_after == 1
