"""Settle a page of payments: what results and the card updater make of them, written at once (SPEC BIL-5, BIL-7)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from uuid import UUID

from boss_billing.accounts import store as accounts
from boss_billing.accounts.commands import announce
from boss_billing.accounts.rules import Account
from boss_billing.declines import store as declines
from boss_billing.declines.rules import Code
from boss_billing.funding import inquiries
from boss_billing.funding import store as funding
from boss_billing.funding.rules import FundingSourceChanged
from boss_billing.invoices import store as invoices
from boss_billing.invoices.commands import make_invoices
from boss_billing.invoices.rules import Invoice, Kind, NewInvoice, NewLine
from boss_billing.ledger import rules as books
from boss_billing.ledger import store as ledger
from boss_billing.payments import open_attempts
from boss_billing.payments.rules import (
    AttemptResult,
    Label,
    OpenAttempt,
    PaymentApproved,
    PaymentDeclined,
    PaymentResult,
    State,
    Verdict,
    verdict,
)
from boss_billing.rebills.planning import plan_attempts
from boss_billing.rebills.rules import Declined
from boss_billing.units import store as units
from boss_billing.units.rules import Unit
from boss_kit.context import Context
from boss_kit.days import add_months
from boss_kit.ids import new_id
from boss_kit.unit_of_work import Transaction

FEE_CATEGORY, FEE_ITEM = "Fees", "Decline fee"


@dataclass(frozen=True)
class _Story:
    """The story of an attempt: its result goes on with it, whoever reports it (SPEC ALL-2)."""

    context: Context


class Settlement:
    """One transaction's page: accounts locked, invoices and payments as they become, written by `save`."""

    def __init__(self, tx: Transaction, locked: dict[UUID, Account], attempt_ids: Collection[UUID]) -> None:
        self._tx = tx
        self._enterprise_id = tx.enterprise_id
        self.accounts = locked
        # Read under the locks: somebody may have settled them meanwhile.
        self.attempts, self.invoices = open_attempts.find_with_invoices(
            tx.connection, locked, self._enterprise_id, attempt_ids
        )
        self._table = declines.decline_table(tx.connection, self._enterprise_id)
        self._attempt_results: dict[UUID, AttemptResult] = {}
        self._payment_results: dict[UUID, PaymentResult] = {}
        self._transfers: list[books.Transfer] = []
        self._inquiries: list[tuple[object, ...]] = []
        self._invalidations: list[tuple[OpenAttempt, Code]] = []
        self._declined: list[Declined] = []
        self._touched: set[UUID] = set()
        self._stories: dict[str, _Story] = {}

    def day(self, attempt: OpenAttempt) -> date:
        """Give the business date at the attempt's account."""
        return self._tx.today(self.accounts[attempt.payment.account.id].time_zone)

    @cached_property
    def _units(self) -> Mapping[UUID, Unit]:
        return units.units_of(self._tx.connection, self._enterprise_id)

    def touch(self, account: Account) -> None:
        """Let an account's balance be announced, too."""
        self._touched.add(account.ref.id)

    def settle(self, attempt: OpenAttempt, code: str, message: str, transaction_id: str) -> None:
        """Take the result of an attempt."""
        row, day = self._table.find(code), self.day(attempt)
        state = State.APPROVED if row.is_good else State.DECLINED if row.is_tried else State.NOT_ATTEMPTED
        # The attempt keeps the message as it came: a blank one is a symptom of a processing error (SPEC BIL-9).
        self._attempt_results[attempt.id] = AttemptResult(state, code, message, transaction_id, day)
        message = message or row.message
        self._touched.add(attempt.payment.account.id)
        if row.is_good:
            self._approve(attempt, code, message, day)
        else:
            self._refuse(attempt, row, code, message, day)

    def decline_finally(self, attempt: OpenAttempt, code: str, message: str) -> None:
        """Decline a payment for good: the fact goes out once, the invoice is past due, the next attempt is planned."""
        row, day, payment = self._table.find(code), self.day(attempt), attempt.payment
        invoice = self.invoices[attempt.invoice_id]
        count = invoice.declines + 1
        self.invoices[invoice.id] = invoice._replace(is_declined=True, declines=count)
        self._payment_results[payment.id] = PaymentResult(State.FINALLY_DECLINED, code, message, False, day)
        self._declined.append(_declined(attempt, row, count, day))
        if row.invalidate_after > 0:
            self._invalidations.append((attempt, row))
        self._touched.add(payment.account.id)
        fact = PaymentDeclined(payment, attempt.is_primary, code, message, row.arm_entry, attempt.tender, day)
        self._tx.publish(fact, cause=self._story(attempt))

    def retry(self, attempt: OpenAttempt) -> Invoice:
        """Let a payment be tried once more after the card updater's help; give its invoice."""
        invoice = self.invoices[attempt.invoice_id]
        self.invoices[invoice.id] = invoice._replace(attempts=invoice.attempts + 1)
        self._payment_results[attempt.payment.id] = PaymentResult(
            State.CREATED, attempt.response_code, attempt.response_message, False, None
        )
        return self.invoices[invoice.id]

    def save(self) -> None:
        """Write everything and tell what the accounts owe now."""
        connection = self._tx.connection
        if self._declined:
            # What is planned next, and which sources are spent, counts these attempts, too.
            open_attempts.save(connection, self._enterprise_id, self._attempt_results, {}, self._tx.now)
            self._attempt_results.clear()
            self._plan_next_attempts()
            self._charge_fees()
        open_attempts.save(connection, self._enterprise_id, self._attempt_results, self._payment_results, self._tx.now)
        invoices.save(connection, self._enterprise_id, list(self.invoices.values()))
        ledger.add(connection, self._transfers, self._tx.now)
        inquiries.add(connection, self._inquiries, self._tx.context.correlation, self._tx.now)
        self._invalidate_sources()
        self._alert()
        announce(self._tx, {one: self.accounts[one] for one in self._touched})

    def _refuse(self, attempt: OpenAttempt, row: Code, code: str, message: str, day: date) -> None:
        """Take a result that brought no money."""
        if row.is_tried:
            invoice = self.invoices[attempt.invoice_id]
            self.invoices[invoice.id] = invoice._replace(failed_attempts=invoice.failed_attempts + 1)
        settings = self._units[attempt.payment.account.business_unit_id].settings
        found = verdict(row, attempt.label, card_updater=settings.card_updater)
        if found is Verdict.NOT_ATTEMPTED:
            self._leave_open(attempt, code, message, day)
        elif found is Verdict.AWAITS_UPDATE:
            self._await_update(attempt, code, message, day)
        elif row.is_tried:
            self.decline_finally(attempt, code, message)
        else:
            self.decline_finally(attempt, attempt.response_code, attempt.response_message)

    def _approve(self, attempt: OpenAttempt, code: str, message: str, day: date) -> None:
        payment, account = attempt.payment, self.accounts[attempt.payment.account.id]
        invoice = self.invoices[attempt.invoice_id]
        paid = min(payment.amount_minor, invoice.balance_minor)
        credit = payment.amount_minor - paid
        self.invoices[invoice.id] = invoice.paid(paid)
        if credit:
            self.accounts[account.ref.id] = account._replace(credit_minor=account.credit_minor + credit)
        for invoice_id, amount in ((invoice.id, paid), (None, credit)):
            if amount > 0:
                clearing = (books.Code.CLEARING, attempt.tender, amount, payment.currency, day)
                self._transfers.append(books.receipt(account.ref, invoice_id, payment.id, *clearing))
        recovered = attempt.label is Label.RETRY
        self._payment_results[payment.id] = PaymentResult(State.APPROVED, code, message, recovered, day)
        self._tx.publish(PaymentApproved(payment, recovered, day), cause=self._story(attempt))

    def _plan_next_attempts(self) -> None:
        """Plan the next attempt after each decline; an invoice of several waits for the last of them."""
        planned = plan_attempts(self._tx, self._units, self._declined)
        for one in self._declined:
            plan, invoice = planned[one.payment_id], self.invoices[one.invoice_id]
            result = self._payment_results[one.payment_id]
            self._payment_results[one.payment_id] = result._replace(
                next_attempt_date=plan.day, next_attempt_reason=plan.reason
            )
            days = [day for day in (plan.day, invoice.next_attempt_date) if day is not None]
            following = max(days) if days and invoice.balance_minor else None
            self.invoices[invoice.id] = invoice._replace(next_attempt_date=following)

    def _charge_fees(self) -> None:
        """Put the fees of declines on new invoices, collected with the next attempt; a fee's decline has none."""
        fees = []
        for one in self._declined:
            invoice = self.invoices[one.invoice_id]
            if one.code.fee_minor > 0 and invoice.kind is not Kind.FEE:
                text = f"Decline fee: {one.code.message} on {invoice.number}"
                line = NewLine(text, FEE_CATEGORY, FEE_ITEM, one.code.fee_minor, principal_invoice_id=invoice.id)
                due_date = invoice.next_attempt_date or one.day
                fees.append(NewInvoice(one.account_id, invoice.agreement_id, Kind.FEE, due_date, [line]))
        if fees:
            changed, _ = make_invoices(self._tx, self.accounts, fees)
            self.accounts.update(changed)

    def _alert(self) -> None:
        """Tell staff of the declines whose code asks for it."""
        rows = [
            {
                "enterprise_id": self._enterprise_id,
                "business_unit_id": one.unit_id,
                "payment_id": one.payment_id,
                "account_id": one.account_id,
                "code": one.code.code,
                "message": one.code.message,
                "business_date": one.day,
                "resolved_by": "",
                "comment": "",
                "create_time": self._tx.now,
            }
            for one in self._declined
            if one.code.alert
        ]
        declines.add_alerts(self._tx.connection, rows)

    def _story(self, attempt: OpenAttempt) -> "_Story":
        correlation = attempt.correlation or self._tx.context.correlation
        # Most of a page are of the same run, and so of the same story.
        if correlation not in self._stories:
            self._stories[correlation] = _Story(replace(self._tx.context, correlation=correlation))
        return self._stories[correlation]

    def _leave_open(self, attempt: OpenAttempt, code: str, message: str, day: date) -> None:
        """Leave the invoice open for the next run: nobody has tried (SPEC BIL-5)."""
        invoice = self.invoices[attempt.invoice_id]
        self.invoices[invoice.id] = invoice._replace(next_attempt_date=day + timedelta(days=1))
        self._payment_results[attempt.payment.id] = PaymentResult(State.NOT_ATTEMPTED, code, message, False, day)

    def _await_update(self, attempt: OpenAttempt, code: str, message: str, day: date) -> None:
        payment = attempt.payment
        self._payment_results[payment.id] = PaymentResult(State.DECLINED, code, message, False, None)
        account = payment.account
        place = (account.enterprise_id, account.business_unit_id, new_id(), account.id)
        self._inquiries.append((*place, payment.id, attempt.funding_source_id, day))

    def _invalidate_sources(self) -> None:
        if not self._invalidations:
            return
        spent: set[UUID] = set()
        for attempt, row in self._invalidations:
            since = add_months(self.day(attempt), -row.invalidate_months)
            count = open_attempts.count_responses(
                self._tx.connection, self._enterprise_id, attempt.funding_source_id, row.code, since
            )
            if count >= row.invalidate_after:
                spent.add(attempt.funding_source_id)
        found = funding.find(self._tx.connection, self._enterprise_id, spent)
        changed = [one._replace(is_valid=False, version=one.version + 1) for one in found.values()]
        funding.save(self._tx.connection, self._enterprise_id, changed)
        facts = [
            FundingSourceChanged(
                after,
                after.last4,
                "declined",
                self._tx.today(self.accounts[after.account.id].time_zone),
                found[after.id],
            )
            for after in changed
        ]
        funding.add_changes(self._tx.connection, facts, self._tx.context.correlation, self._tx.now)
        self._tx.publish(*facts)


def _declined(attempt: OpenAttempt, row: Code, count: int, day: date) -> Declined:
    payment = attempt.payment
    return Declined(
        payment.id,
        payment.account.business_unit_id,
        payment.account.id,
        attempt.invoice_id,
        attempt.funding_source_id,
        attempt.tender,
        row,
        count,
        day,
    )


def load(tx: Transaction, attempt_ids: Collection[UUID]) -> Settlement:
    """Lock the accounts of attempts and read all that settling them needs."""
    return Settlement(tx, accounts.lock_owners(tx.connection, tx.enterprise_id, attempt_ids), attempt_ids)
